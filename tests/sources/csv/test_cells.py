"""Cells become values, or are refused: text, dates, yes and no, lists, and what a spreadsheet would run."""

from __future__ import annotations

import pytest

from reconciler.sources.csv import cells
from reconciler.sources.csv.cells import AmbiguousDate, Unusable


@pytest.mark.parametrize(
    ("attribute", "cell", "value"),
    [
        ("employeeId", "007", "007"),
        ("employeeId", '="00123"', "00123"),
        ("employeeId", "1E5", "1E5"),
        ("postalCode", "01067", "01067"),
        ("displayName", "  Ada \u00a0 Lovelace\t", "Ada Lovelace"),
        ("displayName", "Ada\nLovelace", "Ada Lovelace"),
        ("displayName", "Zoe\u0301", "Zo\u00e9"),
        ("displayName", "=", None),
        ("displayName", "🧑\u200d🚀 Ada", "🧑\u200d🚀 Ada"),
        ("displayName", "'t Hooft", "'t Hooft"),
        ("surname", "Null", "Null"),
        ("surname", "NULL", "NULL"),
        ("surname", "O'Neill-Smith", "O'Neill-Smith"),
        ("department", "NULL", None),
        ("department", "n/a", None),
        ("department", " - ", None),
        ("department", "", None),
        ("department", "#N/A", None),
        ("department", "yes", "yes"),
        ("department", "2026-11-23", "2026-11-23"),
        ("mobilePhone", "+49 (0)30 1234-5", "+49 (0)30 1234-5"),
        ("mobilePhone", "'+49 30 1", "+49 30 1"),
        ("streetAddress", "1 Main St\r\n\r\n  Floor  2 ", "1 Main St\nFloor 2"),
        ("mail", " ada@contoso.com ", "ada@contoso.com"),
    ],
)
def test_text_stays_text(attribute: str, cell: str, value: str | None) -> None:
    if cell == "=":
        with pytest.raises(Unusable, match="is a formula"):
            cells.text(attribute)(cell)
        return
    assert cells.text(attribute)(cell) == value


@pytest.mark.parametrize(
    ("attribute", "cell", "why"),
    [
        ("displayName", "=", "is a formula"),
        ("displayName", "=cmd|' /C calc'!A0", "is a formula"),
        ("displayName", "  =1+1", "is a formula"),
        ("displayName", "'=1+1", "is a formula"),
        ("displayName", "@SUM(A1)", "is a formula"),
        ("displayName", "+cmd|' /C calc'!A0", "is a formula"),
        ("displayName", "-2+3+cmd|' /C calc'!A0", "is a formula"),
        ("mobilePhone", "+49+cmd|x", "is a formula"),
        ("department", "#REF!", "is an error of a spreadsheet"),
        ("department", "########", "is an error of a spreadsheet"),
        ("employeeId", "1.23457E+11", "is no whole number"),
        ("displayName", "Jos\ufffd", "a character is missing"),
        ("displayName", "A\0", r"control character \(U\+0000\)"),
        ("displayName", "A\x1b[31m", r"control character \(U\+001B\)"),
        ("displayName", "A\u202eB", r"invisible or control character \(U\+202E\)"),
        ("mail", "a\u200bda@contoso.com", r"\(U\+200B\)"),
        ("userPrincipalName", "a\u200dda@contoso.com", r"\(U\+200D\)"),
        ("mail", "Ada <ada@contoso.com>", "is no address"),
        ("mail", "ada", "is no address"),
        ("mail", "a@x.com; b@x.com", "is no address"),
        ("displayName", "A" * 2001, "2,001 characters"),
    ],
)
def test_what_hides_something_is_refused(attribute: str, cell: str, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        cells.text(attribute)(cell)


@pytest.mark.parametrize("cell", ["../../etc/passwd", ".hidden", "a/b", "-x y", "a b", "A" * 129])
def test_an_id_is_one_of_the_desired_state(cell: str) -> None:
    with pytest.raises(Unusable):
        cells.identifier(cell)
    assert cells.identifier("E-007") == "E-007"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2026-11-23", "2026-11-23"),
        ("20261123", "2026-11-23"),
        ("2026/1/5", "2026-01-05"),
        ("23.11.2026", "2026-11-23"),
        ("1.2.2026", "2026-02-01"),
        ("13/02/2026", "2026-02-13"),
        ("02/13/2026", "2026-02-13"),
        ("02-13-26", "2026-02-13"),
        ("13/02/99", "1999-02-13"),
        ("3/3/2026", "2026-03-03"),
        ("01-Dec-2026", "2026-12-01"),
        ("Dec 1, 2026", "2026-12-01"),
        ("1 sept 2026", "2026-09-01"),
        ("11/23/2026 12:00:00 AM", "2026-11-23"),
        ("2026-11-23 00:00:00.000", "2026-11-23"),
        ("2026-11-23T00:00:00Z", "2026-11-23"),
        ("2026-11-23T17:00:00+01:00", "2026-11-23T17:00:00+01:00"),
        ("", None),
    ],
)
def test_dates_are_normalised(cell: str, value: str | None) -> None:
    assert cells.day(None)(cell) == value


@pytest.mark.parametrize("cell", ["2026-02-30", "31.04.2026", "46000", "soon", "13/13/2026", "0000-00-00", "1/2"])
def test_what_is_no_date_is_refused(cell: str) -> None:
    with pytest.raises(Unusable, match="is no date"):
        cells.day(None)(cell)


def test_a_date_that_can_be_read_in_two_ways_is_not_guessed() -> None:
    with pytest.raises(AmbiguousDate, match="which is the day and which the month"):
        cells.day(None)("3/4/2026")
    assert cells.day("dmy")("3/4/2026") == "2026-04-03"
    assert cells.day("mdy")("3/4/2026") == "2026-03-04"


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["3/4/2026", "13/4/2026"], "dmy"),
        (["3/4/2026", "4/13/2026"], "mdy"),
        (["3/4/2026"], None),
        (["13/4/2026", "4/13/2026"], None),
        (["2026/4/13", "3/4/2026"], None),
        ([], None),
    ],
)
def test_a_column_tells_how_its_dates_are_written(values: list[str], order: str | None) -> None:
    assert cells.order_of(values) == order


@pytest.mark.parametrize("cell", ["Active", "TRUE", "yes", "1", "aktiv", " Employed "])
def test_words_that_mean_enabled(cell: str) -> None:
    assert cells.truth()(cell) is True


@pytest.mark.parametrize("cell", ["Terminated", "false", "N", "0", "ausgeschieden", "INACTIVE"])
def test_words_that_mean_disabled(cell: str) -> None:
    assert cells.truth()(cell) is False


def test_a_word_that_is_neither_is_refused_unless_somebody_said_what_it_means() -> None:
    with pytest.raises(Unusable, match="`On leave` means neither enabled nor disabled"):
        cells.truth()("On leave")
    assert cells.truth(active=["onleave"])("On leave") is True
    assert cells.truth(inactive=["1"], active=["0"])("0") is True
    assert cells.truth(inactive=["1"], active=["0"])("1") is False
    with pytest.raises(Unusable, match="nothing says whether the account is enabled"):
        cells.truth(required=True)("")
    assert cells.truth()("") is None


def test_lists_are_split_and_numbers_are_whole() -> None:
    phones = cells.several(cells.text("businessPhones"), commas=True)
    assert phones("+49 30 1; +49 30 2,+49 30 1|") == ["+49 30 1", "+49 30 2"]
    assert phones(" ; ") is None
    assert cells.whole("0042") == 42
    assert cells.whole("") is None
    for wrong in ("4.2", "1e5", "4" * 30, "0x1f"):
        with pytest.raises(Unusable):
            cells.whole(wrong)
