"""`import live` into what people wrote, and of applications that hold what no file can say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox import Sandbox, running
from tests.conftest import Called

TOKEN = "SCIM_SCIM_TOKEN"


class Live:
    """A sandbox that listens, a folder, and the command."""

    def __init__(self, root: Path, call: Callable[..., Called]) -> None:
        self.root = root
        self.call = call
        self.sandbox = Sandbox("scim", users=0, rate=0, acts_as=None)
        self.url = ""

    def account(self, name: str, **more: Any) -> str:
        given = name.partition("@")[0].capitalize()
        values = {"displayName": given, "name": {"givenName": given, "familyName": "Example"}, **more}
        return self.sandbox.add_user(name, **values)

    def first(self, *more: object) -> Called:
        return self.call("import", "live", self.root, "--gallery", "scim", "--tenant-url", self.url, "--yes", *more)

    def again(self, *more: object) -> Called:
        return self.call("import", "live", self.root, "--app", "scim", "--yes", *more)

    def changes(self) -> list[tuple[str, str]]:
        plan = self.call("plan", self.root, "--format", "json")
        assert plan.code == 0, plan.err
        return [(each["action"], each["key"]) for each in plan.document["changes"]]

    def text(self, file: str) -> str:
        return (self.root / file).read_text(encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() and ".reconciler" not in path.parts
        }


@pytest.fixture
def live(tmp_path: Path, reconciler: Callable[..., Called], monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setenv(TOKEN, "secret-of-the-tests")
    made = Live(tmp_path / "state", reconciler)
    with running(made.sandbox) as made.url:
        yield made


APP = """\
# ours, since 2024
gallery: scim
tenantUrl: {url}
auth:
  bearer: {{env: SCIM_SCIM_TOKEN}}   # in the vault
scope:
  assigned:
    groups: [core]   # the first team
unmanaged:
  users: report
"""


MAPPINGS = """\
users:
  - {target: userType, source: employeeType, values: {Contractor: ext, Vendor: ext, Employee: int}}
  - {target: nickName, expression: 'ToLower([mailNickname])'}
  - {target: profileUrl, expression: 'Join("/", "https://people.example", [employeeId])'}
  - {target: title, expression: 'Join(" ", [jobTitle], [department])'}
  - {target: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value', source: manager}
"""


def described(live: Live) -> tuple[str, str]:
    """Ada and her team are in the files and in the application, as they are; Bob is in the application alone."""
    ada, bob = live.account("ada@example.com"), live.account("bob@example.com")
    live.sandbox.add_group("Core", [ada, bob])
    live.write("apps/scim/app.yaml", APP.format(url=live.url))
    live.write("users/people.yaml", "# everybody\n- id: '007'   # the first\n  userPrincipalName: Ada@example.com\n"
               "  mail: ada@example.com\n  displayName: Ada\n  department: Research\n")  # fmt: skip
    live.write("groups/core.yaml", "displayName: Core\nmembers:\n  - '007'   # she leads it\n")
    return ada, bob


def test_what_people_wrote_stays_and_only_what_is_missing_is_added(live: Live) -> None:
    described(live)
    said = live.again()
    assert said.code == 0, said.err
    assert live.text("groups/core.yaml") == "displayName: Core\nmembers:\n  - '007'   # she leads it\n  - bob\n"
    people = live.text("users/people.yaml")
    assert people.startswith("# everybody\n- id: '007'   # the first\n  userPrincipalName: Ada@example.com\n")
    assert "givenName: Ada\n" in people
    assert live.text("apps/scim/app.yaml") == APP.format(url=live.url)
    assert live.text("users/bob.yaml").startswith("userPrincipalName: bob@example.com\n")
    assert live.changes() == []
    before = live.files()
    assert "Nothing to write" in live.again("--update", "--prune").out
    assert live.files() == before


def test_a_value_that_differs_is_kept_until_somebody_says_update(live: Live) -> None:
    described(live)
    people = live.text("users/people.yaml")
    live.write("users/people.yaml", people.replace("displayName: Ada", "displayName: Countess   # so she wants it"))
    kept = live.again()
    assert "displayName: Countess   # so she wants it" in live.text("users/people.yaml")
    assert "Countess" in kept.out
    assert ("updateUser", "user:007") in live.changes()
    live.again("--update")
    assert "displayName: Ada   # so she wants it" in live.text("users/people.yaml")
    assert live.changes() == []


def test_prune_takes_out_who_is_in_the_group_in_the_files_alone(live: Live) -> None:
    described(live)
    live.again()
    live.sandbox.remove_member(live.sandbox.group_id("Core"), live.sandbox.user_id("bob@example.com"))
    live.again()
    assert "- bob" in live.text("groups/core.yaml")
    assert live.again("--prune").code == 0
    assert "- bob" not in live.text("groups/core.yaml")
    assert "- bob" in live.text("apps/scim/app.yaml"), "he has an account still"
    assert live.changes() == []


def test_a_new_account_never_becomes_somebody_who_has_only_the_same_id(live: Live) -> None:
    described(live)
    live.write("users/bob.yaml", "userPrincipalName: bob@agency.example\ndisplayName: Another Bob\n")
    assert live.again().code == 0
    assert live.text("users/bob.yaml") == "userPrincipalName: bob@agency.example\ndisplayName: Another Bob\n"
    assert "- bob@example.com" in live.text("groups/core.yaml")
    assert "- bob\n" not in live.text("groups/core.yaml")
    assert live.changes() == []


def test_somebody_known_under_another_name_is_asked_about_and_not_guessed(live: Live) -> None:
    described(live)
    live.write("users/robert.yaml", "userPrincipalName: robert@example.com\nmail: BOB@example.com\n")
    said = live.again()
    assert "robert, who is in the files under another name" in said.out
    assert "- robert" not in live.text("groups/core.yaml")
    assert not (live.root / "users/bob.yaml").exists()


def test_who_is_in_a_group_through_another_one_gets_no_line_of_their_own(live: Live) -> None:
    described(live)
    live.again()
    live.write("groups/inner.yaml", "displayName: Inner\nmembers: [bob]\n")
    live.write("groups/core.yaml", "displayName: Core\nmembers:\n  - '007'\n  - group: inner   # on loan\n")
    before = live.files()
    assert live.again("--prune", "--update").code == 0
    assert live.files()["groups/core.yaml"] == before["groups/core.yaml"]
    assert live.changes() == []


def test_whom_the_files_let_go_is_not_brought_back(live: Live) -> None:
    described(live)
    live.again()
    live.write("groups/core.yaml", "displayName: Core\nmembers: ['007']\n")
    (live.root / "users/bob.yaml").unlink()
    said = live.again()
    assert "user:bob has no file any more" in said.out
    assert not (live.root / "users/bob.yaml").exists()
    assert ("deactivateUser", "user:bob") in live.changes()


def test_whose_access_was_revoked_is_not_told_to_be_enabled(live: Live) -> None:
    described(live)
    live.again()
    assert live.call("revoke", "user:bob", live.root, "--reason", "a lost laptop").code == 0
    before = live.files()
    live.again("--update")
    assert live.files() == before


def test_groups_in_groups(live: Live) -> None:
    ada, bob = live.account("ada@example.com"), live.account("bob@example.com")
    inner = live.sandbox.add_group("Inner", [bob])
    live.sandbox.add_group("All", [ada, bob, inner])
    live.sandbox.add_group("Outer", [ada, inner])
    live.sandbox.add_group("Lost", [ada, "nobody-knows"])
    said = live.first()
    assert said.code == 0, said.err
    assert live.text("groups/all.yaml") == "displayName: All\nmembers:\n  - group: inner\n  - ada\n  - bob\n"
    outer = live.text("groups/outer.yaml")
    assert outer.startswith("# scim: the group inner is in it, and not everybody who is in that one")
    assert outer.endswith("displayName: Outer\nmembers:\n  - ada\n")
    assert "no account and no group" in live.text("groups/lost.yaml")
    assert live.changes() == []
    assert "Nothing to write" in live.again("--update", "--prune").out


def test_accounts_that_nothing_tells_apart_are_refused_all_of_them(live: Live) -> None:
    live.account("ada@example.com")
    ids = [live.account("twin@example.com"), live.account("TWIN@example.com")]
    live.sandbox.add_group("Team", ids)
    live.sandbox.add_group("team", ids)
    said = live.first()
    assert said.out.count("userName finds the account") == 2
    assert said.out.count("another group has the same name") == 2
    assert [path.name for path in live.root.glob("users/*")] == ["ada.yaml"]
    assert list(live.root.glob("groups/*")) == []
    assert live.changes() == []


def test_ids_are_the_same_whoever_is_listed_first(live: Live) -> None:
    live.account("sam@example.com")
    live.first()
    assert (live.root / "users/sam.yaml").exists()
    live.account("sam@agency.example")
    live.again()
    assert {path.name for path in live.root.glob("users/*")} == {"sam.yaml", "sam@agency.example.yaml"}
    assert "sam@example.com" in live.text("users/sam.yaml")
    assert live.changes() == []


def test_an_inactive_account_is_a_disabled_person(live: Live) -> None:
    live.account("ada@example.com")
    gone = live.account("gone@example.com", active=False)
    live.account("left@example.com", active=False)
    live.sandbox.add_group("Team", [gone])
    live.first()
    assert "accountEnabled: false\n" in live.text("users/left.yaml")
    assert "accountEnabled: false\n" in live.text("users/gone.yaml")
    assert "deactivated, and still in Team" in live.text("users/gone.yaml")
    assert live.text("groups/team.yaml").endswith("members: []\n")
    assert live.changes() == []
    assert "Nothing to write" in live.again("--update", "--prune").out


def test_the_account_of_the_token_is_left_out(live: Live) -> None:
    live.account("ada@example.com")
    live.account("robot@example.com")
    assert live.first("--acts-as", "robot@example.com").code == 0
    assert [path.name for path in live.root.glob("users/*")] == ["ada.yaml"]
    assert "  actsAs: robot@example.com    # the account" in live.text("apps/scim/app.yaml")
    assert live.changes() == []


def test_mappings_of_the_app_are_inverted_where_they_can_be(live: Live) -> None:
    live.write("apps/scim/app.yaml", APP.format(url=live.url).replace("groups: [core]   # the first team", "users: []"))
    live.write("reconciler.yaml", "attributes:\n  level: {type: integer}\n")
    live.write("apps/scim/mappings.yaml", MAPPINGS)
    boss = live.account("boss@example.com", userType="int", nickName="thatboss")
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    live.account("ada@example.com", userType="ext", title="Editor", **{enterprise: {"manager": {"value": boss}}})
    live.account("bob@example.com", userType="other", profileUrl="https://elsewhere.example/7")
    said = live.again()
    assert said.code == 0, said.err
    assert "employeeType: Employee\n" in live.text("users/boss.yaml")
    assert "mailNickname: thatboss\n" in live.text("users/boss.yaml")
    ada = live.text("users/ada.yaml")
    assert "employeeType: Vendor\n" in ada
    assert "manager: boss\n" in ada
    bob = live.text("users/bob.yaml")
    assert "employeeType: other\n" in bob
    assert bob.startswith("# scim: profileUrl is https://elsewhere.example/7 in the application")


def test_nothing_is_written_and_nothing_remembered_without_a_yes(live: Live) -> None:
    live.account("ada@example.com")
    said = live.call("import", "live", live.root, "--gallery", "scim", "--tenant-url", live.url)
    assert said.code == 64
    assert "+ user:ada" in said.out
    assert "--yes" in said.err
    assert not live.root.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "which app?"),
        (["--app", "none"], "describes no app none"),
        (["--app", "none", "--acts-as", "x"], "--tenant-url and --acts-as are about a new app"),
        (["--gallery", "no-such"], "no-such"),
        (["--gallery", "scim"], "--tenant-url is missing"),
        (["--gallery", "scim", "--tenant-url", "ftp://x"], "must be an https URL"),
        (["--gallery", "scim", "--tenant-url", "https://x.example", "--app", "../up"], "can't be the name of an app"),
    ],
)
def test_a_command_line_that_is_wrong(live: Live, arguments: list[str], says: str) -> None:
    said = live.call("import", "live", live.root, *arguments)
    assert said.code == 64
    assert says in said.err
    assert not live.root.exists()


def test_an_app_that_is_described_is_not_described_again(live: Live) -> None:
    live.account("ada@example.com")
    live.first()
    before = live.files()
    said = live.first()
    assert said.code == 64
    assert "import live --app scim" in said.err
    assert live.files() == before


def test_a_token_that_is_missing_and_files_that_are_wrong_stop_it(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.account("ada@example.com")
    monkeypatch.delenv(TOKEN)
    said = live.first()
    assert said.code == 1
    assert TOKEN in said.err
    assert not live.root.exists()
    live.write("users/broken.yaml", "displayName: [\n")
    before = live.files()
    assert live.first().code == 1
    assert live.files() == before


def test_an_application_without_accounts(live: Live) -> None:
    said = live.first()
    assert said.code == 0
    assert "nobody is bound" in said.err
    assert sorted(live.files()) == [".gitignore", "apps/scim/app.yaml", "apps/scim/mappings.yaml"]
    live.account("ada@example.com")
    assert live.again().code == 0
    assert live.changes() == []


def test_beside_another_app_people_are_the_same_ones(live: Live) -> None:
    live.account("Ada@Example.com")
    live.write("users/ada.yaml", "userPrincipalName: ada@example.com\nmail: ada@example.com\n")
    live.write(
        "apps/other/app.yaml", APP.format(url="https://other.example/scim").replace("groups: [core]", "users: [ada]")
    )
    said = live.first("--app", "second")
    assert said.code == 1
    assert "SECOND_SCIM_TOKEN" in said.err
    assert live.first().code == 0
    assert [path.name for path in live.root.glob("users/*")] == ["ada.yaml"]
    assert "- ada" in live.text("apps/scim/app.yaml")
    assert live.call("plan", live.root, "--app", "scim", "--format", "json").document["changes"] == []


def test_in_ci_what_nobody_allowed_is_not_used(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.account("ada@example.com")
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("HOOTSUITE_SCIM_TOKEN", "secret-of-the-tests")
    elsewhere = live.call("import", "live", live.root, "--gallery", "hootsuite", "--yes")
    assert elsewhere.code == 1
    assert "--allow-host" in elsewhere.err
    said = live.first()
    assert said.code == 1
    assert "--allow-env" in said.err
    assert not live.root.exists()
    assert live.first("--allow-env", TOKEN).code == 0


def test_a_list_that_is_cut_off_is_believed_by_nobody(live: Live) -> None:
    for number in range(8):
        live.account(f"somebody{number}@example.com")
    assert live.first().code == 0
    before = live.files()
    cut = Sandbox("scim", users=8, rate=0, acts_as=None, faults=["cutList"])
    with running(cut) as url:
        live.write("apps/scim/app.yaml", live.text("apps/scim/app.yaml").replace(live.url, url))
        said = live.again("--prune", "--update")
        live.write("apps/scim/app.yaml", before["apps/scim/app.yaml"].decode())
    assert said.code == 1
    assert "4 resources came, and the server said there are 8" in said.err
    assert live.files() == before


def test_a_list_without_anybody_removes_nobody(live: Live) -> None:
    live.account("ada@example.com")
    assert live.first().code == 0
    before = live.files()
    live.sandbox.delete_user(live.sandbox.user_id("ada@example.com"))
    live.again("--prune")
    assert live.files()["users/ada.yaml"] == before["users/ada.yaml"]
