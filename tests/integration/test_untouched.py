"""Promise 7: what is unmapped, ignored or not ours is in no request; a PUT's echo of what it read aside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from reconciler.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.conftest import SandboxStory

UNMAPPED = {"title": "Countess", "nickName": "Addie", "profileUrl": "https://example.com/ada"}
FORMS = ["patchPath", "patchPathless", "put"]


def live(story: SandboxStory, edit: Callable[[Any], None]) -> None:
    """A life with many writes, in which `edit` makes a second apply necessary."""
    story.converge()
    edit(story.company)
    story.company.edit_person("grace.hopper", displayName="Rear Admiral", userPrincipalName="rear@contoso.com")
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    story.company.remove_person("alan.turing")
    story.company.edit_group("research", displayName="Science", formerly=[{"displayName": "Research"}],
                             members=["ada.lovelace", "linus.byrne"])  # fmt: skip
    assert story.apply().code == 0
    story.settled()


@pytest.mark.parametrize("form", FORMS)
def test_strangers_are_in_no_request(story_of: Callable[..., SandboxStory], form: str) -> None:
    """Unmanaged and ignored accounts and groups, the account behind the token, and strangers inside our groups."""
    story = story_of("scim", Sandbox("scim", rate=0, users=5))
    sandbox = story.sandbox
    ignored = sandbox.add_user("agent@agency.example", displayName="Agent")
    strangers = {u["id"] for u in sandbox.users.values()}
    inside = [ignored, *sorted(strangers - {ignored})[:2]]
    foreign = sandbox.add_group("Their own", inside)
    hidden = sandbox.add_group("Hidden", inside)
    research = sandbox.add_group("Research", inside)
    before = {id_: sandbox.users[id_] for id_ in strangers}, {g: sandbox.groups[g] for g in (foreign, hidden)}
    clause = {"attribute": "userName", "operator": "REGEX MATCH", "value": r".*@agency\.example"}
    story.company.edit_app(
        ignore={"users": [clause], "groups": [{"attribute": "displayName", "operator": "EQUALS", "value": "Hidden"}]},
        guardrails={"actsAs": "provisioning@contoso.com"},
        profile={
            "users": {"update": form},
            "groups": {
                "update": form,
                "members": {"patchPath": "valuePath", "patchPathless": "pathless", "put": "put"}[form],
            },
        },
    )
    live(story, lambda company: None)
    echoed = {("PUT", f"/Groups/{research}")}
    for method, path, body in story.writes():
        text = path + orjson.dumps(body).decode()
        named = {id_ for id_ in {*strangers, foreign, hidden} if f'"{id_}"' in text or path.endswith(f"/{id_}")}
        assert not named or (method, path) in echoed, (method, path, body)
    after = {id_: sandbox.users[id_] for id_ in strangers}
    same = ("userName", "displayName", "active", "emails", "name", "title")
    assert {i: [u.get(k) for k in same] for i, u in after.items()} == {
        i: [u.get(k) for k in same] for i, u in before[0].items()}  # fmt: skip
    assert sandbox.groups[foreign] == before[1][foreign]
    assert sandbox.groups[hidden] == before[1][hidden]
    assert set(inside) <= sandbox.members(research)


@pytest.mark.parametrize("form", FORMS)
def test_unmapped_attributes_survive_and_are_not_sent(story_of: Callable[..., SandboxStory], form: str) -> None:
    story = story_of("scim")
    story.company.edit_app(
        profile={
            "users": {"update": form},
            "groups": {
                "update": form,
                "members": {"patchPath": "valuePath", "patchPathless": "pathless", "put": "put"}[form],
            },
        }
    )

    def edit(_: Any) -> None:
        for user in story.sandbox.users:
            story.sandbox.edit_user(
                user, **UNMAPPED, phoneNumbers=[{"value": "+1 555", "type": "work"}], preferredLanguage="fr"
            )
        story.sandbox.requests.clear()

    live(story, edit)
    for user in story.sandbox.users.values():
        assert {k: user.get(k) for k in UNMAPPED} == UNMAPPED
        assert user["preferredLanguage"] == "fr"  # mapped, and null in git: skip
        assert user["phoneNumbers"][0]["value"] == "+1 555"
    for method, path, body in story.writes():
        if method == "PATCH":
            text = orjson.dumps(body).decode()
            assert not [name for name in (*UNMAPPED, "phoneNumbers", "preferredLanguage") if name in text], (path, text)


def test_nothing_is_written_where_nothing_is_to_do(story: SandboxStory) -> None:
    story.converge()
    story.sandbox.requests.clear()
    assert story.apply().code == 0
    assert story.writes() == []


def test_a_plan_only_reads(story: SandboxStory) -> None:
    story.plan()
    assert {r.method for r in story.sandbox.requests} == {"GET"}
