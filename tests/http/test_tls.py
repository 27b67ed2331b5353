"""TLS, with and without a proxy in between: real sockets, certificates made on the spot."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from reconciler.errors import AnswerLost, NotSent
from reconciler.http import Client

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
