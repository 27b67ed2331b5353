"""An exchange of names that fails, is interrupted, or is killed half way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.apply import Run
from reconciler.sandbox import create_app

if TYPE_CHECKING:
    from tests.conftest import SandboxStory

RING = ["ada.lovelace", "grace.hopper", "alan.turing", "mary.somerville"]


def first(id_: str) -> str:
    return id_.partition(".")[0]


def rotate(story: SandboxStory, *ring: str, **more: Any) -> dict[str, str]:
    """Each gets the name of the next. Returns whose account is whose."""
    ids = {each: story.sandbox.user_id(f"{first(each)}@contoso.com") for each in ring}
    for each, other in zip(ring, [*ring[1:], ring[0]], strict=True):
        address = f"{first(other)}@contoso.com"
        story.company.edit_person(each, userPrincipalName=address, mail=address, **more)
    story.company.edit_app(guardrails={"renameUsers": {"count": 50}})
    return ids


def names(story: SandboxStory, ids: dict[str, str]) -> list[str]:
    users = story.sandbox.users
    return [users[id_]["userName"].partition("@")[0] for id_ in ids.values()]


class Refusing(httpx.AsyncBaseTransport):
    """Answers 400 to the writes of which `refuses(path, body)` says so; counts writes, and calls `at` at each."""

    def __init__(self, story: SandboxStory, refuses: Callable[[int, str, bytes], bool]) -> None:
        self.inner = httpx.ASGITransport(app=create_app(story.sandbox))
        self.refuses, self.writes = refuses, 0
        story.transport = self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return await self.inner.handle_async_request(request)
        self.writes += 1
        if self.refuses(self.writes, request.url.path, request.content):
            return httpx.Response(400, json={"status": "400", "detail": "no"})
        return await self.inner.handle_async_request(request)


class Killed(BaseException):
    """Nothing catches this."""


def killed(story: SandboxStory, when: int | Callable[[bytes], bool]) -> None:
    """Applies, and the process ends at the write of this number, or at the first of whose body `when` says so."""
    alive = True

    def ends(number: int, _path: str, body: bytes) -> bool:
        nonlocal alive
        if number == when if isinstance(when, int) else when(body):
            alive = False
            raise Killed
        return False

    story.alive = lambda: alive
    Refusing(story, ends)
    with pytest.raises(Killed):
        story.apply()
    alive = True
    Refusing(story, lambda *_: False)


@pytest.mark.parametrize("length", [2, 3, 4])
@pytest.mark.parametrize("failing", range(4))
def test_when_one_fails_everybody_has_the_old_name_again(story: SandboxStory, length: int, failing: int) -> None:
    """And the next run, with nothing in the way, ends it."""
    story.converge()
    ring = RING[:length]
    ids = rotate(story, *ring)
    before = names(story, ids)
    victim = ids[ring[failing % length]]
    final = f"{first(ring[(failing + 1) % length])}@contoso.com".encode()
    Refusing(story, lambda _n, path, body: path.endswith(victim) and final in body)
    applied = story.apply()
    assert applied.code == 4
    assert names(story, ids) == before
    assert not [s for s in applied.outcome.steps if s.status == "done"]
    assert not any("renaming" in str(user) for user in story.sandbox.users.values())
    again = story.plan()
    assert not any(c.origin == "drift" for c in again.changes)
    Refusing(story, lambda *_: False)
    story.converge()
    assert names(story, ids) == [first(each) for each in [*ring[1:], ring[0]]]


def test_what_cannot_be_taken_back_is_said_and_the_next_run_ends_it(story: SandboxStory) -> None:
    story.converge()
    ids = rotate(story, *RING[:2])
    Refusing(story, lambda n, _path, _body: n > 1)
    applied = story.apply()
    assert applied.code == 4
    assert names(story, ids)[0].startswith("ada.renaming-")
    (said,) = [each for each in applied.outcome.learned if "user:ada.lovelace" in each]
    assert "apply again" in said
    Refusing(story, lambda *_: False)
    story.converge()
    assert names(story, ids) == ["grace", "ada"]


def test_interrupting_ends_what_was_begun(story: SandboxStory) -> None:
    story.converge()
    ids = rotate(story, *RING[:3])
    story.company.edit_person("linus.byrne", displayName="Linus B.")
    story.company.edit_app(profile={"rate": {"perSecond": None, "concurrency": 1}})
    runs: list[Run] = []
    story.on_run = runs.append

    def refuses(_n: int, _path: str, body: bytes) -> bool:
        if b"renaming" in body:
            runs[0].stop()
        return False

    Refusing(story, refuses)
    applied = story.apply()
    assert applied.code == 130
    assert names(story, ids) == ["grace", "alan", "ada"]


@pytest.mark.parametrize("kill", range(1, 5))
@pytest.mark.parametrize("remembered", [True, False])
def test_killed_at_any_write_and_never_remembered_before(
    story_of: Callable[..., SandboxStory], kill: int, remembered: bool
) -> None:
    """They were found in the very run that exchanges their names: by then it is written down whose account is whose."""
    story = story_of("scim")
    by_number(story)
    story.converge()
    ids = rotate(story, *RING[:3])
    if not remembered:
        story.company.state_file.unlink()
    for id_ in ids.values():
        story.sandbox.edit_user(id_, externalId=f"E{list(ids.values()).index(id_)}")
    killed(story, kill)
    if kill > 1:
        bound = {key[5:]: b["id"] for key, b in story.company.state["bindings"].items() if key.startswith("user:")}
        assert {id_: bound[id_] for id_ in ids} == ids
    story.converge()
    assert names(story, ids) == ["grace", "alan", "ada"]


MAPPINGS = {
    "users": [
        {"target": "externalId", "source": "employeeId", "matching": 1},
        {"target": "userName", "source": "userPrincipalName"},
        {"target": "displayName", "source": "displayName"},
    ],
    "groups": [
        {"target": "displayName", "source": "displayName", "matching": 1},
        {"target": "members", "source": "members"},
    ],
}


def test_killed_and_the_memory_lost_nobody_gets_anothers_account(story: SandboxStory) -> None:
    story.converge()
    ids = rotate(story, *RING[:2], givenName="Anna", surname="Berg", displayName="Anna Berg")
    for id_ in ids.values():
        story.sandbox.edit_user(id_, name={"givenName": "Anna", "familyName": "Berg"}, displayName="Anna Berg")
    Refusing(story, lambda n, _path, _body: n > 1)
    story.apply()
    assert names(story, ids)[0].startswith("ada.renaming-")
    story.company.state_file.unlink()
    Refusing(story, lambda *_: False)
    applied = story.apply()
    assert applied.code == 3
    assert {c.key for c in applied.plan.held if c.action == "adoptUser"} == {f"user:{id_}" for id_ in ids}
    assert names(story, ids)[0].startswith("ada.renaming-")
    assert len(story.sandbox.users) == 7
    for id_, account in ids.items():
        story.company.edit_person(id_, accounts={"app": account})
    story.converge()
    assert names(story, ids) == ["grace", "ada"]


@pytest.mark.parametrize("kill", range(2, 5))
def test_killed_and_the_memory_lost_nobody_gets_a_second_account(story: SandboxStory, kill: int) -> None:
    """Of three, one has the temporary name, and one may wait for a name that nobody has at that moment."""
    story.converge()
    ids = rotate(story, *RING[:3])
    story.company.person("emmy.noether", "Emmy", "Noether")
    moved = 0

    def when(body: bytes) -> bool:
        nonlocal moved
        moved += b'"userName"' in body and b"emmy" not in body
        return moved == kill

    killed(story, when)
    assert any("renaming" in name for name in names(story, ids))
    story.company.state_file.unlink()
    before = names(story, ids)
    applied = story.apply()
    assert applied.code == 3
    assert not [c for c in applied.plan.pending if c.key in {f"user:{id_}" for id_ in ids}]
    assert names(story, ids) == before
    assert len(story.sandbox.users) <= 8
    for id_, account in ids.items():
        story.company.edit_person(id_, accounts={"app": account})
    story.converge()
    assert names(story, ids) == ["grace", "alan", "ada"]
    assert len(story.sandbox.users) == 8


def by_number(story: SandboxStory) -> None:
    """People are found by their number, so that their names are free to move."""
    story.company.write("apps/app/mappings.yaml", MAPPINGS)
    for number, id_ in enumerate([*RING, "charles.babbage", "linus.byrne"]):
        story.company.edit_person(id_, employeeId=f"E{number}")


@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.parametrize("order", ["leaversFirst", "leaversLast"])
def test_the_name_of_whoever_is_deleted_is_taken_once_it_is_free(
    story_of: Callable[..., SandboxStory], fails: bool, order: str
) -> None:
    """The newcomer who takes it is in the group in the same run; or waits, if the deletion fails."""
    story = story_of("scim")
    by_number(story)
    story.company.edit_app(order=order, deprovision={"users": "delete"}, guardrails={"deprovisionUsers": {"count": 5}})
    story.converge()
    gone = story.sandbox.user_id("linus@contoso.com")
    story.company.remove_person("linus.byrne")
    story.company.person("lina.byrne", "Lina", "Byrne", employeeId="E9", userPrincipalName="linus@contoso.com")
    story.company.edit_group("research", members=["alan.turing", "lina.byrne"])
    Refusing(story, lambda _n, path, _body: fails and path.endswith(gone))
    if fails:
        statuses = story.apply().statuses()
        assert statuses["deleteUser", "user:linus.byrne"] == "failed"
        assert statuses["createUser", "user:lina.byrne"] == "skipped"
        Refusing(story, lambda *_: False)
    story.converge()
    assert story.sandbox.user_id("linus@contoso.com") != gone
    assert "linus@contoso.com" in story.members("Research")


def test_whoever_takes_the_name_of_somebody_held_waits(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    by_number(story)
    story.company.edit_app(guardrails={"renameUsers": {"count": 0, "ignoreBelow": 0}})
    story.converge()
    story.company.edit_person("ada.lovelace", userPrincipalName="countess@contoso.com")
    story.company.person("ada.byron", "Ada", "Byron", employeeId="E9", userPrincipalName="ada@contoso.com")
    applied = story.apply()
    assert applied.statuses()["createUser", "user:ada.byron"] == "held"
    assert len(story.sandbox.users) == 7
    story.converge("renameUsers=1")
    assert story.user("countess")["displayName"] == "Ada Lovelace"
    assert story.user("ada")["displayName"] == "Ada Byron"


def test_with_bulk_the_temporary_name_goes_alone(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.company.edit_app(profile={"bulk": {"operations": 50}})
    story.converge()
    ids = rotate(story, *RING)
    for id_ in ("charles.babbage", "linus.byrne"):
        story.company.edit_person(id_, displayName="New Name")
    story.converge()
    assert names(story, ids) == ["grace", "alan", "mary", "ada"]
    assert len(story.sandbox.users) == 7
