"""`reconciler rehearse`: what an apply would do, done to a copy."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.apply.rehearse import Rehearsal, Rehearser
from reconciler.cli.progress import Progress
from reconciler.gallery import load_profile, names
from reconciler.model.profile import Profile
from reconciler.sandbox import Sandbox, habits_named, running
from reconciler.sandbox.copy import Copy, Held

if TYPE_CHECKING:
    from tests.conftest import Called, Company, SandboxStory

    Reconciler = Callable[..., Called]


class ReadOnly(httpx.AsyncBaseTransport):
    """Refuses to carry anything but reading."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert request.method == "GET", f"{request.method} {request.url}"
        return await self.inner.handle_async_request(request)


def rehearse(story: SandboxStory, *allow: str) -> Rehearsal:
    story.allow = list(allow)

    async def main() -> Rehearsal:
        opened = story.open()
        async with story.client(opened) as client:
            proposal = await opened.propose(client, Progress("app"))
        return await Rehearser(proposal, opened.profile, opened.state).rehearse()

    return asyncio.run(main())


def next_day(company: Company) -> None:
    """Two exchange their names, one leaves, one comes, a group is renamed, people move."""
    company.edit_person("ada.lovelace", userPrincipalName="grace@contoso.com", mail="grace@contoso.com")
    company.edit_person("grace.hopper", userPrincipalName="ada@contoso.com", mail="ada@contoso.com")
    company.remove_person("alan.turing")
    company.person("emmy.noether", "Emmy", "Noether")
    company.edit_group("research", displayName="Science", members=["mary.somerville", "emmy.noether"])
    company.edit_person("linus.byrne", accountEnabled=False)


def steps(document: Any) -> list[tuple[str, str]]:
    return [(each["action"], each["key"]) for each in document["plan"]["changes"]]


@pytest.mark.parametrize("gallery", names())
def test_a_rehearsal_ends_as_the_apply_does_in_every_application(
    gallery: str, company: Callable[..., Company], reconciler: Reconciler
) -> None:
    box = Sandbox(gallery, rate=0, users=3)
    with running(box) as url:
        files = company(gallery=gallery, tenant=url)
        files.edit_app(profile={"settleSeconds": 0})  # the sandbox does at once what it says
        for day in (lambda _files: None, next_day):
            day(files)
            before = len([r for r in box.requests if r.method != "GET"])
            memory = files.state_file.read_bytes() if files.state_file.exists() else None
            rehearsed = reconciler("rehearse", files.root, "--format", "json")
            assert len([r for r in box.requests if r.method != "GET"]) == before
            assert memory == (files.state_file.read_bytes() if files.state_file.exists() else None)
            applied = reconciler("apply", files.root, "--yes", "--format", "json")
            assert rehearsed.code == applied.code, (rehearsed.out, applied.out)
            assert rehearsed.document["failures"] == rehearsed.document["left"] == rehearsed.document["unlike"] == []
            assert steps(rehearsed.document) == steps(applied.document)


@pytest.mark.parametrize("edit", [lambda _: None, next_day])
def test_nothing_but_reading_reaches_the_application(story: SandboxStory, edit: Callable[[Any], None]) -> None:
    story.converge()
    edit(story.company)
    writes, state, journals = len(story.writes()), story.company.state, len(story.company.journals())
    story.transport = ReadOnly(story.transport)
    found = rehearse(story)
    assert found.exit_code == 0
    assert found.after is not None
    assert found.after.empty
    assert len(story.writes()) == writes
    assert story.company.state == state
    assert len(story.company.journals()) == journals


def test_the_requests_that_it_counts_are_those_of_an_apply(story: SandboxStory) -> None:
    """Discovery aside, which the application was asked before."""
    found = rehearse(story)
    before = len(story.sandbox.requests)
    applied = story.apply()
    plain = [r for r in list(story.sandbox.requests)[before:] if r.path.startswith(("/Users", "/Groups"))]
    assert applied.outcome.requests <= found.requests
    assert found.requests == len(plain)


def test_what_is_held_is_exit_3_and_its_release_is_rehearsed(story: SandboxStory) -> None:
    story.converge()
    story.sandbox.edit_user(story.sandbox.user_id("ada@contoso.com"), active=False)
    held = rehearse(story)
    assert (held.exit_code, len(held.plan.held)) == (3, 1)
    released = rehearse(story, "takenAwayInApp:user:ada.lovelace")
    assert released.exit_code == 0
    assert [c.action for c in released.plan.pending] == ["reactivateUser"]


def test_what_would_fail_is_exit_1_and_named(story_of: Callable[..., SandboxStory], reconciler: Reconciler) -> None:
    """Two accounts have one userName, and the application takes no change of either."""
    story = story_of("scim")
    story.converge()
    story.company.edit_person("ada.lovelace", displayName="Ada L.")
    story.sandbox.add_user("ADA@contoso.com", displayName="Somebody", externalId="x")
    found = rehearse(story)
    assert found.exit_code == 1
    (failed,) = found.failures
    assert (failed.change.key, str(failed.status)) == ("user:ada.lovelace", "failed")
    assert "already in use" in failed.message or "unique" in failed.message
    assert [c.key for c in found.left] == ["user:ada.lovelace"]


def test_the_text_says_what_was_rehearsed_and_what_would_go_wrong(
    company: Callable[..., Company], reconciler: Reconciler
) -> None:
    box = Sandbox("scim", rate=0)
    with running(box) as url:
        files = company(gallery="scim", tenant=url)
        good = reconciler("rehearse", files.root)
        assert good.code == 0
        assert "REHEARSED" in good.out
        assert "and nothing is left to do after them." in good.out
        reconciler("apply", files.root, "--yes")
        again = reconciler("rehearse", files.root)
        assert again.out.endswith("Nothing to do.\n")
        files.edit_person("ada.lovelace", displayName="Ada L.")
        box.add_user("ADA@contoso.com")
        bad = reconciler("rehearse", files.root)
    assert bad.code == 1
    assert "updateUser user:ada.lovelace  failed:" in bad.out
    assert "updateUser user:ada.lovelace  would still be pending afterwards" in bad.out
    assert "1 of 1 changes failed, and 1 would be left." in bad.out


def test_a_copy_that_is_unlike_is_no_proof(
    story: SandboxStory, monkeypatch: pytest.MonkeyPatch, reconciler: Reconciler
) -> None:
    module = importlib.import_module("reconciler.apply.rehearse")
    whole = module._held
    monkeypatch.setattr(module, "_held", lambda snapshot: (whole(snapshot)[0][:-1], whole(snapshot)[1]))
    story.converge()
    story.company.edit_person("ada.lovelace", displayName="Ada L.")
    found = rehearse(story)
    assert found.exit_code == 1
    assert found.outcome is None
    assert any("on the copy" in each for each in found.unlike)


def test_without_the_sandbox_the_remedy_is_named(
    company: Callable[..., Company], reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in sys.modules if n.startswith("reconciler.sandbox") or n == "reconciler.apply.rehearse"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette", None)
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    called = reconciler("rehearse", company(gallery="scim").root)
    assert called.code == 1
    assert "pip install 'reconciler[sandbox]'" in called.err


class TestCopies:
    def copy(self, profile: Profile, *users: Held, groups: tuple[Held, ...] = (), paths: tuple[str, ...] = ()) -> Copy:
        return Copy(profile, paths, users, groups, "http://127.0.0.1/scim/v2")

    @pytest.mark.parametrize("gallery", names())
    def test_have_the_habits_of_the_gallery(self, gallery: str) -> None:
        habits, known = self.copy(load_profile(gallery)).sandbox.habits, habits_named(gallery)
        for name in ("user_update", "group_update", "required_user", "page_cap", "conflict", "small_user", "deletes"):
            assert getattr(habits, name) == getattr(known, name)
        assert (habits.per_second, habits.per_day, habits.buckets) == (0, 0, ())

    @pytest.mark.parametrize("gallery", ["hootsuite", "scim"])
    @pytest.mark.parametrize(
        ("over", "habit", "value"),
        [
            ({"paging": {"count": 7}}, "page_cap", 7),
            ({"users": {"update": "put"}}, "user_update", "put"),
            ({"cannot": {"renameUser": "never"}}, "cannot", (("renameUser", "never"),)),
            ({"groups": {"maxMembers": 3}}, "max_members", 3),
            ({"bulk": {"operations": 9}}, "bulk_operations", 9),
        ],
    )
    def test_and_what_was_corrected_on_top(self, gallery: str, over: dict[str, Any], habit: str, value: Any) -> None:
        habits = self.copy(load_profile(gallery).corrected(over)).sandbox.habits
        found = getattr(habits, habit)
        assert set(value) <= set(found) if isinstance(value, tuple) else found == value

    def test_hold_everything_under_the_same_ids(self) -> None:
        users = [Held("7", {"userName": "a"}), Held("x/y", {"userName": "b", "active": False})]
        box = self.copy(load_profile("scim"), *users, groups=(Held("9", {"displayName": "G"}, ["7", "gone"]),)).sandbox
        assert {id_: u.get("active", True) for id_, u in box.users.items()} == {"7": True, "x/y": False}
        assert box.members("9") == {"7", "gone"}

    def test_give_no_id_twice(self) -> None:
        box = self.copy(load_profile("hootsuite"), Held("17494001", {"userName": "a"}), Held("1", {"userName": "b"}))
        made = {box.sandbox.add_user(f"u{n}@contoso.com") for n in range(50)}
        assert len(made) == 50
        assert not made & {"17494001", "1"}

    def test_what_nobody_read_and_must_be_there_gets_a_stand_in_and_is_told(self) -> None:
        profile = load_profile("scim").corrected({"users": {"required": ["userName", "name.familyName", "title"]}})
        copy = self.copy(profile, Held("1", {"userName": "a", "title": "Dr"}), Held("2", {"userName": "b"}))
        assert copy.sandbox.users["1"]["title"] == "Dr"
        assert copy.sandbox.users["2"]["title"]
        assert copy.sandbox.users["2"]["name"]["familyName"]
        assert [each.partition(" must be there and was not read of ")[::2] for each in copy.doubts] == [
            ("name.familyName", "2 accounts: their copies hold a stand-in"),
            ("title", "1 accounts: their copies hold a stand-in"),
        ]

    def test_attributes_that_the_sandbox_does_not_know(self) -> None:
        own = "urn:contoso:2.0:User"
        copy = self.copy(load_profile("scim"), paths=(f"{own}:badge", "shoeSize", f"{own}:car.plate", "title"))
        assert [each.partition(" is unknown")[0] for each in copy.doubts] == [
            f"{own}:badge", "shoeSize", f"{own}:car.plate"
        ]  # fmt: skip
        assert "keeps nothing" in copy.doubts[2]


def test_a_mapped_attribute_of_the_applications_own_is_rehearsed_and_told(
    story_of: Callable[..., SandboxStory],
) -> None:
    story = story_of("scim")
    story.company.write("apps/app/mappings.yaml", {"users": [
        {"target": "userName", "source": "userPrincipalName", "matching": 1},
        {"target": "urn:contoso:2.0:User:badge", "source": "department"},
    ]})  # fmt: skip
    found = rehearse(story)
    assert found.exit_code == 0
    assert "urn:contoso:2.0:User:badge is unknown to the sandbox, which takes any text there" in found.doubts


def test_of_an_approved_plan_only_what_still_fits_is_rehearsed(
    company: Callable[..., Company], reconciler: Reconciler
) -> None:
    box = Sandbox("scim", rate=0)
    with running(box) as url:
        files = company(gallery="scim", tenant=url)
        assert reconciler("apply", files.root, "--yes").code == 0
        files.edit_person("ada.lovelace", displayName="Countess")
        files.edit_person("grace.hopper", displayName="Admiral")
        approved = files.root.parent / "approved.json"
        assert reconciler("plan", files.root, "--out", approved).code == 0
        files.person("emmy.noether", "Emmy", "Noether")
        called = reconciler("rehearse", files.root, "--plan", approved, "--format", "json")
        assert called.code == 0, called.out + called.err
        assert steps(called.document) == [("updateUser", "user:ada.lovelace"), ("updateUser", "user:grace.hopper")]
        assert called.document["left"] == called.document["moved"] == []
        files.edit_person("ada.lovelace", displayName="Lady")
        called = reconciler("rehearse", files.root, "--plan", approved, "--format", "json")
        assert called.code == 5, called.out + called.err
        assert steps(called.document) == [("updateUser", "user:grace.hopper")]
        assert [each["key"] for each in called.document["moved"]] == ["user:ada.lovelace"]
        assert "Countess" in reconciler("rehearse", files.root, "--plan", approved).out
        assert reconciler("rehearse", files.root, "--plan", files.root / "none.json").code == 1
        assert {u["displayName"] for u in box.users.values()}.isdisjoint({"Admiral", "Lady", "Countess"})
