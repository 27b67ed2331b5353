"""After the writes everything is read again: what did not stay is written once more, then told, then left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

if TYPE_CHECKING:
    from tests.conftest import SandboxStory


def writes_of(story: SandboxStory, method: str) -> list[str]:
    return [path for m, path, _ in story.writes() if m == method]


def test_a_path_that_does_not_stay_is_told_once(story: SandboxStory) -> None:
    """Written once more in the same run, exit 4 that once; not planned again, told in a note."""
    story.converge()
    story.sandbox.faults.set("notKept=displayName")
    story.sandbox.requests.clear()
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    applied = story.apply()
    assert applied.code == 4
    assert applied.statuses() == {("updateUser", "user:ada.lovelace"): "notStored"}
    (step,) = applied.outcome.steps
    assert step.paths == ("displayName",)
    assert "does not hold: displayName" in step.message
    assert len(writes_of(story, "PATCH") + writes_of(story, "PUT")) in (2, 3)  # each form once at most
    after = story.settled()
    assert [(n.code, n.key) for n in after.notes if n.code == "notKept"] == [("notKept", "user:ada.lovelace")]
    assert story.apply().code == 0
    kept = orjson.dumps(story.company.state["notKept"]).decode()
    assert "displayName" in kept
    assert "Countess" not in kept


def test_what_was_not_kept_is_tried_again_when_git_wants_something_else(story: SandboxStory) -> None:
    story.converge()
    story.sandbox.faults.set("notKept=displayName")
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    assert story.apply().code == 4
    story.sandbox.faults.clear()
    story.company.edit_person("ada.lovelace", displayName="Augusta Ada King")
    story.converge()
    assert story.user("ada")["displayName"] == "Augusta Ada King"
    assert story.company.state["notKept"] == {}
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    story.converge()
    assert story.user("ada")["displayName"] == "Countess of Lovelace"


def test_a_creation_of_which_a_path_is_not_kept(story: SandboxStory) -> None:
    story.company.edit_person("ada.lovelace", timeZone="Europe/London")
    story.sandbox.faults.set("notKept=name")
    applied = story.apply()
    assert applied.code == 4
    assert {p for s in applied.outcome.steps for p in s.paths} == {"name.givenName", "name.familyName"}
    story.settled()


def test_access_is_never_given_up(story: SandboxStory) -> None:
    """`active` is no value that may be forgotten: every run says so until it is done."""
    story.converge()
    story.sandbox.faults.set("notKept=active")
    story.company.remove_person("alan.turing")
    for _ in range(3):
        applied = story.apply()
        assert applied.code == 4
        assert applied.statuses()["deactivateUser", "user:alan.turing"] == "notStored"
        assert story.company.state["notKept"] == {}
        (change,) = [c for c in story.plan().changes if c.action == "deactivateUser"]
        assert not change.held
    story.sandbox.faults.clear()
    story.converge()
    assert story.user("alan")["active"] is False


def test_a_reactivation_that_did_not_stay_is_no_question(story: SandboxStory) -> None:
    story.converge()
    story.company.edit_person("alan.turing", accountEnabled=False)
    story.converge()
    story.company.edit_person("alan.turing", accountEnabled=None)
    story.sandbox.faults.set("notKept=active")
    assert story.apply().code == 4
    story.sandbox.faults.clear()
    story.converge()
    assert story.user("alan")["active"] is True


@pytest.mark.parametrize("fault", ["ignorePatch", "noPatch"])
def test_the_next_form_is_tried_where_one_does_nothing(story_of: Callable[..., SandboxStory], fault: str) -> None:
    story = story_of("scim")
    story.converge()
    story.sandbox.faults.set(fault)
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    story.company.edit_group("research", members=["alan.turing", "linus.byrne"])
    story.converge()
    assert story.user("ada")["displayName"] == "Countess of Lovelace"
    assert story.members("Research") == {"alan@contoso.com", "linus@contoso.com"}


class Lying(httpx.AsyncBaseTransport):
    """Says yes to what `lie` picks, and does nothing."""

    def __init__(self, inner: httpx.AsyncBaseTransport, lie: Callable[[httpx.Request], bool]) -> None:
        self.inner, self.lie = inner, lie

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.lie(request):
            return httpx.Response(204)
        return await self.inner.handle_async_request(request)


def test_a_deletion_that_did_not_happen_is_found_again(story_of: Callable[..., SandboxStory]) -> None:
    """A server that lies about a deletion must not make us forget the leaver."""
    story = story_of("scim")
    story.converge()
    story.company.edit_app(deprovision={"users": "delete"})
    story.company.remove_person("alan.turing")
    story.company.remove_group("agencies")
    honest = story.transport
    story.transport = Lying(honest, lambda request: request.method == "DELETE")
    for _ in range(2):
        applied = story.apply()
        assert applied.code == 4
        assert applied.statuses()["deleteUser", "user:alan.turing"] == "notStored"
        assert applied.statuses()["deleteGroup", "group:agencies"] == "notStored"
        assert "user:alan.turing" in story.company.state["bindings"]
    story.transport = honest
    story.converge()
    assert "alan@contoso.com" not in {u["userName"] for u in story.sandbox.users.values()}
    assert "user:alan.turing" not in story.company.state["bindings"]


def test_members_that_were_not_stored_are_no_question(story: SandboxStory) -> None:
    """Nobody took away what never was there."""
    story.converge()
    story.company.edit_group("research", members=["alan.turing", "mary.somerville", "ada.lovelace", "linus.byrne"])
    honest = story.transport
    story.transport = Lying(honest, lambda r: r.method in ("PATCH", "PUT") and "/Groups/" in r.url.path)
    applied = story.apply()
    assert applied.code == 4
    assert applied.outcome.steps[0].paths == ("user:linus.byrne",)
    story.transport = honest
    story.converge()
    assert "linus@contoso.com" in story.members("Research")


def test_what_is_rewritten_is_in_the_journal(story: SandboxStory) -> None:
    story.converge()
    story.sandbox.faults.set("notKept=displayName")
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    story.apply()
    events = [line for line in story.company.journals() if line.get("key") == "user:ada.lovelace"]
    assert [e["event"] for e in events][-3:] == ["tryAgain", "done", "notStored"]
    assert [e["event"] for e in events if e["event"] == "try"] == ["try", "try"]
    assert events[-1]["paths"] == ["displayName"]


def test_a_path_that_the_profile_does_not_compare_is_not_missed(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.company.edit_app(profile={"compare": {"ignore": ["name.givenName", "name.familyName"]}})
    story.sandbox.faults.set("notKept=name")
    story.converge()


def test_where_deactivation_removes_the_account_it_is_not_missed(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.company.edit_app(profile={"users": {"effect": "deleted"}})
    story.converge()
    alan = story.sandbox.user_id("alan@contoso.com")
    plain = story.sandbox.answer

    def removing(call: Any) -> Any:
        answer = plain(call)
        if call.method == "PATCH" and call.path == f"/Users/{alan}":
            story.sandbox.delete_user(alan)
        return answer

    story.sandbox.answer = removing  # type: ignore[method-assign]
    story.company.remove_person("alan.turing")
    story.converge()


def test_a_reading_that_fails_after_the_writes_is_no_success(story: SandboxStory) -> None:
    class Blind(httpx.AsyncBaseTransport):
        written = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.written |= request.method != "GET"
            if self.written and request.method == "GET":
                return httpx.Response(403, json={"detail": "no more"})
            return await honest.handle_async_request(request)

    honest = story.transport
    story.converge()
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    story.transport = Blind()
    applied = story.apply()
    assert applied.code == 4
    assert "403" in applied.outcome.unverified
    story.transport = honest
    story.settled()
    assert story.apply().code == 0


class Stale(httpx.AsyncBaseTransport):
    """Shows a resource as it was before the writes, for its next `reads` readings."""

    def __init__(self, inner: httpx.AsyncBaseTransport, reads: int) -> None:
        self.inner, self.reads = inner, reads
        self.before: dict[str, bytes] = {}
        self.left: dict[str, int] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method != "GET":
            self.left[path] = self.reads
        elif self.left.get(path, 0):
            self.left[path] -= 1
            return httpx.Response(200, content=self.before[path])
        answer = await self.inner.handle_async_request(request)
        if request.method == "GET":
            self.before[path] = await answer.aread()
        return answer


@pytest.mark.parametrize("settle", [0.001, 0])
def test_a_read_that_is_old_for_a_while_is_not_believed_at_once(
    story_of: Callable[..., SandboxStory], settle: float
) -> None:
    """Where the profile says that reads settle, nothing is written again before they have."""
    story = story_of("scim")
    story.converge()
    story.company.edit_app(profile={"settleSeconds": settle})
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    place = f"/scim/v2/Users/{story.sandbox.user_id('ada@contoso.com')}"
    stale = Stale(story.transport, 2)
    stale.before[place] = orjson.dumps(story.user("ada"))
    story.transport = stale
    story.sandbox.requests.clear()
    story.apply()
    assert (len(story.writes()) == 1) == bool(settle)
    assert story.user("ada")["displayName"] == "Countess of Lovelace"


def test_members_that_nobody_shows_are_not_called_missing(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.company.edit_app(profile={"groups": {"readMembers": "never"}})
    applied = story.apply()
    assert applied.code == 0
    assert [text for text in applied.outcome.learned if "members" in text and "can't be verified" in text]
    assert story.members("Agencies") == {"linus@contoso.com", "charles@contoso.com"}


def test_what_was_written_once_alone_is_not_given_up(story_of: Callable[..., SandboxStory]) -> None:
    """An interrupted run writes nothing again: the next one does."""
    story = story_of("scim")
    story.converge()
    story.sandbox.faults.set("notKept=displayName")
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    honest, written = story.transport, 0

    class Failing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal written
            written += request.method != "GET"
            if request.method != "GET" and written > 1:
                return httpx.Response(503)
            return await honest.handle_async_request(request)

    story.transport = Failing()
    assert story.apply().code == 4
    assert story.company.state["notKept"] == {}
    story.transport = honest
    assert story.apply().code == 4
    assert story.company.state["notKept"].keys() == {"user:ada.lovelace"}
    story.settled()


def test_a_corrected_profile_ends_what_was_not_kept(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.converge()
    story.sandbox.faults.set("notKept=displayName")
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    assert story.apply().code == 4
    story.settled()
    story.sandbox.faults.clear()
    story.company.edit_app(profile={"users": {"update": "put"}})
    story.converge()
    assert story.user("ada")["displayName"] == "Countess of Lovelace"
    assert story.company.state["notKept"] == {}


def test_a_later_drift_of_what_was_not_kept_is_repaired(story_of: Callable[..., SandboxStory]) -> None:
    """The application makes something of its own of a value: that is expected, and nothing else."""
    story = story_of("scim")
    story.converge()
    story.sandbox.faults.set("notKept=displayName")
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    assert story.apply().code == 4
    story.settled()
    story.sandbox.faults.clear()
    story.sandbox.edit_user(story.user("ada")["id"], displayName="Mallory")
    assert [(c.action, c.key) for c in story.plan().pending] == [("updateUser", "user:ada.lovelace")]
    story.converge()
    assert story.user("ada")["displayName"] == "Countess of Lovelace"
    assert story.company.state["notKept"] == {}


def test_a_memory_of_an_earlier_version_learns_what_was_made_of_it(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.converge()
    story.sandbox.faults.set("notKept=displayName")
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    assert story.apply().code == 4
    earlier = story.company.state
    whole = earlier["notKept"]
    ((key, ((path, entry),)),) = [(k, list(paths.items())) for k, paths in whole.items()]
    story.company.state_file.write_bytes(orjson.dumps({**earlier, "notKept": {key: {path: entry["wanted"]}}}))
    assert story.apply().code == 0
    assert story.company.state["notKept"] == whole


def test_of_a_redacted_value_nothing_is_remembered_that_could_be_found_by_trying(
    story_of: Callable[..., SandboxStory],
) -> None:
    story = story_of("scim")
    story.company.write("apps/app/mappings.yaml", {"users": [{"target": "title", "expression": "Redact([jobTitle])"}]})
    story.company.edit_person("ada.lovelace", jobTitle="secret agent")
    story.converge()
    story.sandbox.faults.set("notKept=title")
    story.company.edit_person("ada.lovelace", jobTitle="another secret")
    assert story.apply().code == 4
    ((entry,),) = [list(paths.values()) for paths in story.company.state["notKept"].values()]
    assert entry.keys() == {"wanted"}
    story.settled()
