"""A small company as real YAML, an application to provision, and the way from one to the other."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml

from reconciler.apply import Outcome, Run, Status
from reconciler.cli import call as command
from reconciler.cli.progress import Progress
from reconciler.http import Client
from reconciler.model.plan import Plan
from reconciler.model.state import State
from reconciler.plan import Proposal
from reconciler.sandbox import Sandbox, create_app
from reconciler.session import Opened, Settings, open_apps
from tests.postgres import postgres, postgres_server

__all__ = ["postgres", "postgres_server"]

TENANT = "http://127.0.0.1:9/scim/v2"
"""Nobody listens there: in-process transports answer."""
TOKEN = "SCIM_TEST_TOKEN"

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

PEOPLE: dict[str, tuple[str, str, str]] = {
    "ada.lovelace": ("Ada", "Lovelace", "Marketing"),
    "grace.hopper": ("Grace", "Hopper", "Marketing"),
    "alan.turing": ("Alan", "Turing", "Research"),
    "mary.somerville": ("Mary", "Somerville", "Research"),
    "charles.babbage": ("Charles", "Babbage", "Sales"),
    "linus.byrne": ("Linus", "Byrne", "Sales"),
}
GROUPS: dict[str, tuple[str, list[Any]]] = {
    "social-media": ("Social Media", ["ada.lovelace", "grace.hopper", {"group": "agencies"}]),
    "research": ("Research", ["alan.turing", "mary.somerville", "ada.lovelace"]),
    "agencies": ("Agencies", ["linus.byrne", "charles.babbage"]),
}


@pytest.fixture(scope="session", autouse=True)
def _plain_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test depends on whose machine this is, or finds another run's locks."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "HTTPS_PROXY", "HTTP_PROXY",
                     "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):  # fmt: skip
            patch.delenv(name, raising=False)
        for name in [n for n in os.environ if n.startswith("RECONCILER_")]:
            patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
            patch.setenv(name, str(home))
        patch.setenv(TOKEN, "secret-of-the-tests")
        if find_spec("sniffio") is None:  # which httpx's transport looks for at every request
            patch.setitem(sys.modules, "sniffio", None)
        yield


class Company:
    """Files of a desired state. Everything that is written is what a person would write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.app_file = root / "apps" / "app" / "app.yaml"

    def write(self, path: str, document: Any) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = (
            document
            if isinstance(document, str)
            else yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
        )
        file.write_text(text, encoding="utf-8")

    def read(self, path: str) -> Any:
        return yaml.load((self.root / path).read_text(encoding="utf-8"), _Loader)

    def person(self, id_: str, given: str, surname: str, **more: Any) -> None:
        address = f"{id_.partition('.')[0]}@contoso.com"
        document = {
            "id": id_,
            "userPrincipalName": address,
            "mail": address,
            "givenName": given,
            "surname": surname,
            "displayName": f"{given} {surname}",
            **more,
        }
        self.write(f"users/{id_}.yaml", document)

    def edit_person(self, id_: str, **values: Any) -> None:
        """None takes a key away."""
        self._edit(f"users/{id_}.yaml", values)

    def group(self, id_: str, name: str, members: list[Any], **more: Any) -> None:
        self.write(f"groups/{id_}.yaml", {"id": id_, "displayName": name, **more, "members": members})

    def edit_group(self, id_: str, **values: Any) -> None:
        self._edit(f"groups/{id_}.yaml", values)

    def edit_app(self, **values: Any) -> None:
        self._edit("apps/app/app.yaml", values)

    def members(self, id_: str) -> list[Any]:
        members = self.read(f"groups/{id_}.yaml")["members"]
        assert isinstance(members, list)
        return members

    def remove_person(self, id_: str) -> None:
        """The file, and every line that names the person."""
        (self.root / f"users/{id_}.yaml").unlink()
        for file in (self.root / "groups").glob("*.yaml"):
            kept = [
                m for m in self.members(file.stem) if m != id_ and not (isinstance(m, dict) and m.get("user") == id_)
            ]
            self.edit_group(file.stem, members=kept)

    def remove_group(self, id_: str) -> None:
        """The file, and every nesting."""
        (self.root / f"groups/{id_}.yaml").unlink()
        for file in (self.root / "groups").glob("*.yaml"):
            self.edit_group(file.stem, members=[m for m in self.members(file.stem) if m != {"group": id_}])

    def _edit(self, path: str, values: dict[str, Any]) -> None:
        document = {**self.read(path), **values}
        self.write(path, {key: value for key, value in document.items() if value is not None})

    @property
    def state_file(self) -> Path:
        return self.root / ".reconciler" / "app.json"

    @property
    def state(self) -> dict[str, Any]:
        document = orjson.loads(self.state_file.read_bytes())
        assert isinstance(document, dict)
        return document

    def journals(self) -> list[dict[str, Any]]:
        """The lines of all journals, in order."""
        files = sorted((self.root / ".reconciler" / "journals").glob("*.jsonl"))
        return [orjson.loads(line) for file in files for line in file.read_bytes().splitlines()]


async def _instantly(_: float) -> None:
    """Waiting without waiting: what is tested is what happens, not when."""


@dataclass
class Applied:
    plan: Plan
    outcome: Outcome

    @property
    def code(self) -> int:
        return self.outcome.exit_code

    def statuses(self) -> dict[tuple[str, str], str]:
        """(action, key) → status."""
        return {(s.change.action, s.change.key): str(s.status) for s in self.outcome.steps}


@dataclass
class Story:
    """One company, one application in this process, and plan and apply between them."""

    company: Company
    transport: httpx.AsyncBaseTransport
    allow: list[str] = field(default_factory=list)
    alive: Callable[[], bool] = lambda: True
    """False: the process was killed, and writes no state any more."""
    on_run: Callable[[Run], None] = lambda _run: None
    tenant: str = TENANT

    def open(self) -> Opened:
        settings = Settings(directory=self.company.root, allow=tuple(self.allow), transport=self.transport)
        (opened,) = open_apps(settings)
        return opened

    def client(self, opened: Opened) -> Client:
        """As Opened.connect makes it, but never waiting."""
        return Client(
            opened.app.tenant_url,
            bearer=lambda: "token",
            content_type=opened.profile.content_type,
            concurrency=opened.profile.rate.concurrency,
            transport=self.transport,
            sleep=_instantly,
            chance=lambda: 0.0,
        )

    def plan(self, *allow: str) -> Plan:
        self.allow = list(allow)

        async def main() -> Plan:
            opened = self.open()
            async with self.client(opened) as client:
                return (await opened.propose(client, Progress("app"))).plan

        return asyncio.run(main())

    def apply(self, *allow: str) -> Applied:
        self.allow = list(allow)

        async def main() -> Applied:
            opened = self.open()
            async with self.client(opened) as client:
                proposal = await opened.propose(client, Progress("app"))
                return Applied(proposal.plan, await self.run(opened, client, proposal).execute())

        return asyncio.run(main())

    def run(self, opened: Opened, client: Client, proposal: Proposal) -> Run:
        now = datetime.now(UTC)
        journal = opened.states.folder / "journals" / f"{now:%Y%m%dT%H%M%S%f}.jsonl"

        def save(state: State) -> None:
            if self.alive():
                opened.states.save(state)

        run = Run(proposal, client, opened.profile, opened.state, journal, save, now)
        self.on_run(run)
        return run

    def converge(self, *allow: str) -> Applied:
        """Apply, everything done; the plan after it is empty, as promised."""
        applied = self.apply(*allow)
        bad = [(s.change.action, s.change.key, s.status, s.message) for s in applied.outcome.steps
               if s.status is not Status.DONE]  # fmt: skip
        assert not bad, bad
        assert applied.code == 0
        self.settled()
        return applied

    def settled(self) -> Plan:
        """Nothing is left to do, and nothing waits for an answer."""
        plan = self.plan()
        assert plan.empty, [(c.action, c.key, c.held) for c in plan.changes]
        return plan


@dataclass
class SandboxStory(Story):
    """With the embedded sandbox as the application."""

    sandbox: Sandbox = field(kw_only=True)

    def members(self, group: str) -> set[str]:
        """The userNames in a group, by its name."""
        users = self.sandbox.users
        return {users[m]["userName"] for m in self.sandbox.members(self.sandbox.group_id(group))}

    def user(self, name: str) -> dict[str, Any]:
        return self.sandbox.users[self.sandbox.user_id(f"{name}@contoso.com")]

    def writes(self) -> list[tuple[str, str, Any]]:
        """(method, path, body) of what was written so far."""
        return [(r.method, r.path, r.json) for r in self.sandbox.requests if r.method != "GET"]


def build_company(root: Path, *, gallery: str, tenant: str = TENANT) -> Company:
    """Six people, three groups (one inside another), everybody in scope of one app."""
    company = Company(root)
    for id_, (given, surname, department) in PEOPLE.items():
        company.person(id_, given, surname, department=department)
    for id_, (name, members) in GROUPS.items():
        company.group(id_, name, members)
    company.write(
        "apps/app/app.yaml",
        {
            "gallery": gallery,
            "tenantUrl": tenant,
            "auth": {"bearer": {"env": TOKEN}},
            "scope": {"everyone": True},
            "unmanaged": {"users": "report"},
            "profile": {"rate": {"perSecond": None}},
        },
    )
    return company


def build_story(root: Path, gallery: str, sandbox: Sandbox | None = None) -> SandboxStory:
    sandbox = sandbox or Sandbox(gallery, rate=0)
    sandbox.store.move(TENANT)
    company = build_company(root, gallery=gallery)
    transport = httpx.ASGITransport(app=create_app(sandbox))
    return SandboxStory(company, transport, sandbox=sandbox)


@pytest.fixture
def company(tmp_path: Path) -> Callable[..., Company]:
    """company(gallery=…, tenant=…): the files, in the test's folder."""
    return lambda **options: build_company(tmp_path / "state", **options)


@pytest.fixture(params=["hootsuite", "scim"])
def story(request: pytest.FixtureRequest, tmp_path: Path) -> SandboxStory:
    """The company and the sandbox, in both profiles."""
    return build_story(tmp_path / "state", request.param)


@pytest.fixture
def story_of(tmp_path: Path) -> Callable[..., SandboxStory]:
    """story_of(gallery, sandbox=…, folder=…): as many stories as a test needs."""

    def make(
        gallery: str, sandbox: Sandbox | None = None, folder: str = "state", *, again: bool = False
    ) -> SandboxStory:
        root = tmp_path / folder
        if again:
            shutil.rmtree(root, ignore_errors=True)
        return build_story(root, gallery, sandbox)

    return make


@dataclass(frozen=True)
class Called:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return orjson.loads(self.out)


@pytest.fixture
def reconciler(capsys: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    """reconciler("plan", DIR, …): the command line, in this process."""

    def call(*arguments: object) -> Called:
        capsys.readouterr()
        code = command([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Called(code, captured.out, captured.err)

    return call
