"""Ways to misbehave, to order: a closed list, each with what it does."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from reconciler.errors import UsageError
from reconciler.sandbox.listing import FIRST_CURSOR, Page
from reconciler.sandbox.refusal import Refusal, invalid_path, invalid_value
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
    "ignoreFilter": "filters are not looked at: everybody is found",
    "blindFilter": "every filter finds nobody",
    "noPatch": "PATCH is answered with 405",
    "refusePath": "PATCH with a path is refused with 400",
    "refusePathless": "PATCH without a path is refused with 400",
    "ignorePatch": "PATCH is answered like any other, and changes nothing",
    "wrongCreate": "a creation is done, and answered with the oldest account",
    "lowerCase": "userName and e-mail addresses are stored in lower case",
    "seats": "=N    more than N active users are refused with 400",
    "failCreate": "=NAME  creating the user or group of this name is refused with 400",
    "notKept": "=NAME  this attribute is accepted and not stored",
    "busy": "=N     every Nth request is answered with 503",
    "loseAnswer": "=N  the Nth write is done, and the connection ends without an answer",
    "loseRequest": "=N the Nth write is not done, and the connection ends without an answer",
}
WITH_NAME: Final = frozenset({"failCreate", "notKept"})
WITH_NUMBER: Final = frozenset({"busy", "seats", "loseAnswer", "loseRequest"})


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


def bend_query(faults: Faults, query: Mapping[str, str]) -> Mapping[str, str]:
    """What is left of a query before it is read."""
    if "ignoreFilter" in faults:
        return {name: value for name, value in query.items() if name != "filter"}
    return query


def bend_page(faults: Faults, page: Page, first: Callable[[], Page], *, filtered: bool) -> Page:
    """What the faults make of a page. `first` reads the first one."""
    if "repeatPages" in faults:
        page = first()
        page.next_cursor = page.next_cursor or (FIRST_CURSOR if page.by_cursor else None)
    if "emptyList" in faults or (filtered and "blindFilter" in faults):
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


def refuse_form(faults: Faults, operations: Any) -> None:
    """Raises Refusal for the forms of PATCH that the faults leave no room for."""
    if "noPatch" in faults:
        raise Refusal(405, "PATCH is not supported here", headers={"Allow": "GET, PUT"})
    for operation in operations if isinstance(operations, list) else ():
        has_path = isinstance(operation, dict) and bool(operation.get("path"))
        if has_path and "refusePath" in faults:
            raise invalid_path("operations must not have a path")
        if not has_path and "refusePathless" in faults:
            raise invalid_path("operations must have a path")


def refuse_seat(faults: Faults, users: Iterable[Resource], data: dict[str, Any], before: Resource | None) -> None:
    """Raises Refusal if `data` makes one more user active than there are seats."""
    active = data.get("active") is True and not (before is not None and before.data.get("active") is True)
    if active and any(sum(1 for u in users if u.data.get("active")) >= seats for seats in faults.numbers("seats")):
        raise invalid_value("There are no more seats in this organization")


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
