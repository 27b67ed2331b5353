"""The command line of the image, with the package from a wheel: pulls, applies, answers its health check, and stops."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from reconciler.sandbox import Sandbox, running
from tests.conftest import TOKEN, Company, build_company
from tests.deploy.conftest import Installed
from tests.deploy.test_deployment_files import FOLDER, listed, of_last
from tests.state.conftest import git

SECONDS = 60.0
SECRET = "secret-of-the-service"
PAGE_TOKEN = "a-token-of-the-page-that-is-long"


@pytest.fixture
def box() -> Sandbox:
    return Sandbox("scim", rate=0)


@pytest.fixture
def remote(box: Sandbox, tmp_path: Path) -> Iterator[Company]:
    """A work tree of somebody, with a bare repository that it pushes to."""
    with running(box) as url:
        company = build_company(tmp_path / "author" / "desired-state", gallery="scim", tenant=url)
        git(company.root.parent, "init", "-q", "-b", "main")
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "remote.git"], check=True)
        git(company.root.parent, "remote", "add", "origin", str(tmp_path / "remote.git"))
        merge(company, "the company")
        yield company


def merge(company: Company, message: str) -> None:
    git(company.root.parent, "add", "-A")
    git(company.root.parent, "commit", "-qm", message)
    git(company.root.parent, "push", "-q", "origin", "main")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Service:
    """What the image runs, as a process here."""

    def __init__(self, installed: Installed, home: Path, remote: Path, stack: ExitStack) -> None:
        self.installed, self.home, self.log = installed, home, home.parent / "log"
        home.mkdir()
        subprocess.run(["git", "clone", "-q", remote, home / "access"], check=True)
        self.port = free_port()
        self.stack = stack

    def start(self, *options: str, **environ: str) -> subprocess.Popen[bytes]:
        written = listed(of_last("CMD")[0])
        arguments = [
            word.replace("127.0.0.1:8321", f"127.0.0.1:{self.port}").replace("/var/lib/reconciler", str(self.home))
            for word in written
        ]
        assert arguments != written
        environ = self.installed.environ(self.home, CI="true", **environ)
        output = self.stack.enter_context(self.log.open("ab"))
        command = self.installed.command(*arguments, *options)
        process = subprocess.Popen(command, cwd=self.home, env=environ, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=output, start_new_session=True)  # fmt: skip
        self.stack.callback(self._end, process)
        return process

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.kill()
        process.wait(SECONDS)

    def get(self, path: str, token: str | None = None) -> tuple[int, str]:
        request = Request(f"http://127.0.0.1:{self.port}{path}")
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()
        except OSError:
            return 0, ""

    def healthy(self) -> bool:
        """By the health check of the image itself."""
        _, *command = listed(of_last("HEALTHCHECK")[0])
        command = [word.replace(":8321", f":{self.port}") for word in command]
        environ = self.installed.environ(self.home, http_proxy="http://127.0.0.1:9")
        checked = subprocess.run([sys.executable, *command], env=environ, check=False, capture_output=True)
        return checked.returncode == 0

    def told(self) -> str:
        return self.log.read_text(encoding="utf-8")


@pytest.fixture
def service(installed: Installed, remote: Company, tmp_path: Path) -> Iterator[Service]:
    with ExitStack() as stack:
        yield Service(installed, tmp_path / "home", tmp_path / "remote.git", stack)


def until(what: Callable[[], object], service: Service, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS
    while not what():
        assert process.poll() is None, service.told()
        assert time.monotonic() < end, service.told()
        time.sleep(0.05)


def names(box: Sandbox) -> set[str]:
    return {user["userName"] for user in box.users.values()}


def test_it_holds_the_application_to_what_is_merged_until_it_is_told_to_stop(
    service: Service, remote: Company, box: Sandbox, installed: Installed
) -> None:
    files = {path for path in installed.folder.rglob("*") if path.is_file()}
    assert not service.healthy()
    process = service.start("--interval", "1s", **{TOKEN: SECRET, "RECONCILER_ALLOW_ENV": TOKEN})
    until(service.healthy, service, process)
    until(lambda: service.get("/readyz")[0] == 200, service, process)
    until(lambda: "ada@contoso.com" in names(box), service, process)

    remote.person("nora.falk", "Nora", "Falk", department="Sales")
    merge(remote, "Nora joins")
    until(lambda: "nora@contoso.com" in names(box), service, process)

    status, page = service.get("/")
    assert (status, "app" in page) == (200, True)
    assert service.get("/metrics")[0] == 200
    assert service.healthy()

    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 0, service.told()
    assert SECRET not in service.told() + page
    assert {path for path in installed.folder.rglob("*") if path.is_file()} == files  # it writes where it may
    assert not service.healthy()


def test_a_host_that_is_not_listed_gets_no_token(service: Service, remote: Company, box: Sandbox) -> None:
    """Whoever can merge can't have the token sent to themselves."""
    process = service.start("--interval", "1s", **{TOKEN: SECRET, "RECONCILER_ALLOW_ENV": TOKEN})
    until(lambda: "ada@contoso.com" in names(box), service, process)
    remote.edit_app(tenantUrl="https://scim.example.net/v2")
    merge(remote, "another host")
    until(lambda: "scim.example.net is not on the list" in service.told(), service, process)
    assert service.healthy()
    process.terminate()
    assert process.wait(SECONDS) == 0
    assert SECRET not in service.told()


def test_what_others_can_reach_wants_a_token(service: Service) -> None:
    """As in the Deployment: on every address, with the token from a Secret."""
    everywhere = ["--serve", f"0.0.0.0:{service.port}"]
    refused = service.start(*everywhere, **{TOKEN: SECRET, "RECONCILER_ALLOW_ENV": TOKEN})
    assert refused.wait(SECONDS) == 64  # which systemd does not start again
    assert "RECONCILER_SERVE_TOKEN" in service.told()


def test_the_page_asks_for_the_token_and_the_probes_do_not(service: Service) -> None:
    process = service.start(**{TOKEN: SECRET, "RECONCILER_ALLOW_ENV": TOKEN, "RECONCILER_SERVE_TOKEN": PAGE_TOKEN})
    until(service.healthy, service, process)
    until(lambda: service.get("/readyz")[0] == 200, service, process)
    assert service.get("/")[0] == service.get("/metrics")[0] == 401
    assert service.get("/", PAGE_TOKEN)[0] == 200
    process.terminate()
    assert process.wait(SECONDS) == 0
    assert PAGE_TOKEN not in service.told()


def test_the_job_makes_one_cycle(installed: Installed, remote: Company, box: Sandbox, service: Service) -> None:
    """The command line of the CronJob."""
    written = re.search(r"args: \[(run, --once.*)\]", (FOLDER / "kubernetes" / "cronjob.yaml").read_text("utf-8"))
    assert written
    arguments = [word.replace("/var/lib/reconciler", str(service.home)) for word in written[1].split(", ")]
    done = installed.run(arguments, service.home, CI="true", RECONCILER_ALLOW_ENV=TOKEN, **{TOKEN: SECRET})
    assert done.returncode == 0, done.stderr
    assert "ada@contoso.com" in names(box)
    again = installed.run(arguments, service.home, CI="true", RECONCILER_ALLOW_ENV=TOKEN, **{TOKEN: SECRET})
    assert again.returncode == 0, again.stderr
    assert "nothing to do" in again.stdout
