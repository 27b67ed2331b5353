"""What is held, as questions; what can't be done; what was noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from reconciler.model.plan import (
    AddMembers,
    AdoptGroup,
    AdoptUser,
    Blocked,
    Change,
    Guardrail,
    Note,
    Plan,
    Reason,
    RemoveMembers,
)
from reconciler.render.figures import plural
from reconciler.render.lines import Line, Telling, questions
from reconciler.render.marks import said, value, whom
from reconciler.render.origins import suspected
from reconciler.render.safe import safe

NOT: Final = {
    "createUser": "not created",
    "updateUser": "not updated",
    "renameUser": "not renamed",
    "adoptUser": "not adopted",
    "reactivateUser": "not reactivated",
    "deactivateUser": "not deactivated",
    "deleteUser": "not deleted",
    "createGroup": "not created",
    "updateGroup": "not updated",
    "renameGroup": "not renamed",
    "adoptGroup": "not adopted",
    "emptyGroup": "not emptied",
    "deleteGroup": "not deleted",
    "removeMembers": "not removed",
}
"""What was wanted → what a reader has to know."""
TOLD: Final = {
    "adopted": "adopted",
    "unmanagedUser": "unmanaged account",
    "unmanagedGroup": "unmanaged group",
    "unmanagedMember": "unmanaged member",
    "ignored": "ignored",
    "leftOut": "left out",
    "noReference": "not referred to",
}
"""Notes that are counted, and listed only where everybody is; all others are always told."""
ALIKE: Final = ("notKept",)
"""Notes of which one line is enough, whomever they are about."""
UNUSUAL: Final = (
    "tenantChanged", "guardrailLoosened", "grantsWiden", "settingsChanged", "claimed", "trailer", "looksLikeRename",
    "noBase",
)  # fmt: skip
"""Notes on what a reviewer has to know before anything else."""
READ: Final = ("offline", "snapshotAge", "partial", "membersUnread")
"""Notes on what the plan was made from."""
_LONGEST: Final = 300


def held(plan: Plan, telling: Telling) -> list[Line]:
    """Each question with the release that answers it, and whom it is about where that are many."""
    rails = {f"{g.name}={g.value}": g for g in plan.guardrails}
    doubts = {n.key: n.text for n in plan.notes if n.code == "heldCandidate"}
    along = _leaving(plan)
    lines = []
    for release, changes in questions(plan).items():
        who, question = _question(release, changes, rails, doubts, telling.title or plan.app)
        line = Line("?", who, [question], answer=release, keys=_keys(changes), source=changes[0].source)
        if release in rails or len(changes) > 1:
            _name(line, changes, along)
        lines.append(line)
    return lines


def _keys(changes: Sequence[Change]) -> list[str]:
    return list(dict.fromkeys(key for c in changes for key in (c.key, *(m.key for m in getattr(c, "members", ())))))


def _name(line: Line, changes: Sequence[Change], along: Counter[str]) -> None:
    """Who is held. One group is named once, with how many it loses besides. `along`: how many leave each group with
    their account.
    """
    moving = [c for c in changes if Reason.MEMBER_LEAVES not in c.reasons]  # the others are named as people
    group = moving[0] if moving and len({c.key for c in moving}) == 1 else None
    one = group is not None and all(isinstance(c, (AddMembers, RemoveMembers)) for c in moving)
    line.names = list(dict.fromkeys(_names(moving, in_group=not one)))
    if group is not None and one:
        line.names_of = said(group.name)
        besides = along[group.key] if isinstance(group, RemoveMembers) else 0
        line.besides = f"; {besides:,} more leave with their account" if besides else ""


def _names(changes: Iterable[Change], *, in_group: bool) -> Iterable[str]:
    for change in changes:
        if isinstance(change, (AddMembers, RemoveMembers)):
            yield from (f"{whom(m.key)} in {said(change.name)}" if in_group else whom(m.key) for m in change.members)
        else:
            yield whom(change.key)


def _leaving(plan: Plan) -> Counter[str]:
    """Group's key → how many leave it with their account."""
    counts: Counter[str] = Counter()
    for change in plan.changes:
        if isinstance(change, RemoveMembers) and Reason.MEMBER_LEAVES in change.reasons:
            counts[change.key] += len(change.members)
    return counts


def _question(
    release: str, changes: Sequence[Change], rails: dict[str, Guardrail], doubts: dict[str, str], title: str
) -> tuple[str, str]:
    """(whom it is about, the question)"""
    first = changes[0]
    rail = rails.get(release)
    if any(h.by == "stateMissing" and h.release == release for h in first.held):
        none = "there is no memory yet, so nothing here is known to be ours"
        return "", f"{none}: remove {_figure(release)} all the same?"
    if rail is not None:
        return "", broken(rail)
    if isinstance(first, (AdoptUser, AdoptGroup)):
        named = ", ".join(
            f"{said(c.name)} ({said(c.id)}{'' if c.active else ', inactive'}{f', {said(c.bound)}' if c.bound else ''})"
            for c in first.candidates
        )
        return whom(first.key), f"whose is {named or 'this'}? {_told(doubts.get(first.key, ''), 120)}"
    reason = first.held[0].by
    about = whom(release.partition(":")[2])
    if reason == "takenAwayInApp":
        return about, f"{_taken(first, title)}: who did that?{suspected(first)}"
    if reason == "givenInApp":
        return about, f"got this in {said(title)}, not in git: who did that?{suspected(first)}"
    return whom(first.key), f"{said(reason)}: is that meant?"


def broken(rail: Guardrail) -> str:
    """What of a broken guardrail is to be answered."""
    name, _, group = rail.name.partition(":")
    if name == "minimumMembers":
        return (
            f"{said(group)} keeps {rail.value:,} of {rail.of:,} members, and is to have {rail.count or 0:,}: "
            "is that meant?"
        )
    together = f"{(rail.value + rail.earlier) * 100 / rail.of:.3g} %" if rail.of else ""
    if rail.unknown:
        counted = f"{f' ({together})' if together else ''}, after nobody remembers how many within a day"
    elif rail.earlier:
        counted = f", after {rail.earlier:,} within a day{f': together {together}' if together else ''}"
    else:
        counted = f" ({together})" if together else ""
    figure = f"{said(rail.name)}: {rail.value:,} of {rail.of:,}{counted}"
    return f"{figure}, allowed are {limit(rail)}: is that meant?"


def limit(rail: Guardrail) -> str:
    parts = [] if rail.count is None else [f"{rail.count:,}"]
    if rail.percent is not None:
        parts.append(f"{rail.percent:g} %")
    return " or ".join(parts) or "none"


def worth_telling(rail: Guardrail) -> bool:
    """Not the broken ones, which are questions, nor those without a limit, nor each group's."""
    return not rail.broken and limit(rail) != "none" and ":" not in rail.name


def _figure(release: str) -> str:
    name, _, count = release.partition("=")
    kind, _, group = name.partition(":")
    figure = int(count) if count.isdecimal() else 0
    if kind == "deprovisionUsers":
        return f"{figure:,} {plural(figure, 'account', 'accounts')}"
    if kind == "deleteGroups":
        return f"{figure:,} {plural(figure, 'group', 'groups')}"
    return f"{figure:,} {plural(figure, 'member', 'members')} of {said(group)}"


def _taken(change: Change, title: str) -> str:
    if change.action == "reactivateUser":
        return f"is suspended in {said(title)}, git says active"
    if change.action == "createUser":
        return f"was deleted in {said(title)}, git says active"
    if change.action == "createGroup":
        return f"was deleted in {said(title)}, git has it"
    return f"was taken out of {value(change.name)} in {said(title)}, git has them in it"


def blocked(plan: Plan) -> list[Line]:
    """What is said of many in the same words is one line."""
    alike: dict[tuple[str, str], list[Blocked]] = {}
    for each in plan.blocked:
        alike.setdefault((each.wanted, each.text), []).append(each)
    lines = []
    for (wanted, why), together in alike.items():
        names, keys = [whom(b.key) for b in together], [b.key for b in together]
        fact = f"{NOT.get(wanted) or said(wanted)}: {_told(why)}"
        if len(names) == 1:
            lines.append(Line("x", names[0], [fact], keys=keys))
        else:
            lines.append(Line("x", "", [f"{len(names):,} {fact}"], keys=keys, names=names))
    return lines


def notes(plan: Plan, telling: Telling, codes: Iterable[str]) -> list[Line]:
    """Those with `codes`, as lines."""
    chosen = [n for n in plan.notes if n.code != "heldCandidate" and n.code in codes]
    alike: dict[str, list[Note]] = {}
    for note in chosen:
        if note.code in ALIKE:
            alike.setdefault(note.text, []).append(note)
    lines = [
        Line("!", "", [_told(text)], names=[whom(n.key) for n in same], keys=[n.key for n in same])
        for text, same in alike.items()
    ]
    for note in chosen:
        if note.code not in ALIKE and (telling.everybody or note.code not in TOLD):
            about = f"{TOLD[note.code]} " if note.code in TOLD else ""
            name = whom(note.key) if ":" in note.key else ""
            lines.append(Line("!", name, [f"{about}{_told(note.text)}"], keys=[note.key]))
    return lines


def decided(plan: Plan) -> list[Line]:
    """Which keys of the profile are not the gallery's, and who says so."""
    return [
        Line("!", "", [f"profile {said(each.key)} is {value(each.value)}: {each.source}"])
        for each in plan.profile.overrides
    ]


def _told(text: str, longest: int = _LONGEST) -> str:
    """A sentence that the plan brought: its own words and names in one."""
    return safe(text, longest)
