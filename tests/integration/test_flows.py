"""What the mapping language gives beside plain values, from the files into the application."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.apply import Status
from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company, SandboxStory

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CANARY = "canary-4711"


def mapped(company: Company, *mappings: dict[str, Any]) -> None:
    company.write("apps/app/mappings.yaml", {"users": list(mappings)})


@pytest.mark.parametrize("gallery", ["hootsuite", "scim"])
@pytest.mark.parametrize("faults", [[], ["notKept=timezone"], ["failCreate=ada@contoso.com"]])
def test_a_redacted_value_flows_and_is_nowhere_told(
    company: Callable[..., Company],
    reconciler: Callable[..., Called],
    caplog: pytest.LogCaptureFixture,
    gallery: str,
    faults: list[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    told, target = [], "timezone" if "notKept=timezone" in faults else "displayName"
    sandbox = Sandbox(gallery, rate=0, faults=faults)
    with running(sandbox) as url:
        files = company(gallery=gallery, tenant=url)
        mapped(files, {"target": target, "expression": "Redact(Coalesce([jobTitle], [displayName]))"})
        files.edit_person("ada.lovelace", jobTitle=CANARY)
        files.edit_person("grace.hopper", jobTitle="plain")
        for value in (CANARY, f"{CANARY}-again"):
            files.edit_person("ada.lovelace", jobTitle=value)
            told += [reconciler("plan", files.root, "--format", form, *more)
                     for form, *more in (("text", "--verbose"), ("json",))]  # fmt: skip
            told.append(reconciler("apply", files.root, "--yes", "--format", "json"))
        files.edit_person("grace.hopper", jobTitle=f"{CANARY}-grace")
        told.append(reconciler("apply", files.root, "--yes", "--verbose"))
    codes = {"": [0, 0, 0], "notKept=timezone": [4, 0, 0], "failCreate=ada@contoso.com": [4, 4, 4]}
    assert [each.code for each in told[2::3]] + [told[-1].code] == codes["".join(faults)]
    said = "".join(each.out + each.err for each in told) + caplog.text
    kept = b"".join(p.read_bytes() for p in (files.root / ".reconciler").rglob("*") if p.is_file())
    assert CANARY not in said
    assert CANARY.encode() not in kept
    assert '"redacted": true' in said
    if not faults:
        assert {u.get("displayName") for u in sandbox.users.values()} >= {f"{CANARY}-again", f"{CANARY}-grace"}


def test_what_is_drawn_is_in_the_application_alone(story: SandboxStory) -> None:
    expression = 'RandomString(16, 3, 0, 3, 3, "l1O0")'
    mapped(story.company, {"target": "displayName", "expression": expression, "apply": "onCreate"})
    story.converge()
    drawn = [user["displayName"] for user in story.sandbox.users.values() if len(user["displayName"]) == 16]
    assert len({*drawn}) == 6
    kept = b"".join(p.read_bytes() for p in (story.company.root / ".reconciler").rglob("*") if p.is_file())
    assert not [each for each in drawn if each.encode() in kept]


def test_a_unique_value_is_chosen_once(story: SandboxStory) -> None:
    company = story.company
    expression = 'SelectUniqueValue([surname], Join(" ", [givenName], [surname]), [id])'
    mapped(company, {"target": "displayName", "expression": expression, "apply": "onCreate"})
    company.edit_person("grace.hopper", surname="lovelace")
    story.converge()
    assert story.user("ada")["displayName"] == "Lovelace"
    assert story.user("grace")["displayName"] == "Grace lovelace"
    company.person("zoe.lovelace", "Ada", "Lovelace")
    story.converge()
    assert story.user("zoe")["displayName"] == "Ada Lovelace"


def test_who_is_left_out_is_left_alone(story: SandboxStory) -> None:
    story.converge()
    mapped(
        story.company,
        {"target": "objectFilter", "expression": 'IIF([department] = "Research", IgnoreObjectFlow, "flows")'},
    )
    story.company.edit_person("alan.turing", displayName="Not This", department="Research")
    story.company.edit_group("social-media", members=["alan.turing", "grace.hopper", {"group": "agencies"}])
    plan = story.plan()
    assert {n.key for n in plan.notes if n.code == "leftOut"} == {"user:alan.turing", "user:mary.somerville"}
    story.converge()
    assert story.user("alan")["displayName"] == "Alan Turing"
    assert story.members("Research") >= {"alan@contoso.com", "mary@contoso.com"}
    assert "alan@contoso.com" not in story.members("Social Media")
    mapped(story.company)
    story.converge()
    assert story.user("alan")["displayName"] == "Not This"


def test_managers_by_their_accounts(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    company = story.company
    mapped(company, {"target": f"{ENTERPRISE}:manager", "source": "manager"})
    for id_, boss in {"ada": "grace.hopper", "grace": "ada.lovelace", "alan": "ada.lovelace"}.items():
        company.edit_person({"ada": "ada.lovelace", "grace": "grace.hopper", "alan": "alan.turing"}[id_], manager=boss)
    story.converge()

    def manager(name: str) -> str:
        value = story.user(name)[ENTERPRISE]["manager"]["value"]
        assert isinstance(value, str)
        return value

    ids = {name: story.sandbox.user_id(f"{name}@contoso.com") for name in ("ada", "grace")}
    assert [manager(n) for n in ("ada", "grace", "alan")] == [ids["grace"], ids["ada"], ids["ada"]]
    company.edit_person("alan.turing", manager="zoe.new")
    company.person("zoe.new", "Zoe", "New", manager="ada.lovelace")
    applied = story.converge()
    assert [s.status for s in applied.outcome.steps] == [Status.DONE] * 2
    assert manager("alan") == story.sandbox.user_id("zoe@contoso.com")
    assert manager("zoe") == ids["ada"]


def test_roles_are_added_to_or_are_all_there_is(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    company = story.company

    def assigned(*roles: str, function: str) -> None:
        company.edit_app(scope={"assigned": {"users": [{"user": "ada.lovelace", "roles": list(roles)}]}})
        mapped(company, {"target": "roles", "expression": f"{function}([appRoleAssignments])"})
        story.converge()

    def roles() -> set[str]:
        return {role["value"] for role in story.user("ada")["roles"]}

    assigned("reader", "editor", function="AppRoleAssignmentsComplex")
    assert roles() == {"reader", "editor"}
    assigned("owner", function="AppRoleAssignmentsComplex")
    assert roles() == {"reader", "editor", "owner"}
    assigned("owner", "reader", function="AssertiveAppRoleAssignmentsComplex")
    assert roles() == {"owner", "reader"}
