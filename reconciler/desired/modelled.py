"""JSON Schema of pydantic models, as an editor needs it: by alias, with what each key means, errors at their key."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

from reconciler.desired.keys import MEANINGS

Schema: TypeAlias = dict[str, Any]

_DESCRIBED: Final = (
    "app", "cases", "comparison", "kept", "mapping", "notify", "plan", "profile", "rate", "secret", "settings", "sso",
    "state",
)  # fmt: skip
"""Modules of reconciler.model in which keys have docstrings."""
_SHORT: Final = {"AssignedGroup": "group", "AssignedUser": "user", "Target": "type"}
"""Model → the key whose value alone is its short form."""
_TAGGED: Final = "not"
"""The key that tells a negated clause from a plain one."""


def given(key: str) -> Schema:
    """The key is there, and not null."""
    return {"required": [key], "properties": {key: {"not": {"type": "null"}}}}


def never(message: str, *keys: str) -> Schema:
    """These keys do not go together. `errorMessage` is what editors show; validators that do not know it pass over."""
    return {"not": {"allOf": [given(key) for key in keys]}, "errorMessage": message}


_REFERENCE: Final = ("env", "file", "command", "keyring")
_UNARY: Final = ["IS TRUE", "IS FALSE", "IS NULL", "IS NOT NULL"]
_RULES: Final[Mapping[str, list[Schema]]] = {
    "SecretReference": [
        never("exactly one of env, file, command, keyring", one, other)
        for number, one in enumerate(_REFERENCE)
        for other in _REFERENCE[number + 1 :]
    ],
    "Auth": [never("bearer or clientCredentials, not both", "bearer", "clientCredentials")],
    "ClientCredentials": [never("clientSecret or privateKey, not both", "clientSecret", "privateKey")],
    "Scope": [
        {
            "if": {"required": ["everyone"], "properties": {"everyone": {"const": True}}},
            "then": {"properties": {"assigned": {"type": "null"}}},
        }
    ],
    "Sso": [
        never("metadata (SAML) or issuer (OpenID Connect), not both", "metadata", "issuer"),
        never("subject is about an issuer", "metadata", "subject"),
        never("claim is about an issuer", "metadata", "claim"),
        never("nameId is about SAML metadata", "issuer", "nameId"),
        never("certificate is about SAML metadata", "issuer", "certificate"),
    ],
    "Mapping": [
        {
            "oneOf": [
                *(given(key) for key in ("source", "constant", "expression")),
                {"required": ["none"], "properties": {"none": {"const": True}}},
            ],
            "errorMessage": "exactly one of source, constant, expression, `none: true`",
        }
    ],
    "Clause": [
        {
            "if": {"required": ["operator"], "properties": {"operator": {"const": "IS MEMBER OF"}}},
            "then": {
                "required": ["value"],
                "properties": {"attribute": {"maxLength": 0}, "value": {"type": "string", "minLength": 1}},
            },
            "else": {"required": ["attribute"], "properties": {"attribute": {"minLength": 1}}},
        },
        {
            "if": {"required": ["operator"], "properties": {"operator": {"enum": _UNARY}}},
            "then": {"properties": {"value": {"type": "null"}}},
            "else": {"required": ["value"], "properties": {"value": {"not": {"type": "null"}}}},
        },
    ],
}  # fmt: skip
"""Model → what its own checks say about more than one key, as far as a schema can."""


def schema_of(model: type[BaseModel]) -> Schema:
    """A schema that accepts what the model accepts. Editors mark the key that is wrong, not all that is around it."""
    found: Schema = model.model_json_schema(by_alias=True)
    parts: dict[str, Schema] = found.get("$defs", {})
    for name, part in {model.__name__: found, **parts}.items():
        told = {**MEANINGS.get(name, {}), **_docstrings().get(name, {})}
        for key, value in part.get("properties", {}).items():
            value.pop("title", None)
            if key in told:
                value["description"] = told[key]
            if value.get("default", 0) is None:
                del value["default"]
        if rules := _RULES.get(name):
            part["allOf"] = rules
    _sharpen(found)
    for name in parts.keys() & _SHORT:
        parts[name] = _by_type(parts[name])
        parts[name]["else"] = parts[name]["then"]["properties"][_SHORT[name]]
    return found


def optional(found: Schema, model: str = "") -> None:
    """Nothing is required of mappings that may be laid over others; of what stands in lists it stays."""
    seen: set[str] = set()

    def visit(part: Schema) -> None:
        part.pop("required", None)
        for value in part.get("properties", {}).values():
            for each in (value, *value.get("anyOf", ())):
                name = str(each.get("$ref", "")).rpartition("/")[2]
                if name and name not in seen and "properties" in found["$defs"][name]:
                    seen.add(name)
                    visit(found["$defs"][name])

    visit(found["$defs"][model] if model else found)


def _sharpen(node: Any) -> None:
    """Of two forms the one is chosen by what tells them apart, so that errors are about that one alone."""
    if isinstance(node, dict):
        either = node.get("oneOf") or node.get("anyOf") or ()
        names = [str(each.get("$ref", "")).rpartition("/")[2] for each in either]
        if sorted(names) == ["Clause", "Not"]:
            node.pop("oneOf", None)
            node |= {
                "type": "object",
                "if": {"type": "object", "required": [_TAGGED]},
                "then": {"$ref": "#/$defs/Not"},
                "else": {"$ref": "#/$defs/Clause"},
            }
        elif len(either) == 2 and "anyOf" in node and {"type": "string"} in either and "Clause" in names:
            del node["anyOf"]
            node |= _by_type({"$ref": "#/$defs/Clause"})
        for value in node.values():
            _sharpen(value)
    elif isinstance(node, list):
        for value in node:
            _sharpen(value)


def _by_type(whole: Schema) -> Schema:
    """A mapping, or text in its place."""
    return {"type": ["string", "object"], "if": {"type": "object"}, "then": whole, "else": {"type": "string"}}


@lru_cache(maxsize=1)
def _docstrings() -> dict[str, dict[str, str]]:
    """Model → key → what stands under it in the source, with that of the models that it builds on."""
    found: dict[str, dict[str, str]] = {}
    for module in _DESCRIBED:
        tree = ast.parse(inspect.getsource(import_module(f"reconciler.model.{module}")))
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                inherited = [found.get(base.id, {}) for base in node.bases if isinstance(base, ast.Name)]
                found[node.name] = {key: text for each in inherited for key, text in each.items()} | dict(_told(node))
    return found


def _told(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    from pydantic.alias_generators import to_camel

    for statement, below in zip(node.body, node.body[1:], strict=False):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            yield _alias(statement.value) or to_camel(statement.target.id), " ".join(below.value.value.split())


def _alias(value: ast.expr | None) -> str:
    """The one that `Field(alias=…)` gives."""
    keywords = value.keywords if isinstance(value, ast.Call) else []
    given = [k.value.value for k in keywords if k.arg == "alias" and isinstance(k.value, ast.Constant)]
    return str(given[0]) if given else ""
