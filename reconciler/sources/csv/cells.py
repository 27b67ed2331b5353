"""From the text of a cell to a value: nothing is guessed, and what can't be used is refused with what to do.

Text stays text, leading zeros and all. A formula is never taken for a value: what a spreadsheet would run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from reconciler.desired.form import is_identifier
from reconciler.desired.secrets import looks_secret
from reconciler.sources.csv.columns import Dates, folded

Cleaner = Callable[[str], Any]
"""The value of a cell, None for a blank one. Raises Unusable."""

MAX_TEXT: Final = 2_000
"""Characters of one value."""
ACTIVE: Final = frozenset({
    "true", "yes", "y", "t", "1", "active", "enabled", "employed", "current", "working", "aktiv", "ja", "j",
    "actif", "oui", "activo", "si",
})  # fmt: skip
INACTIVE: Final = frozenset({
    "false", "no", "n", "f", "0", "inactive", "disabled", "terminated", "former", "left", "resigned", "retired",
    "dismissed", "deactivated", "leaver", "inaktiv", "nein", "ausgeschieden", "inactif", "non", "inactivo",
})  # fmt: skip
_SHORTEST_SECRET: Final = 15
_BLANK: Final = frozenset({"", "-", "--", "---", "–", "—", "n/a", "N/A", "#N/A", "\\N"})
_NULL: Final = frozenset({"NULL", "null", "(null)", "(blank)"})
"""Of databases and spreadsheets; but there are people called Null."""
NAMES: Final = frozenset({"givenName", "surname", "displayName"})
_PEOPLE_SIGN_IN: Final = frozenset({"id", "userPrincipalName", "mail", "mailNickname", "otherMails", "employeeId"})
_PHONES: Final = frozenset({"mobilePhone", "businessPhones", "faxNumber"})
_PHONE: Final = re.compile(r"\+?[0-9 ()./x#;,|ext-]*\Z", re.IGNORECASE)
_AS_TEXT: Final = re.compile(r'="([^"]*)"\Z')
"""How exports make a spreadsheet keep leading zeros: ="00123"."""
_ERROR: Final = re.compile(r"#(REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|####*)")
_SHORTENED: Final = re.compile(r"[0-9][.,]?[0-9]*E\+[0-9]+\Z")
"""1.23457E+11: what a spreadsheet makes of a long number."""
_SPACES: Final = re.compile(r"\s+")
_SPLIT: Final = re.compile(r"[;|\n]")
_SPLIT_MORE: Final = re.compile(r"[;|\n,]")
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\Z")
_NUMBERS: Final = re.compile(r"([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{1,4})\Z")
_WITH_TIME: Final = re.compile(r"[ T]0{1,2}:00(:00(\.0+)?)?( ?(Z|\+00:?00|AM))?\Z|[ ]12:00(:00)? ?AM\Z", re.IGNORECASE)
_WORDS: Final = re.compile(
    r"(?P<d>[0-9]{1,2})[ .-]+(?P<m>[a-z]{3,9})\.?[ ,-]+(?P<y>[0-9]{4})\Z|"
    r"(?P<m2>[a-z]{3,9})\.? (?P<d2>[0-9]{1,2}),? (?P<y2>[0-9]{4})\Z",
    re.IGNORECASE,
)
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip


def remembered(clean: Cleaner) -> Cleaner:
    """For columns in which few values come again and again."""
    return lru_cache(maxsize=4096)(clean)


class Unusable(Exception):
    """This cell can't become a value. Never leaves the package."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.why, self.remedy = why, remedy


class AmbiguousDate(Unusable):
    """Day and month could be either way round; another row of the column may tell."""


def text(attribute: str) -> Cleaner:
    """For attributes of text."""
    nameless = attribute not in NAMES
    phone, signs_in = attribute in _PHONES, attribute in _PEOPLE_SIGN_IN
    lines = attribute == "streetAddress"
    shortened = phone or signs_in or attribute == "postalCode"
    address = attribute in ("mail", "otherMails")

    def clean(cell: str) -> str | None:
        if not (cell.isascii() and cell.isprintable() and cell[:1].isalnum() and cell[-1:] != " " and "  " not in cell):
            cell = _tidied(cell, lines=lines, signs_in=signs_in, phone=phone)
        if cell in _BLANK or (nameless and cell in _NULL):
            return None
        if len(cell) > MAX_TEXT:
            raise Unusable(f"{len(cell):,} characters", f"at most {MAX_TEXT:,}: are quotes missing above this line?")
        if len(cell) > _SHORTEST_SECRET and looks_secret(cell):
            raise Unusable("looks like a token or a private key", "secrets are never written into a file: revoke it")
        if shortened and _SHORTENED.match(cell):
            remedy = "a spreadsheet has shortened it: format the column as text and export it again"
            raise Unusable(f"`{cell}` is no whole number", remedy)
        if address and not _ADDRESS.match(cell):
            raise Unusable(f"`{cell}` is no address", "one address such as ada@contoso.com")
        return cell

    return clean


def _tidied(cell: str, *, lines: bool, signs_in: bool, phone: bool) -> str:
    """Blanks around it and doubled ones go; what hides something is refused."""
    if found := _AS_TEXT.match(cell.strip()):
        cell = found[1]
    elif cell[:1] == "'" and cell[1:2] in "=+-@" and cell[1:2]:
        cell = cell[1:]  # how this program, and others, keep a spreadsheet from running it
    cell = _plain(cell, lines=lines, signs_in=signs_in)
    if cell[:1] in "=@" and cell[:1]:
        raise Unusable(f"`{cell[:40]}` is a formula, not a value", "export values, not formulas")
    if cell[:1] in "+-" and cell not in _BLANK and not (phone and _PHONE.match(cell)) and _PHONE.match(cell) is None:
        raise Unusable(f"`{cell[:40]}` is a formula, not a value", "export values, not formulas")
    if _ERROR.match(cell):
        raise Unusable(f"`{cell[:40]}` is an error of a spreadsheet", "correct the cell there, and export it again")
    return cell


def _plain(cell: str, *, lines: bool, signs_in: bool) -> str:
    if lines and ("\n" in cell or "\r" in cell):
        parts = (_SPACES.sub(" ", part).strip() for part in cell.splitlines())
        cell = "\n".join(part for part in parts if part)
    else:
        cell = _SPACES.sub(" ", cell).strip(" \ufeff")
    for character in cell:
        if character.isprintable() or character == "\n":
            if character == "\ufffd":
                remedy = "it was lost when this file was saved: export it again as UTF-8"
                raise Unusable("a character is missing (U+FFFD)", remedy)
            continue
        joins = character in "\u200c\u200d" and not signs_in  # Persian and Indic names are written with them
        if not joins:
            name = f"U+{ord(character):04X}"
            raise Unusable(f"an invisible or control character ({name})", "delete it, or type the value anew")
    return unicodedata.normalize("NFC", cell)


def several(one: Cleaner, *, commas: bool) -> Cleaner:
    """For attributes with several values: separated by ; | or line breaks, by commas too where no value has one."""
    pattern = _SPLIT_MORE if commas else _SPLIT

    def clean(cell: str) -> list[Any] | None:
        values = [value for part in pattern.split(cell) if (value := one(part)) is not None]
        return list(dict.fromkeys(values)) or None

    return clean


def truth(active: Collection[str] = (), inactive: Collection[str] = (), *, required: bool = False) -> Cleaner:
    """For booleans: words of several languages, and those named, folded, which come first. `required`: not blank."""
    yes = (ACTIVE - frozenset(inactive)) | frozenset(active)
    no = (INACTIVE - frozenset(active)) | frozenset(inactive)
    plain = text("")

    def clean(cell: str) -> bool | None:
        word = plain(cell)
        if word is None:
            if required:
                raise Unusable("nothing says whether the account is enabled", "fill it in")
            return None
        key = folded(word)
        if key in yes or key in no:
            return key in yes
        remedy = "say which it is in the file of --columns: `active: [WORD]` or `inactive: [WORD]`"
        raise Unusable(f"`{word}` means neither enabled nor disabled", remedy)

    return clean


_NUMBER: Final = text("employeeId")


def whole(cell: str) -> int | None:
    """For integers."""
    value = _NUMBER(cell)
    if value is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise Unusable(f"`{value}` is no whole number", "digits alone")
    return int(value)


_IDENTITY: Final = text("id")


def identifier(cell: str) -> str | None:
    """For ids of the desired state."""
    value: str | None = _IDENTITY(cell)
    if value is not None and not is_identifier(value):
        remedy = "up to 128 letters, digits and . _ - @ + ~ ', beginning with a letter or digit"
        raise Unusable(f"`{value[:80]}` can't be an id", remedy)
    return value


def day(order: Dates | None) -> Cleaner:
    """For dates, as YYYY-MM-DD. A time that is not midnight stays, if it is ISO 8601 with an offset.

    Without an `order` a date that can be read in two ways raises AmbiguousDate.
    """
    plain = text("")

    def clean(cell: str) -> str | None:
        value = plain(cell)
        if value is None:
            return None
        value = _WITH_TIME.sub("", value)
        if (len(value) == 10 and value[4] == "-" == value[7]) or (len(value) == 8 and value.isdigit()):
            return _valid(value, value[:4], value[4:-2].strip("-"), value[-2:])
        if found := _NUMBERS.match(value):
            return _numbers(value, found[1], found[2], found[3], found[4], order)
        if found := _WORDS.match(value):
            month = (found["m"] or found["m2"]).lower()
            number = next((n for n, name in enumerate(_MONTHS, 1) if name.startswith(month)), 0)
            return _valid(value, found["y"] or found["y2"], str(number), found["d"] or found["d2"])
        if "T" in value and _moment(value):
            return value
        remedy = "such as 2026-11-23"
        if value.isdigit() and len(value) == 5:
            remedy = "a spreadsheet's own number of a day: format the column as a date, and export it again"
        raise Unusable(f"`{value[:60]}` is no date", remedy)

    return clean


def order_of(values: Collection[str]) -> Dates | None:
    """The one order in which all of these can be dates with slashes or dots; None if there are several, or none."""
    parts = [found for value in values if (found := _NUMBERS.match(_WITH_TIME.sub("", value.strip())))]
    shapes = [(int(one[1]), int(one[3])) for one in parts if len(one[1]) < 3]
    if any(first > 12 for first, _ in shapes) and all(second <= 12 for _, second in shapes):
        return "dmy"
    if any(second > 12 for _, second in shapes) and all(first <= 12 for first, _ in shapes):
        return "mdy"
    return None


def _numbers(value: str, first: str, sign: str, second: str, third: str, order: Dates | None) -> str:
    if len(first) == 4 or order == "ymd":
        return _valid(value, first, second, third)
    if order is None:
        if sign != "." and int(first) <= 12 and int(second) <= 12 and first != second:
            remedy = "say in the file of --columns which comes first: `dates: dmy` or `dates: mdy`"
            raise AmbiguousDate(f"`{value}`: which is the day and which the month can't be told", remedy)
        order = "mdy" if sign != "." and int(second) > 12 else "dmy"  # with dots the day comes first everywhere
    return _valid(value, third, *((second, first) if order == "dmy" else (first, second)))


def _valid(written: str, year: str, month: str, number: str) -> str:
    """Years of two digits are those from 1969 to 2068, as in POSIX."""
    try:
        full = int(year) if len(year) == 4 else int(year) + (1900 if int(year) > 68 else 2000)
        if len(year) not in (2, 4):
            raise ValueError
        return date(full, int(month), int(number)).isoformat()
    except ValueError:
        raise Unusable(f"`{written}` is no date", "such as 2026-11-23") from None


def _moment(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
