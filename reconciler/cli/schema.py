"""`reconciler schema`: JSON Schema of what people write and what programs read.

A schema accepts whatever the program accepts. It knows keys, types and choices; what depends on more than one key is
for `validate`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any, Final, TypeAlias

import click

Schema: TypeAlias = dict[str, Any]

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_DESCRIBED: Final = ("app", "comparison", "kept", "mapping", "plan", "profile", "rate", "sso", "state")
"""Modules of reconciler.model in which keys have docstrings."""
_SHORT: Final = {"AssignedGroup": "group", "AssignedUser": "user", "Target": "type"}
"""Model → the key whose value alone is its short form."""
_DEFAULTED: Final = ("Unmanaged", "Auth")
"""Models of app.yaml of which `defaults` in reconciler.yaml may hold a part."""


def _app() -> Schema:
    """app.yaml: what is required of it may stand in the defaults of reconciler.yaml instead."""
    from reconciler.model.app import App

    found = _of(App)
    for key in ("name", "mappings"):
        del found["properties"][key]
    for each in (found, *(found["$defs"][name] for name in _DEFAULTED)):
        each.pop("required", None)
    profile = _profile()
    del profile["required"]
    found["$defs"] |= profile.pop("$defs")
    found["$defs"]["Profile"] = profile
    found["properties"]["profile"] = {
        "$ref": "#/$defs/Profile",
        "description": found["properties"]["profile"]["description"],
    }
    return found


def _profile() -> Schema:
    from reconciler.model.profile import Profile

    return _of(Profile)


def _mappings() -> Schema:
    from reconciler.model.mapping import Mappings

    return _of(Mappings)


def _plan() -> Schema:
    from reconciler.model.plan import Plan

    return _of(Plan)


def _state() -> Schema:
    from reconciler.model.state import State

    return _of(State)


def _snapshot() -> Schema:
    from reconciler.model.kept import KeptSnapshot

    return _of(KeptSnapshot)


def _user() -> Schema:
    """A file of people. Attributes that reconciler.yaml adds have names that nobody knows here."""
    from reconciler.desired.users import KINDS
    from reconciler.model.directory import GRAPH_ATTRIBUTES, MULTI_VALUED

    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    properties = {
        **{name: texts if name in MULTI_VALUED else text for name in GRAPH_ATTRIBUTES},
        "kind": {"enum": list(KINDS)},
        "owner": text,
        "accountEnabled": {"type": "boolean"},
        **_window(),
    }
    return _one_or_many("A person", properties, open_to_more=True)


def _group() -> Schema:
    from reconciler.desired.groups import ATTRIBUTES
    from reconciler.desired.rules import WrittenRules

    text = {"type": "string"}
    one = {"user": text, "group": text, "reason": text, **_window()}
    rules = _of(WrittenRules)
    either = [{"required": ["user"]}, {"required": ["group"]}]
    member = {"type": "object", "properties": one, "additionalProperties": False, "oneOf": either}
    properties = {
        **dict.fromkeys(ATTRIBUTES, text),
        "sensitive": {"type": "boolean"},
        "members": {"type": ["array", "null"], "items": {"anyOf": [text, member]}},
        "rules": {"anyOf": [rules["properties"]["rules"], {"type": "null"}]},
    }
    found = _one_or_many("A group", properties, open_to_more=False)
    found["$defs"] |= rules["$defs"]
    return found


def _window() -> Schema:
    """What a whole day or a time looks like is for `validate`, which knows the time zone too."""
    return {
        "from": {"type": "string", "description": "The first day, or a time with an offset."},
        "until": {"type": "string", "description": "The last day, or a time with an offset."},
    }


def _one_or_many(what: str, properties: Schema, *, open_to_more: bool) -> Schema:
    """One to a file, or a list in which everybody has an `id`."""
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    shared = {
        "id": {"type": "string"},
        "formerly": {"type": ["array", "null"], "items": texts},
        "accounts": {**texts, "type": ["object", "null"]},
    }
    one = {"type": "object", "properties": shared | properties, "additionalProperties": open_to_more}
    return {
        "anyOf": [
            {"$ref": "#/$defs/one", "description": f"{what} alone in a file."},
            {"type": "array", "items": {"allOf": [{"$ref": "#/$defs/one"}, {"required": ["id"]}]}},
        ],
        "$defs": {"one": one},
    }


SCHEMAS: Final[dict[str, tuple[str, Callable[[], Schema]]]] = {
    "user": ("a file in users/", _user),
    "group": ("a file in groups/", _group),
    "app": ("apps/NAME/app.yaml", _app),
    "mappings": ("apps/NAME/mappings.yaml", _mappings),
    "profile": ("a profile of the gallery", _profile),
    "plan": ("a plan, as `plan --format json` prints it", _plan),
    "state": ("the memory of an app", _state),
    "snapshot": ("what an application held, as `reconciler snapshot` keeps it", _snapshot),
}


@click.command()
@click.argument("name", metavar="NAME", type=click.Choice(list(SCHEMAS)))
def schema(name: str) -> None:
    """Print the JSON Schema (draft 2020-12) of user, group, app, mappings, profile, plan, state or snapshot.

    Editors complete and check files with it: reconciler schema app > app.schema.json, and as the first line of app.yaml
    # yaml-language-server: $schema=app.schema.json
    """
    import orjson

    click.echo(orjson.dumps(published(name), option=orjson.OPT_INDENT_2) + b"\n", nl=False)


def published(name: str) -> Schema:
    """The whole document."""
    title, build = SCHEMAS[name]
    return {"$schema": _DRAFT, "$id": f"urn:reconciler:schema:{name}", **build(), "title": f"reconciler: {title}"}


def _of(model: Any) -> Schema:
    """Of a pydantic model, by alias, with short forms and the docstrings of keys."""
    found: Schema = model.model_json_schema(by_alias=True)
    parts = found.get("$defs", {})
    for name, part in {model.__name__: found, **parts}.items():
        told = _docstrings().get(name, {})
        for key, value in part.get("properties", {}).items():
            value.pop("title", None)
            if key in told:
                value["description"] = told[key]
    for name in parts.keys() & _SHORT:
        whole = parts[name]
        parts[name] = {"anyOf": [whole["properties"][_SHORT[name]], whole]}
    return found


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
