"""The schemas against the program: files that hold every key, made wrong in every way that one edit can.

What the program takes, the schema takes. What the program refuses for a reason that lies in the file itself, the schema
refuses at the same key.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconciler.desired import load
from reconciler.desired.document import Entries, Items, read_document
from reconciler.desired.schemas import published
from reconciler.errors import DesiredStateError, Problem

FILES: dict[str, tuple[str, Any]] = {
    "users/ada.yaml": ("user", {
        "id": "ada", "userPrincipalName": "ada@contoso.com", "mail": "ada@contoso.com", "otherMails": ["a@contoso.com"],
        "accountEnabled": True, "kind": "person", "from": "2026-12-01", "until": "2027-03-31T08:00:00+01:00",
        "manager": "grace", "formerly": [{"id": "ada.byron", "mail": "byron@contoso.com"}], "accounts": {"chat": "17"},
        "costCenter": "12",
    }),
    "users/more.yaml": ("user", [
        {"id": "grace", "displayName": "Grace"},
        {"id": "robot", "kind": "service", "owner": "grace"},
    ]),
    "groups/team.yaml": ("group", {
        "id": "team", "displayName": "Team", "description": "All", "sensitive": False,
        "formerly": [{"displayName": "Old"}], "accounts": {"chat": "g-1"},
        "members": ["ada", {"user": "grace", "from": "2026-12-01", "until": "2027-03-31", "reason": "cover"},
                    {"group": "sub"}],
        "rules": [{"all": [
            {"attribute": "department", "operator": "EQUALS", "value": "Sales"},
            {"not": {"attribute": "jobTitle", "operator": "IS NULL"}},
        ]}],
    }),
    "groups/list.yaml": ("group", [{"id": "sub", "members": ["robot"]}, {"id": "safe", "sensitive": True}]),
    "apps/chat/app.yaml": ("app", {
        "gallery": "scim", "tenantUrl": "https://chat.example/scim/v2",
        "auth": {"bearer": {"env": "CHAT_TOKEN"}, "expires": "2027-06-30",
                 "mutualTls": {"certificate": "client.pem", "key": {"file": "key.pem"}}},
        "caFile": "ca.pem", "provisioning": False,
        "scope": {
            "assigned": {
                "groups": ["team", {"group": "sub", "roles": ["Editor"], "from": "2026-12-01"}],
                "users": ["robot", {"user": "grace", "until": "2027-01-31", "roles": ["Viewer"]}],
                "exclude": ["robot"],
            },
            "exclude": ["robot"],
            "filters": [[{"attribute": "mail", "operator": "REGEX MATCH", "value": ".*"}],
                        [{"operator": "IS MEMBER OF", "value": "team"},
                         {"attribute": "city", "operator": "IS NOT NULL"}]],
            "groupFilters": [[{"attribute": "displayName", "operator": "EQUALS", "value": "Team"}]],
        },
        "groups": ["team"], "deprovision": {"users": "delete", "groups": "empty"},
        "unmanaged": {"users": "report", "groups": "ignore", "members": "remove"},
        "drift": {"takenAway": "hold", "given": "hold"},
        "ignore": {"users": [{"attribute": "userName", "operator": "ENDS_WITH", "value": "@x"}], "groups": []},
        "guardrails": {
            "deprovisionUsers": {"count": 5, "percent": 10, "ignoreBelow": 3}, "removeMembers": {"percent": 4.5},
            "minimumMembers": {"team": 1}, "actsAs": "robot@contoso.com",
            "protected": {"users": ["grace", {"attribute": "userName", "operator": "EQUALS", "value": "x"}],
                          "groups": ["team"]},
        },
        "canary": 2, "order": "leaversLast", "interval": "1h30m",
        "notify": {
            "email": {"from": "a@contoso.com", "to": ["b@contoso.com"],
                      "smtp": {"host": "smtp.contoso.com", "port": 25, "user": {"env": "U"}, "password": {"env": "P"}}},
            "webhook": {"url": {"env": "W"}, "secret": {"command": ["pass", "x"]}, "form": "json"},
        },
        "sso": {"issuer": "https://id.example", "subject": "mail", "claim": "sub"},
        "profile": {"paging": {"count": 50}, "users": {"update": "put"},
                    "schema": {"urn:example:User:level": "integer"}},
    }),
    "apps/chat/mappings.yaml": ("mappings", {
        "replace": True,
        "users": [
            {"target": "userName", "source": "userPrincipalName", "matching": 1, "apply": "always", "default": "x"},
            {"target": "title", "source": "jobTitle", "values": {"a": "b"}, "otherwise": "skip", "whenNull": "clear"},
            {"target": "nickName", "none": True},
            {"target": "userType", "constant": "Employee"},
            {"target": "displayName", "expression": "[displayName]", "apply": "onCreate"},
        ],
        "groups": [{"target": "displayName", "source": "displayName", "matching": 1}],
    }),
    "apps/chat/tests.yaml": ("tests", {"cases": [
        {"id": "one", "expression": "[mail]", "inputs": {"mail": "x"}, "expected": "x", "now": "2026-01-01T00:00:00Z",
         "target_has": ["y"], "note": "why"},
        {"id": "two", "user": "ada", "expected": {"userName": "ada@contoso.com"}},
    ]}),
    "reconciler.yaml": ("settings", {
        "state": "git", "timeZone": "Europe/Berlin", "soonDays": 10, "history": {"keep": "400d"},
        "attributes": {"costCenter": {"type": "string", "multiValued": False}},
        "defaults": {"guardrails": {"deleteGroups": {"count": 1}, "renameUsers": {"percent": 3}}},
    }),
}  # fmt: skip
"""File → (schema, what is in it). Together they hold every key."""

BEYOND = re.compile(
    "has no file|there is no|nobody|no attribute of people|two people have|two groups have|two cases|mapped twice"
    "|never holds|does not exist|`costCenter`|not a time zone"
)
"""Messages about other files and about several entries."""
LAX = ("defaults", "profile")
"""Of defaults nobody looks at what each app replaces; in corrections of the profile `true` counts as 1."""
OPEN = re.compile("unknown key `[^`]*` in (a person|`formerly`)")
"""Which attributes reconciler.yaml adds, no published schema can know."""
COMPLETED = re.compile(
    "exactly one of (env|metadata|`assigned`)|one of bearer|user and password|needs a `secret`|is missing"
)
"""What app.yaml lacks may stand in the defaults of reconciler.yaml."""


def write(root: Path, file: str, document: Any) -> str:
    """One key a line, so that a line tells which key is meant."""
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=False)
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return text


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("state")
    for file, (_, document) in FILES.items():
        write(root, file, document)
    return root


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path into a document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in children:
        yield (*path, key)
        yield from places(value, (*path, key))


def edited(document: Any, path: tuple[Any, ...], edit: str) -> Any:
    made = copy.deepcopy(document)
    node = made
    for part in path[:-1]:
        node = node[part]
    last = path[-1]
    if edit == "misspelt":
        if not isinstance(node, dict):
            return None
        items = [(f"{key}x" if key == last else key, value) for key, value in node.items()]
        node.clear()
        node.update(items)
    elif edit == "gone":
        del node[last]
    else:
        node[last] = {"null": None, "number": 7, "flag": True, "text": "o o?", "empty": "",
                      "list": [], "mapping": {}}[edit]  # fmt: skip
    return made


EDITS = ("misspelt", "gone", "null", "number", "flag", "text", "empty", "list", "mapping")


def lines_of(text: str) -> dict[int, set[tuple[Any, ...]]]:
    """Line → paths of the keys, entries and values that begin there."""
    found: dict[int, set[tuple[Any, ...]]] = {1: {()}}

    def note(line: int, path: tuple[Any, ...]) -> None:
        found.setdefault(line + 1, set()).add(path)

    def visit(node: Any, path: tuple[Any, ...]) -> None:
        if isinstance(node, Entries):
            note(node.mark.line, path)
            for key, value in node.items():
                note(node.key_marks[key].line, (*path, key))
                note(node.marks[key].line, (*path, key))
                visit(value, (*path, key))
        elif isinstance(node, Items):
            for number, (value, mark) in enumerate(zip(node, node.marks, strict=True)):
                note(mark.line, (*path, number))
                visit(value, (*path, number))

    visit(read_document(text.encode(), "x.yaml").value, ())
    return found


def near(problem: Problem, path: tuple[Any, ...], lines: dict[int, set[tuple[Any, ...]]]) -> bool:
    """Whether a path is that of the problem's line, or the next one around or inside of it."""
    there = lines.get(problem.place.line or 1, set())
    if "needs an `owner`" in problem.message:  # told where it says why, and not where it is missing
        there = {(*one[:-1], "owner") for one in there}
    return any(path == one or path[:-1] == one or path == one[:-1] for one in there)


def plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items()}
    return [plain(value) for value in node] if isinstance(node, list) else node


def found_by(validator: Draft202012Validator, text: str) -> list[tuple[Any, ...]]:
    """The paths at which the schema refuses something."""
    found: list[tuple[Any, ...]] = []
    for error in validator.iter_errors(plain(read_document(text.encode(), "x.yaml").value)):
        path = tuple(error.absolute_path)
        keys = re.findall(r"'([^']*)'", error.message) if error.validator == "additionalProperties" else []
        found += [(*path, key) for key in keys] or [path]
    return found


def problems_of(root: Path, file: str) -> list[Problem]:
    try:
        load(root)
    except DesiredStateError as error:
        return [problem for problem in error.problems if problem.place.file == file]
    return []


def beyond(name: str, message: str) -> bool:
    if BEYOND.search(message):
        return True
    return bool(name == "user" and OPEN.search(message)) or bool(name == "app" and COMPLETED.search(message))


def test_the_whole_state_is_right(state: Path) -> None:
    load(state)
    for file, (name, _) in FILES.items():
        assert found_by(Draft202012Validator(published(name)), (state / file).read_text()) == []


@pytest.mark.parametrize("file", FILES)
def test_one_wrong_key_at_a_time(file: str, state: Path) -> None:
    name, document = FILES[file]
    validator = Draft202012Validator(published(name))
    accepted, missed, refused = [], [], 0
    for path in places(document):
        for edit in EDITS:
            made = edited(document, path, edit)
            if made is None:
                continue
            text = write(state, file, made)
            found, problems = found_by(validator, text), problems_of(state, file)
            refused += bool(found and problems)
            if found and not problems and path[0] not in LAX:
                accepted.append((path, edit, found))
            lines = lines_of(text)
            missed += [
                (path, edit, str(problem.place), problem.message, found)
                for problem in problems
                if not any(near(problem, one, lines) for one in found) and not beyond(name, problem.message)
            ]
    write(state, file, document)
    assert accepted == []
    assert missed == []
    assert refused > len(document)


BEARER = {"bearer": {"env": "A_TOKEN"}}
TOGETHER: list[tuple[str, tuple[Any, ...], Any, bool]] = [
    ("users/ada.yaml", ("owner",), "grace", False),
    ("users/ada.yaml", ("id",), "Ädâ-1", True),
    ("users/ada.yaml", ("formerly",), [{"id": "../x"}], False),
    ("groups/team.yaml", ("sensitive",), True, False),
    ("groups/team.yaml", ("members",), [{"user": "ada", "group": "sub"}], False),
    ("groups/team.yaml", ("members",), ["a b"], False),
    ("groups/team.yaml", ("members",), None, True),
    ("groups/team.yaml", ("rules",), [{"all": []}], False),
    ("groups/team.yaml", ("rules",), [{"all": [{"operator": "IS NULL", "attribute": "city", "value": "x"}]}], False),
    ("apps/chat/app.yaml", ("scope", "everyone"), True, False),
    ("apps/chat/app.yaml", ("scope",), {"everyone": True, "filters": []}, True),
    ("apps/chat/app.yaml", ("scope", "filters"), [[{"operator": "IS MEMBER OF", "attribute": "city", "value": "team"}]],
     False),
    ("apps/chat/app.yaml", ("auth", "bearer"), {"env": "A", "file": "b"}, False),
    ("apps/chat/app.yaml", ("auth", "bearer"), {"keyring": "a/b", "file": None}, True),
    ("apps/chat/app.yaml", ("auth", "clientCredentials"), {"tokenUrl": "https://id.example/token", "clientId": "c",
     "clientSecret": {"env": "C"}}, False),
    ("apps/chat/app.yaml", ("auth",), {"clientCredentials": {"tokenUrl": "https://id.example/token", "clientId": "c",
     "clientSecret": {"env": "C"}, "secretIn": "body"}}, True),
    ("apps/chat/app.yaml", ("auth",), {"clientCredentials": {"tokenUrl": "https://id.example/token", "clientId": "c",
     "clientSecret": {"env": "C"}, "privateKey": {"env": "K"}}}, False),
    ("apps/chat/app.yaml", ("sso", "nameId"), "mail", False),
    ("apps/chat/app.yaml", ("groups",), "some", False),
    ("apps/chat/app.yaml", ("groups",), "all", True),
    ("apps/chat/mappings.yaml", ("users", 0, "constant"), "x", False),
    ("apps/chat/mappings.yaml", ("users", 2, "source"), "mail", False),
    ("apps/chat/mappings.yaml", ("users", 3, "constant"), False, True),
    ("apps/chat/mappings.yaml", ("users", 0, "none"), False, True),
    ("apps/chat/tests.yaml", ("cases", 0, "user"), "ada", False),
    ("apps/chat/tests.yaml", ("cases", 1, "inputs"), {}, True),
    ("reconciler.yaml", ("defaults", "auth"), {"bearer": {"keyring": "a/b"}}, True),
    ("reconciler.yaml", ("defaults", "auht"), BEARER, False),
]  # fmt: skip
"""(file, path, what stands there, whether that is right): what is about more than one key."""


@pytest.mark.parametrize(("file", "path", "value", "right"), TOGETHER)
def test_keys_that_go_together_or_do_not(
    file: str, path: tuple[Any, ...], value: Any, right: bool, state: Path
) -> None:
    name, document = FILES[file]
    made = copy.deepcopy(document)
    node = made
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    try:
        text = write(state, file, made)
        found = found_by(Draft202012Validator(published(name)), text)
        try:
            load(state)
            accepted = True
        except DesiredStateError:
            accepted = False
    finally:
        write(state, file, document)
    assert (accepted, not found) == (right, right), found


def test_what_the_defaults_give_app_yaml_need_not_have(state: Path) -> None:
    """The address of the mail server, the client's id: at any depth."""
    name, document = FILES["apps/chat/app.yaml"]
    made = copy.deepcopy(document)
    settings = copy.deepcopy(FILES["reconciler.yaml"][1])
    settings["defaults"] |= {
        "tenantUrl": made.pop("tenantUrl"), "unmanaged": {"users": made["unmanaged"].pop("users")},
        "notify": {"email": {"from": made["notify"]["email"].pop("from"), "to": made["notify"]["email"].pop("to"),
                             "smtp": {"host": made["notify"]["email"]["smtp"].pop("host")}}},
        "sso": {"subject": made["sso"].pop("subject")},
        "auth": {"mutualTls": {"certificate": made["auth"]["mutualTls"].pop("certificate")}},
    }  # fmt: skip
    try:
        text = write(state, "apps/chat/app.yaml", made)
        write(state, "reconciler.yaml", settings)
        load(state)
    finally:
        write(state, "apps/chat/app.yaml", document)
        write(state, "reconciler.yaml", FILES["reconciler.yaml"][1])
    assert found_by(Draft202012Validator(published(name)), text) == []
