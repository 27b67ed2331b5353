"""The real values behind a plan: written, never told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.apply.execute import Executor
from reconciler.apply.journal import Journal
from reconciler.apply.outcome import Outcome, Step
from reconciler.apply.values import Values, checked_by, told
from reconciler.errors import AnswerLost, PlanError, ReconcilerError, ScimError, ServerFailed
from reconciler.gallery import load_profile
from reconciler.live import Stored
from reconciler.model.plan import (
    AddMembers,
    Budget,
    Change,
    CreateUser,
    DesiredFacts,
    Difference,
    LiveFacts,
    MemberRef,
    Plan,
    ProfileFacts,
    RemoveMembers,
    RenameGroup,
    UpdateUser,
)
from reconciler.model.values import Generated, Redacted, Reference, RemoteId, UserId
from reconciler.plan.difference import REDACTED

CANARY = "canary-4711"
BEHIND = {"user:ada": {"title": Redacted(CANARY)}}


class Server:
    """Writes down what it is asked; says `error`, if there is one."""

    def __init__(self, error: ReconcilerError | None = None, group: str = "g") -> None:
        self.error = error
        self.group = group
        self.asked: list[tuple[str, Any]] = []

    def _asked(self, id_: str, what: Any) -> None:
        self.asked.append((id_, what))
        if self.error is not None:
            raise self.error

    async def create_user(self, values: dict[str, Any]) -> Stored:
        self._asked("", values)
        return Stored(RemoteId(f"id-{values['userName']}"), dict(values))

    async def update_user(self, id: str, values: dict[str, Any]) -> None:  # noqa: A002
        self._asked(id, values)

    async def update_group(self, id: str, values: dict[str, Any]) -> Stored:  # noqa: A002
        self._asked(id, values)
        return Stored(RemoteId(self.group), {"id": self.group, **values})

    async def add_members(self, id: str, ids: Sequence[str]) -> None:  # noqa: A002
        self._asked(id, list(ids))

    async def remove_members(self, id: str, ids: Sequence[str]) -> None:  # noqa: A002
        self._asked(id, list(ids))


def create(name: str, **set_: Any) -> CreateUser:
    return CreateUser(key=f"user:{name}", name=name, set={p: Difference(after=v) for p, v in set_.items()})


def update(name: str, id_: str | None = None, **set_: Any) -> UpdateUser:
    return UpdateUser(key=f"user:{name}", id=id_, name=name, set={p: Difference(after=v) for p, v in set_.items()})


def run(
    folder: Path, server: Server, *changes: Change, behind: Mapping[str, Any], known_groups: Sequence[str] = ()
) -> Outcome:
    plan = Plan(
        tool_version="0", app="app", tenant_url="https://x.example", as_of="",
        desired=DesiredFacts(digest="", users=0, groups=0), live=LiveFacts(digest="", users=0, groups=0, read_at=""),
        profile=ProfileFacts(name="x", verified="never"), budget=Budget(requests=0), changes=changes,
    )  # fmt: skip

    async def main() -> Outcome:
        with Journal(folder / "journal.jsonl") as journal:
            return await Executor(
                plan,
                server,  # type: ignore[arg-type]
                journal,
                concurrency=2,
                values=Values(behind),
                known_groups=known_groups,
                done=lambda _: None,
            ).run()

    return asyncio.run(main())


def test_the_real_value_is_written_and_not_journalled(tmp_path: Path) -> None:
    server = Server()
    outcome = run(tmp_path, server, update("ada", "1", title=REDACTED), behind=BEHIND)
    assert server.asked == [("1", {"title": CANARY})]
    assert CANARY not in (tmp_path / "journal.jsonl").read_text() + repr(outcome)


@pytest.mark.parametrize(
    "error",
    [
        ScimError(f"no {CANARY}", request=f"GET /Users?filter=title eq {CANARY}", status=400, detail=CANARY),
        ServerFailed(f"{CANARY}", request="PATCH /Users/1", status=500),
        AnswerLost(CANARY, request="PATCH /Users/1"),
        ReconcilerError(CANARY, hint=CANARY),
    ],
)
def test_what_a_server_repeats_is_not_told(tmp_path: Path, error: ReconcilerError) -> None:
    changes = [update(f"ada{n}", str(n), title=REDACTED) for n in range(6)]
    behind = {c.key: {"title": Redacted(CANARY)} for c in changes}
    outcome = run(tmp_path, Server(error), *changes, behind=behind)
    said = " ".join([outcome.ended, *(s.message for s in outcome.steps)])
    assert "may repeat a redacted value" in said
    assert CANARY not in said + (tmp_path / "journal.jsonl").read_text()


def test_other_errors_are_told_whole() -> None:
    assert told(ReconcilerError("wrong", hint="do that"), hides=False) == "wrong — do that"


def test_what_is_drawn_is_drawn_for_each_and_not_told(tmp_path: Path) -> None:
    generated = Generated("Guid", "Guid()")
    server, shown = Server(), {"generated": "Guid"}
    changes = [create(n, userName=n, externalId=shown) for n in ("ada", "eve")]
    run(tmp_path, server, *changes, behind={c.key: {"externalId": generated} for c in changes})
    drawn = [values["externalId"] for _, values in server.asked]
    assert len({*drawn}) == 2
    assert all(len(each) == 36 for each in drawn)
    assert not [each for each in drawn if each in (tmp_path / "journal.jsonl").read_text()]


def test_what_is_drawn_must_fit(tmp_path: Path) -> None:
    generated = Generated("RandomString", 'RandomString(150, 150, 0, 0, 0, "")')
    values = Values({"user:ada": {"displayName": generated}}, checked_by(load_profile("hootsuite")))
    step = Step(0, create("ada", displayName={"generated": "RandomString"}))
    with pytest.raises(PlanError, match="what RandomString drew does not fit") as failed:
        values.of(step, {})
    assert not any(character.isdigit() for character in str(failed.value))


def test_a_reference_to_an_account_of_this_run(tmp_path: Path) -> None:
    server = Server()
    behind = {f"user:{n}": {"manager": Reference(UserId("eve"))} for n in ("ada", "zoe")}
    outcome = run(
        tmp_path, server, create("eve", userName="eve"), create("zoe", userName="zoe"),
        update("ada", "1", manager={"key": "user:eve"}), update("zoe", manager={"key": "user:eve"}), behind=behind,
    )  # fmt: skip
    assert outcome.exit_code == 0
    assert sorted(server.asked[2:]) == [("1", {"manager": "id-eve"}), ("id-zoe", {"manager": "id-eve"})]


def test_a_reference_to_an_account_that_could_not_be_made(tmp_path: Path) -> None:
    server = Server(ScimError("no", request="POST /Users", status=400))
    behind = {"user:ada": {"manager": Reference(UserId("eve"))}}
    outcome = run(
        tmp_path, server, create("eve", userName="eve"), update("ada", "1", manager={"key": "user:eve"}), behind=behind
    )
    assert [str(s.status) for s in outcome.steps] == ["failed", "skipped"]


def test_a_reference_by_the_plans_id() -> None:
    values = Values({"user:ada": {"manager": Reference(UserId("eve"))}})
    step = Step(0, update("ada", "1", manager={"key": "user:eve", "id": "7"}))
    assert values.of(step, {}) == {"manager": "7"}
    assert values.of(step, {"user:eve": "8"}) == {"manager": "8"}
    with pytest.raises(PlanError, match="eve has no account"):
        values.of(Step(0, update("ada", "1", manager={"key": "user:eve"})), {})


@pytest.mark.parametrize(("known", "id_"), [((), "Care"), (("Care",), "g")])
def test_a_group_whose_id_follows_its_name(tmp_path: Path, known: tuple[str, ...], id_: str) -> None:
    """The members go to where the group is by now; an answer with another group's id is not believed."""
    server = Server(group="Care")
    renamed = RenameGroup(key="group:care", id="g", name="Care", set={"displayName": Difference(after="Care")})
    member = (MemberRef(key="user:ada", id="1", name="Ada"),)
    outcome = run(
        tmp_path, server, renamed, AddMembers(key="group:care", id="g", name="Care", members=member),
        RemoveMembers(key="group:care", id="g", name="Care", members=member), behind={}, known_groups=known,
    )  # fmt: skip
    assert [asked for asked, _ in server.asked] == ["g", id_, id_]
    assert {step.id for step in outcome.steps} == {id_}
