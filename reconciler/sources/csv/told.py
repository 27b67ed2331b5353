"""What somebody says of columns: in `--column 'HEADING=ATTRIBUTE'`, and in the file of `--columns`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, get_args

from reconciler.desired.document import BadDocument, Document, Entries, Items, Mark, read_document
from reconciler.desired.findings import closest, shown
from reconciler.errors import UsageError
from reconciler.sources.csv.columns import Dates, Told, folded

_KEYS: Final = ("attribute", "active", "inactive", "dates")


def of_options(options: Iterable[str]) -> Iterator[Told]:
    """`Work Email=mail`; `Work Email=mail,userPrincipalName` for two; `Notes=` for none. Raises UsageError."""
    for option in options:
        heading, sign, names = option.rpartition("=")
        if not sign or not heading.strip():
            hint = "such as --column 'Work Email=mail'; nothing behind = leaves the column out"
            raise UsageError(f"--column: `{shown(option)}` is not HEADING=ATTRIBUTE", hint=hint)
        attributes = tuple(name.strip() for name in names.split(",") if name.strip())
        yield Told(heading.strip(), attributes, where="--column")


def of_file(data: bytes, name: str) -> list[Told]:
    """Heading → attribute, list of attributes, null, or a mapping. Raises UsageError with all that is wrong with it."""
    try:
        document = read_document(data, name)
    except BadDocument as error:
        raise UsageError(str(error.problem)) from error
    reading = _Reading(document)
    if not isinstance(document.value, Entries):
        raise UsageError(f"{name}: no columns", hint="one a line: `Work Email: mail`")
    found = [reading.told(document.value, heading) for heading in document.value]
    if reading.wrong:
        raise UsageError("\n".join(reading.wrong))
    return found


class _Reading:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.wrong: list[str] = []

    def told(self, entries: Entries, heading: str) -> Told:
        value, mark = entries[heading], entries.marks[heading]
        where = str(self.document.place(entries.key_marks[heading]))
        if not isinstance(value, Entries):
            return Told(heading.strip(), self.names(value, mark), where=where)
        for key in value:
            if key not in _KEYS:
                near = closest(key, _KEYS)
                meant = f"; did you mean `{near}`?" if near else f"; there are {', '.join(_KEYS)}"
                self.error(value.key_marks[key], f"unknown key `{shown(key)}`{meant}")
        attributes = self.names(value.get("attribute"), value.marks.get("attribute", mark))
        dates = value.get("dates")
        if dates is not None and dates not in get_args(Dates):
            self.error(value.marks["dates"], f"`dates` can't be `{shown(dates)}`: dmy, mdy or ymd")
            dates = None
        active, inactive = (self.words(value, key) for key in ("active", "inactive"))
        if both := sorted(active & inactive):
            self.error(value.mark, f"both active and inactive: {', '.join(shown(word) for word in both)}")
        return Told(heading.strip(), attributes, active, inactive, dates, where)

    def names(self, value: Any, mark: Mark) -> tuple[str, ...]:
        values = value if isinstance(value, Items) else [] if value is None else [value]
        for one in values:
            if not isinstance(one, str):
                self.error(mark, "the name of an attribute, a list of them, or null for a column that is not used")
        return tuple(one for one in values if isinstance(one, str))

    def words(self, entries: Entries, key: str) -> frozenset[str]:
        value = entries.get(key)
        values = value if isinstance(value, Items) else [] if value is None else [value]
        for one in values:
            if not isinstance(one, str | bool | int):
                self.error(entries.marks[key], f"`{key}` is a list of words")
        return frozenset(folded(_word(one)) for one in values)

    def error(self, mark: Mark, message: str) -> None:
        self.wrong.append(f"{self.document.place(mark)}: {message}")


def _word(value: Any) -> str:
    """YAML reads true and 1 as something else than words."""
    return str(value).lower() if isinstance(value, bool) else str(value)
