"""What an apply leaves in the memory, as reconciler/model/state.py describes it, and when it is on the disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.apply.write import write
from reconciler.model.app import Guardrails
from reconciler.model.state import State

if TYPE_CHECKING:
    from reconciler.apply import Run
    from tests.conftest import SandboxStory


def bindings(story: SandboxStory) -> dict[str, Any]:
    found: dict[str, Any] = story.company.state["bindings"]
    return found


def test_a_binding_says_whose_account_it_is_and_how_it_was_left(story: SandboxStory) -> None:
    story.converge()
    ada = bindings(story)["user:ada.lovelace"]
    assert ada.keys() == {"id", "since", "commit", "active", "wanted", "name", "file"}
    assert (ada["id"], ada["active"], ada["name"]) == (story.sandbox.user_id("ada@contoso.com"), True, "Ada Lovelace")
    assert ada["file"].endswith("users/ada.lovelace.yaml")
    research = bindings(story)["group:research"]
    assert research["id"] == story.sandbox.group_id("Research")
    assert research["members"] == ["ada.lovelace", "alan.turing", "mary.somerville"]
    text = story.company.state_file.read_text()
    assert "contoso.com" not in text.replace("127.0.0.1", "")


def test_members_follow_what_was_written(story: SandboxStory) -> None:
    story.converge()
    story.company.edit_group("research", members=["alan.turing", "linus.byrne"])
    story.converge()
    assert bindings(story)["group:research"]["members"] == ["alan.turing", "linus.byrne"]


def test_reading_moves_nothing_that_was_left(story: SandboxStory) -> None:
    """A suspension in the application is not remembered as ours."""
    story.converge()
    story.sandbox.edit_user(story.sandbox.user_id("ada@contoso.com"), active=False)
    story.apply()
    assert bindings(story)["user:ada.lovelace"]["active"] is True
    story.sandbox.remove_member(story.sandbox.group_id("Research"), story.sandbox.user_id("mary@contoso.com"))
    story.apply()
    assert "mary.somerville" in bindings(story)["group:research"]["members"]


def test_since_and_commit_are_those_of_the_first_apply(story: SandboxStory) -> None:
    story.converge()
    before = bindings(story)["user:ada.lovelace"]["since"]
    story.company.edit_person("ada.lovelace", displayName="Countess")
    story.converge()
    assert bindings(story)["user:ada.lovelace"]["since"] == before


def test_a_plan_writes_no_memory(story: SandboxStory) -> None:
    story.plan()
    assert not story.company.state_file.exists()


def test_what_a_guardrail_held_is_remembered_with_its_figure(story: SandboxStory) -> None:
    for number in range(14):
        story.company.person(f"temp{number}", "Temp", f"Worker {number}")
    story.converge()
    for number in range(8):
        story.company.remove_person(f"temp{number}")
    assert story.apply().code == 3
    assert story.company.state["held"] == {"deprovisionUsers": 8}
    assert story.apply("deprovisionUsers=8").code == 0
    assert story.company.state["held"] == {}
    assert not [s for s in story.company.state["spent"] if s["name"] == "deprovisionUsers"]


def test_what_was_done_is_spent(story: SandboxStory) -> None:
    story.converge()
    story.company.remove_person("alan.turing")
    story.converge()
    spent = {s["name"]: s["value"] for s in story.company.state["spent"]}
    assert spent["deprovisionUsers"] == 1
    assert spent["removeMembers:research"] == 1


def test_the_state_is_saved_after_each_stage(story: SandboxStory) -> None:
    saved: list[int] = []

    def watch(run: Run) -> None:
        plain = run.save

        def save(state: State) -> None:
            plain(state)
            saved.append(len(state.bindings))

        run.save = save

    story.on_run = watch
    story.converge()
    assert saved[0] == 6, "after the people"
    assert saved[1] == 9, "after the groups"
    assert len(saved) == 4, "after the members, and at the end"


def test_the_state_is_saved_when_the_run_breaks_off(story: SandboxStory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours in the middle: what was made is known, and the commit does not count as applied."""
    plain, count = write, 0

    async def breaks(*arguments: Any) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise ZeroDivisionError
        await plain(*arguments)

    monkeypatch.setattr("reconciler.apply.execute.write", breaks)
    with pytest.raises(ZeroDivisionError):
        story.apply()
    monkeypatch.undo()
    made = {u["id"] for u in story.sandbox.users.values()} - {story.sandbox.user_id("provisioning@contoso.com")}
    assert {b["id"] for b in bindings(story).values()} == made
    assert len(made) >= 3
    assert story.company.state["appliedAt"] is None
    assert story.company.journals()[-1]["event"] == "aborted"
    story.converge()


def test_held_people_do_not_become_ours(story: SandboxStory) -> None:
    """An account in question is bound to nobody until somebody answers."""
    sandbox = story.sandbox
    name = {"givenName": "Adelaide", "familyName": "Love"}
    sandbox.add_user("ada@contoso.com", displayName="Adelaide Love", name=name)
    applied = story.apply()
    assert applied.code == 3
    assert "user:ada.lovelace" not in bindings(story)
    assert "ada.lovelace" not in bindings(story)["group:research"]["members"]
    story.apply("whoIsThis:user:ada.lovelace")
    story.settled()
    assert bindings(story)["user:ada.lovelace"]["id"] == sandbox.user_id("ada@contoso.com")


def test_the_departed_are_forgotten_when_their_account_is_gone(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.converge()
    story.company.remove_person("alan.turing")
    story.converge()
    assert "user:alan.turing" in bindings(story)
    story.sandbox.delete_user(story.sandbox.user_id("alan@contoso.com"))
    story.converge()
    assert "user:alan.turing" not in bindings(story)


def test_an_application_that_was_emptied_is_begun_anew(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.converge()
    for user in list(story.sandbox.users):
        story.sandbox.delete_user(user)
    for group in list(story.sandbox.groups):
        story.sandbox.delete_group(group)
    story.apply("emptyApp")
    story.settled()
    assert {b["id"] for k, b in bindings(story).items() if k.startswith("user:")} == set(story.sandbox.users)


class TestGuardrails:
    """Of the commit last applied without remainder: what a guardrail held or blocked is one, a question is not."""

    def test_are_remembered_with_who_is_protected(self, story_of: Callable[..., SandboxStory]) -> None:
        story = story_of("scim")
        story.company.edit_app(guardrails={"deleteGroups": {"count": 1}, "protected": {"users": ["grace.hopper"]}})
        story.converge()
        kept = story.company.state["guardrails"]
        assert kept["deleteGroups"]["count"] == 1
        assert kept["protected"]["users"] == ["grace.hopper"]
        assert Guardrails.model_validate(kept) == story.open().app.guardrails

    def test_not_while_one_of_them_holds_something(self, story_of: Callable[..., SandboxStory]) -> None:
        story = story_of("scim")
        story.converge()
        story.company.edit_app(guardrails={"deprovisionUsers": {"count": 0, "ignoreBelow": 0}})
        story.company.remove_person("linus.byrne")
        assert story.apply().code == 3
        assert story.company.state["guardrails"]["deprovisionUsers"]["count"] == 20
        assert story.apply("deprovisionUsers=1").code == 0
        assert story.company.state["guardrails"]["deprovisionUsers"]["count"] == 0

    def test_not_while_somebody_protected_is_kept(self, story_of: Callable[..., SandboxStory]) -> None:
        story = story_of("scim")
        story.converge()
        story.company.edit_app(guardrails={"protected": {"users": ["linus.byrne"]}})
        story.company.edit_person("linus.byrne", accountEnabled=False)
        assert story.apply().code == 0
        assert story.company.state["guardrails"]["protected"]["users"] == []

    def test_although_a_question_is_open(self, story_of: Callable[..., SandboxStory]) -> None:
        story = story_of("scim")
        story.converge()
        story.sandbox.edit_user(story.user("ada")["id"], active=False)
        story.company.edit_app(guardrails={"deleteGroups": {"count": 1}})
        assert story.apply().code == 3
        assert story.company.state["guardrails"]["deleteGroups"]["count"] == 1

    def test_not_when_the_run_was_interrupted(self, story_of: Callable[..., SandboxStory]) -> None:
        story = story_of("scim")
        story.converge()
        story.company.edit_app(guardrails={"deleteGroups": {"count": 1}})
        story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
        story.on_run = lambda run: run.stop()
        assert story.apply().code == 130
        assert story.company.state["guardrails"]["deleteGroups"]["count"] == 2


def test_whom_somebody_took_out_stays_out_when_the_id_in_git_changes(story: SandboxStory) -> None:
    """What was left in a group follows the account to its new id; else the question would be gone after one apply."""
    story.converge()
    out = story.sandbox.group_id("Research"), story.sandbox.user_id("mary@contoso.com")
    story.sandbox.remove_member(*out)
    mary = story.company.read("users/mary.somerville.yaml")
    story.company.remove_person("mary.somerville")
    story.company.write("users/m.yaml", {**mary, "id": "m", "formerly": [{"id": "mary.somerville"}]})
    story.company.edit_group("research", members=["alan.turing", "ada.lovelace", "m"])
    for _ in range(3):
        applied = story.apply()
        assert [hold.by for change in applied.plan.changes for hold in change.held] == ["takenAwayInApp"]
        assert bindings(story)["group:research"]["members"] == ["ada.lovelace", "alan.turing", "m"]
    assert "mary@contoso.com" not in story.members("Research")
    story.company.edit_person("m", formerly=None)
    assert story.apply("takenAwayInApp:user:m").code == 0
    assert "mary@contoso.com" in story.members("Research")
    story.settled()
