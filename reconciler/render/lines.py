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
    Later,
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
from reconciler.render.marks import place, plain, said, value, whom
from reconciler.render.origins import came

NAMED = 8
"""People who are named where a line is about many."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How a plan is told."""

    title: str = ""
    """The application's name as people say it."""
    effect: str = "deactivated"
    """What a deactivation really does there."""
    values: bool = True
    """Else attributes are told by their path alone."""
    departments: bool = False
    """Whose are new: of which department, if the plan tells that."""
    everybody: bool = False
    """Also below a line that is about many, and what else is only counted."""
    whole: bool = False
    """It is about to run: nothing is folded because it is not of this change."""


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
    """One person or group, with everything that happens to it in one section; or one question, or one thing noticed.

    Its texts are sentences with marks.
    """

    sign: str
    who: str = ""
    """Empty where the sentence says it."""
    facts: list[str] = field(default_factory=list)
    """Each stands on its own; the first is what happens."""
    groups: dict[str, list[str]] = field(default_factory=dict)
    """joins or leaves → which."""
    below: list[str] = field(default_factory=list)
    everybody: list[str] = field(default_factory=list)
    """Of a line about many: what happens to each."""
    source: Source | None = None
    keys: list[str] = field(default_factory=list)
    """Of the people and groups that it is about."""
    names: list[str] = field(default_factory=list)
    """Those of them that are to be listed beside the sentence."""
    names_of: str = ""
    """The group that all of the names are about."""
    besides: str = ""
    """Whom else it is about, without a name."""
    department: str = ""
    answer: str = ""
    """The release that lets it run."""

    @property
    def place(self) -> str:
        return place(self.source)

    def listed(self, most: int) -> str:
        """So many of the names; the others are counted."""
        more = f" and {len(self.names) - most:,} more" if len(self.names) > most else ""
        group = f"{self.names_of}: " if self.names_of else ""
        return f"{group}{', '.join(self.names[:most])}{more}{self.besides}"

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
    renames: dict[str, Line] = field(default_factory=dict)
    """Who signs in with another name, or is matched by another one."""
    loses: dict[str, Line] = field(default_factory=dict)
    gains: dict[str, Line] = field(default_factory=dict)
    changes: dict[str, Line] = field(default_factory=dict)


def who(key: str) -> str:
    """As `whom`, for a terminal."""
    return plain(whom(key))


def sections(changes: Sequence[Change], telling: Telling) -> Sections:
    """The changes given, as lines."""
    found = Sections()
    leaving = {c.key for c in changes if isinstance(c, (DeactivateUser, DeleteUser))}
    for change in changes:
        _add(found, change, telling, leaving)
    return found


def _add(found: Sections, change: Change, telling: Telling, leaving: set[str]) -> None:
    """`leaving`: the keys of those whose own line says that they leave, with their groups."""
    drift = came(change)
    why = ", ".join(WHY[r] for r in change.reasons if r in WHY)
    match change:
        case CreateUser():
            line = _line(found.gains, "+", change, f"new account{_login(change, telling)}{drift}")
            line.department = _department(change) if telling.departments else ""
        case ReactivateUser():
            _line(found.gains, "+", change, f"reactivated: {why}{drift}", _differences(change.set, telling))
        case AdoptUser():
            _line(found.changes, "~", change, f"adopted: {why}", _differences(change.set, telling))
        case RenameUser():
            _changed(found.renames, change, telling, drift + _aside(change))
        case UpdateUser():
            _updated(found, change, telling, drift)
        case DeactivateUser():
            line = _line(found.loses, "-", change, f"{telling.effect}: {why}{drift}")
            _in_groups(line, change.groups)
        case DeleteUser():
            line = _line(found.loses, "-", change, f"removed for good: {why}{drift}")
            _in_groups(line, change.groups)
        case CreateGroup():
            _line(found.changes, "+", change, f"new group {value(change.name)}{drift}")
        case UpdateGroup() | RenameGroup() | AdoptGroup():
            _changed(found.changes, change, telling, drift + _aside(change))
        case EmptyGroup():
            line = _line(found.loses, "-", change, f"{value(change.name)} emptied of {_people(change.members)}: {why}")
            _lost(line, change.members)
        case DeleteGroup():
            inside = f", with {_people(change.members)}" if change.members else ""
            fact = f"{value(change.name)} removed for good{inside}: {why}"
            _lost(_line(found.loses, "-", change, fact), change.members)
        case AddMembers() | RemoveMembers():
            _moved(found, change, drift, leaving)
        case _:
            assert_never(change)


def _moved(found: Sections, change: AddMembers | RemoveMembers, drift: str, leaving: set[str]) -> None:
    if isinstance(change, AddMembers):
        section = found.sensitive if change.sensitive else found.gains
        for member in change.members:
            via = f" through {', '.join(said(v) for v in member.via)}" if member.via else ""
            until = f" until {said(member.until)}" if member.until else ""
            _member(section, "+", change, member, "joins", f"{said(change.name)}{via}{until}{drift}")
        return
    for member in change.members:
        if Reason.MEMBER_LEAVES not in change.reasons or member.key not in leaving:
            _member(found.loses, "-", change, member, "leaves", f"{said(change.name)}{drift}")


def _aside(change: Change) -> str:
    return " (through a temporary name)" if getattr(change, "temporary", False) else ""


def _login(change: CreateUser, telling: Telling) -> str:
    name = next((d.after for p, d in change.set.items() if p.lower() == "username"), change.name)
    if not telling.values:
        return ""
    return f" {said(name) if isinstance(name, str) else value(name)}"


def _department(change: CreateUser) -> str:
    found = (d.after for path, d in change.set.items() if path.lower().endswith("department"))
    return next((each for each in found if isinstance(each, str)), "")


def _updated(found: Sections, change: UpdateUser, telling: Telling, drift: str) -> None:
    if change.id is None:  # the account is new, and refers to another new one
        _line(found.gains, "+", change, _differences(change.set, telling))
    else:
        _changed(found.changes, change, telling, drift)


def _changed(
    section: dict[str, Line], change: UpdateUser | RenameUser | UpdateGroup | RenameGroup | AdoptGroup,
    telling: Telling, note: str,
) -> None:  # fmt: skip
    """The first difference beside the name, the name that is signed in with if it is one; the others below."""
    told = _differences(change.set, telling)
    if told:
        _line(section, "~", change, f"{told[0]}{note}", told[1:])
    else:
        _line(section, "~", change)


def _line(section: dict[str, Line], sign: str, change: Change, *facts: str | list[str]) -> Line:
    line = section.setdefault(change.key, Line(sign, whom(change.key), keys=[change.key]))
    for fact in facts:
        if isinstance(fact, str):
            line.facts.append(fact)
        else:
            line.below += fact
    line.source = line.source or change.source
    return line


def _member(section: dict[str, Line], sign: str, change: Change, member: MemberRef, verb: str, group: str) -> None:
    line = section.setdefault(member.key, Line(sign, whom(member.key), keys=[member.key]))
    line.groups.setdefault(verb, []).append(group)
    line.source = line.source or change.source


def _in_groups(line: Line, groups: Sequence[str]) -> None:
    if groups:
        line.below.append(f"member of {', '.join(said(g) for g in groups)}")


def _differences(changed: dict[str, Difference], telling: Telling) -> list[str]:
    paths = sorted(changed, key=lambda path: (path.lower() != "username", path))
    if not telling.values:
        verb = "changes" if len(changed) == 1 else "change"
        return [f"{_listed([said(path) for path in paths])} {verb}"] if changed else []
    return [f"{said(path)}  {value(changed[path].before)} → {value(changed[path].after)}" for path in paths]


def _lost(line: Line, members: Sequence[MemberRef]) -> None:
    if members:
        more = f" and {len(members) - NAMED:,} more" if len(members) > NAMED else ""
        line.keys += [m.key for m in members]
        line.below.append(", ".join(whom(m.key) for m in members[:NAMED]) + more)


def _people(members: Sequence[MemberRef]) -> str:
    return f"{len(members):,} member{'' if len(members) == 1 else 's'}"


def ahead(plan: Plan) -> list[Line]:
    """What starts and ends soon, in the order of the plan."""
    return [Line("!", whom(soon.key), [_soon(soon)], source=soon.source, keys=[soon.key]) for soon in plan.soon]


def _soon(soon: Soon) -> str:
    about = said(soon.group_name or soon.group.partition(":")[2]) if soon.group else "access"
    ends = " ".join(f"{word} {said(text)}" for word, text in (("from", soon.from_), ("until", soon.until)) if text)
    return f"{about} {ends}{f' ({said(soon.reason, 120)})' if soon.reason else ''}"


def later(plan: Plan) -> tuple[list[Line], list[Line]]:
    """What this change causes on another day: in sensitive groups, and all else."""
    lines = [
        (each.sensitive, Line("!", whom(each.key), [_later(each)], source=each.source, keys=[each.key]))
        for each in plan.later
    ]
    return [line for sensitive, line in lines if sensitive], [line for sensitive, line in lines if not sensitive]


def _later(each: Later) -> str:
    about = said(each.group_name or each.group.partition(":")[2]) if each.group else "access"
    ends = f" until {said(each.until)}" if each.until else ""
    begins = f" from {said(each.from_)}" if each.from_ else ""
    before = said(each.before) if each.before else ""
    match each.what:
        case "gain":
            fact = f"gains {about}{begins}{ends}"
        case "endRemoved":
            fact = f"keeps {about} without an end{f', which was {before}' if before else ''}"
        case "endLater":
            fact = f"keeps {about}{ends}{f', not only until {before}' if before else ''}"
        case "startEarlier":
            fact = f"gains {about}{begins or ' now'}{ends}{f', not only from {before}' if before else ''}"
        case _:
            assert_never(each.what)
    return f"{fact}{f' ({said(each.reason, 120)})' if each.reason else ''}"


def questions(plan: Plan) -> dict[str, list[Change]]:
    """The `--allow` that lets it run → what is held by it, in the order of the plan."""
    asked: dict[str, list[Change]] = {}
    for change in plan.held:
        for hold in change.held:
            asked.setdefault(hold.release, []).append(change)
    return asked
