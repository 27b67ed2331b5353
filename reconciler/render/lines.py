"""A plan as lines about people and groups: what each of them loses, gains, or is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from reconciler.model.plan import (
    AddMembers,
    AdoptGroup,
    AdoptUser,
    Change,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    DeleteGroup,
    DeleteUser,
    Difference,
    EmptyGroup,
    MemberRef,
    Plan,
    ReactivateUser,
    Reason,
    RemoveMembers,
    RenameGroup,
    RenameUser,
    Soon,
    Source,
    UpdateGroup,
    UpdateUser,
)
from reconciler.render.origins import came
from reconciler.render.safe import quoted, safe

NAMED = 8
"""People who are named where a line is about many."""
WHY = {
    Reason.LEFT_SCOPE: "left scope",
    Reason.GONE_FROM_GIT: "gone from git",
    Reason.DISABLED: "disabled in git",
    Reason.OUTSIDE_WINDOW: "outside the time they have access in",
    Reason.REVOKED: "revoked",
    Reason.UNMANAGED: "nobody in git",
    Reason.BACK_IN_SCOPE: "back in scope",
    Reason.FOUND: "was there before us",
    Reason.REPLACES_DELETE: "instead of a deletion",
    Reason.UNDONE: "undoes what was applied",
}


@dataclass(slots=True)
class Line:
    """One person or group, with everything that happens to it in one section."""

    sign: str
    who: str
    facts: list[str] = field(default_factory=list)
    """Each stands on its own; the first is what happens."""
    groups: dict[str, list[str]] = field(default_factory=dict)
    """joins or leaves → which."""
    below: list[str] = field(default_factory=list)
    source: str = ""

    @property
    def text(self) -> str:
        """What happens, in one sentence: never more than six groups of a kind by name."""
        return ", ".join([*self.facts, *(f"{verb} {_listed(groups)}" for verb, groups in self.groups.items())])


def _listed(groups: Sequence[str], most: int = 6) -> str:
    if len(groups) > most:
        return f"{', '.join(groups[:most])} and {len(groups) - most:,} more"
    return f"{', '.join(groups[:-1])} and {groups[-1]}" if len(groups) > 1 else groups[0]


@dataclass(slots=True)
class Sections:
    """What runs, by what it means to people. Dictionaries by key, in the order of the plan."""

    sensitive: dict[str, Line] = field(default_factory=dict)
    """What people gain in sensitive groups: it comes before everything else."""
    loses: dict[str, Line] = field(default_factory=dict)
    gains: dict[str, Line] = field(default_factory=dict)
    changes: dict[str, Line] = field(default_factory=dict)


def who(key: str) -> str:
    """The id without its kind; groups and accounts keep theirs."""
    kind, _, name = key.partition(":")
    return safe(name) if kind == "user" else f"{'account' if kind == 'account' else 'group'} {safe(name)}"


def place(source: Source | None) -> str:
    return f"{safe(source.file)}:{source.line}" if source else ""


def sections(changes: Sequence[Change], effect: str = "deactivated") -> Sections:
    """The changes given, as lines. `effect`: what a deactivation really does in this application."""
    found = Sections()
    leaving = {c.key for c in changes if isinstance(c, (DeactivateUser, DeleteUser))}
    for change in changes:
        _add(found, change, effect, leaving)
    return found


def _add(found: Sections, change: Change, effect: str, leaving: set[str]) -> None:
    """`leaving`: the keys of those whose own line says that they leave, with their groups."""
    drift = came(change)
    why = ", ".join(WHY[r] for r in change.reasons if r in WHY)
    match change:
        case CreateUser():
            name = next((d.after for p, d in change.set.items() if p.lower() == "username"), change.name)
            shown = safe(name) if isinstance(name, str) else quoted(name)
            _line(found.gains, "+", change, f"new account {shown}{drift}")
        case ReactivateUser():
            _line(found.gains, "+", change, f"reactivated: {why}{drift}", _differences(change.set))
        case AdoptUser():
            _line(found.changes, "~", change, f"adopted: {why}", _differences(change.set))
        case UpdateUser() | RenameUser():
            _updated(found, change, drift + _aside(change))
        case DeactivateUser():
            line = _line(found.loses, "-", change, f"{effect}: {why}{drift}")
            _in_groups(line, change.groups)
        case DeleteUser():
            line = _line(found.loses, "-", change, f"removed for good: {why}{drift}")
            _in_groups(line, change.groups)
        case CreateGroup():
            _line(found.changes, "+", change, f"new group {quoted(change.name)}{drift}")
        case UpdateGroup() | RenameGroup() | AdoptGroup():
            _line(found.changes, "~", change, *_differences(change.set, drift + _aside(change)))
        case EmptyGroup():
            line = _line(found.loses, "-", change, f"{quoted(change.name)} emptied of {_people(change.members)}: {why}")
            _lost(line, change.members)
        case DeleteGroup():
            inside = f", with {_people(change.members)}" if change.members else ""
            fact = f"{quoted(change.name)} removed for good{inside}: {why}"
            _lost(_line(found.loses, "-", change, fact), change.members)
        case AddMembers():
            for member in change.members:
                via = f" through {', '.join(safe(v) for v in member.via)}" if member.via else ""
                until = f" until {safe(member.until)}" if member.until else ""
                section = found.sensitive if change.sensitive else found.gains
                _member(section, "+", change, member, "joins", f"{safe(change.name)}{via}{until}{drift}")
        case RemoveMembers():
            for member in change.members:
                if Reason.MEMBER_LEAVES not in change.reasons or member.key not in leaving:
                    _member(found.loses, "-", change, member, "leaves", f"{safe(change.name)}{drift}")
        case _:
            assert_never(change)


def _aside(change: Change) -> str:
    return " (through a temporary name)" if getattr(change, "temporary", False) else ""


def _updated(found: Sections, change: UpdateUser | RenameUser, drift: str) -> None:
    if change.id is None:  # the account is new, and refers to another new one
        _line(found.gains, "+", change, _differences(change.set))
    else:
        _line(found.changes, "~", change, *_differences(change.set, drift))


def _line(section: dict[str, Line], sign: str, change: Change, *facts: str | list[str]) -> Line:
    line = section.setdefault(change.key, Line(sign, who(change.key)))
    for fact in facts:
        if isinstance(fact, str):
            line.facts.append(fact)
        else:
            line.below += fact
    line.source = line.source or place(change.source)
    return line


def _member(section: dict[str, Line], sign: str, change: Change, member: MemberRef, verb: str, group: str) -> None:
    line = section.setdefault(member.key, Line(sign, who(member.key)))
    line.groups.setdefault(verb, []).append(group)
    line.source = line.source or place(change.source)


def _in_groups(line: Line, groups: Sequence[str]) -> None:
    if groups:
        line.below.append(f"member of {', '.join(safe(g) for g in groups)}")


def _differences(changed: dict[str, Difference], note: str = "") -> list[str]:
    return [f"{path}  {quoted(d.before)} → {quoted(d.after)}{note}" for path, d in sorted(changed.items())]


def _lost(line: Line, members: Sequence[MemberRef]) -> None:
    if members:
        more = f" and {len(members) - NAMED:,} more" if len(members) > NAMED else ""
        line.below.append(", ".join(who(m.key) for m in members[:NAMED]) + more)


def _people(members: Sequence[MemberRef]) -> str:
    return f"{len(members):,} member{'' if len(members) == 1 else 's'}"


def ahead(plan: Plan) -> list[Line]:
    """What starts and ends soon, in the order of the plan."""
    return [Line("!", who(soon.key), [_soon(soon)], source=place(soon.source)) for soon in plan.soon]


def _soon(soon: Soon) -> str:
    about = safe(soon.group_name or soon.group.partition(":")[2]) if soon.group else "access"
    ends = " ".join(f"{word} {safe(text)}" for word, text in (("from", soon.from_), ("until", soon.until)) if text)
    return f"{about} {ends}{f' ({safe(soon.reason, 120)})' if soon.reason else ''}"


def questions(plan: Plan) -> dict[str, list[Change]]:
    """The `--allow` that lets it run → what is held by it, in the order of the plan."""
    asked: dict[str, list[Change]] = {}
    for change in plan.held:
        for hold in change.held:
            asked.setdefault(hold.release, []).append(change)
    return asked
