"""From `auth` in a file to requests that an application takes: hosts before secrets, and no secret in any output."""

from __future__ import annotations

import base64
import http.server
import json
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]

SECRET = "canary-secret-4713"
TOKEN = "canary-token-4714"


class Login:
    """A token endpoint on this machine; with `refuse` it repeats in its refusal what it was sent."""

    def __init__(self) -> None:
        self.forms: list[dict[str, list[str]]] = []
        self.headers: list[dict[str, str]] = []
        self.refuse = False
        self.url = ""

    def answer(self, headers: dict[str, str], content: bytes) -> tuple[int, dict[str, Any]]:
        self.headers.append(headers)
        self.forms.append(parse_qs(content.decode()))
        if self.refuse:
            given = headers.get("Authorization", "")
            pair = base64.b64decode(given.removeprefix("Basic ")).decode()
            said = f"who is {given}, {pair}, {content.decode()}?"
            return 401, {"error": "invalid_client", "error_description": said}
        return 200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def login() -> Iterator[Login]:
    endpoint = Login()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            status, document = endpoint.answer(dict(self.headers), content)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        endpoint.url = f"http://127.0.0.1:{server.server_port}/oauth2/token"
        yield endpoint
        server.shutdown()
        thread.join()


def _credentials(url: str, **more: Any) -> dict[str, Any]:
    return {"clientCredentials": {"tokenUrl": url, "clientId": "me", "clientSecret": {"env": "CLIENT_SECRET"}, **more}}


def _silent(called: Called, folder: Path, caplog: pytest.LogCaptureFixture, *canaries: str) -> None:
    files = [p.read_bytes() for p in folder.rglob("*") if p.is_file()]
    for canary in (SECRET, TOKEN, base64.b64encode(f"me:{SECRET}".encode()).decode(), *canaries):
        assert canary not in called.out + called.err + caplog.text
        assert not [f for f in files if canary.encode() in f]


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT_SECRET", SECRET)


def test_an_apply_with_client_credentials_gets_one_token_and_tells_nothing(
    login: Login, company: Callable[..., Company], reconciler: Reconciler, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with running(Sandbox("scim", rate=0, token=TOKEN)) as url:
        files = company(gallery="scim", tenant=url)
        files.edit_app(auth=_credentials(login.url))
        called = reconciler("apply", files.root, "--yes", "--verbose")
    assert called.code == 0
    assert len(login.forms) == 1
    _silent(called, files.root, caplog)


def test_a_private_key_does_too(
    login: Login, company: Callable[..., Company], reconciler: Reconciler, caplog: pytest.LogCaptureFixture
) -> None:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    caplog.set_level(logging.DEBUG)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    with running(Sandbox("scim", rate=0, token=TOKEN)) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIENT_KEY", pem)
        files = company(gallery="scim", tenant=url)
        credentials = {"tokenUrl": login.url, "clientId": "me", "privateKey": {"env": "CLIENT_KEY"}}
        files.edit_app(auth={"clientCredentials": credentials})
        called = reconciler("plan", files.root)
        login.refuse = True
        refused = reconciler("plan", files.root)
    assert called.code == 0
    assert (refused.code, "invalid_client" in refused.err) == (1, True)
    assertion = login.forms[-1]["client_assertion"][0]
    for one in (called, refused):
        _silent(one, files.root, caplog, pem.splitlines()[1], *assertion.split("."))


def test_a_refusal_names_the_token_endpoint_and_repeats_nothing(
    login: Login, company: Callable[..., Company], reconciler: Reconciler, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    login.refuse = True
    files = company(gallery="scim", tenant="http://127.0.0.1:9/scim/v2")
    for place in ("header", "body"):
        files.edit_app(auth=_credentials(login.url, secretIn=place))
        called = reconciler("plan", files.root)
        assert called.code == 1
        assert f"POST {login.url}: the token endpoint refused to give a token (401): invalid_client" in called.err
        _silent(called, files.root, caplog)


def test_the_host_of_the_token_endpoint_is_checked_before_any_secret_is_read(
    company: Callable[..., Company], reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    files = company(gallery="scim", tenant="http://127.0.0.1:9/scim/v2")
    credentials = _credentials("https://evil.example/token")
    credentials["clientCredentials"]["clientSecret"] = {"command": ["touch", "it-was-read"]}
    files.edit_app(auth=credentials)
    called = reconciler("plan", files.root, "--allow-command", "touch it-was-read")
    assert called.code == 1
    assert "host evil.example is not on the list" in called.err
    assert not (files.root / "it-was-read").exists()


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ({"caFile": "ca.pem"}, "file ca.pem does not exist"),
        ({"caFile": "../ca.pem"}, "outside of the desired state"),
        ({"caFile": "apps/app/app.yaml"}, "caFile holds no certificates"),
        (
            {"auth": {"mutualTls": {"certificate": "client.pem", "key": {"env": "CLIENT_SECRET"}}}},
            "file client.pem does not exist",
        ),
        (
            {"auth": {"mutualTls": {"certificate": "apps/app/app.yaml", "key": {"env": "CLIENT_SECRET"}}}},
            "environment variable CLIENT_SECRET holds no private key",
        ),
    ],
)
def test_certificates_that_are_not_there_are_said_before_anything_is_sent(
    company: Callable[..., Company], reconciler: Reconciler, app: dict[str, Any], says: str
) -> None:
    files = company(gallery="scim", tenant="http://127.0.0.1:9/scim/v2")
    files.edit_app(**app)
    called = reconciler("plan", files.root)
    assert called.code == 1
    assert says in called.err
    assert SECRET not in called.err
