"""One attribute mapping of Entra's → one of ours, or why there is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from reconciler.desired.findings import shown
from reconciler.model.mapping import Mapping
from reconciler.model.path import AttributePath, parse_path
from reconciler.model.profile import Profile
from reconciler.model.schema import Schema, describe, is_core
from reconciler.sources.entra.document import Flow, Kind, Source
from reconciler.sources.entra.expression import expression_of, readings, renamed, single_reading, words
from reconciler.sources.entra.names import Names

Judge: TypeAlias = Callable[[Kind, Mapping], "tuple[str, str] | None"]
"""What is wrong with a mapping of ours and what to do about it; None if it can be used."""
_OBJECT_FILTER: Final = "objectfilter"
_UNKNOWN: Final = {"DefaultDomain": "a fact of a tenant that nobody asks here: write the domain as a text"}
"""Functions that can be read and never answer here."""
_ID: Final = "id"


@dataclass(frozen=True, slots=True)
class Taken:
    kind: Kind
    mapping: Mapping
    says: tuple[str, ...] = ()
    """What became otherwise on the way."""


@dataclass(frozen=True, slots=True)
class Lost:
    """What has no equivalent here."""

    kind: Kind
    target: str
    origin: str
    """As the schema has it, on one line."""
    why: str
    remedy: str


class NoEquivalent(Exception):
    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Translator:
    names: Names
    profile: Profile
    judge: Judge

    def translate(self, flow: Flow, kind: Kind) -> Taken | Lost | None:
        """None: the schema leaves this target alone."""
        if _is_nothing(flow):
            return None
        try:
            path = self._path(flow.target, kind)
            says: list[str] = []
            values = self._origin(flow, kind, path, says) | self._rest(flow, kind, path)
            return self._usable(flow, kind, values, says)
        except NoEquivalent as none:
            why, remedy = none.why, none.remedy
        return Lost(kind, flow.target, told(flow), why, remedy)

    def _path(self, target: str, kind: Kind) -> AttributePath:
        try:
            path = parse_path(target)
        except ValueError:
            raise NoEquivalent("its target is no SCIM path", "map the attribute by its SCIM path") from None
        known = describe(path, group=kind == "groups", schema=self._schema(kind)) is not None
        ours = {parse_path(each.target).canonical for each in getattr(self.profile.mappings, kind)}
        if known or not is_core(path) or path.canonical in ours or path.schema_name == _OBJECT_FILTER:
            return path
        why = f"neither SCIM nor the profile {self.profile.name} knows {shown(target)}"
        raise NoEquivalent(why, "map the attribute by its SCIM path")

    def _schema(self, kind: Kind) -> Schema:
        return {} if kind == "groups" else self.profile.schema_of_users

    def _origin(self, flow: Flow, kind: Kind, path: AttributePath, says: list[str]) -> dict[str, Any]:
        source = flow.source
        if source is None:
            says.append("written on creation alone: the schema has no source, and a default value")
            return {"constant": self._typed(flow.default, kind, path)}
        if source.type == "constant":
            return {"constant": self._typed(_constant(source), kind, path)}
        reading = (source.name if source.type == "attribute" else "") or single_reading(expression_of(source))
        if reading:
            return self._attribute(reading, kind, path, says)
        return {"expression": self._expression(expression_of(source), kind, says)}

    def _attribute(self, name: str, kind: Kind, path: AttributePath, says: list[str]) -> dict[str, Any]:
        found = self.names.find(name, kind)
        if found is None:
            raise NoEquivalent(f"nothing here is called {shown(name)}", self.names.remedy(name, kind))
        if found.says:
            says.append(found.says)
        attribute = describe(path, group=kind == "groups", schema=self._schema(kind))
        if found.first and not (attribute and attribute.multi_valued):
            return {"expression": found.reading}
        return {"source": found.name}

    def _expression(self, text: str, kind: Kind, says: list[str]) -> str:
        for word in sorted(words(text) & _UNKNOWN.keys()):
            raise NoEquivalent(f"{word} is {_UNKNOWN[word]}")
        unknown = [name for name in readings(text) if self.names.find(name, kind) is None]
        if unknown:
            told = ", ".join(map(shown, unknown[:5]))
            raise NoEquivalent(f"nothing here is called {told}", self.names.remedy(unknown[0], kind))

        def ours(name: str) -> str:
            found = self.names.find(name, kind)
            assert found is not None
            if found.says and found.says not in says:
                says.append(found.says)
            return found.reading

        return renamed(text, ours)

    def _rest(self, flow: Flow, kind: Kind, path: AttributePath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if flow.matching:
            values["matching"] = flow.matching
        if flow.default and flow.source is not None:
            values["default"] = self._typed(flow.default, kind, path)
        match flow.flow_type.lower():
            case "always":
                pass
            case "objectaddonly":
                values["apply"] = "onCreate"
            case "multivalueaddonly" if _adds(flow.source):
                pass
            case "multivalueaddonly":
                why = "values would only be added to the target there, and none taken away; here they are what is there"
                raise NoEquivalent(why, "map it, if that is what you mean")
            case _:
                raise NoEquivalent(f"nobody knows when {shown(flow.flow_type)} flows")
        if flow.source is None:
            values["apply"] = "onCreate"
        return values

    def _usable(self, flow: Flow, kind: Kind, values: dict[str, Any], says: list[str]) -> Taken:
        """The mapping, or the nearest that can be used; never one by which other people would be found."""
        if kind == "users" and values.get("source") == _ID:
            if flow.matching:
                why = "accounts are matched by an id of Entra that nobody has here"
                remedy = "add `attributes: {objectId: {type: string}}` to reconciler.yaml, each person's objectId to "
                raise NoEquivalent(why, f"{remedy}their file, and import once more")
            says = [*says, "written on creation alone, so that no account that Entra made loses its id"]
            values["apply"] = "onCreate"
        if kind == "groups" and values.get("source") == _ID and not flow.matching:
            values["apply"] = "onCreate"
        first: tuple[str, str] | None = None
        for changed, remark in self._forms(flow, values):
            mapping = _made(flow.target, changed)
            wrong = self.judge(kind, mapping)
            if wrong is None:
                return Taken(kind, mapping, (*says, *([remark] if remark else [])))
            first = first or wrong
        assert first is not None
        raise NoEquivalent(*first)

    def _forms(self, flow: Flow, values: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
        """As it is; for creations alone; without a default that does not fit."""
        yield values, ""
        if values.get("expression") and not flow.matching:
            yield values | {"apply": "onCreate"}, "written on creation alone: what it makes is new each time"
        if "default" in values:
            less = {key: value for key, value in values.items() if key != "default"}
            yield less, f"its default value {shown(flow.default)} does not fit the target, and was left out"

    def _typed(self, text: str, kind: Kind, path: AttributePath) -> str | bool | int:
        attribute = describe(path, group=kind == "groups", schema=self._schema(kind))
        if attribute and attribute.type == "boolean" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if attribute and attribute.type == "integer" and text.removeprefix("-").isdecimal() and len(text) < 19:
            return int(text)
        return text


def _adds(source: Source | None) -> bool:
    """Its values are added to those of the application by the function alone."""
    return source is not None and "AppRoleAssignmentsComplex" in words(expression_of(source))


def _is_nothing(flow: Flow) -> bool:
    if flow.source is None:
        return not flow.default
    return flow.source.type == "constant" and not _constant(flow.source)


def _constant(source: Source) -> str:
    if source.name or not source.expression.startswith('"'):
        return source.name
    try:
        value = json.loads(source.expression)
    except ValueError:
        return source.expression.strip('"')
    return value if isinstance(value, str) else source.expression


def _made(target: str, values: dict[str, Any]) -> Mapping:
    try:
        return Mapping.model_validate({"target": target, **values})
    except ValidationError as error:
        reason = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, reason["loc"]))
        raise NoEquivalent(f"{f'{key}: ' if key else ''}{reason['msg']}") from error


def told(flow: Flow) -> str:
    """The mapping as the schema has it, on one line. May be hostile, and long."""
    source = flow.source
    if source is None:
        origin = "None"
    elif source.type == "constant":
        origin = f"constant {_constant(source)}"
    else:
        origin = expression_of(source)
    notes = [f"matching {flow.matching}"] if flow.matching else []
    notes += [flow.flow_type] if flow.flow_type.lower() != "always" else []
    notes += [f"default {flow.default}"] if flow.default else []
    remark = f"   ({', '.join(notes)})" if notes else ""
    return f"{flow.target} ← {' '.join(origin.split())}{remark}"
