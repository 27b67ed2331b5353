"""Stages, dependencies, what is skipped and why, and when a run ends early."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.apply.execute import EQUAL_FAILURES, Executor
from reconciler.apply.journal import Journal
from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.errors import NotSent, ReconcilerError, ScimError, ServerFailed, Unauthorized
from reconciler.live import Stored
from reconciler.model.plan import (
    AddMembers,
    Budget,
    Change,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    DeleteUser,
    DesiredFacts,
    Difference,
    EmptyGroup,
    Held,
    LiveFacts,
    MemberRef,
    Plan,
    ProfileFacts,
    RemoveMembers,
    RenameUser,
)
from reconciler.model.values import RemoteId

if TYPE_CHECKING:
    from reconciler.live import Writer

Fail = Callable[[str, str], Exception | None]


class Recorder:
    """A writer that writes down what it is asked, and how many are at it."""

    def __init__(self, fail: Fail = lambda _verb, _name: None) -> None:
        self.fail = fail
        self.calls: list[tuple[str, str]] = []
        self.busy: dict[str, int] = {}
        self.most = 0
        self.answers: dict[str, Stored] = {}

    async def _call(self, verb: str, name: str) -> None:
        self.calls.append((verb, name))
        self.busy[name] = self.busy.get(name, 0) + 1
        assert self.busy[name] == 1, f"two writes to {name} at a time"
        self.most = max(self.most, sum(self.busy.values()))
        await asyncio.sleep(0)
        self.busy[name] -= 1
        error = self.fail(verb, name)
        if error:
            raise error

    async def create_user(self, values: dict[str, Any]) -> Stored:
        await self._call("create", values["userName"])
        return self.answers.get(values["userName"], Stored(RemoteId(f"id-{values['userName']}"), dict(values)))

    async def create_group(self, values: dict[str, Any]) -> Stored:
        await self._call("create", values["displayName"])
        return Stored(RemoteId(f"id-{values['displayName']}"), dict(values))

    async def update_user(self, id: str, values: dict[str, Any]) -> Stored | None:  # noqa: A002
        await self._call("update", id)
        return self.answers.get(id)

    async def delete_user(self, id: str) -> None:  # noqa: A002
        await self._call("delete", id)

    async def add_members(self, group: str, ids: Sequence[str]) -> None:
        await self._call("add", group)
        self.calls.append(("added", ",".join(ids)))

    async def remove_members(self, group: str, ids: Sequence[str]) -> None:
        await self._call("remove", group)


def create(name: str, **more: Any) -> CreateUser:
    return CreateUser(key=f"user:{name}", name=name, set={"userName": Difference(after=name)}, **more)


def rename(name: str, before: str, after: str, **more: Any) -> RenameUser:
    return RenameUser(key=f"user:{name}", id=f"id-{name}", name=name,
                      set={"userName": Difference(before=before, after=after)}, **more)  # fmt: skip


def refs(*names: str, made: bool = True) -> tuple[MemberRef, ...]:
    return tuple(MemberRef(key=f"user:{n}", id=f"id-{n}" if made else None, name=n) for n in names)


def run(
    tmp_path: Path,
    changes: Sequence[Change],
    fail: Fail = lambda _verb, _name: None,
    *,
    writer: Recorder | None = None,
    known: Sequence[str] = (),
    concurrency: int = 4,
    **more: Any,
) -> tuple[Outcome, Recorder]:
    plan = Plan(
        digest="", changes_digest="", tool_version="0", app="app", tenant_url="https://x.example", as_of="",
        desired=DesiredFacts(digest="", users=0, groups=0), live=LiveFacts(digest="", users=0, groups=0, read_at=""),
        profile=ProfileFacts(name="x", verified="never"), budget=Budget(requests=0), changes=tuple(changes),
    )  # fmt: skip
    recorder = writer or Recorder(fail)

    async def main() -> Outcome:
        with Journal(tmp_path / "journal.jsonl") as journal:
            fake: Writer = recorder  # type: ignore[assignment]
            more.setdefault("done", lambda _step: None)
            return await Executor(plan, fake, journal, concurrency=concurrency, known=known, **more).run()

    return asyncio.run(main()), recorder


def statuses(outcome: Outcome) -> list[Status | None]:
    return [step.status for step in outcome.steps]


ERROR = ScimError("no", request="POST /Users", status=400)


def test_stages_follow_one_another_whatever_the_order_of_the_plan(tmp_path: Path) -> None:
    stages: list[int] = []
    recorder = Recorder()
    changes: list[Change] = [
        EmptyGroup(key="group:old", id="g-old", name="Old", members=refs("x")),
        AddMembers(key="group:new", name="New", members=refs("a")),
        create("a"),
        CreateGroup(key="group:new", name="New", set={"displayName": Difference(after="New")}),
        DeactivateUser(key="user:x", id="id-x", name="x", set={"active": Difference(before=True, after=False)}),
    ]
    outcome, _ = run(tmp_path, changes, writer=recorder, stage_end=lambda: stages.append(len(recorder.calls)))
    assert outcome.exit_code == 0
    assert [c for c in recorder.calls if c[0] != "added"] == [
        ("update", "id-x"), ("create", "a"), ("create", "New"), ("add", "id-New"), ("remove", "g-old")]  # fmt: skip
    assert len(stages) == 5


def test_leavers_last(tmp_path: Path) -> None:
    changes: list[Change] = [DeleteUser(key="user:x", id="id-x", name="x"), create("a")]
    assert run(tmp_path, changes)[1].calls == [("delete", "id-x"), ("create", "a")]
    assert run(tmp_path, changes, leavers_last=True)[1].calls == [("create", "a"), ("delete", "id-x")]


def test_inside_a_stage_side_by_side_but_never_two_at_one_resource(tmp_path: Path) -> None:
    changes: list[Change] = [AddMembers(key="group:g", id="g", name="G", members=refs("a")) for _ in range(3)]
    changes += [AddMembers(key=f"group:g{n}", id=f"g{n}", name="G", members=refs("a")) for n in range(10)]
    outcome, recorder = run(tmp_path, changes)
    assert set(statuses(outcome)) == {Status.DONE}
    assert recorder.most == 4


def test_who_frees_a_name_comes_before_who_takes_it(tmp_path: Path) -> None:
    changes: list[Change] = [create("grace"), rename("old", "grace", "rear"), rename("third", "third", "old-name")]
    outcome, recorder = run(tmp_path, changes)
    assert outcome.exit_code == 0
    assert recorder.calls.index(("update", "id-old")) < recorder.calls.index(("create", "grace"))


@pytest.mark.parametrize("held", [True, False])
def test_if_the_first_fails_or_is_held_the_second_is_skipped_with_its_cause(tmp_path: Path, held: bool) -> None:
    why = (Held(by="whoIsThis", release="whoIsThis:user:old"),) if held else ()
    changes: list[Change] = [rename("old", "grace", "rear", held=why), create("grace"), create("other")]
    outcome, recorder = run(tmp_path, changes, lambda verb, name: ERROR if verb == "update" else None)
    assert statuses(outcome) == [Status.HELD if held else Status.FAILED, Status.SKIPPED, Status.DONE]
    assert "waits for renameUser user:old" in outcome.steps[1].message
    assert ("create", "grace") not in recorder.calls
    assert outcome.exit_code == 4


def test_a_circle_of_names_is_skipped_not_waited_for(tmp_path: Path) -> None:
    changes: list[Change] = [rename("a", "x", "y"), rename("b", "y", "x"), create("c")]
    outcome, _ = run(tmp_path, changes)
    assert statuses(outcome) == [Status.SKIPPED, Status.SKIPPED, Status.DONE]
    assert outcome.exit_code == 4


def test_members_of_a_group_that_was_not_made_are_skipped(tmp_path: Path) -> None:
    changes: list[Change] = [
        CreateGroup(key="group:g", name="G", set={"displayName": Difference(after="G")}),
        AddMembers(key="group:g", name="G", members=refs("a")),
    ]
    outcome, _ = run(tmp_path, changes, lambda verb, name: ERROR if name == "G" else None)
    assert statuses(outcome) == [Status.FAILED, Status.SKIPPED]
    assert "createGroup group:g, which is failed" in outcome.steps[1].message


def test_members_without_an_account_are_named_and_the_others_added(tmp_path: Path) -> None:
    changes: list[Change] = [
        create("a"), create("b"), AddMembers(key="group:g", id="g", name="G", members=refs("a", "b", made=False)),
        AddMembers(key="group:h", id="h", name="H", members=refs("b", made=False)),
    ]  # fmt: skip
    outcome, recorder = run(tmp_path, changes, lambda verb, name: ERROR if name == "b" else None)
    assert statuses(outcome) == [Status.DONE, Status.FAILED, Status.DONE, Status.SKIPPED]
    assert outcome.steps[2].skipped_members == {"user:b": "the account was not created"}
    assert ("added", "id-a") in recorder.calls
    assert ("add", "h") not in recorder.calls
    assert outcome.exit_code == 4


@pytest.mark.parametrize(
    "error",
    [
        Unauthorized("no", request="POST /Users", status=401),
        ServerFailed("no", request="POST /Users", status=500),
        NotSent("no", request="POST /Users"),
    ],
)
def test_five_equal_failures_in_a_row_end_the_run(tmp_path: Path, error: ReconcilerError) -> None:
    outcome, recorder = run(tmp_path, [create(f"p{n}") for n in range(30)], lambda _v, _n: error, concurrency=1)
    assert len(recorder.calls) == EQUAL_FAILURES
    assert outcome.count(Status.FAILED) == EQUAL_FAILURES
    assert outcome.count(Status.SKIPPED) == 25
    assert "ended after 5 equal failures" in outcome.ended
    assert outcome.steps[-1].message == outcome.ended
    assert outcome.exit_code == 4


def test_failures_about_one_person_end_nothing(tmp_path: Path) -> None:
    outcome, recorder = run(tmp_path, [create(f"p{n}") for n in range(30)], lambda _v, _n: ERROR)
    assert len(recorder.calls) == 30
    assert not outcome.ended


def test_a_success_in_between_begins_the_count_again(tmp_path: Path) -> None:
    error = ServerFailed("no", request="POST /Users", status=500)
    good = {"p4", "p9", "p14"}
    outcome, _ = run(tmp_path, [create(f"p{n}") for n in range(19)], lambda _v, n: None if n in good else error,
                     concurrency=1)  # fmt: skip
    assert not outcome.ended
    assert outcome.count(Status.DONE) == 3


def test_stopping_finishes_what_runs_and_skips_the_rest(tmp_path: Path) -> None:
    executor: list[Executor] = []

    def done(step: Step) -> None:
        if step.number == 3:
            executor[0].stop()

    plain = Executor.__init__

    def remember(self: Executor, *args: Any, **options: Any) -> None:
        plain(self, *args, **options)
        executor.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Executor, "__init__", remember)
        outcome, recorder = run(tmp_path, [create(f"p{n:02}") for n in range(20)], done=done, concurrency=2)
    assert outcome.exit_code == 130
    assert outcome.count(Status.DONE) == len(recorder.calls) < 7
    assert {s.message for s in outcome.steps if s.status is Status.SKIPPED} == {"interrupted"}


def test_our_own_trouble_ends_the_run_after_the_writes_that_are_under_way(tmp_path: Path) -> None:
    """Nothing is written any more when the exception arrives: the memory is closed then."""
    recorder = Recorder()
    finished: list[str] = []

    def done(step: Step) -> None:
        finished.append(step.change.key)
        if step.number == 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(tmp_path, [create(f"p{n:02}") for n in range(40)], writer=recorder, done=done)
    assert len(finished) == len(recorder.calls) < 10
    assert not any(recorder.busy.values())


def test_an_account_that_was_there_before_is_never_a_new_one(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.answers["a"] = Stored(RemoteId("17"), {"userName": "a"})
    outcome, _ = run(tmp_path, [create("a")], writer=recorder, known=["17"])
    assert statuses(outcome) == [Status.FAILED]
    assert "was there before" in outcome.steps[0].message
    assert outcome.steps[0].id is None


def test_a_group_that_was_there_before_is_never_a_new_one(tmp_path: Path) -> None:
    new = CreateGroup(key="group:a", name="A", set={"displayName": Difference(after="A")})
    outcome, _ = run(tmp_path, [new], known_groups=["id-A"])
    assert statuses(outcome) == [Status.FAILED]
    assert "group id-A, which was there before" in outcome.steps[0].message
    assert outcome.steps[0].id is None


def test_an_answer_about_somebody_else_moves_no_binding(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.answers["id-a"] = Stored(RemoteId("17"), {"userName": "y"})
    outcome, _ = run(tmp_path, [rename("a", "x", "y")], writer=recorder, known=["17", "id-a"])
    assert outcome.steps[0].id == "id-a"


def test_an_id_that_is_made_of_the_name_moves_with_it(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.answers["id-a"] = Stored(RemoteId("y"), {"userName": "Y"})
    changes: list[Change] = [
        rename("a", "x", "y"),
        AddMembers(key="group:g", id="g", name="G", members=refs("a")),
        RemoveMembers(key="group:h", id="h", name="H", members=refs("a")),
    ]
    outcome, _ = run(tmp_path, changes, writer=recorder, known=["id-a"])
    assert outcome.steps[0].id == "y"
    assert ("added", "y") in recorder.calls
