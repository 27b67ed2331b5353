"""What somebody did in the application: given is repaired, taken away is held with its question, all else is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from reconciler.model.plan import Plan
    from tests.conftest import SandboxStory

TAKEN = "takenAwayInApp:user:ada.lovelace"


@pytest.fixture
def settled(story: SandboxStory) -> SandboxStory:
    story.converge()
    return story


def questions(plan: Plan) -> list[tuple[str, str, str]]:
    """(action, key, release) of what is held."""
    return [(c.action, c.key, h.release) for c in plan.changes for h in c.held]


def test_a_changed_attribute_is_put_right(settled: SandboxStory) -> None:
    settled.sandbox.edit_user(settled.sandbox.user_id("ada@contoso.com"), displayName="Mallory")
    applied = settled.converge()
    assert [(c.action, c.origin) for c in applied.plan.changes] == [("updateUser", "drift")]
    assert settled.user("ada")["displayName"] == "Ada Lovelace"


def test_a_changed_user_name_is_put_right(settled: SandboxStory) -> None:
    ada = settled.sandbox.user_id("ada@contoso.com")
    settled.sandbox.edit_user(ada, userName="mallory@contoso.com")
    settled.converge()
    assert settled.sandbox.user_id("ada@contoso.com") == ada


def test_a_membership_that_was_given_is_taken_back(settled: SandboxStory) -> None:
    sandbox = settled.sandbox
    sandbox.add_member(sandbox.group_id("Research"), sandbox.user_id("linus@contoso.com"))
    applied = settled.converge()
    assert [(c.action, c.origin) for c in applied.plan.changes] == [("removeMembers", "drift")]
    assert "linus@contoso.com" not in settled.members("Research")


def test_what_was_given_is_held_where_the_file_says_so(settled: SandboxStory) -> None:
    sandbox = settled.sandbox
    settled.company.edit_app(drift={"given": "hold"})
    sandbox.add_member(sandbox.group_id("Research"), sandbox.user_id("linus@contoso.com"))
    applied = settled.apply()
    assert applied.code == 3
    assert questions(applied.plan) == [("removeMembers", "group:research", "givenInApp:user:linus.byrne")]
    assert settled.apply("givenInApp:user:linus.byrne").code == 0
    settled.settled()


def test_a_suspension_is_held_with_its_question_until_it_is_answered(settled: SandboxStory) -> None:
    sandbox = settled.sandbox
    sandbox.edit_user(sandbox.user_id("ada@contoso.com"), active=False)
    for _ in range(3):
        applied = settled.apply()
        assert applied.code == 3
        assert questions(applied.plan) == [("reactivateUser", "user:ada.lovelace", TAKEN)]
        assert settled.user("ada")["active"] is False
    assert settled.apply(TAKEN).code == 0
    assert settled.user("ada")["active"] is True
    settled.settled()


def test_a_suspension_in_the_application_and_in_git_is_no_question(settled: SandboxStory) -> None:
    settled.sandbox.edit_user(settled.sandbox.user_id("ada@contoso.com"), active=False)
    settled.company.edit_person("ada.lovelace", accountEnabled=False)
    settled.converge()
    settled.company.edit_person("ada.lovelace", accountEnabled=None)
    settled.converge()
    assert settled.user("ada")["active"] is True


def test_a_membership_that_was_taken_away_is_held(settled: SandboxStory) -> None:
    sandbox = settled.sandbox
    sandbox.remove_member(sandbox.group_id("Research"), sandbox.user_id("ada@contoso.com"))
    for _ in range(2):
        applied = settled.apply()
        assert applied.code == 3
        assert questions(applied.plan) == [("addMembers", "group:research", TAKEN)]
    assert settled.apply(TAKEN).code == 0
    settled.settled()
    assert "ada@contoso.com" in settled.members("Research")


def test_repair_gives_back_without_asking(settled: SandboxStory) -> None:
    sandbox = settled.sandbox
    settled.company.edit_app(drift={"takenAway": "repair"})
    ada = sandbox.user_id("ada@contoso.com")
    sandbox.remove_member(sandbox.group_id("Research"), ada)
    sandbox.edit_user(ada, active=False)
    settled.converge()
    assert settled.user("ada")["active"] is True


def test_a_removal_on_both_sides_is_forgotten(settled: SandboxStory) -> None:
    """Who was removed in the application and in git, and comes back in git, is simply added."""
    sandbox = settled.sandbox
    sandbox.remove_member(sandbox.group_id("Research"), sandbox.user_id("ada@contoso.com"))
    settled.company.edit_group("research", members=["alan.turing", "mary.somerville"])
    settled.converge()
    settled.company.edit_group("research", members=["alan.turing", "mary.somerville", "ada.lovelace"])
    settled.converge()
    assert "ada@contoso.com" in settled.members("Research")


def test_a_deleted_account_is_held_and_one_release_covers_the_person(settled: SandboxStory) -> None:
    if not settled.sandbox.habits.deletes:
        pytest.skip("nobody can delete an account there")
    old = settled.sandbox.user_id("ada@contoso.com")
    settled.sandbox.delete_user(old)
    applied = settled.apply()
    assert applied.code == 3
    assert set(questions(applied.plan)) == {
        ("createUser", "user:ada.lovelace", TAKEN),
        ("addMembers", "group:research", TAKEN),
        ("addMembers", "group:social-media", TAKEN),
    }
    assert settled.apply(TAKEN).code == 0
    settled.settled()
    new = settled.sandbox.user_id("ada@contoso.com")
    assert new != old
    assert settled.company.state["bindings"]["user:ada.lovelace"]["id"] == new
    assert "ada@contoso.com" in settled.members("Research")


def test_after_a_release_memberships_that_failed_are_no_question_again(settled: SandboxStory) -> None:
    if not settled.sandbox.habits.deletes:
        pytest.skip("nobody can delete an account there")
    sandbox = settled.sandbox
    sandbox.delete_user(sandbox.user_id("ada@contoso.com"))
    sandbox.faults.set("noPatch")
    settled.company.edit_app(profile={"rate": {"perSecond": None}, "groups": {"members": "valuePath"}})
    applied = settled.apply(TAKEN)
    sandbox.faults.clear()
    assert ("createUser", "user:ada.lovelace") in applied.statuses()
    settled.apply()
    settled.settled()


def test_a_deleted_group_is_held(settled: SandboxStory) -> None:
    settled.sandbox.delete_group(settled.sandbox.group_id("Research"))
    applied = settled.apply()
    assert applied.code == 3
    assert {(c.action, c.key) for c in applied.plan.held} == {
        ("createGroup", "group:research"),
        ("addMembers", "group:research"),
    }
    assert settled.apply("takenAwayInApp:group:research").code == 0
    settled.settled()
    assert len(settled.members("Research")) == 3


def test_a_leaver_who_was_reactivated_is_deactivated_again(settled: SandboxStory) -> None:
    settled.company.remove_person("alan.turing")
    settled.converge()
    settled.sandbox.edit_user(settled.sandbox.user_id("alan@contoso.com"), active=True)
    applied = settled.converge()
    assert [(c.action, c.origin) for c in applied.plan.changes] == [("deactivateUser", "drift")]


def test_state_lost_removes_nothing_and_forgets_no_one_who_stays(settled: SandboxStory) -> None:
    company, sandbox = settled.company, settled.sandbox
    ids = {u["userName"]: u["id"] for u in sandbox.users.values()}
    company.remove_person("alan.turing")
    company.remove_group("agencies")
    company.state_file.unlink()
    plan = settled.plan()
    assert not [c for c in plan.changes if c.action not in ("addMembers", "removeMembers")], plan.changes
    before = {u["id"]: u["active"] for u in sandbox.users.values()}
    settled.apply()
    assert {u["id"]: u["active"] for u in sandbox.users.values()} == before
    assert {u["userName"]: u["id"] for u in sandbox.users.values()} == ids
    assert company.state["bindings"]["user:ada.lovelace"]["id"] == ids["ada@contoso.com"]
    assert "user:alan.turing" not in company.state["bindings"]


def test_an_old_state_asks_and_takes_nothing(settled: SandboxStory) -> None:
    """A memory from before a hire: the newcomer is found by matching, nobody loses anything."""
    company = settled.company
    old = company.state_file.read_bytes()
    company.person("emmy.noether", "Emmy", "Noether")
    company.edit_group("research", members=["alan.turing", "mary.somerville", "ada.lovelace", "emmy.noether"])
    settled.converge()
    company.state_file.write_bytes(old)
    applied = settled.converge()
    assert not applied.plan.changes


def test_the_guardrail_holds_its_leavers_and_the_rest_goes_on(story: SandboxStory) -> None:
    company = story.company
    for number in range(24):
        company.person(f"temp{number}", "Temp", f"Worker {number}")
    story.converge()
    for number in range(10):
        company.remove_person(f"temp{number}")
    company.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    for _ in range(2):
        applied = story.apply()
        assert applied.code == 3
        assert {h.release for c in applied.plan.held for h in c.held} == {"deprovisionUsers=10"}
    assert story.user("grace")["displayName"] == "Rear Admiral Hopper"
    assert story.user("temp0")["active"] is True
    assert story.apply("deprovisionUsers=9").code == 3
    assert story.apply("deprovisionUsers=10").code == 0
    story.settled()
    assert story.user("temp0")["active"] is False


def test_the_window_counts_what_earlier_applies_did(story: SandboxStory) -> None:
    """Leavers in slices do not pass where all together would not."""
    company = story.company
    for number in range(54):
        company.person(f"temp{number}", "Temp", f"Worker {number}")
    story.converge()
    for number in range(5):
        company.remove_person(f"temp{number}")
    story.converge()
    company.remove_person("temp5")
    company.remove_person("temp6")
    applied = story.apply()
    assert applied.code == 3
    assert {h.release for c in applied.plan.held for h in c.held} == {"deprovisionUsers=2"}


def test_a_release_that_names_another_figure_is_not_used_up(story: SandboxStory) -> None:
    """What ran without needing it counts in the window."""
    for number in range(54):
        story.company.person(f"temp{number}", "Temp", f"Worker {number}")
    story.converge()
    story.company.remove_person("temp0")
    assert story.apply("deprovisionUsers=37").code == 0
    assert {s["name"]: s["value"] for s in story.company.state["spent"]}["deprovisionUsers"] == 1
