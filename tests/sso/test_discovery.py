"""OpenID Connect discovery: what an issuer says, and what of it people should not rely on."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from reconciler.errors import ReconcilerError, SecretError
from reconciler.http import Outgoing, in_process
from reconciler.model.sso import Finding
from reconciler.sso.discovery import PATH, asked

ISSUER = "https://idp.contoso.com/tenant"
KEYS = "https://idp.contoso.com/tenant/keys"
GOOD: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": KEYS,
    "response_types_supported": ["code"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "claims_supported": ["sub", "email"],
}


def rsa_key(bits: int = 2048, **more: Any) -> dict[str, Any]:
    number = base64.urlsafe_b64encode((1 << (bits - 1) | 1).to_bytes(bits // 8, "big")).rstrip(b"=").decode()
    return {"kty": "RSA", "use": "sig", "n": number, "e": "AQAB", **more}


class Web:
    """Answers by URL, and remembers what was asked."""

    def __init__(self, pages: Mapping[str, Any], status: int = 200) -> None:
        self.pages, self.status = pages, status
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        assert "authorization" not in headers
        query = f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
        url = f"{scope['scheme']}://{headers['host']}{scope['path']}{query}"
        self.asked.append(url)
        page = self.pages.get(url)
        status = 404 if page is None else self.status
        body = page if isinstance(page, bytes) else orjson.dumps(page)
        extra = [(b"location", b"https://evil.example/")] if status == 302 else []
        await send({"type": "http.response.start", "status": status, "headers": extra})
        await send({"type": "http.response.body", "body": body})


def ask(
    document: Any = None,
    keys: Any = None,
    *,
    issuer: str = ISSUER,
    claim: str = "sub",
    status: int = 200,
    environ: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> tuple[list[Finding], Web]:
    web = Web(
        {issuer.rstrip("/") + PATH: document or GOOD, KEYS: keys or {"keys": [rsa_key()]}, **(more or {})}, status
    )
    outgoing = Outgoing.from_environment(environ or {})
    return asyncio.run(asked(issuer, claim, outgoing, in_process(web))), web


def worst(found: list[Finding]) -> str:
    return " | ".join(each.what for each in found if each.ok is not True)


def test_a_good_issuer() -> None:
    found, web = ask()
    assert worst(found) == ""
    assert web.asked == [ISSUER + PATH, KEYS]
    assert found[-1].what == "1 key for signatures, none of them weak"


def test_a_slash_at_the_end_of_the_issuer_goes_for_the_address_and_counts_for_the_name() -> None:
    found, web = ask({**GOOD, "issuer": f"{ISSUER}/"}, issuer=f"{ISSUER}/")
    assert worst(found) == ""
    assert web.asked[0] == ISSUER + PATH
    found, web = ask(issuer=f"{ISSUER}/")
    assert "calls itself https://idp.contoso.com/tenant, and app.yaml https://idp.contoso.com/tenant/" in worst(found)
    assert web.asked == [ISSUER + PATH]  # of somebody else nothing more is asked


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"issuer": 7}, "calls itself nothing"),
        ({"issuer": "https://evil.example"}, "calls itself https://evil.example"),
        ({"authorization_endpoint": None}, "has no authorization_endpoint"),
        ({"authorization_endpoint": "http://idp.contoso.com/"}, "authorization_endpoint is not https"),
        ({"token_endpoint": "https://[/"}, "token_endpoint is no URL"),
        ({"jwks_uri": None}, "has no jwks_uri"),
        ({"jwks_uri": "http://idp.contoso.com/keys"}, "jwks_uri is not https"),
        ({"jwks_uri": "https://127.0.0.1/keys"}, "jwks_uri leads back to this machine"),
        ({"jwks_uri": "https://me:secret@idp.contoso.com/"}, "is no address that can be used"),
        ({"jwks_uri": "file:///etc/passwd"}, "is no address that can be used"),
        ({"id_token_signing_alg_values_supported": ["none"]}, "signed with none alone"),
        ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, "signed with HS256, none alone"),
        ({"id_token_signing_alg_values_supported": ["RS256", "none"]}, "also offers ID tokens that nobody signed"),
        ({"id_token_signing_alg_values_supported": "RS256"}, ""),
        ({"subject_types_supported": ["pairwise"]}, "pairwise"),
        ({"claims_supported": ["email"]}, "does not say that it gives the claim sub"),
    ],
)
def test_what_an_issuer_may_say_wrong(change: dict[str, Any], says: str) -> None:
    found, _ = ask({**GOOD, **change})
    assert says in worst(found)
    assert all(each.what.isprintable() for each in found)


@pytest.mark.parametrize(
    ("keys", "ok", "says"),
    [
        ([], False, "no key for signatures"),
        ("none", False, "no key for signatures"),
        ([rsa_key(use="enc")], False, "no key for signatures"),
        ([{"kty": "oct", "k": "c2VjcmV0"}], False, "publishes a private key"),
        ([rsa_key(d="AQAB")], False, "publishes a private key"),
        ([rsa_key(1024)], False, "RSA with 1024 bits"),
        ([rsa_key(1024), rsa_key()], None, "RSA with 1024 bits"),
        ([{"kty": "RSA", "n": "é"}], False, "RSA with 0 bits"),
        ([{"kty": "EC", "crv": "P-192"}], False, "the curve P-192"),
        ([{"kty": "EC", "crv": "P-256"}, {"kty": "OKP", "crv": "Ed25519"}], True, "2 keys for signatures"),
    ],
)
def test_the_keys(keys: Any, ok: bool | None, says: str) -> None:
    found, _ = ask(keys={"keys": keys})
    assert [each.ok for each in found if says in each.what] == [ok]


def test_a_key_set_behind_a_query() -> None:
    where = f"{KEYS}?p=signin"
    found, web = ask({**GOOD, "jwks_uri": where}, more={where: {"keys": [rsa_key()]}})
    assert worst(found) == ""
    assert web.asked[-1] == where


@pytest.mark.parametrize("page", [b"<html>", b"[]", b"7", b"", b"\xff"])
def test_answers_that_are_no_document(page: bytes) -> None:
    with pytest.raises(ReconcilerError, match="no JSON object"):
        ask(more={ISSUER + PATH: page})


def test_redirects_are_not_followed() -> None:
    with pytest.raises(ReconcilerError, match="status 302") as caught:
        ask(status=302)
    assert "not followed" in caught.value.hint


def test_a_document_beyond_all_measure_is_not_read() -> None:
    with pytest.raises(ReconcilerError):
        ask(more={ISSUER + PATH: b" " * (2 * 1024 * 1024)})


def test_in_ci_both_hosts_must_be_allowed() -> None:
    with pytest.raises(SecretError, match=r"host idp\.contoso\.com"):
        ask(environ={"CI": "true"})
    ours = {"CI": "true", "RECONCILER_ALLOW_HOST": "idp.contoso.com"}
    ask(environ=ours)
    with pytest.raises(SecretError, match=r"host keys\.example"):
        ask({**GOOD, "jwks_uri": "https://keys.example/"}, environ=ours)
