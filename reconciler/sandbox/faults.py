"""Ways to misbehave, to order: a closed list, each with what it does."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from reconciler.errors import UsageError
from reconciler.sandbox.listing import FIRST_CURSOR, Page
from reconciler.sandbox.store import Resource

MEANINGS: Final[dict[str, str]] = {
    "lyingTotal": "lists say that there are three more than there are",
    "cutList": "lists end half way, and still say how many there are",
    "repeatPages": "every page is the first one",
    "emptyList": "lists say that there is nobody",
    "dropActive": "resources come without `active`",
    "textActive": '`active` comes as "True" and "False"',
    "allInactive": "every user looks suspended",
    "html": "everything is answered with a page of HTML and 200",
    "unauthorized": "every token is refused with 401",
    "readOnly": "every write is refused with 403",
    "ignorePatch": "PATCH is answered like any other, and changes nothing",
    "wrongCreate": "a creation is done, and answered with the oldest account",
    "lowerCase": "userName and e-mail addresses are stored in lower case",
    "failCreate": "=NAME  creating the user or group of this name is refused with 400",
    "notKept": "=NAME  this attribute is accepted and not stored",
    "busy": "=N     every Nth request is answered with 503",
    "loseAnswer": "=N  the Nth write is done, and the connection ends without an answer",
    "loseRequest": "=N the Nth write is not done, and the connection ends without an answer",
}
WITH_NAME: Final = frozenset({"failCreate", "notKept"})
WITH_NUMBER: Final = frozenset({"busy", "loseAnswer", "loseRequest"})


class Faults:
    """The faults in force. May be changed while the server runs; writes are counted from the last `set`."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._arguments: dict[str, tuple[str, ...]] = {}
        self.requests = 0
        self.writes = 0
        self.set(*names)

    def set(self, *names: str) -> None:
        """From now on exactly these: NAME or NAME=ARGUMENT. Raises UsageError for what is not in MEANINGS."""
        arguments: dict[str, tuple[str, ...]] = {}
        for text in names:
            name, argument = _parse(text)
            arguments[name] = (*arguments.get(name, ()), *((argument,) if argument else ()))
        self._arguments = arguments
        self.requests = self.writes = 0

    def clear(self) -> None:
        self.set()

    def __contains__(self, name: str) -> bool:
        return name in self._arguments

    def __iter__(self) -> Iterator[str]:
        return iter(self._arguments)

    def __bool__(self) -> bool:
        return bool(self._arguments)

    def names(self, fault: str) -> frozenset[str]:
        """The arguments of a fault, without case."""
        return frozenset(argument.casefold() for argument in self._arguments.get(fault, ()))

    def numbers(self, fault: str) -> frozenset[int]:
        return frozenset(int(argument) for argument in self._arguments.get(fault, ()))

    def loses(self, fault: str) -> bool:
        """Of the write being counted now."""
        return self.writes in self.numbers(fault)

    def is_busy(self) -> bool:
        """Of the request being counted now."""
        return any(self.requests % number == 0 for number in self.numbers("busy"))


def bend_page(faults: Faults, page: Page, first: Callable[[], Page]) -> Page:
    """What the faults make of a page. `first` reads the first one."""
    if "repeatPages" in faults:
        page = first()
        page.next_cursor = page.next_cursor or (FIRST_CURSOR if page.by_cursor else None)
    if "emptyList" in faults:
        page = Page(0, 1, [], page.by_cursor)
    if "cutList" in faults:
        half = page.total // 2
        page.rows = page.rows[: max(0, half - (page.start - 1))]
        page.next_cursor = page.next_cursor if page.start - 1 + len(page.rows) < half else None
    if "lyingTotal" in faults:
        page.total += 3
    return page


_DOCUMENT_FAULTS: Final = frozenset({"dropActive", "textActive", "allInactive"})


def bends_documents(faults: Faults) -> bool:
    return any(name in faults for name in _DOCUMENT_FAULTS)


def bend_document(faults: Faults, document: dict[str, Any]) -> dict[str, Any]:
    """What the faults make of a user as clients see it."""
    if "active" not in document:
        return document
    if "allInactive" in faults:
        document["active"] = False
    if "textActive" in faults:
        document["active"] = str(document["active"])
    if "dropActive" in faults:
        del document["active"]
    return document


def bend_data(faults: Faults, data: dict[str, Any], before: Resource | None) -> None:
    """What the faults make of attributes that are about to be stored."""
    for name in [n for n in data if n.casefold() in faults.names("notKept")]:
        del data[name]
        if before is not None and name in before.data:
            data[name] = before.data[name]
    if "lowerCase" in faults:
        if "userName" in data:
            data["userName"] = data["userName"].lower()
        for email in data.get("emails", ()):
            if "value" in email:
                email["value"] = email["value"].lower()


def _parse(text: str) -> tuple[str, str]:
    name, _, argument = text.partition("=")
    if name not in MEANINGS:
        close = difflib.get_close_matches(name, MEANINGS, n=1)
        guess = f"did you mean {close[0]}? " if close else ""
        raise UsageError(f"there is no fault {name!r}", hint=f"{guess}there are: {', '.join(MEANINGS)}")
    if name in WITH_NUMBER and not (argument.isascii() and argument.isdigit() and int(argument) > 0):
        raise UsageError(f"{name} needs a number from 1", hint=f"--fault {name}=3")
    if name in WITH_NAME and not argument:
        raise UsageError(f"{name} needs a name", hint=f"--fault {name}=NAME")
    if argument and name not in WITH_NAME | WITH_NUMBER:
        raise UsageError(f"{name} takes no argument", hint=f"--fault {name}")
    return name, argument
