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


def _true(key: str) -> Schema:
    return {"required": [key], "properties": {key: {"const": True}}}


def never(message: str, *keys: str) -> list[Schema]:
    """Of these keys one at the most is there. `errorMessage` is what editors show; other validators pass it over."""
    return [_without(given(one), other, message) for one in keys for other in keys if other != one]


def _without(condition: Schema, key: str, message: str) -> Schema:
    return {"if": condition, "then": {"properties": {key: {"type": "null", "errorMessage": message}}}}


_REFERENCE: Final = ("env", "file", "command", "keyring")
_ORIGINS: Final = ("source", "constant", "expression")
_ONE_ORIGIN: Final = "exactly one of source, constant, expression, `none: true`"
_UNARY: Final = ["IS TRUE", "IS FALSE", "IS NULL", "IS NOT NULL"]
_RULES: Final[Mapping[str, list[Schema]]] = {
    "SecretReference": never("exactly one of env, file, command, keyring", *_REFERENCE),
    "Auth": never("bearer or clientCredentials, not both", "bearer", "clientCredentials"),
    "ClientCredentials": never("clientSecret or privateKey, not both", "clientSecret", "privateKey"),
    "Scope": [_without(_true("everyone"), "assigned", "`assigned` or `everyone: true`, not both")],
    "Sso": [
        *never("metadata (SAML) or issuer (OpenID Connect), not both", "metadata", "issuer"),
        _without(given("metadata"), "subject", "subject is about an issuer"),
        _without(given("metadata"), "claim", "claim is about an issuer"),
        _without(given("issuer"), "nameId", "nameId is about SAML metadata"),
        _without(given("issuer"), "certificate", "certificate is about SAML metadata"),
    ],
    "Mapping": [
        *never(_ONE_ORIGIN, *_ORIGINS),
        *(_without(_true("none"), key, _ONE_ORIGIN) for key in _ORIGINS),
        {
            "if": {"not": {"anyOf": [*(given(key) for key in _ORIGINS), _true("none")]}},
            "then": {"required": ["source"], "properties": {"source": {"type": "string"}}},
        },
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


DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
MOMENT: Final[Schema] = {
    "pattern": f"^{DAY}(T[0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\\.[0-9]{{1,6}})?)?(Z|[+-][0-9]{{2}}:[0-9]{{2}}))?$",
    "patternErrorMessage": "a day, or a time with an offset, such as 2026-12-01, or 2026-12-01T08:00:00+01:00",
}
_SPAN: Final[Schema] = {
    "pattern": "^(?=.)([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$",
    "patternErrorMessage": "a length of time, such as 40m, 1h30m or 400d",
}
_ADDRESS: Final[Schema] = {"pattern": "^[^@\\s]+@[^@\\s]+$", "patternErrorMessage": "an e-mail address alone"}
_URL: Final[Schema] = {
    "pattern": "^\\S+://\\S+$",
    "patternErrorMessage": "an address, such as https://example.com/scim",
}
_FORMS: Final[Mapping[str, Schema]] = {
    "Auth.expires": {"pattern": f"^{DAY}$", "patternErrorMessage": "a day, such as 2027-06-30"},
    "SecretReference.env": {
        "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$",
        "patternErrorMessage": "the name of an environment variable",
    },
    "AssignedGroup.from": MOMENT,
    "AssignedGroup.until": MOMENT,
    "AssignedUser.from": MOMENT,
    "AssignedUser.until": MOMENT,
    "App.interval": _SPAN,
    "App.tenantUrl": _URL,
    "ClientCredentials.tokenUrl": _URL,
    "Sso.issuer": _URL,
    "Email.from": _ADDRESS,
    "Email.to": {"items": {"type": "string", **_ADDRESS}},
    "Smtp.host": {"pattern": "^[^\\s/@]+$", "patternErrorMessage": "a host alone, such as smtp.contoso.com"},
    "Mapping.target": {
        "pattern": "^[A-Za-z][^\\s\\[]*(\\[.+\\].*)?$",
        "patternErrorMessage": "a SCIM path, such as userName or name.givenName",
    },
    "HistorySettings.keep": _SPAN,
}
"""Model.key → the form of its text, as far as a schema can tell it."""


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
            value.update(_FORMS.get(f"{name}.{key}", {}))
        if rules := _RULES.get(name):
            part["allOf"] = rules
    _sharpen(found, parts)
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
            for each in (value, *(form.get("then", {}) for form in value.get("allOf", ()))):
                name = _referred(each)
                if name and name not in seen and "properties" in found["$defs"][name]:
                    seen.add(name)
                    visit(found["$defs"][name])

    visit(found["$defs"][model] if model else found)


def _sharpen(node: Any, parts: Mapping[str, Schema]) -> None:
    """Of several forms the one is chosen by what tells them apart, so that errors are about that one alone."""
    if isinstance(node, dict):
        forms = node.get("oneOf") or node.get("anyOf")
        if isinstance(forms, list) and all(isinstance(each, dict) for each in forms):
            names = {_referred(each): each for each in forms if "$ref" in each}
            if names.keys() >= {"Clause", "Not"}:
                negated, plain = names["Not"], names["Clause"]
                node.pop("oneOf", None)
                node |= {
                    "type": "object",
                    "if": {"type": "object", "required": [_TAGGED]},
                    "then": negated,
                    "else": plain,
                }
            elif "anyOf" in node and (chosen := _chosen(forms, parts)) is not None:
                del node["anyOf"]
                node |= chosen
        for value in node.values():
            _sharpen(value, parts)
    elif isinstance(node, list):
        for value in node:
            _sharpen(value, parts)


def _chosen(forms: list[Schema], parts: Mapping[str, Schema]) -> Schema | None:
    """The same choice made by type; None where two forms have the same one."""
    by_type: dict[str, Schema] = {}
    for form in forms:
        kind = (parts[_referred(form)] if "$ref" in form else form).get("type")
        if not isinstance(kind, str) or kind in by_type:
            return None
        by_type[kind] = form
    more = [
        {"if": {"type": kind}, "then": form}
        for kind, form in by_type.items()
        if "$ref" in form or form.keys() - {"type"}
    ]
    return {"type": list(by_type), **({"allOf": more} if more else {})}


def _referred(part: Schema) -> str:
    return str(part.get("$ref", "")).rpartition("/")[2]


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
