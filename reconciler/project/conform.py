"""Whether a value fits its target: the schema's type, the application's languages and lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from reconciler.model.clauses import as_text
from reconciler.model.path import AttributePath
from reconciler.model.profile import Profile
from reconciler.model.schema import Attribute, Type, describe
from reconciler.model.values import Reference, UserId, Value, is_null
from reconciler.project.instant import as_date, as_date_time
from reconciler.project.suggest import suggestion

Conform: TypeAlias = Callable[[Value], Value]


class Misfit(Exception):
    """A value that can't flow to its target."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def conformer(path: AttributePath, profile: Profile, *, group: bool, written: bool = False) -> Conform:
    """Makes a value that is not null what the target takes, or raises Misfit.

    `written`: the value stands in the mapping itself, where text is text. What expressions and sources give becomes
    text, as it does in the service: 1 is "1", True is "True".
    """
    attribute = describe(path, group=group, schema={} if group else profile.schema_of_users)
    if attribute is None:
        return one_value if path.key or path.sub else _anything
    if attribute.type == "complex":
        return _complex
    single = written_text if written and attribute.type == "string" else _TYPES[attribute.type]
    conform = single
    if attribute.type == "string":
        checks = [*_lengths(path, profile, group=group), *_languages(path, profile, group=group)]
        conform = _checking(single, checks) if checks else single
    return _several(conform) if attribute.multi_valued else conform


def _checking(single: Conform, checks: list[Callable[[str], None]]) -> Conform:
    def conform(value: Value) -> Value:
        fitting = single(value)
        for check in checks:
            check(fitting)
        return fitting

    return conform


def _several(single: Conform) -> Conform:
    """Of a multi-valued target; one value alone is the only one."""

    def conform(value: Value) -> Value:
        values = value if isinstance(value, (tuple, list)) else (value,)
        return tuple(single(each) for each in values if not is_null(each))

    return conform


def _anything(value: Value) -> Value:
    return tuple(value) if isinstance(value, list) else value


def _complex(value: Value) -> Value:
    """All of a multi-valued attribute with parts. Only the functions of app roles make such values."""
    if isinstance(value, (tuple, list)) and all(isinstance(each, dict) for each in value):
        return tuple(value)
    message = f"{_shown(value)}, and the target takes values with parts"
    raise Misfit(message, "AssertiveAppRoleAssignmentsComplex([appRoleAssignments]) makes those of roles")


def one_value(value: Value) -> Value:
    """Anything but several values. Raises Misfit."""
    if isinstance(value, (tuple, list)):
        message = "has several values, and the target takes one"
        raise Misfit(message, "an expression picks one, such as Item([attribute], 1)")
    return value


def any_text(value: Value) -> str:
    """One value as text; a number or a boolean as the service writes it. Raises Misfit."""
    if isinstance(value, str):
        return value
    if isinstance(one_value(value), (bool, int, float)):
        return as_text(value)
    raise _misfit(value, "text")


def written_text(value: Value) -> str:
    """Text and nothing else. Raises Misfit."""
    if isinstance(one_value(value), str):
        return str(value)
    message = f"{_shown(value)}, and the target takes text"
    raise Misfit(message, "quote it")


def _boolean(value: Value) -> bool:
    """True and False in any case and form (the service's own expressions give texts)."""
    if isinstance(one_value(value), bool):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    message = f"{value!r} is neither True nor False, and the target is a boolean"
    raise Misfit(message)


def _integer(value: Value) -> int:
    number = _decimal(value, "a whole number")
    if isinstance(number, float):
        raise _misfit(value, "a whole number")
    return number


def _decimal(value: Value, wanted: str = "a number") -> int | float:
    """Texts that are numbers count (CStr and attributes give such). A whole one has no fraction in JSON either."""
    if isinstance(one_value(value), bool) or not isinstance(value, (int, float, str)):
        raise _misfit(value, wanted)
    try:
        return int(value) if isinstance(value, str) else _whole(value)
    except (ValueError, OverflowError):
        pass
    try:
        return _whole(float(value))
    except (ValueError, OverflowError):
        raise _misfit(value, wanted) from None


def _whole(number: float) -> int | float:
    """Raises OverflowError or ValueError for what is no number in JSON."""
    return int(number) if number == int(number) else number


def _date_time(value: Value) -> str:
    found = as_date_time(value) if isinstance(one_value(value), str) else None
    if found is None:
        raise _misfit(value, "a date and time", "such as 2026-11-23T17:00:00Z")
    return found


def _date(value: Value) -> str:
    found = as_date(value) if isinstance(one_value(value), str) else None
    if found is None:
        raise _misfit(value, "a date", "such as 2026-11-23")
    return found


def _reference(value: Value) -> Reference:
    """To the account of the person whose id the value is."""
    if isinstance(value, Reference):
        return value
    if isinstance(one_value(value), str):
        return Reference(UserId(value))
    raise _misfit(value, "the id of a person")


_TYPES: Final[dict[Type, Conform]] = {
    "string": any_text,
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "date": _date,
    "dateTime": _date_time,
    "reference": _reference,
}
_FLOWS: Final[dict[Type, frozenset[Type]]] = {
    "boolean": frozenset({"boolean", "string"}),
    "integer": frozenset({"integer", "decimal", "string"}),
    "decimal": frozenset({"integer", "decimal", "string"}),
    "date": frozenset({"date", "dateTime", "string"}),
    "dateTime": frozenset({"date", "dateTime", "string"}),
    "reference": frozenset({"reference"}),
}
"""Type of a target → types of sources of which at least some value fits."""
_WORDS: Final[dict[Type, str]] = {
    "string": "text",
    "boolean": "a boolean",
    "integer": "a whole number",
    "decimal": "a number",
    "date": "a date",
    "dateTime": "a date and time",
    "reference": "a person",
    "complex": "values with parts",
}


def never_fits(source: Attribute, target: Attribute) -> str:
    """Why no value of the source fits the target; empty if one may. How many values there are is not looked at."""
    takes = _FLOWS.get(target.type)
    if takes is None or source.type in takes:
        return ""
    return f"is {_WORDS[source.type]}, and the target takes {_WORDS[target.type]}"


def _misfit(value: Value, wanted: str, hint: str = "") -> Misfit:
    return Misfit(f"{_shown(value)}, and the target takes {wanted}", hint)


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return f"{value!r} is a boolean"
    if isinstance(value, (int, float)):
        return f"{value!r} is a number"
    return f"{value!r} is text" if isinstance(value, str) else f"{value!r} is not text"


def _lengths(path: AttributePath, profile: Profile, *, group: bool) -> list[Callable[[str], None]]:
    wanted = f"{'groups' if group else 'users'}.{path.schema_name}"
    for name, (least, most) in profile.lengths.items():
        if name.lower() == wanted:
            return [_length(profile.title, least, most)]
    return []


def _length(title: str, least: int, most: int) -> Callable[[str], None]:
    def check(text: str) -> None:
        if not least <= len(text) <= most:
            shown = text if len(text) <= 40 else f"{text[:39]}…"
            message = f"{shown!r} has {len(text)} characters; {title} takes {least} to {most}"
            raise Misfit(message)

    return check


def _languages(path: AttributePath, profile: Profile, *, group: bool) -> list[Callable[[str], None]]:
    if group or not profile.languages or path.schema_name != "preferredlanguage":
        return []
    known = frozenset(profile.languages)

    def check(text: str) -> None:
        if text not in known:
            near = suggestion(text, known)
            hint = f"{near} `values` in the mapping turns one into the other" if near else "map it with `values`"
            message = f"{text!r} is no language of {profile.title}"
            raise Misfit(message, hint)

    return [check]
