"""`from` and `until` as people write them: what they mean, and what is refused with its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from reconciler.desired import Loaded, moment_of
from reconciler.errors import Problem, UsageError
from reconciler.model.window import ALWAYS, Window

BERLIN = "timeZone: Europe/Berlin\n"
SPRING = """\
members:
  - {user: ada, from: 2026-12-01, until: 2027-03-31, reason: cover for the spring campaign}
  - group: editors
    until: 2026-12-01T18:00:00+01:00
"""


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_whole_days_are_meant_in_the_organizations_time_zone(loaded: Callable[..., Loaded]) -> None:
    state = loaded({
        "reconciler.yaml": BERLIN, "groups/x.yaml": SPRING, "users/x.yaml": "from: 2026-12-01\n",
    })  # fmt: skip
    cover, nested = state.directory.groups["x"].members  # type: ignore[index]
    assert cover.window == Window(_utc("2026-11-30T23:00:00"), _utc("2027-03-31T22:00:00"), "2026-12-01", "2027-03-31")
    assert cover.reason == "cover for the spring campaign"
    assert nested.window == Window(None, _utc("2026-12-01T17:00:00"), "", "2026-12-01T18:00:00+01:00")
    assert state.directory.users["x"].window.opens == _utc("2026-11-30T23:00:00")  # type: ignore[index]
    assert state.directory.users["ada"].window is ALWAYS  # type: ignore[index]


def test_without_a_time_zone_days_are_those_of_utc(loaded: Callable[..., Loaded]) -> None:
    user = loaded({"users/x.yaml": "until: 2026-12-01\n"}).directory.users["x"]  # type: ignore[index]
    assert user.window == Window(None, _utc("2026-12-02T00:00:00"), "", "2026-12-01")


def test_one_day_is_a_window(loaded: Callable[..., Loaded]) -> None:
    user = loaded({"users/x.yaml": "from: 2026-12-01\nuntil: 2026-12-01\n"}).directory.users["x"]  # type: ignore[index]
    assert not user.window.empty


def test_the_windows_of_assignments_stand_in_the_app_as_written(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    text = app_yaml.replace("users: [ada]", "users: [{user: ada, from: 2026-12-01, until: 2027-01-31}]")
    state = loaded({"reconciler.yaml": BERLIN, "apps/hootsuite/app.yaml": text})
    assigned = state.apps["hootsuite"].scope.assigned
    assert assigned is not None
    window = assigned.users[0].window(state.directory.zone)
    assert str(window) == "from 2026-12-01 until 2027-01-31"
    assert window.closes == _utc("2027-01-31T23:00:00")
    assert assigned.groups[0].window(state.directory.zone) is ALWAYS


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("2026-02-30", "`until` can't be `2026-02-30`"),
        ("2026-2-3", "`until` can't be"),
        ("tomorrow", "`until` can't be `tomorrow`"),
        ("2026-W49-2", "`until` can't be"),
        ("20261201", "must be a day or a time, this is a number"),
        ("2026-12-01T18:00:00", "nor a time with an offset"),
        ("2026-12-01 18:00:00+01:00", "nor a time with an offset"),
        ("2026-12-01T25:00:00Z", "nor a time with an offset"),
        ("2026-12-01T18:00:00+25:00", "nor a time with an offset"),
        ("0001-01-01", "`until` can't be"),
        ("2026", "must be a day or a time, this is a number"),
        ("", "must be a day or a time, this is nothing"),
        ("''", "`until` can't be"),
        ("[2026-12-01]", "must be a day or a time, this is a list"),
    ],
)
@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("users/x.yaml", "until: {}\n", "users/x.yaml:1:"),
        ("groups/x.yaml", "members:\n  - user: ada\n    until: {}\n", "groups/x.yaml:3:"),
        ("groups/x.yaml", "members:\n  - group: editors\n    until: {}\n", "groups/x.yaml:3:"),
    ],
)
def test_what_is_no_day_and_no_time(
    only_problem: Callable[..., Problem], file: str, text: str, place: str, written: str, says: str
) -> None:
    zone = "timeZone: Pacific/Auckland\n"
    problem = only_problem({"reconciler.yaml": zone, file: text.format(written)})
    assert str(problem.place).startswith(place)
    assert says in problem.message
    assert problem.hint == "such as 2026-12-01, or 2026-12-01T08:00:00+01:00"


@pytest.mark.parametrize(
    ("from_", "until"),
    [
        ("2026-12-02", "2026-12-01"),
        ("2026-12-01T12:00:00Z", "2026-12-01T13:00:00+01:00"),
        ("2026-12-02T00:00:00+01:00", "2026-12-01"),
    ],
)
@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("users/x.yaml", "from: {}\nuntil: {}\n", "users/x.yaml:2:8"),
        ("groups/x.yaml", "members:\n  - user: ada\n    from: {}\n    until: {}\n", "groups/x.yaml:4:12"),
    ],
)
def test_a_window_that_never_holds(
    only_problem: Callable[..., Problem], file: str, text: str, place: str, from_: str, until: str
) -> None:
    problem = only_problem({"reconciler.yaml": BERLIN, file: text.format(from_, until)})
    assert str(problem.place) == place
    assert problem.message == f"never holds: from {from_} until {until}"
    assert "comes after `from`" in problem.hint


def test_a_day_that_the_zone_skips_is_no_window(only_problem: Callable[..., Problem]) -> None:
    problem = only_problem({
        "reconciler.yaml": "timeZone: Pacific/Apia\n",
        "users/x.yaml": "from: 2011-12-30\nuntil: 2011-12-30\n",
    })  # fmt: skip
    assert problem.message == "never holds: from 2011-12-30 until 2011-12-30"


def test_the_same_member_may_stand_in_several_windows(loaded: Callable[..., Loaded]) -> None:
    state = loaded({
        "groups/x.yaml": """\
members:
  - {user: ada, from: 2027-03-01, until: 2027-05-31}
  - {user: ada, from: 2027-09-01, until: 2027-11-30}
  - {group: editors, until: 2027-05-31}
  - {group: editors, from: 2027-09-01}
""",
    })  # fmt: skip
    assert state.warnings == ()
    assert len(state.directory.groups["x"].members) == 4  # type: ignore[index]


@pytest.mark.parametrize(
    ("second", "says", "kept"),
    [
        ("{user: ada, until: 2027-05-31}", "`ada` is listed twice, first in line 2", 1),
        ("{user: ada, until: 2027-05-31, reason: other}", "`ada` is listed twice, first in line 2", 1),
        ("ada", "once without end, so the window has no effect", 2),
    ],
)
def test_the_same_member_in_the_same_window_is_a_warning(
    loaded: Callable[..., Loaded], second: str, says: str, kept: int
) -> None:
    state = loaded({"groups/x.yaml": f"members:\n  - {{user: ada, until: 2027-05-31}}\n  - {second}\n"})
    (warning,) = state.warnings
    assert says in warning.message
    assert str(warning.place).startswith("groups/x.yaml:3:")
    assert len(state.directory.groups["x"].members) == kept  # type: ignore[index]


def test_a_circle_is_refused_also_where_its_windows_never_overlap(only_problem: Callable[..., Problem]) -> None:
    problem = only_problem({
        "groups/a.yaml": "members:\n  - {group: b, until: 2026-01-31}\n",
        "groups/b.yaml": "members:\n  - {group: a, from: 2027-01-01}\n",
    })  # fmt: skip
    assert problem.message == "groups in a circle: a → b → a"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01", "2026-11-30T23:00:00"),
        ("2026-12-01T08:00:00+01:00", "2026-12-01T07:00:00"),
        ("2026-12-01T08:00Z", "2026-12-01T08:00:00"),
        ("2026-12-01T08:00:00.9Z", "2026-12-01T08:00:00"),
    ],
)
def test_a_plan_is_asked_for_on_a_day_or_at_a_time(loaded: Callable[..., Loaded], text: str, moment: str) -> None:
    assert moment_of(text, loaded({"reconciler.yaml": BERLIN}).directory.zone) == _utc(moment)


@pytest.mark.parametrize("text", ["tomorrow", "", "2026-13-01", "2026-12-01T08:00:00", "1.12.2026"])
def test_what_is_no_moment_to_plan_for(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        moment_of(text, UTC)
    assert "neither a day nor a time with an offset" in caught.value.message
    assert "2026-12-01" in (caught.value.hint or "")
