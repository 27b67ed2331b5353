"""Promise 8: no secret in any output. Canaries in the token, the environment and what servers say."""

from __future__ import annotations

import http.server
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]

TOKEN = "canary-token-4711"
OTHER = "canary-environment-4712"


class _Parrot(http.server.BaseHTTPRequestHandler):
    """Repeats the credentials that it was sent in its refusal, as bad proxies do."""

    status = 500
    whole = True

    def do_GET(self) -> None:
        said = self.headers["authorization"][0 if self.whole else 7 :]
        body = f'{{"detail": "failed for {said}", "status": "{self.status}"}}'.encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Debug", said)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@pytest.fixture(params=[(s, whole) for s in (200, 400, 401, 403, 418) for whole in (True, False)])
def parrot(request: pytest.FixtureRequest) -> Iterator[str]:
    handler = type("Parrot", (_Parrot,), {"status": request.param[0], "whole": request.param[1]})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/scim/v2"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIM_TEST_TOKEN", TOKEN)
    monkeypatch.setenv("SOME_OTHER_SECRET", OTHER)


def search(called: Called, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every output, every log line of every library, every file."""
    files = [p.read_bytes() for p in folder.rglob("*") if p.is_file()]
    for canary in (TOKEN, OTHER):
        assert canary not in called.out
        assert canary not in called.err
        assert canary not in caplog.text
        assert not [f for f in files if canary.encode() in f]


@pytest.mark.parametrize("faults", [[], ["readOnly"], ["failCreate=ada@contoso.com"], ["notKept=timezone"]])
@pytest.mark.parametrize("form", ["text", "json"])
def test_an_apply_tells_no_secret(
    company: Callable[..., Company],
    reconciler: Reconciler,
    caplog: pytest.LogCaptureFixture,
    faults: list[str],
    form: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox = Sandbox("hootsuite", rate=0, token=TOKEN, faults=faults)
    with running(sandbox) as url:
        files = company(gallery="hootsuite", tenant=url)
        called = reconciler("apply", files.root, "--yes", "--format", form, "--verbose")
        search(called, files.root, caplog)
        assert (files.root / ".reconciler" / "journals").is_dir()
        search(reconciler("plan", files.root, "--format", form), files.root, caplog)


def test_a_server_that_repeats_the_token(
    parrot: str, company: Callable[..., Company], reconciler: Reconciler, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    files = company(gallery="scim", tenant=parrot)
    called = reconciler("plan", files.root)
    assert called.code == 1
    assert "failed" in called.err
    search(called, files.root, caplog)


def test_journal_and_state_hold_no_values_of_attributes(
    company: Callable[..., Company], reconciler: Reconciler
) -> None:
    with running(Sandbox("hootsuite", rate=0)) as url:
        files = company(gallery="hootsuite", tenant=url)
        files.edit_person("ada.lovelace", timeZone="Europe/Sofia", mail="private-address@contoso.com")
        assert reconciler("apply", files.root, "--yes").code == 0
        found = [p for p in (files.root / ".reconciler").rglob("*") if p.is_file()]
        kept = b"".join(p.read_bytes() for p in found if not p.name.endswith(".plan.json"))  # a plan shows values
    assert b"ada.lovelace" in kept
    assert b"Europe/Sofia" not in kept
    assert b"private-address" not in kept
