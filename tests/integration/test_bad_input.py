"""What goes wrong, as somebody at a terminal sees it: the exit code, the message, and what to do about it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox, running
from reconciler.state import tenant_lock

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]

TOKEN = "SCIM_TEST_TOKEN"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox("hootsuite", rate=0)


@pytest.fixture
def site(sandbox: Sandbox, company: Callable[..., Company]) -> Iterator[Company]:
    """The company, and its application on a socket."""
    with running(sandbox) as url:
        yield company(gallery="hootsuite", tenant=url)


def unchanged(sandbox: Sandbox) -> bool:
    return all(r.method == "GET" for r in sandbox.requests)


# The files


@pytest.mark.parametrize(
    ("path", "text", "messages"),
    [
        ("users/broken.yaml", "id: broken\n  name: [\n", [r"users/broken\.yaml:2:\d+"]),
        ("users/x.yaml", "id: x\nuserPrincipalName: x@y.z\nsurnam: X\n", [r"users/x\.yaml:3:1.*surnam", "surname"]),
        (
            "users/twice.yaml",
            "id: ada.lovelace\nuserPrincipalName: other@contoso.com\n",
            [r"users/twice\.yaml:1:\d+.*ada\.lovelace", r"users/ada\.lovelace\.yaml"],
        ),
        (
            "users/same.yaml",
            "id: same\nuserPrincipalName: ADA@contoso.com\nmail: same@contoso.com\ndisplayName: Same\n",
            [r"users/", "userName", "ada"],
        ),
    ],
    ids=["broken YAML", "unknown key", "duplicate id", "two people with one userName"],
)
@pytest.mark.parametrize("call", ["plan", "apply"])
def test_files_that_cannot_be_used(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, path: str, text: str, messages: list[str], call: str
) -> None:
    site.write(path, text)
    called = reconciler(call, site.root)
    assert called.code == 1
    assert called.out == ""
    for message in messages:
        assert re.search(message, called.err), called.err
    assert "Traceback" not in called.err
    assert not sandbox.requests


def test_a_member_who_does_not_exist(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    """Nobody gains by it, so it stops nothing: a warning with its place, everywhere."""
    site.write("groups/crew.yaml", "id: crew\ndisplayName: Crew\nmembers: [ada.lovelace, ada.lovelac]\n")
    for call in (("plan",), ("apply", "--yes"), ("validate",)):
        called = reconciler(*call, site.root)
        assert called.code == 0
        text = called.out + called.err
        assert re.search(r"groups/crew\.yaml:3:\d+: .*`ada\.lovelac` does not exist", text), text
        assert "did you mean" in text


def test_a_nested_group_that_does_not_exist(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    site.write("groups/crew.yaml", "id: crew\ndisplayName: Crew\nmembers: [{group: nothing}]\n")
    called = reconciler("plan", site.root)
    assert called.code == 1
    assert re.search(r"groups/crew\.yaml:3:\d+: the group `nothing` does not exist", called.err)


def test_all_errors_at_once(site: Company, reconciler: Reconciler) -> None:
    site.write("users/x.yaml", "id: x\nsurnam: X\n")
    site.write("users/broken.yaml", "id: [\n")
    site.write("groups/g.yaml", "id: g\ndisplayName: G\nmember: []\n")
    err = reconciler("plan", site.root).err
    assert "users/x.yaml:2" in err
    assert "users/broken.yaml" in err
    assert "groups/g.yaml:3" in err


# The connection


def test_a_missing_token_variable(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN)
    called = reconciler("plan", site.root)
    assert called.code == 1
    assert TOKEN in called.err
    assert not sandbox.requests


def test_a_wrong_token(company: Callable[..., Company], reconciler: Reconciler) -> None:
    with running(Sandbox("hootsuite", rate=0, token="another")) as url:
        files = company(gallery="hootsuite", tenant=url)
        for call in (("plan",), ("apply", "--yes")):
            called = reconciler(*call, files.root)
            assert called.code == 1
            assert "401" in called.err
            assert "the token is wrong or expired" in called.err
            assert "secret-of-the-tests" not in called.out + called.err


def test_a_refused_permission(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    """Reading is allowed, writing is not: the run ends after five equal failures, and says so."""
    sandbox.faults.set("readOnly")
    called = reconciler("apply", site.root, "--yes")
    assert called.code == 4
    assert "403" in called.out
    assert "Manage Member" in called.out
    assert "ended after 5 equal failures in a row" in called.out
    assert "failed" in called.out
    assert "skipped" in called.out
    assert len([r for r in sandbox.requests if r.method == "POST"]) <= 5 + 8  # those at a time
    sandbox.faults.clear()
    assert reconciler("apply", site.root, "--yes").code == 0


def test_a_host_that_does_not_answer(company: Callable[..., Company], reconciler: Reconciler) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        called = reconciler("plan", company(gallery="scim", tenant=f"http://127.0.0.1:{port}/scim/v2").root)
    assert called.code == 1
    assert f"GET http://127.0.0.1:{port}/scim/v2/Users" in called.err
    assert "the connection was refused" in called.err
    assert "is the URL right" in called.err


def test_an_endpoint_that_is_not_scim(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    sandbox.faults.set("html")
    called = reconciler("plan", site.root)
    assert called.code == 1
    assert "is tenantUrl the application's SCIM address?" in called.err
    assert "<" not in called.err.replace("<!", "")


@pytest.mark.parametrize("fault", ["lyingTotal", "cutList", "repeatPages"])
def test_a_list_that_lies_makes_no_plan(site: Company, sandbox: Sandbox, reconciler: Reconciler, fault: str) -> None:
    for number in range(150):
        sandbox.add_user(f"someone{number}@elsewhere.example")
    sandbox.faults.set(fault)
    called = reconciler("apply", site.root, "--yes")
    assert called.code == 1
    assert "GET" in called.err or "Users" in called.err
    assert unchanged(sandbox)


def test_an_application_that_suddenly_looks_empty(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    assert reconciler("apply", site.root, "--yes").code == 0
    sandbox.faults.set("emptyList")
    called = reconciler("apply", site.root, "--yes")
    assert called.code == 1
    assert "--allow emptyApp" in called.err


# Writing


def test_one_of_fifty_fails_and_the_next_run_does_it(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    for number in range(44):
        site.person(f"p{number}", "Person", f"Number{number}")
    site.edit_group("research", members=["alan.turing", "p7"])
    sandbox.faults.set("failCreate=p7@contoso.com")
    called = reconciler("apply", site.root, "--yes")
    assert called.code == 4
    assert "1 failed" in called.out
    assert "p7" in called.out
    assert "400" in called.out
    names = {u["userName"] for u in sandbox.users.values()}
    assert len(names) == 49 + 1
    assert "p7@contoso.com" not in names
    sandbox.faults.clear()
    again = reconciler("apply", site.root, "--yes", "--format", "json")
    assert again.code == 0
    assert [(s["action"], s["key"]) for s in again.document["steps"]] == [
        ("createUser", "user:p7"), ("addMembers", "group:research")]  # fmt: skip
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 0


def test_nobody_is_there_to_confirm(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    called = reconciler("apply", site.root)
    assert called.code == 64
    assert "--yes" in called.err
    assert unchanged(sandbox)


def test_a_command_line_that_is_wrong(site: Company, reconciler: Reconciler) -> None:
    called = reconciler("apply", site.root, "--ye")
    assert called.code == 64
    assert "--yes" in called.err
    assert reconciler("aply", site.root).code == 64
    assert reconciler("plan", site.root, "--allow", "nonsense").code == 64


def test_provisioning_that_is_off(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    site.edit_app(provisioning=False)
    planned = reconciler("plan", site.root, "--detailed-exitcode")
    assert planned.code == 2
    called = reconciler("apply", site.root, "--yes")
    assert called.code == 0
    assert "app: provisioning is off, skipped" in called.err
    named = reconciler("apply", site.root, "--yes", "--app", "app")
    assert named.code == 64
    assert "provisioning: true" in named.err
    assert unchanged(sandbox)


def test_two_applies_at_a_time(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    tenant = site.read("apps/app/app.yaml")["tenantUrl"]
    with tenant_lock(tenant):
        called = reconciler("apply", site.root, "--yes")
        assert called.code == 1
        assert "another apply to" in called.err
        assert not sandbox.requests
        assert reconciler("plan", site.root).code == 0
    assert reconciler("apply", site.root, "--yes").code == 0


def test_a_memory_that_moved_while_waiting_for_the_lock(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another apply ended between reading the state and taking the lock: what we know is old."""
    from reconciler.cli import applying as module
    from reconciler.session import Opened

    met = module.apply_one

    async def late(opened: Opened, *options: object) -> object:
        monkeypatch.setattr(module, "apply_one", met)
        assert await asyncio.to_thread(subprocess.run, _command("apply", site.root, "--yes"), capture_output=True)
        return await met(opened, *options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "apply_one", late)
    called = reconciler("apply", site.root, "--yes")
    assert called.code == 1
    assert "has just ended" in called.err
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 0


def test_a_journal_that_cannot_be_written(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    called = reconciler("apply", site.root, "--yes", "--journal", tmp_path / "file" / "journal.jsonl")
    assert called.code == 1
    assert "the journal can't be written" in called.err
    assert unchanged(sandbox)


def test_a_damaged_memory(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    assert reconciler("apply", site.root, "--yes").code == 0
    site.state_file.write_text("{not json")
    called = reconciler("plan", site.root)
    assert called.code == 1
    assert "app.json" in called.err
    assert "losing it costs convenience" in called.err


# Ctrl-C


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "reconciler", *map(str, arguments)]


def test_interrupted_and_run_again(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    for number in range(60):
        site.person(f"p{number}", "Person", f"Number{number}")
    sandbox.latency = 0.15
    process = subprocess.Popen(
        _command("apply", site.root, "--yes"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, TOKEN: "t"},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while sum(r.method == "POST" for r in list(sandbox.requests)) < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    sandbox.latency = 0
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert "nothing new is begun" in err
    assert "interrupted" in out
    assert "skipped" in out
    lines = site.journals()
    assert lines[-1]["event"] == "end"
    assert lines[-1]["exitCode"] == 130
    tried = {line["step"] for line in lines if line["event"] == "try"}
    assert tried == {line["step"] for line in lines if line["event"] == "done"}
    made = len(sandbox.users) - 1
    assert 3 <= made < 66
    assert len([k for k in site.state["bindings"] if k.startswith("user:")]) == made
    assert reconciler("apply", site.root, "--yes").code == 0
    assert len(sandbox.users) == 67
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 0


def started(site: Company, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        _command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, TOKEN: "t"}
    )


def until(process: subprocess.Popen[str], holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_interrupted_twice_nothing_is_waited_for(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    """Memory and journal are closed all the same, and the next run finds what may have been done."""
    for number in range(30):
        site.person(f"p{number}", "Person", f"Number{number}")
    sandbox.latency = 0.1
    process = started(site, "apply", site.root, "--yes")
    until(process, lambda: sum(r.method == "POST" for r in list(sandbox.requests)) >= 8)
    sandbox.latency = 20
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "Once more" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 15
    sandbox.latency = 0
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert "interrupted twice" in err
    assert site.journals()[-1]["event"] == "aborted"
    assert site.state["bindings"]
    time.sleep(0.5)
    assert reconciler("apply", site.root, "--yes").code == 0
    assert len(sandbox.users) == 37
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 0


def test_interrupted_while_reading(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    sandbox.latency = 2
    process = started(site, "apply", site.root, "--yes")
    until(process, lambda: bool(list(sandbox.requests)))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert unchanged(sandbox)
    assert not site.state_file.exists()
    sandbox.latency = 0
    assert reconciler("apply", site.root, "--yes").code == 0
