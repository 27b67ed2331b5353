"""A whole schema → what an app's files have to say, and what they can't."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass, field

from reconciler.desired.findings import shown
from reconciler.errors import ReconcilerError
from reconciler.model.mapping import Mapping, Mappings
from reconciler.model.profile import Profile
from reconciler.sources.entra.document import Kind, Objects, Provisioning
from reconciler.sources.entra.expression import readings
from reconciler.sources.entra.mapping import Judge, Lost, Translator
from reconciler.sources.entra.names import Names
from reconciler.sources.entra.overlay import Overlay, overlay
from reconciler.sources.entra.scoping import NOBODY, Filters, filters_of

_SOFT = "issoftdeleted"


@dataclass(slots=True)
class Converted:
    users: Overlay
    groups: Overlay | None
    """None: groups do not flow."""
    filters: dict[Kind, Filters] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    """Keys of app.yaml that follow from what is switched off: `groups`, `deprovision`, `guardrails`."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Key of `settings` → why."""
    notes: list[str] = field(default_factory=list)

    @property
    def lost(self) -> list[Lost]:
        return [*self.users.lost, *(self.groups.lost if self.groups else [])]


def convert(schema: Provisioning, profile: Profile, custom: Table[str, str], judge: Judge) -> Converted:
    """`profile`: of the application, corrected. `custom`: attribute of reconciler.yaml → its type.

    Raises ReconcilerError if the schema maps no people, or nothing is left by which accounts would be found.
    """
    translator = Translator(Names(custom), profile, judge)
    notes = [f"{where} is not taken over: {why}" for where, why in schema.ignored]
    chosen: dict[Kind, Objects] = {}
    for objects in schema.objects:
        if objects.kind in chosen:
            notes.append(f"{objects.where} is not taken over: {chosen[objects.kind].where} maps {objects.kind} already")
        else:
            chosen[objects.kind] = objects
    people, groups = chosen.get("users"), chosen.get("groups")
    if people is None:
        raise ReconcilerError("the schema maps no people", hint="an object mapping with the source object User does")
    found = Converted(
        users=_overlay(people, translator),
        groups=_overlay(groups, translator) if groups and groups.enabled and profile.groups.supported else None,
    )
    found.notes = notes
    for objects in chosen.values():
        if objects is people or found.groups is not None:
            found.filters[objects.kind] = _filters(objects, found, translator.names, dict(custom))
    _switches(found, people, groups, profile)
    for each in (found.users, found.groups):
        if each is not None:
            found.notes += each.notes
            _require_matching(each)
    return found


def _overlay(objects: Objects, translator: Translator) -> Overlay:
    results = [translator.translate(flow, objects.kind) for flow in objects.flows]
    return overlay(objects.kind, [each for each in results if each is not None], translator.profile)


def _filters(objects: Objects, found: Converted, names: Names, custom: dict[str, str]) -> Filters:
    filters = filters_of(objects, names, custom)
    left_out = " and ".join(objects.others)
    if left_out:
        found.notes.append(f"{objects.where}.scope has {left_out}: experimental there, and without equivalent")
    hidden = objects.kind == "users" and any(each.target.lower() == "objectfilter" for each in found.lost)
    if left_out or hidden:
        return Filters(((NOBODY[objects.kind],),), filters.unsaid)
    return filters


def _switches(found: Converted, people: Objects, groups: Objects | None, profile: Profile) -> None:
    """What is switched off there, as keys of app.yaml."""
    put, why, limits = found.settings, found.reasons, {}
    if not people.enabled:
        found.notes.append("people are switched off in the schema: keep `provisioning: false`")
    if found.groups is None:
        put["groups"] = "none"
        why["groups"] = (
            "the schema maps no groups" if groups is None
            else "groups are switched off in the schema" if not groups.enabled
            else f"{profile.title} has no groups over SCIM"
        )  # fmt: skip
    if "add" not in people.flow_types:
        limits["createUsers"] = {"count": 0}
    if "update" not in people.flow_types:
        limits |= {"renameUsers": {"count": 0}, "updateUsers": {"count": 0, "ignoreBelow": 0}}
    if limits:
        off = " and ".join(each.capitalize() for each in ("add", "update") if each not in people.flow_types)
        put["guardrails"], why["guardrails"] = limits, f"{off} of people is switched off in the schema: each is held"
    deprovision = {}
    if not _reads_soft(found.users.mappings, profile):
        deprovision["users"] = "keep"
        why["deprovision"] = "no mapping reads IsSoftDeleted, so Entra deactivates nobody"
    if found.groups is not None and groups and "delete" not in groups.flow_types:
        deprovision["groups"] = "keep"
        why.setdefault("deprovision", "Delete is switched off for groups in the schema")
    if deprovision:
        put["deprovision"] = deprovision
    if "delete" in people.flow_types and profile.users.delete:
        found.notes.append(
            "Entra deletes the account 30 days after somebody is deleted there; here it is deactivated, unless "
            "`deprovision.users` is delete"
        )
    if found.groups is not None and groups and not {"add", "update"} <= groups.flow_types:
        found.notes.append("Add or Update is switched off for groups in the schema: here groups are made and changed")


def _reads_soft(own: tuple[Mapping, ...], profile: Profile) -> bool:
    for each in Mappings(users=own).over(profile.mappings).users:
        names = readings(each.expression or "") + ([each.source] if each.source else [])
        if any(name.lower() == _SOFT for name in names):
            return True
    return False


def _require_matching(found: Overlay) -> None:
    if found.matched:
        return
    told = [f"{shown(each.target)}: {each.why}" for each in found.lost]
    what = "".join(f"\n    {each}" for each in told[:20])
    raise ReconcilerError(
        f"nothing is left by which {found.kind} of the application would be found again{what}",
        hint="nothing was written: accounts would be made twice. "
        + next((each.remedy for each in found.lost if each.remedy), "Give an attribute a matchingPriority"),
    )
