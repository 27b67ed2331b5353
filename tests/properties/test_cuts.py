"""Promise 2: cut anywhere, run again: the same final state, nobody twice, nobody removed whom the plan did not remove.

All cut points are enumerated: every request of an apply, reading and verifying included, fails in every way. What has
to come of it is computed from the files and from what others put into the application, not recorded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx
import pytest

from reconciler import session
from reconciler.errors import ReconcilerError
from reconciler.model.plan import Plan
from reconciler.sandbox import Sandbox, create_app
from reconciler.session import Settings, opened

if TYPE_CHECKING:
    from tests.conftest import SandboxStory
    from tests.properties.conftest import Cut, Cutting

Picture: TypeAlias = "tuple[dict[str, tuple[Any, ...]], dict[str, list[str]]]"
RENAMED = {"Agencies": "Partners"}
CUTS: list[Cut] = ["unreachable", "lostThenDown", "answerLost", "requestLost", "killedBefore", "killedAfter"]


class Bench:
    """One moment in the life of a company, as often as it is needed: files, memory and application as they were."""

    def __init__(
        self,
        story: SandboxStory,
        cutting: Callable[[httpx.AsyncBaseTransport], Cutting],
        killed: type[BaseException],
        kept: Path,
    ) -> None:
        self.story, self.cutting, self.killed, self.kept = story, cutting, killed, kept
        self.habits = story.sandbox.habits
        self.memory = story.company.state_file.read_bytes() if story.company.state_file.exists() else None
        story.sandbox._state = kept
        story.sandbox._saved = -1
        story.sandbox.save()
        self.loaded = session.load(Settings(directory=story.company.root))
        """The files stay as they are, so they are read once."""
        self.rewind()
        self.users, self.groups, self.members = story.sandbox.users, story.sandbox.groups, self._members()

    def rewind(self) -> None:
        story = self.story
        story.sandbox = Sandbox(self.habits, rate=0, state=self.kept)
        story.sandbox.store.move("http://127.0.0.1:9/scim/v2")
        self.transport = self.cutting(httpx.ASGITransport(app=create_app(story.sandbox)))
        story.transport = self.transport
        story.alive = lambda: self.transport.alive
        if self.memory is None:
            story.company.state_file.unlink(missing_ok=True)
        else:
            story.company.state_file.write_bytes(self.memory)

    def apply(self, cut: Cut | None = None, at: int = 0) -> None:
        """One run, whatever becomes of it."""
        self.transport.arm(cut, at)
        with contextlib.suppress(ReconcilerError, self.killed), self.as_loaded():
            self.story.apply()

    @contextlib.contextmanager
    def as_loaded(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(opened, "load", lambda _settings: self.loaded)
            yield

    def plan(self) -> Plan:
        with self.as_loaded():
            return self.story.plan()

    def picture(self) -> Picture:
        """What the application holds: userName → active and values, group → userNames, one entry for each member."""
        sandbox = self.story.sandbox
        names = {id_: u["userName"] for id_, u in sandbox.users.items()}
        assert len(set(names.values())) == len(names), "nobody twice"
        users = {
            u["userName"]: (u["active"], u.get("displayName"), _surname(u), u.get("title"))
            for u in sandbox.users.values()
        }
        groups = [(g["displayName"], sorted(names[m] for m in sandbox.members(i))) for i, g in sandbox.groups.items()]
        assert len({name for name, _ in groups}) == len(groups)
        return users, dict(groups)

    def _members(self) -> set[tuple[str, str]]:
        sandbox = self.story.sandbox
        return {(group, member) for group in sandbox.groups for member in sandbox.members(group)}

    def keeps_what_stays(self, wanted: Picture) -> None:
        """In the middle of it nobody lost an account or a membership that they should have at the end."""
        people, groups = wanted
        called = {surname: name for name, (active, _, surname, _) in people.items() if active}
        users = self.story.sandbox.users
        for id_, user in self.users.items():
            if user["active"] and _surname(user) in called:
                assert users[id_]["active"], user["userName"]
        for group, member in self.members - self._members():
            shown = self.groups[group]["displayName"]
            now = groups.get(RENAMED.get(shown, shown), [])
            assert called.get(_surname(self.users[member])) not in now, (shown, member)

    def owners(self) -> dict[str, str | None]:
        """Account → surname: nobody's account is given to somebody else."""
        return {id_: _surname(user) for id_, user in self.story.sandbox.users.items()}


def _surname(user: dict[str, Any]) -> str | None:
    found: str | None = user.get("name", {}).get("familyName")
    return found


def oracle(story: SandboxStory) -> Picture:
    """What the files and the strangers ask for."""
    company, deletes = story.company, story.sandbox.habits.deletes
    people = [company.read(f"users/{file.name}") for file in sorted((company.root / "users").glob("*.yaml"))]
    enabled = {p["id"]: p["userPrincipalName"] for p in people if p.get("accountEnabled", True)}
    titles = {"mary@contoso.com": "Professor", "emmy@contoso.com": "Newcomer"} if "emmy.noether" in enabled else {}
    users = {
        p["userPrincipalName"]: (p["id"] in enabled, p["displayName"], p["surname"], titles.get(p["userPrincipalName"]))
        for p in people
    }
    service = story.user("provisioning")
    users[service["userName"]] = (True, service["displayName"], service.get("name", {}).get("familyName"), None)
    files = {f.stem: company.read(f"groups/{f.name}") for f in sorted((company.root / "groups").glob("*.yaml"))}

    def members(id_: str) -> set[str]:
        entries = files[id_]["members"]
        nested = [members(each["group"]) for each in entries if not isinstance(each, str)]
        return {enabled[each] for each in entries if isinstance(each, str) and each in enabled}.union(*nested)

    groups = {each["displayName"]: sorted(members(id_)) for id_, each in files.items()}
    if titles:
        users["stranger@elsewhere.example"] = (True, "Stranger", None, "theirs")
        groups["Science"] = sorted([*groups["Science"], "stranger@elsewhere.example"])
        groups["Foreign"] = ["stranger@elsewhere.example"]
        if not deletes:
            users["alan@contoso.com"] = (False, "Alan Turing", "Turing", None)
            groups["Research"] = []
    return users, groups


def beginnings(company: Any) -> None:
    """Nothing is there yet: everything is created."""


def before(story: SandboxStory) -> None:
    """Grace is off, and others are in the application: an account of Emmy's, a group, a stranger, titles."""
    story.company.edit_person("grace.hopper", accountEnabled=False)
    story.converge()
    sandbox = story.sandbox
    name = {"givenName": "Emmy", "familyName": "Noether"}
    sandbox.add_user("emmy@contoso.com", displayName="E. Noether", name=name, title="Newcomer")
    stranger = sandbox.add_user("stranger@elsewhere.example", displayName="Stranger", title="theirs")
    sandbox.edit_user(sandbox.user_id("mary@contoso.com"), title="Professor")
    sandbox.add_group("Science", [stranger])
    sandbox.add_group("Foreign", [stranger])


def changes(company: Any) -> None:
    """All kinds: an account made, one found, updated, renamed, let back, taken from a leaver, from somebody disabled;
    two people exchange names; a group made, found, renamed, gone; members in and out.
    """
    company.person("emmy.noether", "Emmy", "Noether")
    company.person("rosa.luxemburg", "Rosa", "Luxemburg")
    company.edit_person("grace.hopper", accountEnabled=None, displayName="Rear Admiral Hopper")
    company.edit_person("mary.somerville", displayName="M. Somerville")
    company.remove_person("alan.turing")
    company.edit_person("linus.byrne", accountEnabled=False)
    company.edit_person("ada.lovelace", userPrincipalName="charles@contoso.com", mail="charles@contoso.com")
    company.edit_person("charles.babbage", userPrincipalName="ada@contoso.com", mail="ada@contoso.com")
    company.group("science", "Science", ["emmy.noether", "mary.somerville", "charles.babbage"])
    company.group("press", "Press", ["rosa.luxemburg"])
    company.edit_group(
        "agencies", displayName="Partners", formerly=[{"displayName": "Agencies"}], members=["ada.lovelace"]
    )
    company.remove_group("research")


@pytest.fixture
def bench(
    request: pytest.FixtureRequest,
    story_of: Callable[..., SandboxStory],
    cutting: Callable[[httpx.AsyncBaseTransport], Cutting],
    killed: type[BaseException],
    tmp_path: Path,
) -> Callable[[Callable[[Any], None]], Bench]:
    def make(edit: Callable[[Any], None]) -> Bench:
        story = story_of("hootsuite" if request.param == "hootsuite" else "scim")
        if request.param == "bulk":
            story.company.edit_app(profile={"bulk": {"operations": 5}, "groups": {"maxMembers": 2}})
        if request.param == "versions":
            story.company.edit_app(profile={"versions": True})
        if edit is not beginnings:
            before(story)
            edit(story.company)
            story.company.edit_app(deprovision={"users": "delete"} if request.param != "hootsuite" else None)
        return Bench(story, cutting, killed, tmp_path / "application.json")

    return make


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("bench", "edit"),
    [
        *((name, changes) for name in ("hootsuite", "scim", "bulk", "versions")),
        *((name, beginnings) for name in ("hootsuite", "bulk")),
    ],
    indirect=["bench"],
)
def test_cut_anywhere_and_run_again(
    bench: Callable[[Callable[[Any], None]], Bench],
    edit: Callable[[Any], None],
    cut: Cut,
) -> None:
    at = bench(edit)
    wanted, owners = oracle(at.story), at.owners()
    at.apply()
    requests, ids = at.transport.count, at.story.company.state["bindings"].keys()
    assert at.picture() == wanted
    assert requests > 8
    for k in range(1, requests + 1):
        at.rewind()
        at.apply(cut, k)
        at.keeps_what_stays(wanted)
        at.apply(cut, k)  # the same again, in the next run
        at.keeps_what_stays(wanted)
        at.apply()
        assert at.picture() == wanted, (cut, k)
        assert {i: name for i, name in at.owners().items() if i in owners}.items() <= owners.items(), (cut, k)
        after = at.plan()
        assert after.empty, (cut, k, [(c.action, c.key, c.held) for c in after.changes])
        assert at.story.company.state["bindings"].keys() == ids, (cut, k)
