"""`reconciler sandbox` as somebody runs it in a terminal."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from reconciler.cli.sandbox import TOKEN_VARIABLE, sandbox
from reconciler.errors import ReconcilerError, UsageError
from reconciler.sandbox import MEANINGS

Start = Callable[..., "subprocess.Popen[str]"]
RUN = [sys.executable, "-c", "from reconciler.cli.sandbox import sandbox; sandbox()", "--port", "0"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the command in a process of its own, which ends with the test."""
    processes: list[subprocess.Popen[str]] = []

    def begin(*options: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*RUN, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().split()[-1]


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it still says after Ctrl-C."""
    assert process.stdout is not None
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    said = process.stdout.read(), process.stderr.read()
    process.wait(timeout=20)
    return said


def total(url: str, token: str = "anything") -> int:
    answer = httpx.get(f"{url}/Users", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    return int(answer.json()["totalResults"]) if answer.status_code == 200 else -answer.status_code


def test_it_says_where_it_is_and_how_to_use_it_and_ctrl_c_is_no_failure(start: Start) -> None:
    process = start("--users", "3", **{TOKEN_VARIABLE: ""})
    url = url_of(process)
    assert total(url) == 4
    out, err = interrupt(process)
    assert process.returncode == 0
    assert "export HOOTSUITE_SCIM_TOKEN=anything" in out
    assert f"tenantUrl: {url}" in out
    assert err.strip() == "stopped"


def test_a_token_from_the_environment_is_the_only_one_and_is_never_shown(start: Start) -> None:
    process = start("--gallery", "scim", **{TOKEN_VARIABLE: "canary-token"})
    url = url_of(process)
    assert total(url) == -401
    assert total(url, "canary-token") == 7
    out, err = interrupt(process)
    assert "canary" not in out + err
    assert f'export SCIM_TOKEN="${TOKEN_VARIABLE}"' in out


def test_a_kill_costs_no_more_than_the_last_moment(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "sandbox.json"
    process = start("--state", str(file), "--users", "0")
    url = url_of(process)
    body = {"userName": "ada@example.com", "displayName": "Ada", "active": True}
    httpx.post(f"{url}/Users", json=body, headers={"Authorization": "Bearer x"}, trust_env=False)
    deadline = time.monotonic() + 10
    while not (file.exists() and b"ada@example.com" in file.read_bytes()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait(timeout=20)
    again = start("--state", str(file))
    assert total(url_of(again)) == 2


def test_the_options_reach_the_server(start: Start) -> None:
    process = start("--rate", "0", "--fault", "lyingTotal", "--fault", "busy=2", "--users", "1", "--latency", "1")
    url = url_of(process)
    assert [total(url), total(url)] == [5, -503]


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(sandbox, ["--port", str(port)])
    assert isinstance(result.exception, ReconcilerError)
    assert result.exception.exit_code == 1
    assert result.exception.message == f"port {port} is in use"


def test_a_state_file_in_no_folder(tmp_path: Path) -> None:
    result = CliRunner().invoke(sandbox, ["--state", str(tmp_path / "no" / "file.json")])
    assert isinstance(result.exception, ReconcilerError)
    assert "folder does not exist" in result.exception.message


def test_a_wrong_fault_and_a_wrong_gallery() -> None:
    assert isinstance(CliRunner().invoke(sandbox, ["--fault", "htlm"]).exception, UsageError)
    assert isinstance(CliRunner().invoke(sandbox, ["--gallery", "myspace"]).exception, ReconcilerError)
    assert CliRunner().invoke(sandbox, ["--users", "-1"]).exit_code == 2


def test_help_explains_every_fault() -> None:
    text = CliRunner().invoke(sandbox, ["--help"]).output
    for name in MEANINGS:
        assert f"\n  {name} " in text


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reconciler.sandbox", None)
    result = CliRunner().invoke(sandbox, [])
    assert isinstance(result.exception, ReconcilerError)
    assert result.exception.hint == "pip install 'reconciler[sandbox]'"
    assert CliRunner().invoke(sandbox, ["--help"]).exit_code == 0
