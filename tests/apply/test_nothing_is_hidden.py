"""Promise 12: exit code and summary never hide a change that failed, was skipped, was not stored, or is held."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

import pytest

from reconciler.apply import Outcome, Status, Step
from reconciler.cli.outcomes import tell
from reconciler.model.plan import AddMembers, Change, DeactivateUser, Held, MemberRef

STATUSES: Final = tuple(Status)
BAD: Final = {Status.FAILED: "failed", Status.SKIPPED: "skipped", Status.NOT_STORED: "notStored"}
SHOWN: Final = {Status.NOT_STORED: "not stored"}
SETS: Final = [chosen for size in range(len(STATUSES) + 1) for chosen in itertools.combinations(STATUSES, size)]
"""Every set of statuses."""


def step(number: int, status: Status) -> Step:
    held = (Held(by="takenAwayInApp", release=f"takenAwayInApp:user:p{number}"),) if status is Status.HELD else ()
    change: Change = DeactivateUser(key=f"user:p{number}", id=str(number), name=f"Person {number}", held=held)
    return Step(number, change, status, message="the application said no" if status in BAD else "")


def outcome(statuses: tuple[Status, ...]) -> Outcome:
    """Among many that were done, one of each."""
    steps = [step(n, status) for n, status in enumerate(statuses)]
    return Outcome([*steps, *(step(100 + n, Status.DONE) for n in range(50))])


@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("unverified", ["", "the connection broke"])
@pytest.mark.parametrize("statuses", SETS, ids=lambda s: "+".join(map(str, s)) if isinstance(s, tuple) else str(s))
def test_every_combination(
    statuses: tuple[Status, ...], unverified: str, interrupted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    made = outcome(statuses)
    made.unverified, made.interrupted = unverified, interrupted
    bad = [s for s in statuses if s in BAD]
    expected = 130 if interrupted else 4 if bad or unverified else 3 if Status.HELD in statuses else 0
    assert made.exit_code == expected
    tell(made, 1.0, Path("journal.jsonl"))
    said = capsys.readouterr().out
    for status in statuses:
        assert f" {SHOWN.get(status, str(status))}" in f" {said}", said
    for each in made.steps:
        if each.status in BAD:
            assert each.change.key.removeprefix("user:") in said
            assert BAD[each.status] in said
    assert said.count("the application said no") == len(bad)
    assert not unverified or unverified in said
    assert not interrupted or "interrupted" in said


@pytest.mark.parametrize("place", [0, 1, 25, 49])
def test_one_of_many_wherever_it_stands(place: int) -> None:
    for status, code in ((Status.FAILED, 4), (Status.SKIPPED, 4), (Status.NOT_STORED, 4), (Status.HELD, 3)):
        steps = [step(n, status if n == place else Status.DONE) for n in range(50)]
        assert Outcome(steps).exit_code == code


def test_a_member_who_could_not_be_added_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The change itself is done, for the others."""
    members = tuple(MemberRef(key=f"user:{name}", name=name) for name in ("ada", "bob"))
    added = Step(0, AddMembers(key="group:red", id="1", name="Red", members=members), Status.DONE)
    added.skipped_members["user:bob"] = "the account could not be created"
    made = Outcome([added])
    assert made.exit_code == 4
    tell(made, 1.0, Path("journal.jsonl"))
    said = capsys.readouterr().out
    assert "bob" in said
    assert "could not be created" in said
