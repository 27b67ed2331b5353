"""Ways to misbehave, to order: a closed list, each with what it does. What becomes of each stands in `bend`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.errors import UsageError

SECTIONS: Final[dict[str, dict[str, str]]] = {
    "paging": {
        "lyingTotal": "lists say that there are three more than there are",
        "cutList": "lists end half way, and still say how many there are",
        "repeatPages": "every page is the first one",
        "emptyList": "lists say that there is nobody",
        "cap": "=N    pages have N rows at most, whatever was asked",
        "count400": "=N    a count above N is answered with 400",
        "count422": "=N    a count above N is answered with 422",
        "firstAgain": "a startIndex after the end brings the first page",
        "everyRow": "paging is not looked at: every row comes",
        "needBoth": "nothing comes unless startIndex and count are both sent",
        "total": "=missing|text|page    totalResults is missing, text, or the size of the page",
        "refuseZero": "startIndex=0 is answered with 400",
    },
    "filters": {
        "ignoreFilter": "filters are not looked at: everybody is found",
        "blindFilter": "every filter finds nobody",
        "refuseFilter": "=400|404|500|crash    every filter is refused so; crash: the connection ends",
        "exactFilter": "filters distinguish case, also in userName",
        "firstClause": "of clauses joined by `and` the first one counts",
        "exactNames": "names of attributes in a filter that are not in their right case are refused with 400",
        "brokenQuotes": "a quote in a filter's value is answered with 500",
    },
    "writes that do nothing": {
        "ignorePatch": "PATCH is answered like any other, and changes nothing",
        "ignorePatchOf": "=unknown|valuePath|members|enterprise    the same, of these paths alone",
        "literalPath": "a path with a dot becomes an attribute of that name",
        "replaceMerges": "`replace` of a multi-valued attribute adds",
        "addReplaces": "=members|values    `add` to members, or to other multi-valued attributes, replaces all",
        "addDuplicates": "a member that is added again is listed twice",
        "notKept": "=NAME  this attribute is accepted and not stored",
        "failDone": "=N    the Nth write is done, and answered with 500",
        "refuseDone": "=N    the Nth write is done, and answered with 400",
    },
    "forms of PATCH": {
        "noPatch": "PATCH is answered with 405",
        "noContent": "PATCH and PUT are answered with 204 and no body",
        "refusePath": "PATCH with a path is refused with 400",
        "refusePathless": "PATCH without a path is refused with 400",
        "refuseNoTarget": "a value path that matches nothing is refused with 400, also for `add`",
        "createTarget": "a value path that matches nothing makes what it describes, also for `replace`",
        "onlyRemoves": "=valuePath|valueArray|put    members are removed in this form; others are refused with 400",
        "quietlyRemoves": "=valuePath|valueArray|put    the same, but others are answered with success",
        "arrayClears": "removing members by a value array removes everybody",
    },
    "answers": {
        "html": "everything is answered with a page of HTML and 200",
        "unauthorized": "every token is refused with 401",
        "readOnly": "every write is refused with 403",
        "wrongCreate": "a creation is done, and answered with the oldest account",
        "okCreate": "a creation is answered with 200",
        "noId": "a creation is answered without an id",
        "noLocation": "nothing says its location",
        "errorIn200": "errors are answered with 200",
        "errors": "=html|message|problem    errors are HTML, {message}, or RFC 9457's problem+json",
        "numericStatus": "the status in an error is a number",
        "scimType": "=missing|wrong    errors have no scimType, or another one",
        "oddIds": "ids have an at sign, a plus, a slash and a blank",
        "movingIds": "an id changes when the name does",
        "location": "=relative|wrong    meta.location is relative, or that of something else",
        "deleteTwice": "=204|500    deleting what is not there is answered so, instead of with 404",
    },
    "values": {
        "dropActive": "resources come without `active`",
        "textActive": '`active` comes as "True" and "False"',
        "allInactive": "every user looks suspended",
        "lazyActive": "`active` is absent unless it was sent: without this switch it is true then",
        "lowerCase": "userName and e-mail addresses are stored in lower case",
        "lowerDomains": "only what follows the at sign of those is",
        "computes": "=displayName|formatted    displayName, or name.formatted, is made of the name's parts",
        "drops": "=type|primary    elements of multi-valued attributes lose this",
        "unknown": "=NAME  the server does not know this attribute",
        "keepUnknown": "unknown attributes are stored",
        "refuseUnknown": "a body with an unknown attribute is refused with 400",
        "dropEnterprise": "attributes of the enterprise extension are accepted and not stored",
        "unassigned": '=null|empty    what has no value is shown as null, or as ""',
        "seats": "=N    more than N active users are refused with 400",
        "failCreate": "=NAME  creating the user or group of this name is refused with 400",
    },
    "uniqueness and references": {
        "duplicate": "=400|500|accepted|otherCase    a userName that is taken is refused so, or accepted: always, or "
        "if only the case differs",
        "twinGroups": "two groups may have one name, also where the application would not have it",
        "danglingMembers": "deleted users stay members of their groups",
        "noMembersInPost": "members of a new group are not looked at",
        "noGroups": "users do not say what groups they are in",
    },
    "versions": {
        "version": "=constant|random|hash|bumps    meta.version never moves, always moves, is a hash of what is shown, "
        "or moves on writes that change nothing",
        "ignoreIfMatch": "If-Match is not looked at",
    },
    "limits": {
        "busy": "=N     every Nth request is answered with 503",
        "throttle": "=N    every Nth request is answered with 429, without Retry-After",
        "slowCreate": "=N    a creation takes N microseconds for each account that is there",
        "memberRace": "=lost|500    of two writes to one group at the same time one is lost, or answered with 500",
        "loseAnswer": "=N  the Nth write is done, and the connection ends without an answer",
        "loseRequest": "=N the Nth write is not done, and the connection ends without an answer",
    },
}  # fmt: skip
MEANINGS: Final[dict[str, str]] = {name: text for section in SECTIONS.values() for name, text in section.items()}
_ARGUMENT: Final = re.compile(r"=(\S+)\s")


def argument_of(name: str) -> tuple[str, ...]:
    """What stands behind the = of a fault: N, NAME, or the words of which one is chosen. Empty: nothing does."""
    found = _ARGUMENT.match(MEANINGS[name])
    return tuple(found[1].split("|")) if found else ()


class Faults:
    """The faults in force. May be changed while the server runs; writes are counted from the last `set`."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._arguments: dict[str, frozenset[str]] = {}
        self.requests = 0
        self.writes = 0
        self.set(*names)

    def set(self, *names: str) -> None:
        """From now on exactly these: NAME or NAME=ARGUMENT. Raises UsageError for what is not in MEANINGS."""
        arguments: dict[str, frozenset[str]] = {}
        for text in names:
            name, argument = _parse(text)
            arguments[name] = arguments.get(name, frozenset()) | ({argument} if argument else frozenset())
        self._arguments = arguments
        self.requests = self.writes = 0

    def clear(self) -> None:
        self.set()

    def __contains__(self, name: str) -> bool:
        """NAME, or NAME=ARGUMENT."""
        name, _, argument = name.partition("=")
        return name in self._arguments and (not argument or argument in self._arguments[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._arguments)

    def __bool__(self) -> bool:
        return bool(self._arguments)

    def any(self, *names: str) -> bool:
        """Whether one of these is in force, whatever its argument."""
        return not self._arguments.keys().isdisjoint(names)

    def names(self, fault: str) -> frozenset[str]:
        """The arguments of a fault, without case."""
        return frozenset(argument.casefold() for argument in self._arguments.get(fault, ()))

    def numbers(self, fault: str) -> frozenset[int]:
        return frozenset(int(argument) for argument in self._arguments.get(fault, ()))

    def hits_write(self, fault: str) -> bool:
        """Of the write being counted now."""
        return self.writes in self.numbers(fault)

    def hits_every(self, fault: str) -> bool:
        """Of the request being counted now."""
        return any(self.requests % number == 0 for number in self.numbers(fault))


def _parse(text: str) -> tuple[str, str]:
    name, _, argument = text.partition("=")
    if name not in MEANINGS:
        close = difflib.get_close_matches(name, MEANINGS, n=1)
        guess = f"did you mean {close[0]}? " if close else ""
        raise UsageError(f"there is no fault {name!r}", hint=f"{guess}there are: {', '.join(MEANINGS)}")
    match argument_of(name):
        case ():
            if argument:
                raise UsageError(f"{name} takes no argument", hint=f"--fault {name}")
        case ("N",):
            if not (argument.isascii() and argument.isdigit() and int(argument) > 0):
                raise UsageError(f"{name} needs a number from 1", hint=f"--fault {name}=3")
        case ("NAME",):
            if not argument:
                raise UsageError(f"{name} needs a name", hint=f"--fault {name}=NAME")
        case words:
            if argument not in words:
                raise UsageError(f"{name} is one of {', '.join(words)}", hint=f"--fault {name}={words[0]}")
    return name, argument
