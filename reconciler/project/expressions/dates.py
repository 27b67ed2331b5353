"""Functions over dates. Everything is UTC; what says no zone counts as UTC."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

from reconciler.errors import ExpressionError
from reconciler.model.values import Flow, Value, is_null
from reconciler.project.expressions.context import Context
from reconciler.project.expressions.dateforms import STANDARD, BadFormat, Moment, NoMatch, check_format, read, read_any
from reconciler.project.expressions.dateforms import write as write_date
from reconciler.project.expressions.moment import (
    DAY,
    FILETIME,
    TICKS,
    DateText,
    OutOfRange,
    calendar,
    composed,
    general,
    in_range,
    sortable,
    ticks_of,
)
from reconciler.project.expressions.registry import Unusable, function, integer_of, number_of, text_of

_UNITS: Final = {"ww": 7 * DAY, "d": DAY, "h": 3600 * TICKS, "n": 60 * TICKS, "s": TICKS}
_INTERVALS: Final = ("yyyy", "m", *_UNITS)
_STYLES: Final = frozenset({
    "none", "allowleadingwhite", "allowtrailingwhite", "allowinnerwhite", "allowwhitespaces", "nocurrentdatedefault",
    "adjusttouniversal", "assumelocal", "assumeuniversal", "roundtripkind",
})  # fmt: skip
_PADDED: Final = frozenset({"allowleadingwhite", "allowtrailingwhite", "allowwhitespaces"})


def _check_interval(literals: tuple[Any, ...]) -> None:
    if isinstance(literals[0], str):
        _interval(literals[0])


def _check_formats(literals: tuple[Any, ...]) -> None:
    """Formats that are written out are checked when the expression is read."""
    forms = literals[1:3] if len(literals) == 3 else literals[2:4]
    for position, form in enumerate(forms, start=len(literals) - 1):
        if isinstance(form, str) and form:
            try:
                check_format(form)
            except BadFormat as error:
                raise Unusable(position, str(error)) from error
    if len(literals) > 3 and isinstance(literals[1], str):
        _styles(literals[1])


@function("Now()", least=0, contextual=True)
def now(context: Context) -> Flow:
    """The plan's as-of."""
    if context.now is None:
        raise Unusable(0, "needs a time, and this evaluation has none: give a case `now`, or the command --now")
    return general(ticks_of(context.now))


@function("CDate(expression)", least=1)
def cdate(source: Value) -> Flow:
    """The date that a text says, in UTC and as `M/d/yyyy h:mm:ss tt`."""
    return None if is_null(source) else general(_ticks(source, 1))


@function("DateAdd(interval, value, dateTime)", least=3, check=_check_interval)
def date_add(interval: Value, value: Value, date: Value) -> Flow:
    """Whole years, months, days and weeks; of hours, minutes and seconds parts too. Months end with their last day."""
    unit, number = _interval(text_of(interval, 1)), number_of(value, 2)
    if is_null(date):
        return None
    ticks = _ticks(date, 3)
    try:
        if unit in _UNITS:
            part = number if unit in ("h", "n", "s") else Fraction(int(number))
            return general(in_range(ticks + int(part * _UNITS[unit])))
        return general(_months_later(ticks, int(number) * (12 if unit == "yyyy" else 1)))
    except OutOfRange as error:
        raise Unusable(2, f"leads out of the years 1 to 9999: {value!r}") from error


@function("DateDiff(interval, date1, date2)", least=3, check=_check_interval)
def date_diff(interval: Value, first: Value, second: Value) -> Flow:
    """From date1 to date2, as Visual Basic counts.

    Years and months by the calendar, weeks by the Sundays between, all others by the time that passed, without what is
    left over.
    """
    unit = _interval(text_of(interval, 1))
    if is_null(first) or is_null(second):
        return None
    one, two = _ticks(first, 2), _ticks(second, 3)
    if unit == "ww":
        return _week(two) - _week(one)
    if unit in _UNITS:
        passed = abs(two - one) // _UNITS[unit]
        return passed if two >= one else -passed
    start, end = calendar(one), calendar(two)
    years = end.year - start.year
    return years if unit == "yyyy" else years * 12 + end.month - start.month


@function("DateFromNum(value)", least=1)
def date_from_num(value: Value) -> Flow:
    """A Windows file time: ticks of 100 nanoseconds since 1601."""
    if is_null(value):
        return None
    number = integer_of(value, 1)
    try:
        return sortable(in_range(number + FILETIME) if number >= 0 else in_range(-1))
    except OutOfRange as error:
        raise Unusable(1, f"is no file time between the years 1601 and 9999: {number}") from error


@function("NumFromDate(value)", least=1)
def num_from_date(value: Value) -> Flow:
    """The opposite, as text: targets take file times as text."""
    if is_null(value):
        return None
    ticks = _ticks(value, 1)
    if ticks < FILETIME:
        raise Unusable(1, f"is before 1601, where file times begin: {text_of(value, 1)!r}")
    return str(ticks - FILETIME)


@function(
    "FormatDateTime(source, dateTimeStyles, inputFormat, outputFormat)",
    least=3,
    most=4,
    check=_check_formats,
    contextual=True,
)
def format_date_time(context: Context, source: Value, *arguments: Value) -> Flow:
    """Older expressions leave the styles out: FormatDateTime(source, inputFormat, outputFormat)."""
    styles, given, wanted = arguments if len(arguments) == 3 else (None, *arguments)
    if is_null(source):
        return None
    before = len(arguments)  # the position of the input format
    if is_null(wanted):
        raise Unusable(before + 1, "is empty")
    moment = _read(context, source, _styles(text_of(styles, 2)), text_of(given, before), before)
    try:
        zone = "Z" if moment.zoned else ""
        return write_date(moment.ticks, text_of(wanted, before + 1), zone=zone)
    except BadFormat as error:
        raise Unusable(before + 1, str(error)) from error


def _read(context: Context, source: Value, styles: frozenset[str], form: str, position: int) -> Moment:
    if isinstance(source, DateText):
        return Moment(source.ticks, zoned=True)
    text = text_of(source, 1)
    text = text.strip() if styles & _PADDED else text
    if not form:
        return Moment(_ticks(text, 1), zoned=False)
    today = (1, 1, 1)
    if context.now is not None and "nocurrentdatedefault" not in styles:
        day = calendar(ticks_of(context.now))
        today = (day.year, day.month, day.day)
    try:
        moment = read(text, form, today)
    except BadFormat as error:
        raise Unusable(position, str(error)) from error
    except OutOfRange as error:
        raise Unusable(1, str(error)) from error
    except NoMatch:
        shown = f"{form!r}, which is {STANDARD[form]!r}" if form in STANDARD else repr(form)
        raise Unusable(1, f"is no date in the format {shown}: {text!r}") from None
    universal = not styles.isdisjoint({"assumeuniversal", "adjusttouniversal"})
    return Moment(moment.ticks, moment.zoned or universal)


def _styles(text: str) -> frozenset[str]:
    names = frozenset(part.strip().lower() for part in text.replace("|", ",").split(",") if part.strip())
    unknown = sorted(names - _STYLES)
    if unknown:
        raise Unusable(2, f"is no style of .NET's DateTimeStyles: {unknown[0]!r}")
    return names


def _interval(text: str) -> str:
    if text not in _INTERVALS:
        raise Unusable(1, f"is none of {', '.join(_INTERVALS)}: {text!r}")
    return text


def _ticks(value: Value, argument: int) -> int:
    """A date, or a text that is one. Raises Unusable."""
    if isinstance(value, (tuple, list)) and len(value) == 1:
        return _ticks(value[0], argument)
    if isinstance(value, DateText):
        return value.ticks
    text = text_of(value, argument)
    try:
        return read_any(text).ticks
    except NoMatch:
        raise Unusable(argument, f"is no date: {text!r}") from None
    except OutOfRange as error:
        raise Unusable(argument, f"{error}: {text!r}") from error


def date_ticks(value: Value) -> int | None:
    """Of a date or of a text that is one, for comparisons; else None."""
    try:
        return _ticks(value, 1)
    except Unusable:
        return None


def parse_time(text: str) -> datetime:
    """A time that a person wrote, in any form that CDate takes, with its zone. Raises ExpressionError."""
    try:
        ticks = _ticks(text, 1)
    except Unusable as error:
        raise ExpressionError(f"the time {error.message}", hint="such as 2026-11-23T17:00:00Z") from error
    return calendar(ticks).replace(microsecond=ticks % TICKS // 10, tzinfo=UTC)


def _week(ticks: int) -> int:
    """The number of Sundays up to this day: the year 1 began with a Monday."""
    return (ticks // DAY + 1) // 7


def _months_later(ticks: int, months: int) -> int:
    when = calendar(ticks)
    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OutOfRange
    day = min(when.day, monthrange(year, month + 1)[1])
    return composed(year, month + 1, day) + ticks % DAY
