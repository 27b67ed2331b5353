"""Windows: whole days where clocks skip and repeat hours, midnights and whole days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.model.window import ALWAYS, Window, between, closes_at, opens_at

MINUTE = timedelta(minutes=1)
ZONES = (
    "UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "America/Havana",
    "America/St_Johns", "Asia/Beirut", "Australia/Lord_Howe", "America/Toronto", "Asia/Kathmandu", "Pacific/Kiritimati",
)  # fmt: skip


def _days(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The oracle: walks the minutes around a day, and looks at the date that clocks show.

    (The first instant of the day or later, the first after which it is never this day or an earlier one).
    """
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=40)
    minutes = [start + n * MINUTE for n in range(104 * 60)]
    shown = [each.astimezone(zone).date() for each in minutes]
    opens = minutes[next(n for n, one in enumerate(shown) if one >= day)]
    closes = minutes[max(n for n, one in enumerate(shown) if one <= day) + 1]
    return opens, closes


@given(st.dates(date(1972, 1, 10), date(2037, 12, 20)), st.sampled_from(ZONES))
@example(date(2026, 3, 29), "Europe/Berlin")
@example(date(2026, 10, 25), "Europe/Berlin")
@example(date(2018, 11, 4), "America/Sao_Paulo")
@example(date(2018, 11, 3), "America/Sao_Paulo")
@example(date(2018, 2, 17), "America/Sao_Paulo")
@example(date(2018, 2, 18), "America/Sao_Paulo")
@example(date(2011, 12, 29), "Pacific/Apia")
@example(date(2011, 12, 30), "Pacific/Apia")
@example(date(2011, 12, 31), "Pacific/Apia")
@example(date(2026, 2, 15), "Africa/Casablanca")
@example(date(2026, 3, 22), "Africa/Casablanca")
@example(date(2025, 11, 1), "America/Havana")
@example(date(2025, 11, 2), "America/Havana")
@example(date(2006, 10, 28), "America/St_Johns")
@example(date(2006, 10, 29), "America/St_Johns")
@example(date(2026, 3, 29), "Asia/Beirut")
def test_a_whole_day_is_what_clocks_show(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    opens, closes = _days(day, zone)
    assert opens_at(day.isoformat(), zone) == opens
    assert closes_at(day.isoformat(), zone) == closes


@pytest.mark.parametrize(
    ("name", "day", "opens", "closes"),
    [
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00", "2026-10-25T23:00:00"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00", "2018-11-05T02:00:00"),
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00", "2018-02-18T03:00:00"),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00", "2011-12-30T10:00:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00", "2011-12-30T10:00:00"),
        ("Africa/Casablanca", "2026-02-15", "2026-02-14T23:00:00", "2026-02-16T00:00:00"),
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30:00", "1919-04-01T04:00:00"),
        ("America/Havana", "2026-10-31", "2026-10-31T04:00:00", "2026-11-01T04:00:00"),
        ("UTC", "9999-12-31", "9999-12-31T00:00:00", "9999-12-31T23:59:59.999999"),
    ],
)
def test_days_that_clocks_make_special(name: str, day: str, opens: str, closes: str) -> None:
    zone = ZoneInfo(name)
    assert opens_at(day, zone) == datetime.fromisoformat(opens).replace(tzinfo=UTC)
    assert closes_at(day, zone) == datetime.fromisoformat(closes).replace(tzinfo=UTC)


@given(st.dates(date(1972, 1, 1), date(2037, 12, 30)), st.sampled_from(ZONES))
def test_a_day_begins_no_later_than_the_one_before_ends(day: date, name: str) -> None:
    """Whoever has access until one day and again from the next has no gap."""
    zone = ZoneInfo(name)
    following = (day + timedelta(1)).isoformat()
    assert opens_at(following, zone) <= closes_at(day.isoformat(), zone)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-12-01T08:00:00+01:00", "2026-12-01T07:00:00"),
        ("2026-12-01T08:00Z", "2026-12-01T08:00:00"),
        ("2026-12-01T08:00:00.25-03:30", "2026-12-01T11:30:00.250000"),
    ],
)
def test_a_time_with_an_offset_is_that_time_wherever_the_organization_is(text: str, instant: str) -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert opens_at(text, zone) == closes_at(text, zone) == expected


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13-01", "2026-W49-2", "2026-12-01T08:00:00", "2026-12-01T08Z", "０"]
)
def test_nothing_else_is_a_moment(text: str) -> None:
    for read in (opens_at, closes_at):
        with pytest.raises(ValueError, match=r".+"):
            read(text, UTC)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_what_is_out_of_reach_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="out of reach"):
        opens_at("0001-01-01" if zone == "Europe/Berlin" else "9999-12-31T23:59:59-05:00", ZoneInfo(zone))


def test_a_window_holds_between_its_ends() -> None:
    window = between("2026-12-01", "2026-12-02", ZoneInfo("Europe/Berlin"))
    first, last = datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 12, 2, 23, tzinfo=UTC)
    assert not window.holds(first - MINUTE)
    assert window.holds(first)
    assert window.holds(last - MINUTE)
    assert not window.holds(last)
    assert window.over(last)
    assert not window.over(last - MINUTE)
    assert not window.empty
    assert str(window) == "from 2026-12-01 until 2026-12-02"
    assert window.why_not(first - MINUTE) == "from 2026-12-01"
    assert window.why_not(last) == "until 2026-12-02"


def test_open_ends() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert ALWAYS.holds(moment)
    assert str(ALWAYS) == ""
    assert between("", "2026-12-01", UTC).holds(moment)
    assert not between("2026-12-01", "", UTC).holds(moment)
    assert Window(moment, moment).empty
