"""An end of access that empties a group."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.project import emptied


def _told(company: Any) -> list[tuple[str, int, str]]:
    return [(each.place.file, each.place.line, each.message) for each in emptied(company.directory)]


@pytest.fixture
def firm(company: Any) -> Any:
    for name in ("ada", "grace", "linus"):
        company.user(name)
    return company


def test_the_last_member_leaves(firm: Any) -> None:
    firm.group("social", "ada ..2026-11-30", "grace ..2027-03-31", "linus ..2026-12-31")
    assert _told(firm) == [
        ("groups/social.yaml", 5, "`social` has no members after 2027-03-31: the last one's access ends")
    ]
    (problem,) = emptied(firm.directory)
    assert problem.severity == "warning"
    assert problem.hint


@pytest.mark.parametrize(
    "entries",
    [
        (),
        ("ada",),
        ("ada ..2026-11-30", "grace"),
        ("ada ..2026-11-30", "grace 2026-12-01.."),
        ("ada ..2026-11-30", "ada 2026-11-15.."),
        ("ada 2027-01-01..",),
        ("nobody ..2026-11-30",),
    ],
)
def test_a_group_that_keeps_somebody_or_never_had_anybody(firm: Any, entries: tuple[str, ...]) -> None:
    firm.group("social", *entries)
    assert _told(firm) == []


def test_a_gap_empties_a_group_for_a_while(firm: Any) -> None:
    firm.group("social", "ada ..2026-11-30", "grace 2026-12-02..")
    message = (
        "`social` has no members after 2026-11-30: the last one's access ends, until somebody's access begins again"
    )
    assert _told(firm) == [("groups/social.yaml", 4, message)]


def test_the_window_of_the_last_member_counts_and_whoever_is_disabled_does_not(firm: Any, within: Any) -> None:
    firm.user("temp", window=within("..2026-12-31"))
    firm.user("off", enabled=False)
    firm.group("social", "temp", "off")
    assert _told(firm) == [
        ("groups/social.yaml", 4, "`social` has no members after 2026-12-31: the last one's access ends")
    ]


def test_nested_groups_and_rules_keep_a_group_staffed(firm: Any, within: Any) -> None:
    firm.user("temp", window=within("..2026-12-31"), city="Rome")
    firm.group("a", "@inner ..2026-11-30", "@ending")
    firm.group("b", "@ending", "@inner")
    firm.group("c", rules=[[{"attribute": "city", "operator": "EQUALS", "value": "Rome"}]])
    firm.group("ending", "ada ..2026-12-24")
    firm.group("inner", "grace")
    assert [(file, line) for file, line, _ in _told(firm)] == [
        ("groups/ending.yaml", 4),
        ("groups/a.yaml", 5),
        ("groups/c.yaml", 50),
    ]
    assert "2026-12-24" in _told(firm)[1][2]


def test_many_are_counted(firm: Any) -> None:
    for number in range(30):
        firm.group(f"g{number:02}", "ada ..2026-12-24")
    told = _told(firm)
    assert len(told) == 21
    assert told[-1][2] == "and 10 more groups are emptied so"


def test_a_chain_in_which_every_group_adds_a_stretch_stays_small(firm: Any) -> None:
    """Of a group with very many stretches only the first and the last count for the groups around it."""
    depth = 1500
    for number in range(depth):
        nested = [f"@g{number + 1:04}"] if number + 1 < depth else []
        year = 3000 + 2 * number
        firm.group(f"g{number:04}", *nested, f"ada {year}-01-01..{year}-12-31")
    told = _told(firm)
    assert len(told) == 21
    assert told[0][:2] == (f"groups/g{depth - 1:04}.yaml", 4)
