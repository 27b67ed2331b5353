"""Targets: what is written at a path is read there, and nothing else moves; in all three forms of an update.

The server's side of PATCH is the sandbox's, which shares no code with the client.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scim2_models import EnterpriseUser, PatchOp, User

from reconciler.live import row, wire
from reconciler.live.rows import compile_row
from reconciler.model.path import AttributePath, parse_path
from reconciler.model.values import Value
from reconciler.sandbox.habits import SCIM
from reconciler.sandbox.patch import Draft, patch
from reconciler.sandbox.schema import Attribute, Kind, kinds

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CHAT: Final = "urn:example:chat:2.0:User"

TEXTS: Final = [
    "title", "name.givenName", "emails.value",
    'emails[type eq "work"].value', 'emails[type eq "work"].display', 'emails[type eq "home"].value',
    'phoneNumbers[type eq "mobile"].value', 'addresses[type eq "work"].streetAddress',
    'addresses[type eq "work"].locality', "roles[primary eq true].value", 'roles[primary eq "True"].value',
    f"{CORE}:nickName", f'{CORE}:ims[type eq "xmpp"].value', f"{ENTERPRISE}:department", f"{ENTERPRISE}:manager",
    f"{ENTERPRISE}:manager.value", f"{CHAT}:level", f"{CHAT}:seat.floor", f'{CHAT}:badges[kind eq "door"].value',
]  # fmt: skip
WORDS: Final = st.text(min_size=1, max_size=4).filter(str.strip)
MAILS: Final = st.sampled_from(["a@b.example", "b@b.example", "c@c.example"])


def _server() -> Kind:
    """A user of RFC 7643 with an extension of its own."""
    parts = {"floor": Attribute("floor"), "room": Attribute("room")}
    badge = {"kind": Attribute("kind"), "value": Attribute("value")}
    own = {
        "level": Attribute("level"),
        "teams": Attribute("teams", multi=True),
        "seat": Attribute("seat", "complex", subs=parts),
        "badges": Attribute("badges", "complex", multi=True, subs=badge),
    }
    user = kinds(SCIM)["User"]
    return replace(user, extensions={**user.extensions, CHAT.lower(): (CHAT, own)})


SERVER: Final = _server()


def _list(key: str, choices: list[Any], **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Elements of a multi-valued attribute, several of one kind among them; one at most is primary."""
    element = st.fixed_dictionaries({key: st.sampled_from(choices)}, optional=parts)
    primary = st.integers(-1, 3)
    return st.builds(_with_primary, st.lists(element, min_size=1, max_size=3), primary)


def _with_primary(elements: list[dict[str, Any]], primary: int) -> list[dict[str, Any]]:
    return [{**each, **({"primary": True} if n == primary else {})} for n, each in enumerate(elements)]


def _badges(elements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name != "primary"} for each in elements]


def _object(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=parts).filter(bool)


_KINDS: Final = ["work", "home", "mobile", "Work"]
STORED: Final = st.fixed_dictionaries(
    {"schemas": st.just([CORE]), "id": st.just("1"), "userName": st.just("ada")},
    optional={
        "title": WORDS,
        "nickName": WORDS,
        "active": st.booleans(),
        "name": _object(givenName=WORDS, familyName=WORDS),
        "emails": _list("type", _KINDS, value=MAILS, display=WORDS),
        "phoneNumbers": _list("type", _KINDS, value=WORDS),
        "ims": _list("type", ["xmpp", "icq"], value=WORDS),
        "addresses": _list("type", _KINDS, streetAddress=WORDS, locality=WORDS, country=WORDS),
        "roles": _list("type", ["x", "y"], value=WORDS),
        ENTERPRISE: _object(
            department=WORDS,
            division=WORDS,
            manager=_object(value=WORDS, displayName=WORDS),
        ),
        CHAT: _object(
            level=WORDS,
            teams=st.lists(WORDS, min_size=1, max_size=3, unique=True),
            seat=_object(floor=WORDS, room=WORDS),
            badges=_list("kind", ["door", "car"], value=WORDS).map(_badges),
        ),
    },
)
"""What the server holds."""


@st.composite
def shown(draw: st.DrawFn, node: Any, name: str = "") -> Any:
    """A resource as some server shows it: RFC 7643 as one finds it outside."""
    if isinstance(node, bool):
        return draw(st.sampled_from([node, str(node), str(node).lower()])) if name == "primary" else node
    if isinstance(node, dict):
        result = {}
        for key, value in node.items():
            written = draw(st.sampled_from([key, key, key.lower(), key.upper()])) if key != "schemas" else key
            result[written] = draw(shown(value, key))
        return result
    if isinstance(node, list):
        elements = [draw(shown(each)) for each in node]
        alone = len(elements) == 1 and isinstance(elements[0], dict)
        return elements[0] if alone and draw(st.booleans()) else elements
    return node


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the server holds, what it shows); what it lacks is absent, null or empty."""
    stored = draw(STORED)
    seen = draw(shown(stored))
    for name in ("title", "name", "emails", "phoneNumbers", "addresses", "roles", ENTERPRISE, CHAT):
        if name not in stored:
            seen |= draw(st.sampled_from([{}, {}, {name: None}, {name: ""}, {name: []}]))
    return stored, seen


# -- what an update leaves behind, by form


def put(stored: dict[str, Any], seen: dict[str, Any], values: dict[str, Value]) -> dict[str, Any]:
    before = copy.deepcopy(seen)
    body = wire.replace_body(seen, values)
    assert seen == before, "what was read is not changed"
    return body


def by_path(stored: dict[str, Any], seen: dict[str, Any], values: dict[str, Value]) -> dict[str, Any]:
    return patched(stored, wire.operations_by_path(values, seen))


def pathless(stored: dict[str, Any], seen: dict[str, Any], values: dict[str, Value]) -> dict[str, Any]:
    one = wire.operation_without_path(values, seen)
    return patched(stored, [one] if one else [])


def by_path_elsewhere(stored: dict[str, Any], seen: dict[str, Any], values: dict[str, Value]) -> dict[str, Any]:
    """The same as scim2-models does it, which none of us wrote."""
    known = {name: value for name, value in stored.items() if name != CHAT}
    known["schemas"] = [CORE, ENTERPRISE]
    resource = User[EnterpriseUser].model_validate(known)
    operations = wire.operations_by_path(values, seen)
    if operations:
        PatchOp[User[EnterpriseUser]].model_validate(wire.patch(operations)).patch(resource)
    after: dict[str, Any] = resource.model_dump(mode="json", by_alias=True, exclude_none=True)
    return after | ({CHAT: stored[CHAT]} if CHAT in stored else {})


FORMS: Final = [put, by_path, pathless]


def patched(stored: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    draft = Draft(copy.deepcopy(stored), {})
    if operations:
        patch(SERVER, SCIM, draft, json.loads(json.dumps(wire.patch(operations))))
    return draft.data


# -- what must not move


def plain(node: Any) -> Any:
    """Without what servers do to resources without meaning it."""
    if isinstance(node, dict):
        found = {key.lower(): plain(value) for key, value in node.items() if key.lower() != "schemas"}
        lists = {"emails", "phonenumbers", "ims", "addresses", "roles", "badges"}
        found = {key: [value] if key in lists and isinstance(value, dict) else value for key, value in found.items()}
        return {key: value for key, value in found.items() if value not in (None, "", [], {})}
    if isinstance(node, list):
        return [plain(each) for each in node]
    return str(node).lower() == "true" if str(node).lower() in ("true", "false") else node


def others(resource: dict[str, Any], path: AttributePath, *, cleared: bool) -> Any:
    """All but the value at a path; of several elements that it selects only one is its own, unless it is cleared."""
    rest = plain(resource)
    home = rest.get(path.urn.lower(), {}) if path.urn else rest
    name, sub = path.name.lower(), path.sub.lower()
    node = home.pop(name, None)
    if isinstance(node, list) and sub:
        matching = path.matching(node) if path.key else list(node)
        picked = matching if cleared else [e for e in matching if e.get("primary") is True][:1] or matching[:1]
        goes_whole = cleared and sub == "value"
        node = [
            {k: v for k, v in e.items() if k != sub} if any(e is p for p in picked) else e
            for e in node
            if not (goes_whole and any(e is p for p in picked))
        ]
        bare = [{path.key.lower(): plain(path.literal)}, {}]
        home[name] = sorted((e for e in node if e not in bare), key=lambda e: json.dumps(e, sort_keys=True))
    elif isinstance(node, dict) and sub and name != "manager":
        home[name] = {k: v for k, v in node.items() if k != sub}
    return plain(rest)


def held(resource: dict[str, Any], paths: Iterable[str]) -> list[Value]:
    """What stands there; null and "" are the same thing."""
    return [value or None for value in row(resource, list(paths))]


@pytest.mark.parametrize("form", [*FORMS, by_path_elsewhere])
@settings(deadline=None)
@given(pair=pairs(), path=st.sampled_from(TEXTS), value=st.none() | MAILS | WORDS)
def test_what_is_written_is_read_and_nothing_else_moves(
    form: Any, pair: tuple[dict[str, Any], dict[str, Any]], path: str, value: str | None
) -> None:
    stored, seen = pair
    if form is by_path_elsewhere:
        assume(not path.startswith(CHAT) and "'Work'" not in str(stored))  # it has its own idea of case
        assume(not path.startswith("emails") or value is None or "@b.example" in value)
    target = parse_path(path)
    after = form(stored, seen, {path: value})
    assert held(after, [path]) == [value]
    assert compile_row([path])(after) == row(after, [path])
    cleared = value is None
    assert others(after, target, cleared=cleared) == others(stored, target, cleared=cleared)
    assert not wire.operations_by_path({path: value}, after) or value is not None


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None)
@given(pair=pairs(), active=st.booleans(), teams=st.lists(WORDS, max_size=3, unique=True).map(tuple))
def test_booleans_and_lists(
    form: Any, pair: tuple[dict[str, Any], dict[str, Any]], active: bool, teams: tuple[str, ...]
) -> None:
    stored, seen = pair
    after = form(stored, seen, {f"{CORE}:active": str(active), f"{CHAT}:teams": teams})
    assert row(after, ["active", f"{CHAT}:teams"]) == (active, teams or None)
    assert parse_path("active").canonical == parse_path(f"{CORE}:active").canonical


TOGETHER: Final = [
    each for each in TEXTS
    if each not in ("emails.value", f"{ENTERPRISE}:manager.value", 'roles[primary eq "True"].value')
]  # fmt: skip
"""Targets of which any number can be written at once."""


@settings(deadline=None)
@given(
    pair=pairs(),
    values=st.dictionaries(st.sampled_from(TOGETHER), st.none() | WORDS, min_size=2, max_size=8),
)
def test_several_targets_at_once_and_the_forms_agree(
    pair: tuple[dict[str, Any], dict[str, Any]], values: dict[str, str | None]
) -> None:
    stored, seen = pair
    results = [form(stored, seen, values) for form in FORMS]
    for after in results:
        assert held(after, values) == list(values.values())
    first, *rest = [_unordered(plain(after)) for after in results]
    for each in rest:
        assert each == first


def _unordered(node: Any) -> Any:
    """Without the manager's name too, which is the server's to tell."""
    if isinstance(node, dict):
        manager = {"displayname"} if set(node) <= {"value", "displayname"} else set()
        return {key: _unordered(value) for key, value in node.items() if key not in manager}
    if isinstance(node, list):
        return sorted((_unordered(each) for each in node), key=lambda each: json.dumps(each, sort_keys=True))
    return node


@settings(deadline=None)
@given(values=st.dictionaries(st.sampled_from(TOGETHER), WORDS, min_size=1, max_size=8))
def test_a_creation_holds_what_was_sent(values: dict[str, str]) -> None:
    made = wire.create_body("user", values, email_primary=True)
    assert row(made, list(values)) == tuple(values.values())
