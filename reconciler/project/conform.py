"""Whether a value fits its target: the schema's type, the application's languages and lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from reconciler.model.path import AttributePath
from reconciler.model.profile import Profile
from reconciler.model.schema import describe
from reconciler.model.values import Value
from reconciler.project.suggest import suggestion

Conform: TypeAlias = Callable[[Value], Value]


class Misfit(Exception):
    """A value that can't flow to its target."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def conformer(path: AttributePath, profile: Profile, *, group: bool) -> Conform:
    """Makes a value that is not null what the target takes, or raises Misfit."""
    attribute = describe(path, group=group)
    if attribute is None:
        return _anything
    if attribute.type == "boolean":
        return _boolean
    checks = [*_lengths(path, profile, group=group), *_languages(path, profile, group=group)]
    if not checks:
        return any_text

    def conform(value: Value) -> Value:
        text = any_text(value)
        for check in checks:
            check(text)
        return text

    return conform


def _anything(value: Value) -> Value:
    return tuple(value) if isinstance(value, list) else value


def any_text(value: Value) -> str:
    """Text and nothing else. Raises Misfit."""
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)):
        message = "has several values, and the target takes one"
        raise Misfit(message, "an expression picks one, such as Item([attribute], 1)")
    kind = "a boolean" if isinstance(value, bool) else "a number" if isinstance(value, (int, float)) else "not text"
    message = f"{value!r} is {kind}, and the target takes text"
    raise Misfit(message, "quote it, or turn it into text with CStr(…)")


def _boolean(value: Value) -> bool:
    """True and False in any case and form (the service's own expressions give texts)."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    message = f"{value!r} is neither True nor False, and the target is a boolean"
    raise Misfit(message)


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
