"""Single sign-on from the command line: `validate`, `plan` and `check`, with metadata and with an issuer."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from tests.sso.makes import NOW, certificate, entity, metadata, pem, signed
from tests.sso.test_discovery import GOOD, rsa_key

if TYPE_CHECKING:
    from tests.conftest import Called, Company

Reconciler = Callable[..., "Called"]
TOKEN = {"actsAs": "provisioning@contoso.com"}
SAML = {"metadata": "idp.xml", "nameId": "userPrincipalName"}


@pytest.fixture
def saml(site: Company) -> Company:
    """Everybody has an account; then the application gets single sign-on."""
    site.edit_app(sso=SAML, guardrails=TOKEN)
    return site


def put(site: Company, data: bytes, name: str = "idp.xml") -> None:
    (site.app_file.parent / name).write_bytes(data)


@contextmanager
def at(moment: datetime = NOW) -> Iterator[None]:
    with time_machine.travel(moment, tick=True):
        yield


def notes(called: Called) -> list[tuple[str, str]]:
    plan = json.loads(called.out)
    return [(n["code"], n["text"]) for n in plan["notes"] if n["code"].startswith("sso")]


def test_from_the_first_plan_to_the_first_sign_in(saml: Company, reconciler: Reconciler) -> None:
    put(saml, metadata())
    with at():
        first = notes(reconciler("plan", saml.root, "--format", "json"))
        assert [code for code, _ in first] == ["ssoFirstSignIn"]
        assert "! accounts that the next apply makes: " in reconciler("check", saml.root).out
        assert reconciler("apply", saml.root, "--yes").code == 0
        assert notes(reconciler("plan", saml.root, "--format", "json")) == []
        checked = reconciler("check", saml.root)
    assert checked.code == 0, checked.out
    assert "✓ the metadata is of https://idp.contoso.com/" in checked.out
    assert "✓ everybody in scope has an account and can sign in to it" in checked.out


def test_a_certificate_that_ends_is_in_every_plan_and_fails_no_check(saml: Company, reconciler: Reconciler) -> None:
    put(saml, metadata(certificate(20)))
    with at():
        text = reconciler("plan", saml.root).out
        checked = reconciler("check", saml.root, "--format", "json")
    assert "ends on 2026-12-13, in 20 days: nobody can sign in then" in " ".join(text.split())
    ends = [f for f in json.loads(checked.out)["findings"] if "in 20 days" in f["what"]]
    assert [f["ok"] for f in ends] == [None]
    assert checked.code == 0


def test_one_that_has_ended_fails_it(saml: Company, reconciler: Reconciler) -> None:
    put(saml, metadata(certificate(-1)))
    with at():
        checked = reconciler("check", saml.root)
    assert checked.code == 1
    assert "✗ no certificate for signing holds" in checked.out


def test_the_day_of_the_plan_counts(saml: Company, reconciler: Reconciler) -> None:
    put(saml, metadata(certificate(20)))
    with at():
        later = notes(reconciler("plan", saml.root, "--as-of", "2027-01-05", "--format", "json"))
    assert any("no certificate for signing holds" in text for _, text in later)


def test_a_pinned_certificate(saml: Company, reconciler: Reconciler) -> None:
    saml.edit_app(sso={**SAML, "certificate": "idp.pem"})
    put(saml, signed(entity(), certificate()))
    put(saml, pem(certificate()), "idp.pem")
    with at():
        assert "✓ the metadata is signed with the certificate that app.yaml names" in reconciler("check", saml.root).out
        put(saml, pem(certificate(kind="p256")), "idp.pem")
        assert "✗ the signature of the metadata does not hold" in reconciler("check", saml.root).out
        put(saml, b"none", "idp.pem")
        refused = reconciler("validate", saml.root)
    assert refused.code == 1
    assert "apps/app/app.yaml:" in refused.err
    assert "the file of sso.certificate holds no certificate in PEM form" in refused.err


@pytest.mark.parametrize("command", ["validate", "plan", "check", "drift"])
def test_a_file_that_can_not_be_used_is_an_error_at_its_line(
    saml: Company, reconciler: Reconciler, command: str
) -> None:
    put(saml, b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>')
    lines = saml.app_file.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if "idp.xml" in text)
    refused = reconciler(command, saml.root)
    assert refused.code == 1
    assert f"apps/app/app.yaml:{line}:" in refused.err
    assert "the SAML metadata has a document type or entities in it" in refused.err


def test_without_the_extra_people_are_compared_and_the_rest_is_told(
    saml: Company, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(saml, b"anything")
    monkeypatch.setattr("reconciler.session.sign_on.find_spec", lambda name: None if name == "signxml" else name)
    saml.edit_app(sso={**SAML, "nameId": "mailNickname"})
    found = dict(notes(reconciler("plan", saml.root, "--format", "json")))
    assert "the extra `sso` is not installed (pip install 'reconciler[sso]')" in found["ssoMetadata"]
    assert "no mailNickname" in found["ssoNameId"]
    assert reconciler("validate", saml.root).code == 0


def test_the_plan_against_a_revision_and_of_files_alone(saml: Company, reconciler: Reconciler) -> None:
    put(saml, metadata())
    who = ("-c", "user.name=me", "-c", "user.email=me@example.com")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-q", "-m", "as it is")):
        subprocess.run(["git", "-C", str(saml.root), *words], check=True)
    saml.edit_app(sso={**SAML, "nameId": "mailNickname"})
    with at():
        called = reconciler("plan", saml.root, "--base", "main", "--offline", "--format", "json")
    plan = json.loads(called.out)
    told = [n["text"] for n in plan["notes"]]
    assert "sso.nameId: userPrincipalName → mailNickname" in told
    assert any("no mailNickname, and so no NameID" in text for text in told)
    assert not any("noBase" in n["code"] for n in plan["notes"])
    assert plan["changes"] == []


class Issuer:
    """On a socket of this machine."""

    def __init__(self) -> None:
        outer = self
        self.pages: dict[str, Any] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = outer.pages.get(self.path)
                body = json.dumps(page).encode()
                self.send_response(404 if page is None else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        named = {key: value.replace("https://idp.contoso.com", self.url) if isinstance(value, str) else value
                 for key, value in GOOD.items()}  # fmt: skip
        self.pages["/tenant/.well-known/openid-configuration"] = named
        self.pages["/tenant/keys"] = {"keys": [rsa_key()]}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_an_issuer_is_asked_by_check_alone(site: Company, reconciler: Reconciler, issuer: Issuer) -> None:
    site.edit_app(sso={"issuer": f"{issuer.url}/tenant", "subject": "userPrincipalName"}, guardrails=TOKEN)
    assert reconciler("apply", site.root, "--yes").code == 0
    good = reconciler("check", site.root)
    assert good.code == 0, good.out
    assert f"✓ the issuer is {issuer.url}/tenant" in good.out
    assert "✓ 1 key for signatures, none of them weak" in good.out
    issuer.pages["/tenant/keys"] = {"keys": []}
    bad = reconciler("check", site.root)
    assert bad.code == 1
    assert "✗ the issuer publishes no key for signatures" in bad.out
    issuer.pages.clear()
    gone = reconciler("check", site.root)
    assert gone.code == 1
    assert "✗ the identity provider: GET http://127.0.0.1" in gone.out
    assert "✓ the token is accepted" in gone.out  # one failure hides no other
    assert notes(reconciler("plan", site.root, "--format", "json")) == []
