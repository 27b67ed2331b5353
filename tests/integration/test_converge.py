"""Promise 1: plan, apply, and the plan after it is empty. After every scenario, in both profiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.conftest import SandboxStory

EVERYBODY = {"ada", "grace", "alan", "mary", "charles", "linus"}


def address(*names: str) -> set[str]:
    return {f"{name}@contoso.com" for name in names}


@pytest.fixture
def settled(story: SandboxStory) -> SandboxStory:
    """The company as the application holds it."""
    story.converge()
    return story


def test_an_empty_application_is_filled(story: SandboxStory) -> None:
    story.converge()
    users = {u["userName"]: u for u in story.sandbox.users.values()}
    assert users.keys() == address(*EVERYBODY) | {"provisioning@contoso.com"}
    assert users["ada@contoso.com"]["name"] == {"givenName": "Ada", "familyName": "Lovelace"}
    assert story.members("Social Media") == address("ada", "grace", "linus", "charles")
    assert story.members("Agencies") == address("linus", "charles")
    assert story.members("Research") == address("alan", "mary", "ada")


def test_an_attribute_changes_in_git(settled: SandboxStory) -> None:
    settled.company.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    applied = settled.converge()
    assert [c.action for c in applied.plan.changes] == ["updateUser"]
    assert settled.user("grace")["displayName"] == "Rear Admiral Hopper"


def test_a_person_is_renamed_and_keeps_the_account(settled: SandboxStory) -> None:
    before = settled.sandbox.user_id("grace@contoso.com")
    settled.company.edit_person("grace.hopper", userPrincipalName="grace.murray@contoso.com")
    applied = settled.converge()
    assert [c.action for c in applied.plan.changes] == ["renameUser"]
    assert settled.sandbox.user_id("grace.murray@contoso.com") == before


def test_a_group_is_renamed_and_keeps_its_id(settled: SandboxStory) -> None:
    before = settled.sandbox.group_id("Research")
    settled.company.edit_group("research", displayName="Science", formerly=[{"displayName": "Research"}])
    applied = settled.converge()
    assert [c.action for c in applied.plan.changes] == ["renameGroup"]
    assert settled.sandbox.group_id("Science") == before
    assert settled.members("Science") == address("alan", "mary", "ada")


def test_a_group_takes_another_id_in_git(settled: SandboxStory) -> None:
    before = settled.sandbox.group_id("Research")
    document = settled.company.read("groups/research.yaml")
    settled.company.remove_group("research")
    settled.company.group("science", "Science", document["members"], formerly=[{"id": "research"}])
    settled.converge()
    assert settled.sandbox.group_id("Science") == before
    assert "group:research" not in settled.company.state["bindings"]


def test_a_person_takes_another_id_in_git(settled: SandboxStory) -> None:
    before = settled.sandbox.user_id("mary@contoso.com")
    settled.company.remove_person("mary.somerville")
    settled.company.person("mary", "Mary", "Somerville", formerly=[{"id": "mary.somerville"}])
    settled.company.edit_group("research", members=["alan.turing", "mary", "ada.lovelace"])
    settled.converge()
    assert settled.sandbox.user_id("mary@contoso.com") == before
    assert settled.user("mary")["active"] is True
    assert settled.members("Research") == address("alan", "mary", "ada")


def test_a_person_moves_between_groups(settled: SandboxStory) -> None:
    settled.company.edit_group("research", members=["alan.turing", "mary.somerville"])
    settled.company.edit_group("agencies", members=["linus.byrne", "charles.babbage", "ada.lovelace"])
    applied = settled.converge()
    assert [c.action for c in applied.plan.changes] == ["addMembers", "removeMembers"]
    assert settled.members("Research") == address("alan", "mary")
    assert settled.members("Agencies") == address("linus", "charles", "ada")


def test_a_leaver_is_deactivated_and_leaves_every_group(settled: SandboxStory) -> None:
    settled.company.remove_person("alan.turing")
    settled.converge()
    assert settled.user("alan")["active"] is False
    assert settled.members("Research") == address("mary", "ada")


def test_a_leaver_is_deleted_where_the_file_says_so_and_the_application_can(settled: SandboxStory) -> None:
    settled.company.edit_app(deprovision={"users": "delete"})
    settled.company.remove_person("alan.turing")
    applied = settled.apply()
    assert applied.code == 0
    assert settled.plan().empty
    if settled.sandbox.habits.deletes:
        assert "alan@contoso.com" not in {u["userName"] for u in settled.sandbox.users.values()}
        assert "user:alan.turing" not in settled.company.state["bindings"]
    else:
        assert settled.user("alan")["active"] is False
        assert [(b.wanted, b.reason) for b in applied.plan.blocked] == [("deleteUser", "appCannot")]
    assert settled.members("Research") == address("mary", "ada")


def test_a_leaver_who_is_kept_leaves_the_groups(settled: SandboxStory) -> None:
    settled.company.edit_app(deprovision={"users": "keep"})
    settled.company.remove_person("alan.turing")
    settled.converge()
    assert settled.user("alan")["active"] is True
    assert settled.members("Research") == address("mary", "ada")


def test_disabled_then_enabled_again(settled: SandboxStory) -> None:
    settled.company.edit_person("alan.turing", accountEnabled=False)
    settled.converge()
    assert settled.user("alan")["active"] is False
    assert settled.members("Research") == address("mary", "ada")
    settled.company.edit_person("alan.turing", accountEnabled=None)
    applied = settled.converge()
    assert applied.plan.changes[0].action == "reactivateUser"
    assert settled.user("alan")["active"] is True
    assert settled.members("Research") == address("mary", "ada", "alan")


def test_a_leaver_who_comes_back_gets_the_same_account(settled: SandboxStory) -> None:
    before = settled.sandbox.user_id("alan@contoso.com")
    file = settled.company.root / "users/alan.turing.yaml"
    text, members = file.read_text(), settled.company.members("research")
    settled.company.remove_person("alan.turing")
    settled.converge()
    file.write_text(text)
    settled.company.edit_group("research", members=members)
    settled.converge()
    assert settled.sandbox.user_id("alan@contoso.com") == before
    assert settled.user("alan")["active"] is True


def test_a_group_that_left_git(settled: SandboxStory) -> None:
    """Hootsuite can't delete it: it ends emptied, the plan says why, and the plan after it is empty."""
    settled.company.remove_group("research")
    applied = settled.apply()
    assert applied.code == 0
    after = settled.plan()
    assert after.empty
    if settled.sandbox.habits.deletes:
        assert "Research" not in {g["displayName"] for g in settled.sandbox.groups.values()}
        assert not after.blocked
        assert "group:research" not in settled.company.state["bindings"]
    else:
        assert settled.members("Research") == set()
        assert [c.action for c in applied.plan.changes] == ["emptyGroup"]
        for plan in (applied.plan, after):
            (line,) = plan.blocked
            assert (line.wanted, line.reason) == ("deleteGroup", "appCannot")
            assert line.text == "Hootsuite has no way to delete a team over SCIM"


def test_a_group_that_came_back(settled: SandboxStory) -> None:
    document = settled.company.read("groups/research.yaml")
    settled.company.remove_group("research")
    settled.apply()
    settled.company.write("groups/research.yaml", document)
    settled.converge()
    assert settled.members("Research") == address("alan", "mary", "ada")


def test_a_group_with_strangers_is_emptied_of_ours_alone(settled: SandboxStory) -> None:
    stranger = settled.sandbox.add_user("stranger@elsewhere.example")
    settled.sandbox.add_member(settled.sandbox.group_id("Research"), stranger)
    settled.company.remove_group("research")
    assert settled.apply().code == 0
    assert settled.members("Research") == {"stranger@elsewhere.example"}
    after = settled.plan()
    assert after.empty
    assert after.blocked[0].wanted == "deleteGroup"


def test_nesting_one_group_in_another(settled: SandboxStory) -> None:
    settled.company.edit_group("agencies", members=["linus.byrne", "charles.babbage", {"group": "research"}])
    applied = settled.converge()
    assert settled.members("Agencies") == address("linus", "charles", "alan", "mary", "ada")
    assert settled.members("Social Media") == address(*EVERYBODY)
    via = {m.name: m.via for c in applied.plan.changes for m in c.members if c.key == "group:social-media"}  # type: ignore[union-attr]
    assert via["Alan Turing"] == ("agencies", "research")


def test_what_was_there_before_is_adopted(story: SandboxStory) -> None:
    sandbox = story.sandbox
    name = {"givenName": "Ada", "familyName": "Lovelace"}
    ada = sandbox.add_user("ADA@contoso.com", displayName="Ada Lovelace", name=name)
    grace = sandbox.add_user("grace@contoso.com", displayName="G. Hopper", name={"givenName": "Grace"})
    research = sandbox.add_group("Research", [ada])
    applied = story.converge()
    assert sandbox.user_id("grace@contoso.com") == grace
    assert sandbox.user_id("ada@contoso.com") == ada
    assert sandbox.group_id("Research") == research
    assert {n.key for n in applied.plan.notes if n.code == "adopted"} == {
        "user:ada.lovelace", "user:grace.hopper", "group:research"}  # fmt: skip
    assert story.user("grace")["displayName"] == "Grace Hopper"
    assert story.company.state["bindings"]["user:ada.lovelace"]["id"] == ada


def test_scope_narrows_and_widens(settled: SandboxStory) -> None:
    assigned = {"assigned": {"groups": ["research"], "users": ["grace.hopper"]}}
    settled.company.edit_app(scope=assigned, groups=["research"])
    applied = settled.apply()
    assert applied.code == 0
    assert settled.plan().empty
    assert {u["userName"] for u in settled.sandbox.users.values() if u["active"]} == address(
        "ada", "alan", "mary", "grace", "provisioning")  # fmt: skip
    settled.company.edit_app(scope={"everyone": True}, groups=None)
    settled.converge()
    assert settled.members("Social Media") == address("ada", "grace", "linus", "charles")


def test_two_people_change_names_in_a_chain(settled: SandboxStory) -> None:
    ids = {name: settled.sandbox.user_id(f"{name}@contoso.com") for name in ("ada", "grace")}
    settled.company.edit_person("ada.lovelace", userPrincipalName="grace@contoso.com", mail="grace@contoso.com")
    settled.company.edit_person("grace.hopper", userPrincipalName="rear@contoso.com", mail="rear@contoso.com")
    settled.converge()
    assert settled.sandbox.user_id("grace@contoso.com") == ids["ada"]
    assert settled.sandbox.user_id("rear@contoso.com") == ids["grace"]


def test_a_newcomer_takes_the_name_that_somebody_gives_up(settled: SandboxStory) -> None:
    before = settled.sandbox.user_id("grace@contoso.com")
    settled.company.edit_person("grace.hopper", userPrincipalName="rear@contoso.com", mail="rear@contoso.com")
    settled.company.person("grace.kelly", "Grace", "Kelly")
    settled.converge()
    assert settled.sandbox.user_id("rear@contoso.com") == before
    assert settled.user("grace")["name"]["familyName"] == "Kelly"


def test_leavers_last(settled: SandboxStory) -> None:
    settled.company.edit_app(order="leaversLast")
    settled.company.remove_person("alan.turing")
    settled.company.person("emmy.noether", "Emmy", "Noether")
    applied = settled.converge()
    assert [c.action for c in applied.plan.changes][-1] == "deactivateUser"


def test_another_tenant_has_another_memory(settled: SandboxStory, story_of: Callable[..., SandboxStory]) -> None:
    """The state belongs to its tenantUrl, and is still there when the files come back to it."""
    elsewhere = story_of(settled.sandbox.habits.name, Sandbox(settled.sandbox.habits.name, rate=0), "other")
    company = settled.company
    old, first = settled.transport, company.state["bindings"]
    company.edit_app(tenantUrl="http://localhost:9/scim/v2")
    settled.transport = elsewhere.transport
    plan = settled.plan()
    assert {n.code for n in plan.notes} >= {"noState"}
    assert not [c for c in plan.changes if c.action in ("deactivateUser", "removeMembers")]
    settled.converge()
    assert company.state["tenantUrl"] == "http://localhost:9/scim/v2"
    company.edit_app(tenantUrl="http://127.0.0.1:9/scim/v2")
    settled.transport = old
    settled.settled()
    assert settled.open().state.bindings == first
