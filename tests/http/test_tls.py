"""TLS, with and without a proxy in between: real sockets, certificates made on the spot."""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import AnswerLost, NotSent, SecretError
from reconciler.http import Client, ClientCredentials, tls_context

_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def _refusal(url: str, naps: Any) -> NotSent:
    async def main() -> NotSent:
        async with Client(url, bearer=lambda: "t0ken", sleep=naps) as client:
            with pytest.raises(NotSent) as caught:
                await client.send("POST", "Users", body={})
            return caught.value

    return asyncio.run(main())


def test_a_trusted_certificate_is_spoken_to(
    serving: Any, reply: Any, always: Any, certificate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certificate("127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))

    async def main() -> int:
        async with serving(always(reply(201)), tls=made.server) as server, Client(server.url) as client:
            return (await client.send("POST", "Users", body={})).status

    assert asyncio.run(main()) == 201


@pytest.mark.parametrize(
    ("name", "days", "trusted", "says"),
    [
        ("127.0.0.1", 1, False, "self-signed"),
        ("other.example.test", 1, True, "IP address mismatch"),
        ("127.0.0.1", -1, True, "expired"),
    ],
)
def test_a_certificate_that_does_not_fit_is_not_tried_again_and_gets_nothing(
    serving: Any,
    reply: Any,
    always: Any,
    certificate: Any,
    naps: Any,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    days: int,
    trusted: bool,
    says: str,
) -> None:
    made = certificate(name, days=days)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(made.path))

    async def main() -> None:
        async with serving(always(reply(201)), tls=made.server) as server:
            error = await asyncio.to_thread(_refusal, server.url, naps)
            assert says in error.message
            assert "certificate is not trusted" in error.message
            assert "SSL_CERT_FILE" in error.hint
            assert server.received == []

    asyncio.run(main())
    assert naps.taken == []


def test_a_port_that_does_not_speak_tls_is_said_so(listening: Any, naps: Any) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async def main() -> None:
        async with listening(plain) as port:
            url = f"https://127.0.0.1:{port}"
            error = await asyncio.to_thread(_refusal, url, naps)
            assert "TLS failed" in error.message
            assert error.hint == "does this port speak TLS?"

    asyncio.run(main())
    assert naps.taken == []


def test_a_server_that_hangs_up_during_the_handshake_was_not_sent_anything(listening: Any, naps: Any) -> None:
    connections = 0

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1

    async def main() -> None:
        async with listening(rude) as port:
            await asyncio.to_thread(_refusal, f"https://127.0.0.1:{port}", naps)

    asyncio.run(main())
    assert connections == len(naps.taken) + 1 == 4


def test_a_handshake_that_never_ends_is_not_sent(listening: Any) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async def main() -> None:
        async with listening(silent) as port:
            url = f"https://127.0.0.1:{port}"
            async with Client(url, timeout=0.2, attempts=1) as client:
                with pytest.raises(NotSent, match="no connection in time"):
                    await client.send("POST", "Users", body={})

    asyncio.run(main())


class _Proxy:
    """A CONNECT proxy that leads every name to one port of this machine."""

    def __init__(self, target: int, status: int = 200) -> None:
        self.target = target
        self.status = status
        self.heads: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        if self.status == 0:
            return
        writer.write(f"HTTP/1.1 {self.status} Whatever\r\n\r\n".encode())
        await writer.drain()
        if self.status == 200:
            behind_reader, behind = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(_pump(reader, behind), _pump(behind_reader, writer), return_exceptions=True)
            await behind.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()


def test_https_goes_through_the_proxy_which_sees_its_password_and_never_the_token(
    serving: Any, listening: Any, reply: Any, always: Any, certificate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certificate("scim.example.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))

    async def main() -> None:
        async with serving(always(reply(201)), tls=made.server) as server:
            proxy = _Proxy(server.port)
            async with listening(proxy) as port:
                monkeypatch.setenv("HTTPS_PROXY", f"http://ada:p%40ss@127.0.0.1:{port}")
                async with Client("https://scim.example.test/scim/v2", bearer=lambda: "t0ken") as client:
                    assert (await client.send("POST", "Users", body={})).status == 201
                    assert (await client.send("GET", "Users")).status == 201
                assert len(proxy.heads) == 1
                assert proxy.heads[0].startswith("CONNECT scim.example.test:443 HTTP/1.1")
                assert "proxy-authorization: Basic YWRhOnBAc3M=\r\n" in proxy.heads[0]
                assert "t0ken" not in proxy.heads[0]
                assert [r.headers["authorization"] for r in server.received] == ["Bearer t0ken"] * 2
                assert all("proxy-authorization" not in r.headers for r in server.received)

    asyncio.run(main())


@pytest.mark.parametrize(("status", "tries"), [(407, 1), (403, 1), (502, 1), (0, 4)])
def test_a_proxy_that_refuses_was_not_sent_the_request(
    listening: Any, naps: Any, monkeypatch: pytest.MonkeyPatch, status: int, tries: int
) -> None:
    async def main() -> None:
        proxy = _Proxy(0, status)
        async with listening(proxy) as port:
            monkeypatch.setenv("HTTPS_PROXY", f"http://ada:p4ssw0rd@127.0.0.1:{port}")
            error = await asyncio.to_thread(_refusal, "https://scim.example.test/scim/v2", naps)
            if status:
                assert f"the proxy refused to connect, with status {status}" in error.message
                assert "HTTPS_PROXY" in error.hint
            assert "p4ssw0rd" not in str(error)
            assert len(proxy.heads) == tries

    asyncio.run(main())


def test_a_proxy_that_is_not_there_is_said_so(naps: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://ada:p4ssw0rd@127.0.0.1:1")
    error = _refusal("https://scim.example.test/scim/v2", naps)
    assert "the proxy can't be reached" in error.message
    assert "p4ssw0rd" not in str(error)


def test_a_tls_connection_cut_after_the_request_loses_the_answer(
    serving: Any, certificate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certificate("127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))

    async def handler(request: Any, writer: asyncio.StreamWriter) -> bool:
        writer.transport.abort()
        return False

    async def main() -> int:
        async with serving(handler, tls=made.server) as server, Client(server.url) as client:
            with pytest.raises(AnswerLost):
                await client.send("POST", "Users", body={})
            return len(server.received)

    assert asyncio.run(main()) == 1


def test_certificates_are_checked_by_default() -> None:
    from reconciler.http.transport import OnceTransport

    context = OnceTransport(proxy=None, connect=1.0)._context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("version", "spoken"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
def test_tls_is_spoken_from_1_2_on(
    serving: Any, reply: Any, always: Any, certificate: Any, naps: Any, version: ssl.TLSVersion, spoken: bool
) -> None:
    made = certificate("127.0.0.1")
    made.server.minimum_version = made.server.maximum_version = version
    if not spoken:
        made.server.set_ciphers("ALL:@SECLEVEL=0")

    context = tls_context(made.path.read_text())
    serve = serving(always(reply(201)), tls=made.server)

    async def main() -> int:
        async with serve as server, Client(server.url, tls=context, sleep=naps) as client:
            if spoken:
                return (await client.send("GET", "Users")).status
            with pytest.raises(NotSent, match="closed while it was being made") as caught:
                await client.send("GET", "Users")
            assert "TLS 1.2" in caught.value.hint
            context.minimum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
            return (await client.send("GET", "Users")).status  # it is the version, and nothing else

    assert asyncio.run(main()) == 201


def _parts(path: Path) -> tuple[str, str]:
    """(certificate, key) of a file with both."""
    certificate, dashes, key = path.read_text().partition("-----BEGIN PRIVATE KEY-----")
    return certificate, dashes + key


def test_a_certificate_is_shown_to_who_asks_for_one(serving: Any, reply: Any, always: Any, certificate: Any) -> None:
    made, ours = certificate("127.0.0.1"), certificate("reconciler.example")
    made.server.verify_mode = ssl.CERT_REQUIRED
    made.server.load_verify_locations(ours.path)
    authority = made.path.read_text()

    async def main() -> None:
        async with serving(always(reply(201)), tls=made.server) as server:
            shown = tls_context(authority, *_parts(ours.path))
            async with Client(server.url, bearer=lambda: "t0ken", tls=shown) as client:
                assert (await client.send("GET", "Users")).status == 201
            async with Client(server.url, bearer=lambda: "t0ken", tls=tls_context(authority), attempts=1) as client:
                with pytest.raises((NotSent, AnswerLost)):
                    await client.send("POST", "Users")
            assert len(server.received) == 1

    asyncio.run(main())


def test_the_authorities_of_a_file_stand_beside_the_usual_ones(
    serving: Any, reply: Any, always: Any, certificate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, usual, foreign = certificate("127.0.0.1"), certificate("localhost"), certificate("other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(usual.path))
    context = tls_context(named.path.read_text())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname

    async def status(made: Any, host: str) -> int:
        serve = serving(always(reply(201)), tls=made.server)
        async with serve as server, Client(f"https://{host}:{server.port}", tls=context, attempts=1) as client:
            return (await client.send("GET", "Users")).status

    async def main() -> None:
        assert await status(named, "127.0.0.1") == 201
        assert await status(usual, "localhost") == 201
        with pytest.raises(NotSent, match="not trusted"):
            await status(foreign, "127.0.0.1")

    asyncio.run(main())


def test_token_and_certificate_go_through_the_proxy_to_both(
    serving: Any, listening: Any, reply: Any, always: Any, certificate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, ours = certificate("scim.example.test"), certificate("reconciler.example")
    made.server.verify_mode = ssl.CERT_REQUIRED
    made.server.load_verify_locations(ours.path)
    body = b'{"access_token": "t0ken", "token_type": "Bearer"}'

    async def main() -> None:
        async with serving(always(reply(200, body)), tls=made.server) as server:
            proxy = _Proxy(server.port)
            async with listening(proxy) as port:
                monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
                url = "https://scim.example.test"
                who = ClientCredentials(f"{url}/token", "me", secret="hunter2")
                shown = tls_context(made.path.read_text(), *_parts(ours.path))
                async with Client(url, oauth=who, tls=shown) as client:
                    assert (await client.send("GET", "Users")).status == 200
            assert [(r.method, r.target) for r in server.received] == [("POST", "/token"), ("GET", "/Users")]
            assert [head.split()[0] for head in proxy.heads] == ["CONNECT", "CONNECT"]
            assert not any("t0ken" in head or "authorization" in head.lower() for head in proxy.heads)

    asyncio.run(main())


def test_certificates_that_can_not_be_used_are_told_without_them(certificate: Any) -> None:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    one, key = _parts(certificate("one.example").path)
    _, other = _parts(certificate("two.example").path)
    hidden = form.BestAvailableEncryption(b"passphrase")
    locked = ec.generate_private_key(ec.SECP256R1()).private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, hidden)
    cases: list[tuple[tuple[str | None, ...], str]] = [
        ((None, one, other), "not the certificate's"),
        ((None, "nothing", key), "can't be read"),
        ((None, one, "nothing"), "can't be read"),
        ((None, one, locked.decode()), "has a passphrase"),
        (("nothing",), "holds no certificates"),
        (("",), "holds no certificates"),
        (("gr\u00fcn",), "holds no certificates"),
    ]
    for given, says in cases:
        with pytest.raises(SecretError, match=says) as caught:
            tls_context(*given)
        assert "BEGIN" not in str(caught.value)
        assert "nothing" not in str(caught.value)
        assert caught.value.hint


def test_where_files_in_memory_are_not_to_be_had_the_key_is_gone_at_once(
    certificate: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    tls_context(None, *_parts(certificate("one.example").path))
    assert list(folder.iterdir()) == []
