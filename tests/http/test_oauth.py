"""Client credentials: a token endpoint, an application, and what no message may repeat."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from reconciler.errors import NotSent, ReconcilerError, SecretError, Unauthorized
from reconciler.http import Client, ClientCredentials

SECRET = "canary+secret/4711=%"
TOKEN_URL = "https://login.example/oauth2/token/"
WHO = ClientCredentials(TOKEN_URL, "re:conciler", secret=SECRET)


@dataclass
class World:
    """A token endpoint that gives token-1, token-2, …, and an application that takes what `valid` holds."""

    answers: dict[int, httpx.Response | Exception] = field(default_factory=dict)
    """Instead of a token, by number of the request."""
    expires: Any = 3600
    extra: dict[str, Any] = field(default_factory=dict)
    now: float = 1000.0
    asked: list[httpx.Request] = field(default_factory=list)
    seen: list[httpx.Request] = field(default_factory=list)
    valid: set[str] = field(default_factory=lambda: {f"token-{number}" for number in range(1, 99)})
    naps: list[float] = field(default_factory=list)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if request.url.host == "login.example":
            self.asked.append(request)
            answer = self.answers.get(len(self.asked))
            if isinstance(answer, Exception):
                raise answer
            return answer or httpx.Response(200, json=self.token())
        self.seen.append(request)
        word, _, token = request.headers["authorization"].partition(" ")
        return httpx.Response(200 if word == "Bearer" and token in self.valid else 401)

    def token(self) -> dict[str, Any]:
        given = {"access_token": f"token-{len(self.asked)}", "token_type": "bearer", "expires_in": self.expires}
        return {name: value for name, value in {**given, **self.extra}.items() if value is not None}

    def run(self, main: Callable[[Client], Awaitable[Any]], who: ClientCredentials = WHO, **options: Any) -> Any:
        async def nap(seconds: float) -> None:
            self.naps.append(seconds)
            await asyncio.sleep(0)

        async def start() -> Any:
            transport = httpx.MockTransport(self.handle)
            given: dict[str, Any] = {
                "transport": transport,
                "clock": lambda: self.now,
                "sleep": nap,
                "chance": lambda: 0.0,
            }
            async with Client("https://app.example/scim", oauth=who, **given, **options) as client:
                return await main(client)

        return asyncio.run(start())

    def statuses(self, count: int = 1, who: ClientCredentials = WHO) -> list[int]:
        async def main(client: Client) -> list[int]:
            answers = await asyncio.gather(*(client.send("POST", "Users", body={}) for _ in range(count)))
            return [answer.status for answer in answers]

        found: list[int] = self.run(main, who)
        return found

    def refusal(self, who: ClientCredentials = WHO) -> ReconcilerError:
        with pytest.raises(ReconcilerError) as caught:
            self.statuses(who=who)
        assert self.seen == []
        return caught.value

    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.asked[-1].content.decode()).items()}


@pytest.fixture
def world() -> World:
    return World()


def test_many_requests_ask_for_one_token(world: World) -> None:
    assert world.statuses(50) == [200] * 50
    assert len(world.asked) == 1
    assert {request.headers["authorization"] for request in world.seen} == {"Bearer token-1"}


def test_the_request_is_as_rfc_6749_has_it(world: World) -> None:
    world.statuses()
    (request,) = world.asked
    assert (request.method, str(request.url)) == ("POST", TOKEN_URL)
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert world.form() == {"grant_type": "client_credentials"}
    scheme, _, pair = request.headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(pair)) == ("Basic", b"re%3Aconciler:canary%2Bsecret%2F4711%3D%25")


def test_the_secret_may_stand_in_the_body_with_scope_and_audience(world: World) -> None:
    who = ClientCredentials(
        TOKEN_URL, "me", secret=SECRET, secret_in="body", scope="scim users", audience="https://api"
    )
    world.statuses(who=who)
    assert "authorization" not in world.asked[0].headers
    assert world.form() == {
        "grant_type": "client_credentials",
        "client_id": "me",
        "client_secret": SECRET,
        "scope": "scim users",
        "audience": "https://api",
    }


@pytest.mark.parametrize(("expires", "kept"), [(3600, 3539), ("3600", 3539), (30, 26), (10**9, 86_000)])
def test_a_token_is_renewed_before_it_expires(world: World, expires: Any, kept: float) -> None:
    world.expires = expires

    async def main(client: Client) -> list[int]:
        asked = []
        for later in (0.0, kept, 70.0 if kept > 60 else 2.0):
            world.now += later
            await asyncio.gather(*(client.send("GET", "Users") for _ in range(5)))
            asked.append(len(world.asked))
        return asked

    world.now = 0.0
    assert world.run(main) == [1, 1, 1 if expires == 10**9 else 2]


@pytest.mark.parametrize("expires", [None, "soon", -5, 0, True, [], float("1e308") * 0, "-3", ""])
def test_a_life_that_is_missing_or_nonsense_lasts_until_a_refusal(world: World, expires: Any) -> None:
    world.expires = expires

    async def main(client: Client) -> None:
        await client.send("GET", "Users")
        world.now += 1e7
        await client.send("GET", "Users")

    world.run(main)
    assert len(world.asked) == 1


def test_a_refused_token_is_renewed_once_for_all_and_the_requests_are_repeated(world: World) -> None:
    async def main(client: Client) -> list[int]:
        await client.send("GET", "Users")
        world.valid = {"token-2"}
        answers = await asyncio.gather(*(client.send("POST", "Users", body={}) for _ in range(30)))
        return [answer.status for answer in answers]

    assert world.run(main) == [200] * 30
    assert len(world.asked) == 2


def test_an_application_that_takes_no_token_is_asked_twice_and_the_endpoint_not_for_ever(world: World) -> None:
    world.valid = set()

    async def main(client: Client) -> list[int]:
        return [(await client.send("GET", "Users")).status for _ in range(10)]

    assert world.run(main) == [401] * 10
    assert len(world.asked) == 2
    assert len(world.seen) == 11


def test_a_static_token_that_is_refused_is_not_sent_again(world: World) -> None:
    async def main(client: Client) -> int:
        return (await client.send("GET", "Users")).status

    transport = httpx.MockTransport(world.handle)

    async def start() -> int:
        async with Client("https://app.example", bearer=lambda: "other", transport=transport) as client:
            return (await client.send("GET", "Users")).status

    assert asyncio.run(start()) == 401
    assert len(world.seen) == 1


def test_who_gives_up_waiting_for_a_token_takes_it_from_nobody(world: World) -> None:
    async def main(client: Client) -> list[int]:
        tasks = [asyncio.ensure_future(client.send("GET", "Users")) for _ in range(4)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        answers = await asyncio.gather(*tasks[1:])
        return [answer.status for answer in answers]

    assert world.run(main) == [200] * 3
    assert len(world.asked) == 1


REFUSED = {"error": "invalid_client", "error_description": "Client authentication failed"}


@pytest.mark.parametrize(
    ("answer", "says", "hint"),
    [
        (httpx.Response(401, json=REFUSED), "(401): invalid_client: Client authentication failed", "secret or key"),
        (httpx.Response(400, json={"error": "invalid_scope"}), "(400): invalid_scope", "scope"),
        (httpx.Response(400, json={"error": {"code": 1}}), "refused to give a token (400)", "tokenUrl"),
        (httpx.Response(404, html="<h1>no</h1>"), "refused to give a token (404)", "tokenUrl"),
        (httpx.Response(403, json=[1]), "refused to give a token (403)", "tokenUrl"),
        (httpx.Response(200, html="<h1>hello</h1>"), "gave no bearer token", "tokenUrl"),
        (httpx.Response(200, json={"access_token": "two words"}), "gave no bearer token", "tokenUrl"),
        (httpx.Response(200, json={"access_token": 7}), "gave no bearer token", "tokenUrl"),
        (httpx.Response(200, json={"access_token": "a", "token_type": "mac"}), "gave no bearer token", "tokenUrl"),
        (httpx.Response(307, headers={"location": "https://evil.example/"}), "leads elsewhere (307)", "no secret"),
    ],
)
def test_a_refused_token_request_says_what_the_endpoint_said(
    world: World, answer: httpx.Response, says: str, hint: str
) -> None:
    world.answers = {1: answer}
    error = world.refusal()
    assert isinstance(error, Unauthorized)
    assert error.message.startswith(f"POST {TOKEN_URL}: ")
    assert says in error.message
    assert hint in error.hint
    assert len(world.asked) == 1
    assert {request.url.host for request in world.asked} == {"login.example"}


def test_a_description_that_repeats_what_was_sent_is_cleaned(world: World) -> None:
    pair = base64.b64encode(b"re%3Aconciler:canary%2Bsecret%2F4711%3D%25").decode()
    text = f"{SECRET} canary%2Bsecret%2F4711%3D%25 {pair} eyJhbGciOi.eyJpc3MiOi.c2ln \x1b[31m\n" + "x" * 5000
    world.answers = {1: httpx.Response(401, json={"error": "bad\x1b[0m", "error_description": text})}
    told = str(world.refusal())
    assert "4711" not in told
    assert pair not in told
    assert "eyJ" not in told
    assert "\x1b" not in told
    assert len(told) < 700


@pytest.mark.parametrize("trouble", [httpx.ConnectError("no"), httpx.ReadError("no"), 500, 503, 429])
def test_an_endpoint_that_fails_in_passing_is_asked_again(world: World, trouble: Exception | int) -> None:
    world.answers = {1: httpx.Response(trouble) if isinstance(trouble, int) else trouble}
    assert world.statuses() == [200]
    assert (len(world.asked), len(world.seen)) == (2, 1)


@pytest.mark.parametrize("trouble", [httpx.ConnectError(SECRET), httpx.ReadError(SECRET), 500, 503, 429])
def test_an_endpoint_that_goes_on_failing_means_that_nothing_was_sent(world: World, trouble: Exception | int) -> None:
    world.answers = {
        number: httpx.Response(trouble) if isinstance(trouble, int) else trouble for number in range(1, 20)
    }
    error = world.refusal()
    assert isinstance(error, NotSent)
    assert "no token: " in error.message
    assert len(world.asked) == 3
    assert "4711" not in str(error)


@pytest.mark.parametrize("url", ["http://login.example/token", "https://me:pw@login.example", "ftp://x"])
def test_a_token_url_that_a_secret_must_not_go_to_is_refused_at_once(url: str) -> None:
    with pytest.raises(ReconcilerError):
        Client("https://app.example", oauth=ClientCredentials(url, "me", secret=SECRET))


def test_what_is_printed_of_credentials_holds_no_secret() -> None:
    assert "4711" not in repr(WHO)


def test_a_redirect_of_the_application_takes_the_token_nowhere(world: World) -> None:
    async def handle(request: httpx.Request) -> httpx.Response:
        if request.url.host == "app.example":
            return httpx.Response(308, headers={"location": "https://evil.example/scim/Users"})
        return await world.handle(request)

    async def main() -> int:
        transport = httpx.MockTransport(handle)
        async with Client("https://app.example", oauth=WHO, transport=transport) as client:
            return (await client.send("GET", "Users")).status

    assert asyncio.run(main()) == 308
    assert (len(world.asked), world.seen) == (1, [])


@pytest.mark.parametrize(("scheme", "sent"), [("Token", "Token t0ken"), ("Bearer", "Bearer t0ken"), ("", "t0ken")])
def test_the_word_before_the_token_is_the_profiles(scheme: str, sent: str) -> None:
    said = []

    def handler(request: httpx.Request) -> httpx.Response:
        said.append(request.headers["authorization"])
        return httpx.Response(200, text="you sent t0ken-t0ken")

    async def main() -> bytes:
        options: dict[str, Any] = {"transport": httpx.MockTransport(handler), "bearer": lambda: "t0ken-t0ken"}
        async with Client("https://a.example", scheme=scheme, **options) as client:
            return (await client.send("GET", "Users")).body

    assert asyncio.run(main()) == "you sent …".encode()
    assert said == [sent.replace("t0ken", "t0ken-t0ken")]


# -- a private key


@pytest.fixture(scope="module")
def keys() -> dict[str, tuple[str, Any]]:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    private = {
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "ES384": ec.generate_private_key(ec.SECP384R1()),
        "ES512": ec.generate_private_key(ec.SECP521R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        "short": rsa.generate_private_key(65537, 1024),
        "odd": ec.generate_private_key(ec.BrainpoolP256R1()),
    }
    return {name: (_pem(key), key.public_key()) for name, key in private.items()}  # type: ignore[attr-defined]


def _pem(key: Any, passphrase: bytes | None = None) -> str:
    from cryptography.hazmat.primitives import serialization as form

    hidden = form.BestAvailableEncryption(passphrase) if passphrase else form.NoEncryption()
    pem: bytes = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, hidden)
    return pem.decode()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_a_private_key_signs_a_new_assertion_each_time(
    world: World, keys: dict[str, tuple[str, Any]], algorithm: str
) -> None:
    import jwt

    pem, public = keys[algorithm]
    who = ClientCredentials(TOKEN_URL, "me", private_key=pem, key_id="k1")
    claims = []
    for _ in range(2):
        world.statuses(who=who)
        form = world.form()
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert form["client_id"] == "me"
        assert "authorization" not in world.asked[-1].headers
        assertion = form["client_assertion"]
        assert jwt.get_unverified_header(assertion) == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
        claims.append(jwt.decode(assertion, public, algorithms=[algorithm], audience=TOKEN_URL))
    assert claims[0]["iss"] == claims[0]["sub"] == "me"
    assert claims[0]["exp"] - claims[0]["iat"] == 300
    assert claims[0]["jti"] != claims[1]["jti"]


def test_the_assertion_may_be_for_somebody_else(world: World, keys: dict[str, tuple[str, Any]]) -> None:
    import jwt

    pem, public = keys["ES256"]
    world.statuses(who=ClientCredentials(TOKEN_URL, "me", private_key=pem, assertion_audience="https://issuer"))
    assert jwt.decode(world.form()["client_assertion"], public, algorithms=["ES256"], audience="https://issuer")
    assert "kid" not in jwt.get_unverified_header(world.form()["client_assertion"])


def test_an_endpoint_that_repeats_the_assertion_is_not_quoted(world: World, keys: dict[str, tuple[str, Any]]) -> None:
    sent = []

    async def handle(request: httpx.Request) -> httpx.Response:
        sent.append(parse_qs(request.content.decode())["client_assertion"][0])
        body = {"error": "invalid_client", "error_description": f"{sent[0]} / {sent[0].split('.')[2]} is wrong"}
        return httpx.Response(400, json=body)

    async def main() -> None:
        who = ClientCredentials(TOKEN_URL, "me", private_key=keys["ES256"][0])
        async with Client("https://a.example", oauth=who, transport=httpx.MockTransport(handle)) as client:
            await client.send("GET", "Users")

    with pytest.raises(Unauthorized) as caught:
        asyncio.run(main())
    assert sent[0].split(".")[0] not in str(caught.value)
    assert sent[0].split(".")[1] not in str(caught.value)


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        ("-----BEGIN PRIVATE KEY-----\nbm90aGluZw==\n-----END PRIVATE KEY-----", "can't be read"),
        ("short", "of a kind that is not signed with"),
        ("odd", "of a kind that is not signed with"),
        ("locked", "has a passphrase"),
    ],
)
def test_a_key_that_can_not_sign_is_said_before_anything_is_sent(
    keys: dict[str, tuple[str, Any]], pem: str, says: str
) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    if pem == "locked":
        pem = _pem(ec.generate_private_key(ec.SECP256R1()), b"passphrase")
    pem = keys[pem][0] if pem in keys else pem
    with pytest.raises(SecretError, match=says) as caught:
        Client("https://a.example", oauth=ClientCredentials(TOKEN_URL, "me", private_key=pem))
    assert "PRIVATE" not in str(caught.value)
    assert "bm90" not in str(caught.value)


@pytest.mark.parametrize("missing", ["jwt", "cryptography.hazmat.primitives.serialization"])
def test_a_missing_library_is_named_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, keys: dict[str, tuple[str, Any]], missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SecretError) as caught:
        Client("https://a.example", oauth=ClientCredentials(TOKEN_URL, "me", private_key=keys["ES256"][0]))
    assert "pip install 'reconciler[sign]'" in caught.value.hint


# -- over sockets


def test_a_real_endpoint_and_a_real_application(serving: Any, reply: Any, always: Any) -> None:
    async def main() -> tuple[list[Any], list[Any]]:
        token = b'{"access_token": "t0ken-4711", "token_type": "Bearer", "expires_in": 60}'
        async with serving(always(reply(200, token))) as login, serving(always(reply(201))) as app:
            who = ClientCredentials(f"http://127.0.0.1:{login.port}/token", "me", secret=SECRET)
            async with Client(app.url, oauth=who) as client:
                await asyncio.gather(*(client.send("POST", "Users", body={}) for _ in range(20)))
            return login.received, app.received

    login, app = asyncio.run(main())
    assert [(r.method, r.target) for r in login] == [("POST", "/token")]
    assert [r.headers["authorization"] for r in app] == ["Bearer t0ken-4711"] * 20


def test_an_endpoint_that_drips_ends_in_time(listening: Any) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def nap(_: float) -> None: ...

    async def main() -> None:
        async with listening(drip) as port:
            who = ClientCredentials(f"http://127.0.0.1:{port}/token", "me", secret=SECRET)
            async with Client("http://127.0.0.1:1", oauth=who, timeout=0.1, sleep=nap) as client:
                with pytest.raises(NotSent, match="no token: no whole answer within"):
                    await client.send("POST", "Users", body={})

    asyncio.run(main())
