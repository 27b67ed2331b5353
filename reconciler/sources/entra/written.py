"""The files of an app that a schema becomes: app.yaml and mappings.yaml, with comments on what came along otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.desired.layout import laid_out
from reconciler.desired.order import shape_of
from reconciler.model.app import Clause
from reconciler.model.mapping import Mapping as AttributeMapping
from reconciler.model.profile import Profile
from reconciler.sources.draft import Draft, Refused
from reconciler.sources.entra.conversion import Converted
from reconciler.sources.entra.document import Kind
from reconciler.sources.entra.mapping import Lost
from reconciler.sources.entra.overlay import Overlay
from reconciler.sources.entra.remarks import comment
from reconciler.sources.entra.scoping import Filters
from reconciler.sources.text import flow, scalar

FILTERS: dict[Kind, str] = {"users": "filters", "groups": "groupFilters"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the app is to be described. `tenant_url` in its one spelling; `variable`: what its token is in."""

    app: str
    profile: Profile
    tenant_url: str
    variable: str
    modelines: bool = False
    """There are schemas for editors in the desired state."""


def draft_of(found: Converted, place: Place) -> Draft:
    """An app that nobody is assigned to yet, and that nothing is applied to."""
    files = {"app.yaml": app_text(found, place), "mappings.yaml": mappings_text(found, place)}
    return Draft(
        apps={place.app: files}, complete=False, refused=list(refused(found)), notes=[*found.notes, *_unassigned(found)]
    )


def refused(found: Converted) -> Iterator[Refused]:
    """What has no equivalent, one by one."""
    for each in found.lost:
        yield Refused(f"{each.kind}: {each.target}", each.why, each.remedy)
    for kind, filters in found.filters.items():
        for one in filters.unsaid:
            yield Refused(f"{kind}: filter {one.filter}", one.why, one.remedy)


def _unassigned(found: Converted) -> Iterator[str]:
    yield "who is assigned does not stand in a schema: `scope.assigned` is empty, and `import graph` can fill it"
    for kind, filters in found.filters.items():
        if filters.closed:
            yield f"`scope.{FILTERS[kind]}` lets nobody through until you say there what could not be taken over"


def mappings_text(found: Converted, place: Place) -> str:
    title = place.profile.title
    lines = ["# yaml-language-server: $schema=../../.schemas/mappings.json"] if place.modelines else []
    lines += comment([
        f"How attributes of people and groups become those of {title}, as Microsoft Entra ID's schema had it.",
        "Laid over the gallery's mappings by target: what is here replaces or adds, all else stays as it is there.",
    ])  # fmt: skip
    overlays = [each for each in (found.users, found.groups) if each is not None]
    for each in overlays:
        if each.same:
            lines += comment([f"Like the gallery already, {each.kind}: {', '.join(each.same)}"], deeper=2)
    lost = [each for overlay in overlays for each in overlay.lost]
    if lost:
        lines += ["", *comment(["Not taken over, for want of an equivalent:"]), *_lost(lost), ""]
    for each in overlays:
        lines += _entries(each)
    return laid_out("\n".join((*lines, "")), shape_of("apps/x/mappings.yaml"))


def _lost(lost: list[Lost]) -> Iterator[str]:
    for each in lost:
        yield from comment([f"  {each.kind}  {each.origin}", f"    {each.why}"], deeper=6)
        if each.remedy:
            yield from comment([f"    {each.remedy}"], deeper=6)


def _entries(overlay: Overlay) -> Iterator[str]:
    if not overlay.entries:
        yield f"{overlay.kind}: []"
        return
    yield f"{overlay.kind}:"
    for mapping, says in overlay.entries:
        yield from comment(says, 2)
        yield from entry(mapping)


def entry(mapping: AttributeMapping) -> list[str]:
    """One mapping as an entry of its list; the table of values, if there is one, on lines of its own."""
    values = mapping.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    table = values.pop("values", None)
    if table is None:
        return [f"  - {flow(values)}"]
    otherwise = values.pop("otherwise", None)
    keys = [f"{key}: {scalar(value)}" for key, value in values.items()]
    lines = [f"  - {keys[0]}", *(f"    {each}" for each in keys[1:]), "    values:"]
    lines += [f"      {scalar(key)}: {scalar(value)}" for key, value in table.items()]
    return [*lines, *([f"    otherwise: {otherwise}"] if otherwise else [])]


def app_text(found: Converted, place: Place) -> str:
    title = place.profile.title
    lines = ["# yaml-language-server: $schema=../../.schemas/app.json"] if place.modelines else []
    lines += comment([
        f"{title}: where it is, who gets in, and what may happen there.",
        "Filters and switches are those of its provisioning schema in Microsoft Entra ID.",
        f"`reconciler gallery {place.profile.name}` shows what is known of the application.",
    ])  # fmt: skip
    lines += [f"gallery: {scalar(place.profile.name)}", f"tenantUrl: {scalar(place.tenant_url)}", "auth:"]
    lines += comment(["the variable that the token is in; the token itself stands in no file"], 2)
    lines += [f"  bearer: {{env: {place.variable}}}", ""]
    lines += comment(["Plans are made, and nothing is applied. When a plan says what you mean: true, or take it out."])
    lines += ["provisioning: false", "", "scope:"]
    lines += comment(["Who is assigned does not stand in a schema: write it here, or let `import graph` do it."], 2)
    lines += ["  assigned: {}"]
    for kind, filters in found.filters.items():
        lines += _filters(kind, filters)
    for key in ("groups", "deprovision"):
        if key in found.settings:
            lines += ["", *comment([found.reasons[key]]), *_setting(key, found.settings[key])]
    lines += ["", *comment(["Accounts that nobody here describes are shown, and not touched."])]
    lines += ["unmanaged:", "  users: report"]
    if "guardrails" in found.settings:
        lines += ["", *comment([found.reasons["guardrails"]]), *_setting("guardrails", found.settings["guardrails"])]
    return laid_out("\n".join((*lines, "")), shape_of("apps/x/app.yaml"))


def _filters(kind: Kind, filters: Filters) -> Iterator[str]:
    for each in filters.unsaid:
        yield from comment([f"Not taken over: {each.filter}", f"  {each.why}"], 2, 4)
        if each.remedy:
            yield from comment([f"  {each.remedy}"], 2, 4)
    if filters.closed:
        yield from comment(["Nobody passes this one: say here what could not be taken over."], 2)
    if filters.filters:
        yield f"  {FILTERS[kind]}:"
    for clauses in filters.filters:
        for number, clause in enumerate(clauses):
            yield f"    {'-' if number == 0 else ' '} - {flow(_clause(clause))}"


def _clause(clause: Clause) -> dict[str, object]:
    return clause.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _setting(key: str, value: object) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{key}: {flow(value)}"
        return
    yield f"{key}:"
    for name, each in value.items():
        yield f"  {name}: {flow(each)}"
