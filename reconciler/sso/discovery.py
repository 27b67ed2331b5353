"""OpenID Connect Discovery 1.0: what an issuer says of itself, and the keys that it signs with. Fetched, and judged.

The document is anybody's who answers at that address: bounded, never followed elsewhere, and shown as harmless text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from reconciler.errors import ReconcilerError
from reconciler.http.address import is_loopback
from reconciler.model.sso import SUB, Finding
from reconciler.sso.shown import shown

if TYPE_CHECKING:
    import httpx

    from reconciler.http import Outgoing

PATH: Final = "/.well-known/openid-configuration"
"""Section 4.1: behind the issuer, whose slash at the end goes."""
_LARGEST: Final = 1024 * 1024  # bytes
_REQUIRED: Final = ("authorization_endpoint", "jwks_uri", "response_types_supported", "subject_types_supported",
                    "id_token_signing_alg_values_supported")  # fmt: skip
"""Section 3, beside issuer; token_endpoint is not required of who offers the implicit flow alone."""
_LEAST_RSA: Final = 2048
_CURVES: Final = frozenset({"P-256", "P-384", "P-521", "Ed25519", "Ed448", "secp256k1"})
_PRIVATE: Final = ("d", "p", "q", "k")
"""Members of a JWK that no published key has (RFC 7518 section 6)."""
_MOST_KEYS: Final = 200


async def asked(
    issuer: str, claim: str, outgoing: Outgoing, transport: httpx.AsyncBaseTransport | None
) -> list[Finding]:
    """What the issuer and its keys are found to be; `claim` is what people are known by. Raises ReconcilerError."""
    outgoing.check_host(issuer)
    document = await _fetched(issuer.rstrip("/") + PATH, transport)
    found = list(judged(issuer, claim, document))
    address = document.get("jwks_uri")
    if not isinstance(address, str) or not address or document.get("issuer") != issuer:
        return found  # of somebody else no further address is asked
    if (why := _unfit(address, issuer)) is not None:
        return [*found, Finding(False, f"jwks_uri {why}: {shown(address)}")]
    outgoing.check_host(address)
    return [*found, *judged_keys(await _fetched(address, transport))]


def judged(issuer: str, claim: str, document: dict[str, Any]) -> Iterator[Finding]:
    """The discovery document (sections 3 and 4.3)."""
    said = document.get("issuer")
    if said != issuer:
        text = shown(said) if isinstance(said, str) else "nothing"
        hint = "sso.issuer must be the same to the last character, also a slash at the end"
        yield Finding(False, f"the issuer calls itself {text}, and app.yaml {shown(issuer)}", hint)
        return
    yield Finding(True, f"the issuer is {shown(issuer)}")
    for name in _REQUIRED:
        if not document.get(name):
            yield Finding(False, f"the discovery document has no {name}")
    for name in ("authorization_endpoint", "token_endpoint"):
        address = document.get(name)
        if isinstance(address, str) and address and (why := _unfit(address, issuer)) is not None:
            yield Finding(False, f"{name} {why}: {shown(address)}")
    yield from _algorithms(_texts(document.get("id_token_signing_alg_values_supported")))
    claims = _texts(document.get("claims_supported"))
    if claims and claim not in claims:
        yield Finding(None, f"the issuer does not say that it gives the claim {shown(claim)}", "look at sso.claim")
    if claim == SUB and _texts(document.get("subject_types_supported")) == ["pairwise"]:
        hint = "sso.claim: another one, such as email, if the application takes it"
        yield Finding(None, "sub is another value for each application (pairwise): no attribute holds it", hint)


def _algorithms(names: Sequence[str]) -> Iterator[Finding]:
    if not names:
        return
    good = [name for name in names if name.lower() != "none" and not name.upper().startswith("HS")]
    if not good:
        told = shown(", ".join(names[:5]))
        yield Finding(False, f"ID tokens are signed with {told} alone: nobody can check who made them")
        return
    if any(name.lower() == "none" for name in names):
        yield Finding(None, "the issuer also offers ID tokens that nobody signed (alg none)")
    yield Finding(True, f"ID tokens are signed with {shown(', '.join(good[:5]))}")


def judged_keys(document: dict[str, Any]) -> Iterator[Finding]:
    """The key set (RFC 7517 section 5): at least one good key for signatures, and nothing private."""
    given = document.get("keys")
    keys = [each for each in given[:_MOST_KEYS] if isinstance(each, dict)] if isinstance(given, list) else []
    if any(name in each for each in keys for name in _PRIVATE):
        yield Finding(False, "the issuer publishes a private key: anybody can sign in as anybody")
    signing = [each for each in keys if each.get("use") in (None, "sig") and each.get("kty") in ("RSA", "EC", "OKP")]
    if not signing:
        yield Finding(False, "the issuer publishes no key for signatures")
        return
    weak = [why for each in signing if (why := _weak(each))]
    for why in dict.fromkeys(weak):
        # the application takes whichever of them signs
        yield Finding(False if len(weak) == len(signing) else None, f"a key for signatures is weak: {why}")
    if not weak:
        number = len(signing)
        yield Finding(True, f"{number} {'key' if number == 1 else 'keys'} for signatures, none of them weak")


def _weak(key: dict[str, Any]) -> str:
    if key["kty"] == "RSA":
        bits = _bits(key.get("n"))
        return f"RSA with {bits} bits" if bits < _LEAST_RSA else ""
    curve = key.get("crv")
    return "" if curve in _CURVES else f"the curve {shown(str(curve))}"


def _bits(text: Any) -> int:
    """Of a Base64urlUInt (RFC 7518 section 2); 0 for what is none."""
    import base64

    if not isinstance(text, str):
        return 0
    try:
        number = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return 0
    return int.from_bytes(number, "big").bit_length()


def _texts(given: Any) -> list[str]:
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def _unfit(address: str, issuer: str) -> str | None:
    """Why nobody should be sent there."""
    try:
        parts, own = urlsplit(address), urlsplit(issuer)
        host = parts.hostname or ""
    except ValueError:
        return "is no URL"
    if not host or parts.username is not None or parts.password is not None:
        return "is no address that can be used"
    if is_loopback(host) and is_loopback(own.hostname or ""):
        return None
    if parts.scheme != "https":
        return "is not https"
    return "leads back to this machine" if is_loopback(host) else None


async def _fetched(url: str, transport: httpx.AsyncBaseTransport | None) -> dict[str, Any]:
    """A JSON object. Raises ReconcilerError."""
    from reconciler.http import Client

    parts = urlsplit(url)
    params = dict(parse_qsl(parts.query, keep_blank_values=True))
    base = f"{parts.scheme}://{parts.netloc}"
    async with Client(base, transport=transport, max_body=_LARGEST, attempts=2, timeout=15.0) as client:
        answer = await client.send("GET", parts.path, params=params or None, headers={"accept": "application/json"})
    if answer.status != 200:
        elsewhere = 300 <= answer.status < 400
        hint = "it leads elsewhere, which is not followed" if elsewhere else "is sso.issuer right?"
        raise ReconcilerError(f"{answer.request} answers with status {answer.status}", hint=hint)
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        what = f"{answer.request} answers with something that is no JSON object"
        raise ReconcilerError(what, hint="is sso.issuer right?")
    return document
