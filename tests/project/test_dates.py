"""Dates: .NET's formats both ways, what can be read without a format, and the edges of the functions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ExpressionError
from reconciler.project import Context, compile_expression, parse_time
from reconciler.project.expressions.moment import FILETIME, LAST, calendar, general, ticks_of

_NOW = datetime(2026, 11, 23, 17, 4, 5, tzinfo=UTC)


def _value(text: str, **source: Any) -> Any:
    return compile_expression(text).evaluate(source, Context(_NOW))


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("d", "6/15/2009"),
        ("D", "Monday, June 15, 2009"),
        ("f", "Monday, June 15, 2009 1:45 PM"),
        ("F", "Monday, June 15, 2009 1:45:30 PM"),
        ("g", "6/15/2009 1:45 PM"),
        ("G", "6/15/2009 1:45:30 PM"),
        ("m", "June 15"),
        ("M", "June 15"),
        ("o", "2009-06-15T13:45:30.6175420Z"),
        ("R", "Mon, 15 Jun 2009 13:45:30 GMT"),
        ("s", "2009-06-15T13:45:30"),
        ("t", "1:45 PM"),
        ("T", "1:45:30 PM"),
        ("u", "2009-06-15 13:45:30Z"),
        ("U", "Monday, June 15, 2009 1:45:30 PM"),
        ("y", "June 2009"),
        ("%d", "15"),
        ("dd ddd dddd", "15 Mon Monday"),
        ("M MM MMM MMMM", "6 06 Jun June"),
        ("%y yy yyy yyyy yyyyy", "9 09 2009 2009 02009"),
        ("h hh H HH", "1 01 13 13"),
        ("%m mm s ss", "45 45 30 30"),
        ("%t tt", "P PM"),
        ("f ff fff ffffff fffffff", "6 61 617 617542 6175420"),
        ("ss.FFFFFFF", "30.617542"),
        ("%K", "Z"),
        ("%z zz zzz", "+0 +00 +00:00"),
        ("gg", "A.D."),
        ("'at' h 'o''clock'", "at 1 oclock"),
        ('h\\h m"m"', "1h 45m"),
        ("yyyy/MM/dd HH:mm", "2009/06/15 13:45"),
        ("yyyyMMdd'T'HHmmss'Z'", "20090615T134530Z"),
    ],
)  # fmt: skip
def test_formats_are_written(form: str, written: str) -> None:
    text = form.replace("\\", "\\\\").replace('"', '\\"')
    assert _value(f'FormatDateTime([d], , "o", "{text}")', d="2009-06-15T13:45:30.6175420Z") == written


def test_no_point_stands_before_a_fraction_that_is_nothing() -> None:
    assert _value('FormatDateTime("2009-06-15", "yyyy-MM-dd", "HH:mm:ss.FFF")') == "00:00:00"
    assert _value('FormatDateTime("2009-06-15", "yyyy-MM-dd", "o")') == "2009-06-15T00:00:00.0000000"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("6/15/2009", "d"),
        ("Monday, June 15, 2009", "D"),
        ("Mon, 15 Jun 2009 00:00:00 GMT", "R"),
        ("2009-06-15T00:00:00", "s"),
        ("2009-06-15 00:00:00Z", "u"),
        ("2009-06-15T00:00:00.0000000Z", "o"),
        ("15JUN09", "ddMMMyy"),
        ("2009-06-15-00:00", "yyyy-MM-ddzzz"),
        ("2009-06-15+02", "yyyy-MM-ddzz"),
        ("2009-06-14T22:00:00-0200", "yyyy-MM-ddTHH:mm:ssK"),
        ("20090615120000AM", "yyyyMMddhhmmsstt"),
        ("15 A.D. 2009 6", "d gg yyyy M"),
        ("2009-06-15 00:00:00.", "yyyy-MM-dd HH:mm:ss.FFF"),
    ],
)
def test_formats_are_read(text: str, form: str) -> None:
    expected = "2009-06-14" if "+02" in text else "2009-06-15"
    assert _value(f'FormatDateTime([d], , "{form}", "yyyy-MM-dd")', d=text) == expected


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2009-6-15", "yyyy-MM-dd"),
        ("2009-02-29", "yyyy-MM-dd"),
        ("2009-06-15 ", "yyyy-MM-dd"),
        ("2009-06-15x", "yyyy-MM-dd"),
        ("Tuesday, June 15, 2009", "D"),
        ("13:00 PM", "hh:mm tt"),
        ("25:00", "HH:mm"),
        ("09:00 PM", "HH:mm tt"),
        ("2009 2010", "yyyy yyyy"),
        ("2009-06-15+15:00", "yyyy-MM-ddzzz"),
        ("Juno 15", "MMMM d"),
        ("1:00 XM", "h:mm tt"),
    ],
)
def test_what_does_not_fit_a_format_is_refused(text: str, form: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        _value(f'FormatDateTime([d], , "{form}", "yyyy")', d=text)
    assert "FormatDateTime: argument 1 (source) is no date in the format" in caught.value.message
    assert repr(text) in caught.value.message


@pytest.mark.parametrize(
    ("styles", "text", "form", "written"),
    [
        ("", "13:45", "HH:mm", "2026-11-23 13:45"),
        ("NoCurrentDateDefault", "13:45", "HH:mm", "0001-01-01 13:45"),
        ("", "06-15", "MM-dd", "2026-06-15 00:00"),
        ("AllowWhiteSpaces, AssumeUniversal", " 2009 ", "yyyy", "2009-01-01 00:00"),
    ],
)
def test_styles(styles: str, text: str, form: str, written: str) -> None:
    assert _value(f'FormatDateTime("{text}", "{styles}", "{form}", "yyyy-MM-dd HH:mm")') == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2009-13-01",
        "2/30/2009",
        "2009-06-15T24:00",
        "20090615",
        "0001-01-01+01:00",
        "6/15",
        "13/1/2009",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        _value('DateAdd("d", 1, [d])' if text else 'NumFromDate(Append("", " "))', d=text)
    assert "is no date" in caught.value.message or "outside of the years 1 to 9999" in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('DateAdd("yyyy", 9000, Now())', "argument 2 (value) leads out of the years 1 to 9999: 9000"),
        ('DateAdd("s", "99999999999999999999", Now())', "leads out of the years 1 to 9999"),
        ('DateAdd("d", "1e999999999", Now())', "argument 2 (value) is not a number"),
        ("DateDiff([i], Now(), Now())", "argument 1 (interval) is none of yyyy, m, ww, d, h, n, s"),
        ("DateFromNum(-1)", "is no file time between the years 1601 and 9999: -1"),
        ("DateFromNum(9223372036854775807)", "is no file time between the years 1601 and 9999"),
        ('NumFromDate("1600-12-31")', "argument 1 (value) is before 1601, where file times begin"),
        ('FormatDateTime(Now(), "d", [none])', "argument 3 (outputFormat) is empty"),
        ('FormatDateTime(Now(), "d", [quote])', "has a quotation that does not end"),
        ('FormatDateTime(Now(), , "d", [f8])', "argument 4 (outputFormat) has more than seven digits"),
    ],
)
def test_edges_are_told(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        _value(text, quote="'at h", f8="ffffffff")
    assert message in caught.value.message


def test_an_empty_format_reads_whatever_is_a_date() -> None:
    assert _value('FormatDateTime("June 15, 2009", , , "yyyy-MM-dd")') == "2009-06-15"


def test_now_is_what_is_given_in_utc() -> None:
    here = Context(datetime.fromisoformat("2026-11-23T18:00:00+01:00"))
    assert compile_expression("Now()").evaluate({}, here) == "11/23/2026 5:00:00 PM"


def test_now_without_a_time_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="Now needs a time"):
        compile_expression("Now()").evaluate({})


def test_dates_compare_as_dates_whatever_their_form() -> None:
    assert _value('IIF([d] < Now(), "past", "future")', d="2026-11-23T17:04:05.000Z") == "future"
    assert _value('IIF([d] = Now(), "now", "other")', d="2026-11-23T18:04:05+01:00") == "now"
    assert _value('IIF([d] = Now(), "now", "other")', d="tomorrow") == "other"


def test_what_flows_is_plain_text() -> None:
    assert type(_value("Now()")) is str


def test_times_of_people() -> None:
    assert parse_time("2026-11-23T17:04:05Z") == _NOW
    assert parse_time("7/2/2021 3:33:38 PM") == datetime(2021, 7, 2, 15, 33, 38, tzinfo=UTC)
    with pytest.raises(ExpressionError, match="the time is no date: 'soon'"):
        parse_time("soon")


@given(st.integers(FILETIME, LAST))
def test_file_times_come_back(ticks: int) -> None:
    number = ticks - FILETIME
    assert _value("NumFromDate(DateFromNum([n]))", n=str(number)) == str(number)


@given(st.integers(0, LAST))
def test_dates_come_back_in_every_complete_format(ticks: int) -> None:
    exact = _value('FormatDateTime([d], , , "o")', d=general(ticks))
    again = compile_expression('FormatDateTime(FormatDateTime([d], , , "o"), "o", "o")').evaluate({"d": general(ticks)})
    assert again == exact
    assert ticks_of(calendar(ticks)) == ticks // 10_000_000 * 10_000_000
