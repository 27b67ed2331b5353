"""What of a run counts as failed, and about whom."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.apply import Outcome, Status, Step
from reconciler.errors import Forbidden, NotScim, Unauthorized, Verdict
from reconciler.model.plan import AddMembers, Change, CreateUser, DeactivateUser, Difference, MemberRef, UpdateUser
from reconciler.service.backoff import after
from reconciler.service.failure import is_failed, of_outcome, tally

NOW = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
ENDED = "ended after 5 equal failures in a row"


def update(name: str = "ada") -> UpdateUser:
    title = {"title": Difference(before="a", after="b")}
    return UpdateUser(key=f"user:{name}", id="1", name=name, origin="pending", set=title)


def deactivate() -> DeactivateUser:
    return DeactivateUser(
        key="user:ada", id="1", name="ada", origin="pending", set={"active": Difference(before=True, after=False)}
    )


def step(status: Status, code: str = "", change: Change | None = None, **more: Any) -> Step:
    return Step(0, change or update(), status, code=code, message="refused", **more)


def failed(code: str, times: int = 1) -> list[Step]:
    return [step(Status.FAILED, code) for _ in range(times)]


DONE = step(Status.DONE)


@pytest.mark.parametrize(
    ("steps", "counted"),
    [
        ([DONE, *failed(Verdict.INVALID), step(Status.SKIPPED), step(Status.HELD)], (2, 1)),
        ([*failed(Verdict.NOT_SENT, 20), *failed(Verdict.ANSWER_LOST, 20)], (0, 0)),
        (failed(Verdict.UNAVAILABLE, 12), (12, 12)),
        ([step(Status.NOT_STORED, Verdict.NOT_STORED, paths=("title",), values={"title": "b", "a": "c"})], (1, 0)),
        ([step(Status.NOT_STORED, Verdict.NOT_STORED, deactivate(), paths=("active",))], (1, 1)),
        ([], (0, 0)),
    ],
    ids=["skipped and held are in neither", "network", "server", "one attribute", "a removal", "nothing"],
)
def test_what_counts(steps: list[Step], counted: tuple[int, int]) -> None:
    assert tally(Outcome(steps)) == counted


@pytest.mark.parametrize(
    ("steps", "ended", "kind"),
    [
        (failed(Verdict.UNAUTHORIZED), "", Unauthorized),
        ([DONE, *failed(Verdict.UNAUTHORIZED)], "", None),
        ([DONE, *failed(Verdict.UNAUTHORIZED, 5)], ENDED, Unauthorized),
        ([*failed(Verdict.UNAUTHORIZED), *failed(Verdict.UNAVAILABLE, 5)], ENDED, None),
        (failed(Verdict.FORBIDDEN, 4), "", None),
        (failed(Verdict.FORBIDDEN, 5), ENDED, Forbidden),
        ([DONE, *failed(Verdict.FORBIDDEN, 5)], ENDED, None),
        ([DONE, *failed(Verdict.NOT_SCIM, 5)], ENDED, NotScim),
        (failed(Verdict.UNAVAILABLE, 5), ENDED, None),
        (failed(Verdict.NOT_SENT, 5), ENDED, None),
        ([DONE], "", None),
    ],
)
def test_what_is_about_the_whole_app(steps: list[Step], ended: str, kind: type[Exception] | None) -> None:
    found = of_outcome(Outcome(steps, ended=ended))
    assert (None if found is None else type(found)) is kind


@pytest.mark.parametrize("code", [Verdict.NOT_SENT, Verdict.RATE_LIMITED, Verdict.UNAUTHORIZED, Verdict.NOT_SCIM])
def test_nobody_waits_for_what_is_not_about_them(code: Verdict) -> None:
    assert not after("app", {}, Outcome(failed(code)), NOW).rows
    known = {row.key: row for row in after("app", {}, Outcome(failed(Verdict.INVALID)), NOW).rows}
    later = after("app", known, Outcome(failed(code)), NOW)
    assert (later.rows, later.cleared) == ((), ()), "and it says nothing of what is known"
    removal = after("app", {}, Outcome([step(Status.FAILED, code, deactivate())]), NOW)
    assert [row.removal for row in removal.rows] == [True], "but access that is still there is"


def test_a_removal_that_was_not_stored_has_failed() -> None:
    still = Outcome([step(Status.NOT_STORED, Verdict.NOT_STORED, deactivate(), paths=("active",))])
    rows = {row.key: row for row in after("app", {}, still, NOW).rows}
    (told,) = after("app", rows, still, NOW).failing_removals
    assert (told.key, told.failures, told.content) == ("user:ada", 2, "")


def test_what_was_skipped_waits_with_what_failed() -> None:
    member = MemberRef(key="user:ada", id="1", name="ada")
    adding = AddMembers(key="group:a", id="2", name="A", origin="pending", members=(member,))
    create = CreateUser(key="user:ada", id=None, name="ada", origin="pending", set={})
    outcome = Outcome([step(Status.FAILED, Verdict.INVALID, create), step(Status.SKIPPED, "", adding)])
    assert [row.key for row in after("app", {}, outcome, NOW).rows] == ["user:ada"], "the group has not failed"
    assert not is_failed(outcome.steps[1])
