"""JSON Schema of what people write and what programs read: see `reconciler schema`.

A schema accepts whatever the program accepts. It knows keys, types and choices; what depends on other files is for
`validate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from reconciler.desired.keys import GROUP, MEANINGS, PERSON
from reconciler.desired.modelled import MOMENT, Schema, given, optional, schema_of

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_ID: Final[Schema] = {
    "type": "string",
    "maxLength": 128,
    "pattern": "^(?![.@+~'-])[^\\u0000-\\u0020!\"#$%&()*,/:;<=>?\\[\\\\\\]^`{|}\\u007f]+$",
}
"""As `form.is_identifier` has it; which letters are letters beyond ASCII, `validate` knows."""
_MOMENT: Final[Schema] = {"type": "string", **MOMENT}
_FORMER_ID: Final[Schema] = {**_ID, "description": "An earlier id."}
_TEXT: Final[Schema] = {"type": ["string", "null"]}
_TEXTS: Final[Schema] = {"type": ["array", "null"], "items": _TEXT}
_FLAG: Final[Schema] = {"type": ["boolean", "null"]}


def _app() -> Schema:
    """app.yaml: what is required of it may stand in the defaults of reconciler.yaml instead."""
    from reconciler.model.app import App

    found = schema_of(App)
    for key in ("name", "mappings"):
        del found["properties"][key]
    optional(found)
    profile = _profile()
    optional(profile)
    found["$defs"] |= profile.pop("$defs")
    found["$defs"]["Profile"] = profile
    told = found["properties"]["profile"]["description"]
    found["properties"]["profile"] = {"$ref": "#/$defs/Profile", "description": told}
    return found


def _settings() -> Schema:
    """reconciler.yaml, with the keys of app.yaml under `defaults`."""
    from reconciler.model.settings import Settings

    found = schema_of(Settings)
    app = _app()
    found["$defs"] |= app.pop("$defs")
    found["$defs"]["App"] = app
    told = found["properties"]["defaults"]["description"]
    found["properties"]["defaults"] = {"$ref": "#/$defs/App", "description": told}
    return found


def _profile() -> Schema:
    from reconciler.model.profile import Profile

    return schema_of(Profile)


def _mappings() -> Schema:
    from reconciler.model.mapping import Mappings

    return schema_of(Mappings)


def _tests() -> Schema:
    """tests.yaml. Beside the keys that are read, remarks on where an example is from."""
    from reconciler.desired.cases import REMARKS
    from reconciler.model.cases import Case

    case = schema_of(Case)
    del case["properties"]["place"], case["$defs"]
    case["properties"] |= {key: {"description": "A remark."} for key in REMARKS}
    case["additionalProperties"] = False
    whole = {"anyOf": [given("user"), {"required": ["inputs"]}]}
    case["if"], case["then"] = {"not": given("expression")}, whole
    case["else"] = {"not": given("user")}
    cases = {"type": ["array", "null"], "items": {"$ref": "#/$defs/Case"}, "description": "One after the other."}
    return {
        "type": "object",
        "properties": {"cases": cases},
        "required": ["cases"],
        "additionalProperties": False,
        "$defs": {"Case": case},
    }


def _plan() -> Schema:
    from reconciler.model.plan import Plan

    return schema_of(Plan)


def _state() -> Schema:
    from reconciler.model.state import State

    return schema_of(State)


def _snapshot() -> Schema:
    from reconciler.model.kept import KeptSnapshot

    return schema_of(KeptSnapshot)


def _user() -> Schema:
    """A file of people. Attributes that reconciler.yaml adds have names that nobody knows here."""
    from reconciler.desired.users import KINDS
    from reconciler.model.directory import GRAPH_ATTRIBUTES, MULTI_VALUED

    properties = {
        "id": _ID,
        **{name: _TEXTS if name in MULTI_VALUED else _TEXT for name in GRAPH_ATTRIBUTES},
        "kind": {"enum": [*KINDS, None]},
        "owner": _TEXT,
        "accountEnabled": _FLAG,
        "from": _MOMENT,
        "until": _MOMENT,
        "formerly": _formerly({"type": "object", "minProperties": 1, "properties": {"id": _FORMER_ID}}),
        "accounts": _accounts(),
    }
    one = _described(properties, PERSON)
    person = {"properties": {"kind": {"const": "person"}}}
    account = {"required": ["kind"], "properties": {"kind": {"enum": ["service", "shared"]}}}
    one["allOf"] = [
        {"if": person, "then": {"properties": {"owner": {"maxLength": 0}}}},
        {"if": account, "then": {"required": ["owner"], "properties": {"owner": {"type": "string", "minLength": 1}}}},
    ]
    return _one_or_many(one)


def _group() -> Schema:
    from reconciler.desired.groups import ATTRIBUTES
    from reconciler.desired.rules import WrittenRules

    rules = schema_of(WrittenRules)
    list_of_rules = rules["properties"]["rules"]
    for rule in (rules["$defs"]["WrittenRule"],):
        rule["properties"]["all"]["minItems"] = 1
    properties = {
        "id": _ID,
        **dict.fromkeys(ATTRIBUTES, _TEXT),
        "sensitive": _FLAG,
        "formerly": _formerly(
            {
                "type": "object",
                "minProperties": 1,
                "properties": {
                    "id": _FORMER_ID,
                    **{key: {**_TEXT, "description": "What it was before."} for key in ATTRIBUTES},
                },
                "additionalProperties": False,
            }
        ),
        "accounts": _accounts(),
        "members": {"type": ["array", "null"], "items": _member()},
        "rules": {**list_of_rules, "type": ["array", "null"]},
    }
    one = _described(properties, GROUP) | {"additionalProperties": False}
    nested = {"type": "object", "required": ["group"]}
    one["if"] = {"required": ["sensitive"], "properties": {"sensitive": {"const": True}}}
    one["then"] = {"properties": {"rules": {"maxItems": 0}, "members": {"items": {"not": nested}}}}
    found = _one_or_many(one)
    found["$defs"] |= rules["$defs"]
    return found


def _member() -> Schema:
    """An id, or a mapping of exactly one of `user` and `group`."""
    properties = {"user": _ID, "group": _ID, "reason": _TEXT, "from": _MOMENT, "until": _MOMENT}
    whole = _described(properties, MEANINGS["Member"])
    whole["additionalProperties"] = False
    either = [{"required": ["user"]}, {"required": ["group"]}]
    whole["allOf"] = [{"oneOf": either, "errorMessage": "a member is exactly one of `user` and `group`"}]
    return {"type": ["string", "object"], "if": {"type": "object"}, "then": whole, "else": _ID}


def _formerly(entry: Schema) -> Schema:
    return {"type": ["array", "null"], "items": {"additionalProperties": _TEXT, **entry}}


def _accounts() -> Schema:
    return {"type": ["object", "null"], "additionalProperties": {"type": "string", "minLength": 1}}


def _described(properties: Schema, meanings: Any) -> Schema:
    told = {
        key: {**value, "description": meanings[key]} if key in meanings else value for key, value in properties.items()
    }
    return {"type": "object", "properties": told}


def _one_or_many(one: Schema) -> Schema:
    """One to a file, or a list in which everybody has an `id`."""
    many = {"items": {"allOf": [{"$ref": "#/$defs/one"}, {"required": ["id"]}]}}
    return {
        "type": ["object", "array"],
        "if": {"type": "array"},
        "then": many,
        "else": {"$ref": "#/$defs/one"},
        "$defs": {"one": one},
    }


SCHEMAS: Final[dict[str, tuple[str, Callable[[], Schema]]]] = {
    "user": ("a file in users/", _user),
    "group": ("a file in groups/", _group),
    "app": ("apps/NAME/app.yaml", _app),
    "mappings": ("apps/NAME/mappings.yaml", _mappings),
    "tests": ("apps/NAME/tests.yaml", _tests),
    "settings": ("reconciler.yaml", _settings),
    "profile": ("a profile of the gallery", _profile),
    "plan": ("a plan, as `plan --format json` prints it", _plan),
    "state": ("the memory of an app", _state),
    "snapshot": ("what an application held, as `reconciler snapshot` keeps it", _snapshot),
}
"""Name → (what it is of, what makes it)."""


def published(name: str) -> Schema:
    """The whole document, for a name of SCHEMAS."""
    title, build = SCHEMAS[name]
    return {"$schema": _DRAFT, "$id": f"urn:reconciler:schema:{name}", **build(), "title": f"reconciler: {title}"}
