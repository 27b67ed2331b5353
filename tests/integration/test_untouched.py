"""Promise 7: what is unmapped, ignored or not ours is in no request; a PUT's echo of what it read aside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company, SandboxStory

    Reconciler = Callable[..., Called]

UNMAPPED = {"title": "Countess", "nickName": "Addie", "profileUrl": "https://example.com/ada"}
MEMBERS = {"patchPath": "valuePath", "patchPathless": "pathless", "put": "put"}
FORMS = list(MEMBERS)


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
                "members": MEMBERS[form],
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
                "members": MEMBERS[form],
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


class Watched:
    """A company on the command line, and an application in which much is nobody's business."""

    def __init__(self, call: Reconciler, company: Company, sandbox: Sandbox, form: str) -> None:
        self.call, self.company, self.sandbox = call, company, sandbox
        self.ignored = sandbox.add_user("agent@agency.example", displayName="Agent", **UNMAPPED)
        self.strangers = set(sandbox.users)
        inside = sorted(self.strangers)[:3]
        self.closed = {sandbox.add_group("Their own", inside), sandbox.add_group("Hidden", inside)}
        self.research = sandbox.add_group("Research", [self.ignored, *inside])
        company.edit_app(
            ignore={
                "users": [{"attribute": "userName", "operator": "REGEX MATCH", "value": r".*@agency\.example"}],
                "groups": [{"attribute": "displayName", "operator": "EQUALS", "value": "Hidden"}],
            },
            guardrails={"actsAs": "provisioning@contoso.com", "removeMembers": {"ignoreBelow": 50}},
            profile={"users": {"update": form}, "groups": {"update": form, "members": MEMBERS[form]}},
        )
        assert self.call("apply", company.root, "--yes").code == 0
        for user in set(sandbox.users) - self.strangers:
            sandbox.edit_user(user, **UNMAPPED)
        self.before = self.theirs()
        sandbox.requests.clear()

    def theirs(self) -> Any:
        """What nobody described, whole; of ours what is not mapped; who is in our group without being ours."""
        users, groups = self.sandbox.users, self.sandbox.groups
        whole = {id_: {k: v for k, v in users[id_].items() if k not in ("meta", "groups")} for id_ in self.strangers}
        unmapped = {id_: [user.get(k) for k in UNMAPPED] for id_, user in users.items() if user.get("title")}
        return (
            whole,
            {g: groups[g] for g in self.closed},
            unmapped,
            self.sandbox.members(self.research) & self.strangers,
        )

    def files(self) -> dict[str, bytes]:
        root = self.company.root
        return {
            str(file.relative_to(root)): file.read_bytes()
            for file in sorted(root.rglob("*"))
            if file.is_file() and ".reconciler" not in file.parts
        }

    def __call__(self, *arguments: object, code: int = 0, writes: bool = True, edits: set[str] | None = None) -> Called:
        """Runs one command. `writes`: whether it may write to the application; `edits`: the files that it changes."""
        files = self.files()
        called = self.call(*arguments)
        assert called.code == code, called.out + called.err
        sent = [r for r in self.sandbox.requests if r.method != "GET"]
        assert bool(sent) == writes, (arguments, sent)
        for request in sent:
            text = request.path + orjson.dumps(request.json).decode()
            echo = request.method == "PUT"
            named = {id_ for id_ in self.strangers | self.closed if id_ in text}
            assert not named or (echo and request.path == f"/Groups/{self.research}"), (arguments, request)
            assert echo or not [name for name in UNMAPPED if name in text], (arguments, request)
        assert self.theirs() == self.before, arguments
        after = self.files()
        changed = {name for name in files.keys() | after.keys() if files.get(name) != after.get(name)}
        assert changed == (edits or set()), arguments
        self.sandbox.requests.clear()
        return called

    def journal(self) -> Path:
        return max((self.company.root / ".reconciler" / "journals").glob("*.jsonl"))


@pytest.mark.parametrize("form", FORMS)
def test_no_command_touches_what_is_not_its_own(
    company: Callable[..., Company], reconciler: Reconciler, tmp_path: Path, form: str
) -> None:
    sandbox = Sandbox("scim", rate=0, users=5)
    with running(sandbox) as url:
        files = company(gallery="scim", tenant=url)
        run = Watched(reconciler, files, sandbox, form)
        root, plan = files.root, tmp_path / "plan.json"
        files.edit_person("ada.lovelace", userPrincipalName="grace@contoso.com", mail="grace@contoso.com")
        files.edit_person("grace.hopper", userPrincipalName="ada@contoso.com", mail="ada@contoso.com")
        files.edit_person("linus.byrne", displayName="Linus B.")
        files.edit_group("research", displayName="Science", members=["ada.lovelace", "linus.byrne"])
        for reads in (
            ("plan", root, "--out", plan), ("show", plan), ("explain", "user:ada.lovelace", root),
            ("rehearse", root), ("rehearse", root, "--plan", plan), ("snapshot", root), ("check", root, "--probe"),
            ("state", "show", root), ("state", "rebuild", root, "--yes"), ("validate", root),
        ):  # fmt: skip
            run(*reads, writes=False)
        run("drift", root, code=2, writes=False)
        run("apply", root, "--yes", "--only", "user:linus.byrne")
        run("apply", root, "--yes", "--plan", plan)
        run("undo", run.journal(), root, "--yes")
        run("undo", run.journal(), root, "--yes")
        run("revoke", "user:alan.turing", root, "--reason", "a test")
        run("revoke", f"account:{run.ignored}", root, "--reason", "a test", code=1, writes=False)
        run("apply", root, "--yes", writes=False)
        run("release", "user:alan.turing", root, writes=False)
        run("apply", root, "--yes")
        run("offboard", "mary.somerville", root, writes=False, edits={"users/mary.somerville.yaml"})
        run("apply", root, "--yes")
        run("state", "forget", "user:ada.lovelace", root, "--yes", writes=False)
        run("state", "forget", root, "--yes", writes=False)
        run("state", "rebuild", root, "--yes", writes=False)
        run("apply", root, "--yes", writes=False)
        run("check", root, "--write-probe", "--yes")
