"""Values that come back different: told once, with both values and the lines that end it; with these, no difference."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.apply.corrections import Unkept, correction
from reconciler.model.profile import Profile
from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

DEPARTMENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"
ENTERPRISE = DEPARTMENT.rpartition(":")[0]
Bend = Callable[[dict[str, Any], dict[str, Any]], None]
"""(what is about to be stored, what was stored before)"""


def computes(new: dict[str, Any], _old: dict[str, Any]) -> None:
    if "name" in new:
        new["displayName"] = f"{new['name']['familyName']}, {new['name']['givenName']}"


def lowers(new: dict[str, Any], _old: dict[str, Any]) -> None:
    if "displayName" in new:
        new["displayName"] = new["displayName"].lower()


def renames_types(new: dict[str, Any], _old: dict[str, Any]) -> None:
    for email in new.get("emails", ()):
        email["type"] = "other"


def ignores_enterprise(new: dict[str, Any], _old: dict[str, Any]) -> None:
    new.pop(ENTERPRISE, None)


def merges(new: dict[str, Any], old: dict[str, Any]) -> None:
    known = [e["value"] for e in new.get("roles", ())]
    new["roles"] = [*new.get("roles", ()), *(e for e in old.get("roles", ()) if e["value"] not in known)]


def spells(new: dict[str, Any], _old: dict[str, Any]) -> None:
    if "preferredLanguage" in new:
        new["preferredLanguage"] = new["preferredLanguage"].replace("-", "_")


def defaults(new: dict[str, Any], _old: dict[str, Any]) -> None:
    new["timezone"] = new.get("timezone") or "America/Vancouver"


def bend(sandbox: Sandbox, how: Bend) -> None:
    """From now on the application does so with every user that it stores."""
    create, change = sandbox.store.create, sandbox.store.change

    def created(kind: Any, data: dict[str, Any], *rest: Any) -> Any:
        if kind == "User":
            how(data, {})
        return create(kind, data, *rest)

    def changed(resource: Any, data: dict[str, Any], *rest: Any) -> Any:
        if resource.kind == "User":
            data = copy.deepcopy(data)
            how(data, resource.data)
        return change(resource, data, *rest)

    sandbox.store.create = created  # type: ignore[method-assign, assignment]
    sandbox.store.change = changed  # type: ignore[method-assign, assignment]


WORK = 'emails[type eq "work"].value'
BENDS: list[tuple[Bend, dict[str, Any]]] = [
    (computes, {"ignore": ["displayName"]}),
    (lowers, {"case": {"displayName": "ignore"}}),
    (renames_types, {"ignore": [WORK]}),
    (ignores_enterprise, {"ignore": [DEPARTMENT]}),
    (merges, {"ignore": ["roles"]}),
    (spells, {"values": {"preferredLanguage": {"en-GB": "en_GB"}}}),
    (defaults, {"defaults": {"timezone": "America/Vancouver"}}),
]


def roles(files: Company, *names: str) -> None:
    files.edit_app(scope={"assigned": {"groups": [{"group": "social-media", "roles": list(names)}, "research"]}})


@pytest.mark.parametrize(("how", "ends"), BENDS, ids=[how.__name__ for how, _ in BENDS])
def test_told_once_and_ended_by_the_lines_that_were_proposed(
    company: Callable[..., Company], reconciler: Callable[..., Called], how: Bend, ends: dict[str, Any]
) -> None:
    """First apply: 4, with both values and YAML; second plan: empty. With that YAML in the app: 0, and empty."""
    sandbox = Sandbox("scim", rate=0)
    with running(sandbox) as url:
        files = company(gallery="scim", tenant=url)
        role = "AssertiveAppRoleAssignmentsComplex([appRoleAssignments])"
        department = {"target": DEPARTMENT, "source": "department"}
        zone = {"target": "timezone", "source": "timeZone", "whenNull": "clear"}
        files.write("apps/app/mappings.yaml", {"users": [department, zone, {"target": "roles", "expression": role}]})
        files.edit_app(
            profile={"rate": {"perSecond": None}, "compare": {"ignore": ["nickName"], "case": {"title": "ignore"}}}
        )
        files.edit_person("alan.turing", timeZone="Europe/London")
        files.edit_person("ada.lovelace", preferredLanguage="en-GB")
        roles(files, "Editor", "Viewer")
        bend(sandbox, how)
        told = reconciler("apply", files.root, "--yes")
        if told.code == 0:  # it shows when something is taken away
            roles(files, "Editor")
            files.edit_person("alan.turing", timeZone=None)
            told = reconciler("apply", files.root, "--yes")
        assert told.code == 4, told.out
        assert "(sent " in told.out
        assert planned(reconciler, files) == (0, [], {"notKept"})
        assert reconciler("apply", files.root, "--yes").code == 0

        lines = yaml.safe_load(told.out.partition("under `profile`:")[2])
        assert lines["profile"]["compare"] == {
            **ends,
            "ignore": ["nickName", *ends.get("ignore", ())],
            "case": {"title": "ignore", **ends.get("case", {})},
        }
        files.edit_app(profile={"rate": {"perSecond": None}, **lines["profile"]})
        last = reconciler("apply", files.root, "--yes")
        assert last.code == 0, last.out
        assert planned(reconciler, files) == (0, [], set())


def planned(reconciler: Callable[..., Called], files: Company) -> tuple[int, Any, set[str]]:
    """Exit code, changes, and codes of the notes on what is ours."""
    called = reconciler("plan", files.root, "--detailed-exitcode", "--format", "json")
    notes = {note["code"] for note in called.document["notes"]} - {"unmanagedUser"}
    return called.code, called.document["changes"], notes


def test_the_next_creation_with_the_lines_in_place_is_no_difference(
    company: Callable[..., Company], reconciler: Callable[..., Called]
) -> None:
    sandbox = Sandbox("scim", rate=0)
    bend(sandbox, computes)
    with running(sandbox) as url:
        files = company(gallery="scim", tenant=url)
        told = reconciler("apply", files.root, "--yes")
        assert told.code == 4
        files.edit_app(profile=yaml.safe_load(told.out.partition("under `profile`:")[2])["profile"])
        files.person("emmy.noether", "Emmy", "Noether")
        assert reconciler("apply", files.root, "--yes").code == 0
        assert planned(reconciler, files) == (0, [], set())
        files.edit_group("research", displayName="Science", formerly=[{"displayName": "Research"}])
        assert reconciler("apply", files.root, "--yes").code == 0
        assert "Science" in {g["displayName"] for g in sandbox.groups.values()}, "a group's name is still compared"


def kept(*unkept: Unkept, over: dict[str, Any] | None = None) -> Any:
    return correction(unkept, Profile(name="x", title="X"), over or {}).get("compare", {})


def test_a_value_is_of_a_table_only_if_it_looks_so() -> None:
    zone = Unkept("timezone", "Europe/Berlin", "CET")
    assert kept(zone) == {"values": {"timezone": {"Europe/Berlin": "CET"}}}
    assert kept(zone, Unkept("timezone", "Europe/Berlin", "GMT")) == {"ignore": ["timezone"]}
    assert kept(Unkept("timezone", "Europe/Berlin", "CET", before="CET")) == {"ignore": ["timezone"]}, "not taken"
    assert kept(Unkept("title", "a", "The b")) == {"ignore": ["title"]}
    each = [Unkept("externalId", f"p{n}", f"x{n}") for n in range(3)]
    assert kept(*each) == {"ignore": ["externalId"]}, "a new one each time is computed"
    assert "values" in kept(*each, *each)


def test_what_the_app_says_already_is_kept() -> None:
    over = {"compare": {"values": {"timezone": {"UTC": "GMT"}}, "defaults": {"title": "-"}}, "paging": {"count": 5}}
    assert kept(Unkept("timezone", "Europe/Berlin", "CET"), over=over) == {
        "values": {"timezone": {"UTC": "GMT", "Europe/Berlin": "CET"}},
        "defaults": {"title": "-"},
    }


def test_access_and_the_name_to_sign_in_with_are_never_left_uncompared() -> None:
    assert kept(Unkept("active", False, True), Unkept("userName", "a@b.example", None)) == {}
    assert kept(Unkept("displayName", "Team", None, group=True)) == {}


def test_hidden_values_are_neither_told_nor_proposed() -> None:
    assert str(Unkept("password", "s3cret", "other", hidden=True)) == "password"
    assert kept(Unkept("nickName", "s3cret", "0ther", hidden=True)) == {}
    assert kept(Unkept("password", "s3cret", None, hidden=True)) == {"ignore": ["password"]}


def test_many_people_are_judged_in_a_moment() -> None:
    began = time.perf_counter()
    kept(*(Unkept("nickName", f"p{n}", f"x{n}") for n in range(20_000)))
    assert time.perf_counter() - began < 3
