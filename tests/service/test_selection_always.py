"""Whatever happens between the plan that somebody approved and the cycle that carries it out: nothing runs that the
plan of now holds and nobody approved, what was approved and still is the same runs, and no removal waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from reconciler.apply import Outcome, Status
from reconciler.cli.progress import Progress
from reconciler.model.history import Held
from reconciler.model.plan import Change
from reconciler.plan import Proposal, Releases, signed, to_json
from reconciler.plan.same import family
from reconciler.plan.written import canonical
from reconciler.service.failure import REMOVALS
from reconciler.service.selection import Selected, select
from tests.conftest import GROUPS, PEOPLE, SandboxStory, build_story

NOW = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
Atom: TypeAlias = tuple[str, str, str]
"""Key, kind of change, and the member, path with values, or everything."""
Edit: TypeAlias = tuple[str, str, str]

PERSON = st.sampled_from(sorted(PEOPLE))
GROUP = st.sampled_from(sorted(GROUPS))
EDITS = st.lists(
    st.tuples(
        st.sampled_from(("disable", "enable", "rename", "retitle", "gone", "join", "leave", "new", "byHand", "adopt")),
        PERSON,
        GROUP,
    ),
    max_size=6,
)
TIGHT = {
    "deprovisionUsers": {"count": 1, "ignoreBelow": 0},
    "removeMembers": {"count": 1, "ignoreBelow": 0},
    "createUsers": {"count": 1, "ignoreBelow": 0},
    "renameUsers": {"count": 1, "ignoreBelow": 0},
}


def edit(story: SandboxStory, wanted: Iterable[Edit]) -> None:
    """What can't be done any more is left out."""
    company, box = story.company, story.sandbox
    for what, person, group in wanted:
        here = (company.root / f"users/{person}.yaml").exists()
        address = f"{person.partition('.')[0]}@contoso.com"
        match what:
            case "disable" | "enable" if here:
                company.edit_person(person, accountEnabled=None if what == "enable" else False)
            case "rename" if here:
                address = f"{person}@contoso.com"
                company.edit_person(person, userPrincipalName=address, mail=address)
            case "retitle" if here:
                company.edit_person(person, displayName=f"The {person}")
            case "gone" if here:
                company.remove_person(person)
            case "join" if here and person not in company.members(group):
                company.edit_group(group, members=[*company.members(group), person])
            case "leave":
                company.edit_group(group, members=[m for m in company.members(group) if m != person])
            case "new" if not (company.root / f"users/{group}.new.yaml").exists():
                company.person(f"{group}.new", "New", group.title())
            case "byHand":
                for user in box.users.values():
                    if user["userName"] == address:
                        user["active"] = not user["active"]
            case "adopt" if not any(u["userName"] == f"{group}.new@contoso.com" for u in box.users.values()):
                box.add_user(f"{group}.new@contoso.com", active=False)
            case _:
                pass


def atoms(changes: Iterable[Change]) -> set[Atom]:
    return {atom for change in changes for atom in _atoms(change)}


def _atoms(change: Change) -> Iterator[Atom]:
    kind = family(change)
    values: dict[str, Any] = change.model_dump(mode="json").get("set") or {}
    if kind in ("add", "remove"):
        for member in change.members:  # type: ignore[union-attr]
            yield change.key, kind, member.key
    elif kind == "write" or (change.action == "deactivateUser" and values):
        for path, difference in values.items():
            yield change.key, "write", f"{path} {canonical(difference).decode()}"
    else:
        yield change.key, kind, canonical(values).decode()


def chosen(story: SandboxStory, held: Held | None, late: set[str]) -> tuple[Proposal, Selected, Outcome]:
    async def main() -> tuple[Proposal, Selected, Outcome]:
        opened = story.open()
        async with story.client(opened) as client:
            first = await opened.propose(client, Progress("app"))

            def again(releases: Releases) -> Proposal:
                return replace(opened, releases=opened.releases | releases).proposed(first.context.snapshot, None)

            selected = select(first, again, held, late)
            return first, selected, await story.run(opened, client, selected.proposal).execute()

    return asyncio.run(main())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=EDITS, since=EDITS, late=st.sets(PERSON.map("user:{}".format), max_size=2), yes=st.booleans())
def test_only_what_was_approved(before: list[Edit], since: list[Edit], late: set[str], yes: bool) -> None:
    with TemporaryDirectory() as folder:
        story = build_story(Path(folder) / "state", "scim")
        story.converge()
        story.company.edit_app(guardrails=TIGHT)
        edit(story, before)
        plan = story.plan()
        alone = signed(plan.model_copy(update={"changes": plan.held, "blocked": ()}))
        held = Held("app", alone.changes_digest, to_json(alone).decode(), NOW)
        if yes:
            held = replace(held, approved_by="ada", approved_at=NOW)
        edit(story, since)
        first, selected, outcome = chosen(story, held, late)

    approved = atoms(alone.changes) if yes else set()
    now_held, now_pending = atoms(first.plan.held), atoms(first.plan.pending)
    runs, stays = atoms(selected.proposal.plan.pending), atoms(selected.proposal.plan.held)
    event(f"approved and run: {bool(runs & approved & now_held)}, left: {bool(selected.left)}")
    assert runs <= now_pending | approved, "nothing that is in neither"
    assert not runs & (now_held - now_pending - approved), "nothing that is held and that nobody approved"
    assert now_held - approved - now_pending <= stays, "what nobody approved stays held, and is shown"
    assert not atoms(selected.waiting) & (runs - approved), "who waits is left out"
    assert {c.key for c in selected.waiting} <= late
    assert not any(isinstance(change, REMOVALS) for change in selected.waiting)
    if not selected.approved:
        removals = atoms(c for c in first.plan.pending if isinstance(c, REMOVALS))
        assert removals <= runs, "no removal waits"
    unanswerable = {c.key for c in first.plan.held if any(each.by == "whoIsThis" for each in c.held)}
    if approved and not selected.left and not unanswerable:
        assert approved & now_held <= runs, "what was approved runs, or it is told why not"
    assert selected.approved <= yes
    tried = {s.change.key for s in outcome.steps if s.status is not Status.HELD}
    assert tried <= {key for key, _, _ in runs}
