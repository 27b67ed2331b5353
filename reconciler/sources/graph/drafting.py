"""What is kept of a tenant becomes a draft: people, groups with their members, and who is assigned. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.sources.draft import Draft, Record, Refused, Values
from reconciler.sources.graph.api import Row
from reconciler.sources.graph.circles import without_circles
from reconciler.sources.graph.fields import is_guest, read_attributes, text_of, values_of
from reconciler.sources.graph.ids import Known, fold, given
from reconciler.sources.graph.kept import Kept
from reconciler.sources.graph.narrowing import assigned_alone
from reconciler.sources.graph.reading import Assignment, Reading

_SHOWN = 200  # characters of a rule
_HIDDEN = "HiddenMembership"


@dataclass(frozen=True, slots=True)
class _Ids:
    users: Mapping[str, str]
    groups: Mapping[str, str]


def draft_of(
    reading: Reading, known: Known, *, app: str = "", custom: Mapping[str, str] | None = None, alone: bool = False
) -> Draft:
    """`app`: the app whose `scope.assigned` gets the assignments; with `alone` nobody else is in the draft, which then
    is not complete. `custom`: attribute of ours → directory extension.

    The ids that were given are in `reading.kept` then, to be kept once they are in the files.
    """
    kept, draft = assigned_alone(reading.kept, reading.assigned) if alone else reading.kept, Draft(sure=True)
    people = _people(kept, custom or {}, draft)
    if reading.full:
        _tell_of_people((kept.users[key] for key in people), draft)
    names = {key: str(values["userPrincipalName"]) for key, values in people.items()}
    ids = _Ids(
        given(
            ((key, name, name.partition("@")[0]) for key, name in names.items()),
            kept.user_ids,
            known.users,
            known.user_ids,
        ),
        given(
            ((key, text_of(row, "displayName"), text_of(row, "displayName")) for key, row in kept.groups.items()),
            kept.group_ids,
            known.groups,
            known.group_ids,
        ),
    )
    read = read_attributes(custom or {})
    for key, values in people.items():
        if ids.users[key] in known.disabled and kept.users[key].get("accountEnabled") is True:
            values["accountEnabled"] = True
        known_manager = _add_manager(kept.users[key], key, values, ids, draft, reading.kept)
        empty = read - values.keys() - (frozenset() if known_manager else {"manager"})
        draft.users[ids.users[key]] = Record(ids.users[key], values, where=f"user {key}", empty=empty)
    _add_groups(kept, ids, draft)
    if app:
        draft.assigned[app] = _assigned(reading.assigned, ids, draft)
        _tell_of_nesting(draft, app)
    draft.complete = not alone and not any(each.where.startswith(("user ", "group ")) for each in draft.refused)
    kept.user_ids |= ids.users
    kept.group_ids |= ids.groups
    draft.users, draft.groups = dict(sorted(draft.users.items())), dict(sorted(draft.groups.items()))
    return draft


def _people(kept: Kept, custom: Mapping[str, str], draft: Draft) -> dict[str, Values]:
    """Graph's id → attributes, of everybody who has a sign-in name."""
    found: dict[str, Values] = {}
    for key, row in kept.users.items():
        values = values_of(row, custom)
        if "userPrincipalName" not in values:
            draft.refused.append(
                Refused(f"user {key}", "has no userPrincipalName", "give it one at Microsoft, then import again")
            )
            continue
        if row.get("accountEnabled") is False:
            values["accountEnabled"] = False
        found[key] = values
    often = Counter(fold(str(values["userPrincipalName"])) for values in found.values())
    for key, values in found.items():
        if often[fold(str(values["userPrincipalName"]))] > 1:
            values["userPrincipalName"] = text_of(kept.users[key], "userPrincipalName")
    return found


def _tell_of_people(rows: Iterable[Row], draft: Draft) -> None:
    """What is worth knowing once, when everything was read."""
    if guests := sum(map(is_guest, rows)):
        draft.notes.append(
            f"{_count(guests, 'guest')}: the sign-in name is what stands before #EXT#, as Entra's own service sends it"
        )
    draft.notes.append("timeZone is not in Microsoft's directory: where an app needs it, write it into the files")


def _add_manager(row: Row, key: str, values: Values, ids: _Ids, draft: Draft, everybody: Kept) -> bool:
    """Whether it is known who that is in the files, or that there is nobody."""
    manager = row.get("manager")
    if not isinstance(manager, str):
        return True
    if manager in ids.users:
        values["manager"] = ids.users[manager]
        return True
    if manager in everybody.users:
        return False
    draft.refused.append(
        Refused(f"manager of {key}", f"the manager {manager} is nobody who was read", "import again with --full")
    )
    return False


def _add_groups(kept: Kept, ids: _Ids, draft: Draft) -> None:
    nested: dict[str, list[str]] = {}
    for key, row in kept.groups.items():
        identity = ids.groups[key]
        values: Values = {name: text_of(row, name) or None for name in ("displayName", "description")}
        remarks = _remarks(row)
        if row.get("visibility") == _HIDDEN:
            values["members"] = None
            draft.refused.append(
                Refused(
                    f"members of {key}",
                    "the membership is hidden, so it was not read",
                    "keep its members in the file; or give the client Member.Read.Hidden",
                )
            )
        else:
            people, groups, others = _members(key, row, ids, draft)
            values["members"] = people
            nested[identity] = groups
            if others:
                remarks.append(f"{_count(others, 'member')} left out: neither people nor groups")
        empty = frozenset({"description"} if values["description"] is None else ())
        draft.groups[identity] = Record(identity, values, tuple(remarks), where=f"group {key}", empty=empty)
    kept_nestings, closing = without_circles(nested)
    for identity, groups in kept_nestings.items():
        draft.groups[identity].values["members"] += [{"group": group} for group in groups]
    draft.refused += [
        Refused(f"members of {outer}", f"the group {inner} in it would close a circle", "take one of them out")
        for outer, inner in closing
    ]


def _members(key: str, row: Row, ids: _Ids, draft: Draft) -> tuple[list[Any], list[str], int]:
    """(ids of people, ids of groups, how many are neither)."""
    people: list[Any] = []
    groups: list[str] = []
    others = 0
    members: Mapping[str, str] = row.get("members", {})
    for member, kind in members.items():
        if member in ids.users:
            people.append(ids.users[member])
        elif member in ids.groups:
            groups.append(ids.groups[member])
        elif kind == "other":
            others += 1
        else:
            draft.complete = False  # or `--prune` would take out whom nobody asked about
            draft.refused.append(
                Refused(f"members of {key}", f"{member} is nobody who was read", "import again with --full")
            )
    return sorted(people), sorted(groups), others


def _remarks(row: Row) -> list[str]:
    kinds, rule = row.get("groupTypes"), text_of(row, "membershipRule")
    if not rule or not isinstance(kinds, list) or "DynamicMembership" not in kinds:
        return []
    told = "".join(c if c.isprintable() else " " for c in rule)
    return [f"At Microsoft its members follow a rule: {told[:_SHOWN]}{'…' * (len(told) > _SHOWN)}"]


def _assigned(assigned: Iterable[Assignment], ids: _Ids, draft: Draft) -> Values:
    """`groups` and `users` of `scope.assigned`, in the order of their ids."""
    roles: dict[tuple[str, str], list[str]] = {}
    others = 0
    for each in assigned:
        if each.principal in ids.users:
            place = ("users", ids.users[each.principal])
        elif each.principal in ids.groups:
            place = ("groups", ids.groups[each.principal])
        elif each.kind in ("User", "Group"):
            draft.refused.append(
                Refused(f"assignment of {each.principal}", "is nobody who was read", "import again with --full")
            )
            continue
        else:
            others += 1
            continue
        held = roles.setdefault(place, [])
        if each.role and each.role not in held:
            held.append(each.role)
    if others:
        draft.notes.append(f"{_count(others, 'assignment')} of applications left out: an app has people and groups")
    found: Values = {"groups": [], "users": []}
    for (kind, identity), values in sorted(roles.items()):
        found[kind].append({kind[:-1]: identity, "roles": sorted(values)} if values else identity)
    return {kind: entries for kind, entries in found.items() if entries}


def _tell_of_nesting(draft: Draft, app: str) -> None:
    """Entra gives access to immediate members of an assigned group alone; here members at any depth count."""
    for entry in draft.assigned[app].get("groups", ()):
        identity = entry["group"] if isinstance(entry, dict) else entry
        members = draft.groups[identity].values["members"] or ()
        inner = [str(member["group"]) for member in members if isinstance(member, dict)]
        if inner:
            draft.notes.append(
                f"more people get {app}: through the group {identity} also those in {', '.join(inner[:5])}"
                f"{' and others' * (len(inner) > 5)}. Entra gives access to immediate members alone, here all count: "
                "take these groups out of it if that is not meant"
            )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
