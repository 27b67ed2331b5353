"""When what an application holds is what was wanted: the one place that says so.

Null, "" and absent are equal, lists compare as sets, booleans whatever their form (RFC 7643 section 2.5), moments as
moments. What an application changes by itself is in its profile's `compare`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import orjson
from pydantic import model_validator

from reconciler.model.path import AttributePath, parse_path
from reconciler.model.roles import same_elements
from reconciler.model.values import Value, is_null
from reconciler.model.written import Written

_LOOSE: Final = {"userName": "ignore", "emails.value": "ignore"}
_FALSE: Final = frozenset({"false", "0", "no", "f", "n"})
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)", re.IGNORECASE)


class Compare(Written):
    """What the application changes by itself. Paths stand with or without their value filter and URN, in any case."""

    case: dict[str, Literal["ignore", "exact"]] = {}
    """Whether upper and lower case matter: they do, but for userName and emails.value, unless said otherwise."""
    ignore: tuple[str, ...] = ()
    """Mapped paths that are written on creation and never compared. `active` always is."""
    defaults: dict[str, str | bool | int] = {}
    """What the application holds where nothing was sent: equal to nothing."""
    values: dict[str, dict[str, str]] = {}
    """Path → what is sent → what it is stored as."""

    @model_validator(mode="before")
    @classmethod
    def _with_the_schemas(cls, given: Any) -> Any:
        """caseExact is false of these two (RFC 7643 section 8.7.1)."""
        if not isinstance(given, dict) or not isinstance(given.get("case", {}), dict):
            return given
        return {**given, "case": {**_LOOSE, **given.get("case", {})}}


@dataclass(frozen=True, slots=True)
class Rule:
    """How values at one path are compared."""

    compared: bool = True
    exact: bool = True
    activity: bool = False
    """`active`: absent counts as true, and text is understood."""
    default: Value = None
    values: dict[str, str] = field(default_factory=dict)

    def same(self, want: Value, have: Value) -> bool:
        """Whether nothing has to be written. `compared` is for the caller to look at."""
        if want == have and want.__class__ is have.__class__:
            return True
        if self.activity:
            return truth(want) == truth(have)
        if is_null(want):
            return is_null(have) or self._is_default(have)
        if is_null(have):
            return False
        if isinstance(want, bool) or isinstance(have, bool):
            return str(want).strip().lower() == str(have).strip().lower()
        if self.values and want.__class__ is str:
            want = self.values.get(want, want)
        return equal(want, have, exact=self.exact)

    def _is_default(self, have: Value) -> bool:
        return self.default is not None and equal(self.default, have, exact=self.exact)


class Comparison:
    """The rules of one application, looked up by path.

    `of_groups`: the name of a group is compared whatever `ignore` says of displayName, which is about people.
    """

    def __init__(self, compare: Compare | None = None, *, of_groups: bool = False) -> None:
        compare = compare or Compare.model_validate({})
        self._case = {_name(text): kind for text, kind in compare.case.items()}
        self._ignored = {_name(text) for text in compare.ignore} - ({"displayname"} if of_groups else set())
        self._defaults = {_name(text): value for text, value in compare.defaults.items()}
        self._values = {_name(text): table for text, table in compare.values.items()}
        self._rules: dict[str, Rule] = {}

    def rule(self, path: AttributePath) -> Rule:
        """Made once for each path."""
        found = self._rules.get(path.text)
        if found is None:
            names = (path.canonical, path.full_name, path.schema_name)
            found = self._rules[path.text] = Rule(
                compared=path.canonical == "active" or self._ignored.isdisjoint(names),
                exact=next((self._case[n] for n in names if n in self._case), "exact") == "exact",
                activity=path.canonical == "active",
                default=next((self._defaults[n] for n in names if n in self._defaults), None),
                values=next((self._values[n] for n in names if n in self._values), {}),
            )
        return found

    def same(self, path: AttributePath, want: Value, have: Value) -> bool:
        """`Rule.same`, of a path that may not be compared at all: then anything is as wanted."""
        rule = self.rule(path)
        return not rule.compared or rule.same(want, have)


def _name(text: str) -> str:
    """A path of a profile as rules are looked up: canonical where it has a filter, else with its URN."""
    path = parse_path(text)
    return path.canonical if path.key else path.full_name


def truth(value: Value) -> bool:
    """`active`, whatever its form: absent and null count as active, "False" in any case does not."""
    if value is True or is_null(value):
        return True
    return str(value).strip().lower() not in _FALSE


def equal(want: Value, have: Value, *, exact: bool = True) -> bool:
    """Two values, without the rules of any application."""
    if want == have and not isinstance(want, bool):
        return True
    if is_null(want) or is_null(have):
        return is_null(want) and is_null(have)
    if isinstance(want, bool) or isinstance(have, bool):
        return str(want).lower() == str(have).lower()
    if isinstance(want, (tuple, list)) or isinstance(have, (tuple, list)):
        return _same_elements(want, have, exact)
    if isinstance(want, dict) or isinstance(have, dict):
        return isinstance(want, dict) and isinstance(have, dict) and _bare(want) == _bare(have)
    one, other = _text(want, exact), _text(have, exact)
    return one == other or _same_moment(one, other)


def _text(value: Value, exact: bool) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if exact else str(value).casefold()


def _same_moment(one: str, other: str) -> bool:
    """`2026-01-01T00:00:00Z` and `…00.000Z` (RFC 7643 section 2.3.5)."""
    if not (_MOMENT.fullmatch(one) and _MOMENT.fullmatch(other)):
        return False
    try:
        return datetime.fromisoformat(one.upper()) == datetime.fromisoformat(other.upper())
    except ValueError:
        return False


def _same_elements(want: Value, have: Value, exact: bool) -> bool:
    wanted, held = _elements(want), _elements(have)
    if all(isinstance(e, dict) and "value" in e for e in (*wanted, *held)):
        return same_elements(wanted, held)
    return _as_set(wanted, exact) == _as_set(held, exact)


def _elements(value: Value) -> Sequence[Any]:
    return value if isinstance(value, (tuple, list)) else (value,)


def _as_set(elements: Iterable[Any], exact: bool) -> set[Any]:
    return {_canonical(e) if isinstance(e, dict) else _text(e, exact) for e in elements}


def _bare(node: dict[str, Any]) -> dict[str, Any]:
    """Without what is null, and names in any case."""
    return {str(name).lower(): value for name, value in node.items() if not is_null(value)}


def _canonical(value: dict[str, Any]) -> str:
    return orjson.dumps(_bare(value), option=orjson.OPT_SORT_KEYS).decode()
