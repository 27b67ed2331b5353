"""What names something else: does it exist, and does nesting end?

Where access would be lost anyway a gone name is a warning (members, managers); where it would be gained, an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

from reconciler.desired.findings import Findings, shown
from reconciler.desired.form import NEVER_HOLDS, never_holds
from reconciler.desired.groups import Groups, Naming
from reconciler.desired.sheet import Sheet
from reconciler.desired.users import People, Reference
from reconciler.errors import Place
from reconciler.model.app import App, Operator
from reconciler.model.cases import Case
from reconciler.model.directory import Group, User
from reconciler.model.window import EXAMPLE

_DRAWN: Final = 8
"""Names of a circle that are told."""


@dataclass(frozen=True, slots=True)
class Everybody(Collection[str]):
    """All names there are, when what could not be read may hold any of them: nobody is missing then."""

    known: Collection[str]
    complete: bool

    def __contains__(self, name: object) -> bool:
        return not self.complete or name in self.known

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def check_people(people: People, everybody: Collection[str], findings: Findings) -> None:
    """Owners and managers exist; owners are people; no pin and no earlier id is claimed twice."""
    users = people.users
    for reference in people.references:
        target = users.get(reference.target)
        if target is not None:
            if reference.attribute == "owner" and target.kind != "person":
                name = shown(reference.target)
                findings.error(reference.place, f"the owner `{name}` is of kind {target.kind}", "an owner is a person")
        elif reference.target not in everybody:
            _report_gone(reference, users, findings)
    _check_claims(sorted(users.items()), findings, "people")


def _report_gone(reference: Reference, users: Collection[str], findings: Findings) -> None:
    name = shown(reference.target)
    hint = findings.near(name, users)
    if reference.attribute == "owner":
        findings.error(reference.place, f"the owner `{name}` does not exist", hint)
    else:
        message = f"`{reference.attribute}` names `{name}`, who does not exist"
        findings.warning(reference.place, message, hint or "remove the line")


def check_groups(groups: Groups, everybody: Collection[str], every_group: Collection[str], findings: Findings) -> None:
    """Members exist, nested groups exist, nesting has no circle."""
    for stranger in groups.strangers:
        if stranger.target in everybody:
            continue
        if stranger.target in groups.groups:
            hint = f"`{stranger.target}` is a group: write `- group: {stranger.target}`"
        else:
            hint = findings.near(stranger.target, groups.users) or "add the person's file, or remove the entry"
        findings.warning(stranger.place, f"the member `{stranger.target}` does not exist", hint)
    known = groups.groups
    for nesting in groups.nestings:
        if nesting.target not in every_group:
            hint = findings.near(nesting.target, known)
            findings.error(nesting.place, f"the group `{nesting.target}` does not exist", hint)
    for circle, place in _circles(groups.nestings):
        findings.error(place, f"groups in a circle: {_drawn(circle)}", "remove one of these nestings")
    _check_claims(sorted(known.items()), findings, "groups")


def check_app(sheet: Sheet, people: Collection[str], groups: Collection[str], findings: Findings) -> None:
    """Everybody and every group that an app.yaml names exists. Works on the tree: the rest of it may be wrong."""
    for dotted, name, is_group in _named(sheet.tree):
        known = groups if is_group else people
        if name not in known:
            message = f"the {'group' if is_group else 'user'} `{shown(name)}` does not exist"
            findings.error(sheet.place(dotted), message, findings.near(name, known))


def check_windows(app: App | None, sheet: Sheet, zone: tzinfo, findings: Findings) -> None:
    """Every assignment holds at some time."""
    assigned = app.scope.assigned if app is not None else None
    if assigned is None:
        return
    for kind, entries in (("groups", assigned.groups), ("users", assigned.users)):
        for number, entry in enumerate(entries):
            place = sheet.place(f"scope.assigned.{kind}.{number}.{'until' if entry.until else 'from'}")
            try:
                window = entry.window(zone)
            except ValueError as error:
                findings.error(place, str(error), EXAMPLE)
                continue
            if window.empty:
                findings.error(place, never_holds(window), NEVER_HOLDS)


def _named(tree: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """(dotted key, id, whether it is a group's)."""
    lists = (
        ("scope.assigned.groups", "group", True),
        ("scope.assigned.users", "user", False),
        ("scope.assigned.exclude", "", False),
        ("scope.exclude", "", False),
        ("groups", "", True),
        ("guardrails.protected.users", "", False),
        ("guardrails.protected.groups", "", True),
    )
    for dotted, key, is_group in lists:
        node: Any = tree
        for part in dotted.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        for number, entry in enumerate(node if isinstance(node, list) else ()):
            if isinstance(entry, str):
                yield f"{dotted}.{number}", entry, is_group
            elif key and isinstance(entry, dict) and isinstance(entry.get(key), str):
                yield f"{dotted}.{number}.{key}", entry[key], is_group
    guardrails = tree.get("guardrails")
    least = guardrails.get("minimumMembers") if isinstance(guardrails, dict) else None
    for group in least if isinstance(least, dict) else ():
        yield f"guardrails.minimumMembers.{group}", group, True
    yield from _asked(tree)


def _asked(tree: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """The groups that scoping filters ask about."""
    scope = tree.get("scope")
    filters = scope.get("filters") if isinstance(scope, dict) else None
    for number, clauses in enumerate(filters if isinstance(filters, list) else ()):
        for position, clause in enumerate(clauses if isinstance(clauses, list) else ()):
            key = f"scope.filters.{number}.{position}"
            yield from _asks(key, clause)
            if isinstance(clause, dict):
                yield from _asks(f"{key}.not", clause.get("not"))


def _asks(key: str, clause: Any) -> Iterator[tuple[str, str, bool]]:
    if isinstance(clause, dict) and clause.get("operator") == Operator.IS_MEMBER_OF:
        group = clause.get("value")
        if isinstance(group, str):
            yield f"{key}.value", group, True


def check_cases(cases: Iterable[Case], users: Collection[str], findings: Findings) -> None:
    for case in cases:
        if case.user is not None and case.user not in users and case.place:
            hint = findings.near(case.user, users)
            # a warning: a leaver's removal must not wait for somebody to edit an example
            findings.warning(
                case.place, f"the case `{shown(case.id)}` is about `{shown(case.user)}`, who does not exist", hint
            )


def check_tenants(tenants: Sequence[tuple[str, str, Place]], findings: Findings) -> None:
    """Each (app, normal tenantUrl, place). Two apps on one tenant would undo each other's work."""
    first: dict[str, tuple[str, Place]] = {}
    for app, url, place in tenants:
        other, where = first.setdefault(url, (app, place))
        if other != app:
            findings.error(
                place, f"the apps `{other}` ({where}) and `{app}` have one tenantUrl", "one tenant has one app"
            )


def _check_claims(things: Iterable[tuple[str, User | Group]], findings: Findings, what: str) -> None:
    known = dict(things)
    pinned: dict[tuple[str, str], str] = {}
    former: dict[str, str] = {}
    for identity, thing in known.items():
        if not thing.accounts and not thing.formerly:
            continue
        for app, account in thing.accounts.items():
            other = pinned.setdefault((app, account), identity)
            if other != identity:
                place = Place(thing.file, thing.lines["accounts"])
                findings.error(place, f"two {what} are pinned to one account in `{app}`: {other} and {identity}")
        for earlier in thing.formerly:
            if (old := earlier.get("id")) is None:
                continue
            place = Place(thing.file, thing.lines["formerly"])
            other = former.setdefault(old, identity)
            if other != identity:
                findings.error(
                    place, f"two {what} were formerly `{old}`: {other} and {identity}", "only one of them was"
                )
            if old in known:
                findings.warning(place, f"formerly `{old}`, who is still there: no effect", "remove one of them")


def _drawn(circle: Sequence[str]) -> str:
    """From a group back to it; of a long one the first names: nobody reads thousands."""
    left = len(circle) - 1 - _DRAWN
    if left <= 1:
        return " → ".join(circle)
    return " → ".join([*circle[:_DRAWN], f"{left:,} more", circle[-1]])


def _circles(nestings: Iterable[Naming]) -> Iterator[tuple[list[str], Place]]:
    """Each circle once, from its first group by name back to it, with the place of its first nesting."""
    inside: dict[str, dict[str, Place]] = {}
    for nesting in nestings:
        inside.setdefault(nesting.group, {}).setdefault(nesting.target, nesting.place)
    done: set[str] = set()
    for start in sorted(inside):
        if start in done:
            continue
        path, on_path = [start], {start: 0}
        ahead = [iter(sorted(inside[start]))]
        while ahead:
            group = next(ahead[-1], None)
            if group is None:
                ahead.pop()
                done.add(last := path.pop())
                del on_path[last]
            elif group in on_path:
                circle = path[on_path[group] :]
                turn = circle.index(min(circle))
                circle = [*circle[turn:], *circle[:turn]]
                yield [*circle, circle[0]], inside[circle[0]][circle[1] if len(circle) > 1 else circle[0]]
            elif group not in done and group in inside:
                on_path[group] = len(path)
                path.append(group)
                ahead.append(iter(sorted(inside[group])))
