"""What only a socket shows, and a client that none of us wrote."""

from __future__ import annotations

import asyncio
import http.client
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
from scim2_client.engines.asgi import ASGISCIMClient
from scim2_models import PatchOp, PatchOperation, SearchRequest

from reconciler.errors import ReconcilerError
from reconciler.sandbox import Call, HungUp, Sandbox, create_app, running, serve, server
from reconciler.sandbox.store import Resource

TOKEN = {"Authorization": "Bearer test"}


def test_a_client_that_none_of_us_wrote_understands_it() -> None:
    box = Sandbox("scim", users=3)

    async def talk() -> None:
        client = ASGISCIMClient(create_app(box), base_url=box.store.base_url, headers=TOKEN)
        await client.discover()
        user, group = client.get_resource_model("User"), client.get_resource_model("Group")
        assert user is not None
        assert group is not None
        ada: Any = await client.create(user.model_validate({"userName": "ada@example.com", "displayName": "Ada"}))
        read: Any = await client.query(user, ada.id)
        assert read.user_name == "ada@example.com"
        wanted = SearchRequest[Any](filter='userName eq "ADA@example.com"')
        listed: Any = await client.query(user, query_parameters=wanted)
        assert [r.id for r in listed.resources] == [ada.id]
        team: Any = await client.create(group.model_validate({"displayName": "Team", "members": [{"value": ada.id}]}))
        remove = PatchOperation[Any](op=PatchOperation.Op.remove, path=f'members[value eq "{ada.id}"]')
        changed: Any = await client.modify(group, team.id, PatchOp[group](operations=[remove]))  # type: ignore[valid-type]
        assert not changed.members
        ada.title = "Countess"
        replaced: Any = await client.replace(ada)
        assert replaced.title == "Countess"
        await client.delete(user, ada.id)

    asyncio.run(talk())
    assert len(box.users) == 4


def test_answers_do_not_wait_for_acknowledgements() -> None:
    with server._listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP, "asyncio sets TCP_NODELAY only where it sees this"


def test_locations_name_the_port() -> None:
    with running(Sandbox("hootsuite", users=1, rate=0)) as url:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc)
        connection.request("GET", f"{parts.path}/Users", headers=TOKEN)
        answer = connection.getresponse()
        body = orjson.loads(answer.read())
        connection.close()
        assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
        assert body["Resources"][0]["meta"]["location"].startswith(f"{url}/users/")


def test_a_lost_answer_is_a_connection_that_ends() -> None:
    box = Sandbox("hootsuite", faults=["loseAnswer=1"])
    body = orjson.dumps({"userName": "ada@example.com", "displayName": "Ada", "active": True})
    with running(box) as url:
        parts = urlsplit(url)
        lost, other = http.client.HTTPConnection(parts.netloc), http.client.HTTPConnection(parts.netloc)
        other.request("GET", f"{parts.path}/Users", headers=TOKEN)
        other.getresponse().read()
        lost.request("POST", f"{parts.path}/Users", body, TOKEN)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            lost.getresponse()
        other.request("GET", f"{parts.path}/Users", headers=TOKEN)
        assert other.getresponse().status == 200, "nobody else's connection ends"
        lost.close()
        other.close()
    assert box.user_id("ada@example.com")


def test_without_a_socket_a_lost_answer_is_an_exception() -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(Sandbox("scim", faults=["loseRequest=1"])))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox/scim/v2", headers=TOKEN) as client:
            assert (await client.get("/Users/nobody")).status_code == 404
            return await client.delete("/Users/1")

    with pytest.raises(HungUp):
        asyncio.run(ask())


def test_odd_addresses_over_http() -> None:
    async def ask(path: str) -> int:
        transport = httpx.ASGITransport(create_app(Sandbox("scim")))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=TOKEN) as client:
            return (await client.get(path)).status_code

    assert asyncio.run(ask("/scim/v2/Users/a%2Fb%20c")) == 404
    assert asyncio.run(ask("/scim/v2/Users/%FF")) == 404
    assert asyncio.run(ask("/Users")) == 404
    assert asyncio.run(ask('/scim/v2/Users?filter=userName%20eq%20"provisioning%2Bx"')) == 200
    assert asyncio.run(ask("/scim/v2/Users?cursor=")) == 200


def test_latency_comes_before_the_answer() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def ask() -> None:
        transport = httpx.ASGITransport(create_app(Sandbox("scim", latency=0.05)))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox/scim/v2", headers=TOKEN) as client:
            await client.get("/Users")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reconciler.sandbox.app.asyncio.sleep", sleep)
        asyncio.run(ask())
    assert slept == [0.05]


def test_state_is_written_while_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.json"
    box = Sandbox("hootsuite", state=file)
    with running(box) as url:
        httpx.get(f"{url}/Users", headers=TOKEN, trust_env=False)
        deadline = time.monotonic() + 10
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert file.exists()
        box.add_user("last@example.com")
    assert b"last@example.com" in file.read_bytes()


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ReconcilerError) as caught:
            serve(Sandbox(), port=port)
    assert caught.value.message == f"port {port} is in use"
    assert "--port" in caught.value.hint


def test_an_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(ReconcilerError, match=r"can't listen on 192\.0\.2\.1"):
        serve(Sandbox(), host="192.0.2.1")


def test_a_resource_is_made_into_bytes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are slices and joins of bytes that are there: this is what makes 20,000 users a second easy."""
    box = Sandbox("scim", users=2_000, acts_as=None)
    made: list[str] = []
    document = box.store.document

    def counted(row: Resource, *, members: bool = True) -> dict[str, Any]:
        made.append(row.id)
        return document(row, members=members)

    monkeypatch.setattr(box.store, "document", counted)
    call = Call("GET", "/Users", {"count": "1000"}, {"authorization": "Bearer test"})
    for _ in range(3):
        assert box.answer(call).status == 200
    assert len(made) == 1000
    box.edit_user(made[0], title="Dr")
    box.answer(call)
    assert made[1000:] == made[:1]
