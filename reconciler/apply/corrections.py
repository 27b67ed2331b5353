"""Values that came back different, and the lines of the app's profile that would end the difference.

A line is proposed only if the value is no difference under it. Whoever reads the proposal decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from reconciler.model.comparison import Compare, Comparison, equal
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile
from reconciler.model.values import Value, is_null

Kind: TypeAlias = Literal["case", "values", "defaults", "ignore"]

_SHOWN: Final = 60
_FEW: Final = 3
"""From so many different values that all came back as others, they are not codes of a table but computed."""


@dataclass(frozen=True, slots=True)
class Unkept:
    """A value that was written, and what the application holds instead."""

    path: str
    sent: Value
    held: Value
    before: Value = None
    """What it held before the write."""
    hidden: bool = False
    """Neither value is told, nor proposed."""
    group: bool = False

    def __str__(self) -> str:
        return self.path if self.hidden else f"{self.path} (sent {_shown(self.sent)}, holds {_shown(self.held)})"


def _shown(value: Value) -> str:
    if is_null(value):
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def correction(unkept: Iterable[Unkept], profile: Profile, over: Mapping[str, Any]) -> dict[str, Any]:
    """What `profile:` of the app would have to say, to be put in place of the `compare` that it has; {}: nothing.

    `over` is the app's `profile:` as it is. Its rules are kept, and so are ignored paths of the gallery's.
    """
    by_path: dict[str, list[Unkept]] = {}
    for each in unkept:
        if parse_path(each.path).canonical != "active":  # access is never given up so
            by_path.setdefault(each.path, []).append(each)
    found: dict[str, Any] = {}
    for path in sorted(by_path):
        for key, rule in _rules(path, by_path[path]).items():
            found[key] = {**found.get(key, {}), path: rule}
    if not found:
        return {}
    compare = dict(over.get("compare") or {})
    for kind, rules in found.items():
        if kind == "ignore":
            compare[kind] = list(dict.fromkeys([*profile.compare.ignore, *rules]))
        elif kind == "values":
            held = compare.get(kind) or {}
            compare[kind] = {**held, **{path: {**(held.get(path) or {}), **table} for path, table in rules.items()}}
        else:
            compare[kind] = {**(compare.get(kind) or {}), **rules}
    return {"compare": compare}


def _rules(path: str, samples: Sequence[Unkept]) -> dict[Kind, Any]:
    """The gentlest rules under which none of the samples is a difference: case, then tables, then none at all."""
    of_a_table = _is_table(samples)
    kinds = [_kind(each, of_a_table=of_a_table) for each in samples]
    table = {each.sent: each.held for each, kind in zip(samples, kinds, strict=True) if kind == "values"}
    defaults = [each.held for each, kind in zip(samples, kinds, strict=True) if kind == "defaults"]
    rules: dict[Kind, Any] = {}
    if "case" in kinds:
        rules["case"] = "ignore"
    if table:
        rules["values"] = table
    if defaults:
        rules["defaults"] = defaults[0]
    if _ends(path, samples, rules):
        return {} if any(each.hidden for each in samples) and (table or defaults) else rules
    ignored: dict[Kind, Any] = {"ignore": True}
    signs_in = parse_path(path).canonical == "username"
    return ignored if not signs_in and _ends(path, samples, ignored) else {}


def _ends(path: str, samples: Sequence[Unkept], rules: Mapping[Kind, Any]) -> bool:
    said = {kind: [path] if kind == "ignore" else {path: rule} for kind, rule in rules.items()}
    try:
        compare = Compare.model_validate(said)
    except ValueError:
        return False  # a default that is no text, number or boolean
    rule = {group: Comparison(compare, of_groups=group) for group in (False, True)}
    return all(rule[each.group].same(parse_path(path), each.sent, each.held) for each in samples)


def _kind(each: Unkept, *, of_a_table: bool) -> Kind:
    sent, held = each.sent, each.held
    if is_null(held):
        return "ignore"
    if is_null(sent):
        return "defaults"
    if equal(sent, held, exact=False):
        return "case"
    if _is_code(each) and (_letters(sent) == _letters(held) or (of_a_table and held != each.before)):
        return "values"
    return "ignore"


def _is_code(each: Unkept) -> bool:
    """A word of some list, by its look: a language, a time zone, a role. Names and sentences have blanks."""
    return all(isinstance(value, str) and not any(map(str.isspace, value)) for value in (each.sent, each.held))


def _is_table(samples: Sequence[Unkept]) -> bool:
    """Whether the application seems to write one code for another: always the same one, and not a new one each time."""
    codes = [(each.sent, each.held) for each in samples if _is_code(each)]
    pairs = set(codes)
    return len({sent for sent, _ in pairs}) == len(pairs) and (len(pairs) < _FEW or len(codes) > len(pairs))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
