"""The published schemas accept what the program accepts, and find what an editor can find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
import yaml
from jsonschema import Draft202012Validator

import reconciler.gallery
from reconciler.desired.schemas import SCHEMAS, published
from reconciler.gallery import load_profile, names

COMPANY = Path(__file__).parents[2] / "desired-state"
GALLERY = Path(reconciler.gallery.__file__).parent


def check(name: str, document: Any) -> None:
    Draft202012Validator(published(name)).validate(document)


class Core(yaml.SafeLoader):
    """As editors read: a day is text in YAML 1.2."""


Core.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def from_yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Core)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(published(name))


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(each)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_reference_leads_somewhere(name: str) -> None:
    """A validator finds out only when it comes by; an editor says so at the top of the file."""
    schema = published(name)
    for node in nodes(schema):
        if isinstance(reference := node.get("$ref"), str):
            head, _, part = reference.rpartition("/")
            assert (head, part in schema.get("$defs", {})) == ("#/$defs", True), reference


@pytest.mark.parametrize("name", ["user", "group", "app", "mappings", "tests", "settings"])
def test_every_key_that_people_write_is_explained(name: str) -> None:
    """Under `profile` only what is not plain: its keys are those that `check --probe` writes."""
    schema = published(name)
    of_profiles = published("profile").get("$defs", {}).keys() | {"Profile"}
    for model, part in {name: schema, **schema.get("$defs", {})}.items():
        if model in of_profiles and model not in ("Mapping", "Mappings"):
            continue
        for node in nodes({key: value for key, value in part.items() if key != "$defs"}):
            for key, value in node.get("properties", {}).items() if "type" in node or "title" in node else ():
                assert value.get("description"), f"{model}.{key}"


@pytest.mark.parametrize("name", names())
def test_every_profile_of_the_gallery_fits(name: str) -> None:
    check("profile", from_yaml(GALLERY / f"{name}.yaml"))
    check("profile", load_profile(name).model_dump(mode="json", by_alias=True))


@pytest.mark.parametrize(("schema", "file"), [
    ("app", "apps/hootsuite/app.yaml"), ("mappings", "apps/hootsuite/mappings.yaml"),
    ("tests", "apps/hootsuite/tests.yaml"), ("settings", "reconciler.yaml"),
])  # fmt: skip
def test_the_example_company_fits(schema: str, file: str) -> None:
    check(schema, from_yaml(COMPANY / file))


@pytest.mark.parametrize("kind", ["user", "group"])
def test_everybody_and_every_group_of_the_example_company_fits(kind: str) -> None:
    files = list((COMPANY / f"{kind}s").glob("**/*.yaml"))
    assert files
    validator = Draft202012Validator(published(kind))
    for file in files:
        validator.validate(from_yaml(file))


def test_a_plan_and_the_memory_fit(story_of: Callable[..., Any]) -> None:
    story = story_of("hootsuite")
    check("plan", orjson.loads(story.plan().model_dump_json(by_alias=True)))
    story.converge()
    check("state", story.company.state)
    story.company.edit_person("alan.turing", accountEnabled=False)
    check("plan", orjson.loads(story.plan().model_dump_json(by_alias=True)))


def test_a_plan_as_the_command_prints_it_fits(story_of: Callable[..., Any]) -> None:
    from reconciler.plan import to_json

    check("plan", orjson.loads(to_json(story_of("scim").plan())))


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("app", {"scope": {"assigned": {"groups": ["care", {"group": "press", "roles": ["Admin"]}]}}}),
        ("app", {"unmanaged": {"groups": "ignore"}, "profile": {"users": {"update": "put"}}}),
        ("app", {"groups": ["care"], "sso": {"metadata": "idp.xml", "nameId": "mail"}}),
        ("app", {"profile": {"schema": {"urn:x:User:level": "integer", "urn:x:User:teams": {"type": "string"}}}}),
        ("app", {"scope": {"filters": [[{"not": {"attribute": "department", "operator": "IS NULL"}}]]}}),
        ("user", [{"id": "ada", "userPrincipalName": "ada@contoso.com", "costCenter": "7", "formerly": [{"id": "x"}]}]),
        ("group", {"displayName": "Care", "members": ["ada", {"group": "press", "reason": "all of them"}]}),
        ("user", {"from": "2026-12-01", "until": "2027-03-31"}),
        ("group", {"members": [{"user": "ada", "from": "2026-12-01T08:00:00+01:00", "until": "2027-03-31"}]}),
        ("group", {"rules": [{"all": [{"not": {"attribute": "city", "operator": "EQUALS", "value": "Rome"}}]}]}),
        ("group", {"rules": None}),
        ("app", {"scope": {"assigned": {"users": [{"user": "ada", "until": "2027-03-31"}]}}}),
        ("app", {"canary": 5, "guardrails": {"minimumMembers": {"care": 2}}}),
    ],
)
def test_what_the_program_accepts_is_accepted(name: str, document: Any) -> None:
    check(name, document)


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("app", {"tenantURL": "https://example.com"}),
        ("app", {"profile": {"users": {"update": "patch"}}}),
        ("app", {"profile": {"pageing": {"count": 5}}}),
        ("app", {"name": "hootsuite"}),
        ("mappings", {"users": [{"source": "mail"}]}),
        ("profile", {"title": "X"}),
        ("user", [{"userPrincipalName": "ada@contoso.com"}]),
        ("user", {"kind": "robot"}),
        ("user", {"mail": 5}),
        ("group", {"displayname": "Care"}),
        ("group", {"members": [{"user": "ada", "group": "press"}]}),
        ("group", {"members": [{"user": "ada", "til": "2027-03-31"}]}),
        ("group", {"rules": [{"any": []}]}),
        ("group", {"rules": [{"all": [{"attribute": "city", "operator": "EQUAL", "value": "Rome"}]}]}),
    ],
)
def test_what_is_spelled_wrong_is_found(name: str, document: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(name, document)


def test_editors_show_what_keys_mean() -> None:
    profile = published("profile")
    assert profile["properties"]["excludedAttributes"]["description"].startswith("`excludedAttributes=members`")
    assert "application's own attributes" in profile["properties"]["schema"]["description"]
    assert profile["$defs"]["Rate"]["properties"]["concurrency"]["description"] == "Requests at a time, at most."
    assert "description" in published("state")["$defs"]["Binding"]["properties"]["active"]
