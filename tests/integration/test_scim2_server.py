"""Promise 1 against scim2-server, which none of us wrote, over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from scim2_models import Bulk, Filter, Pagination
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.service import ScimService
from scim2_server.utils import load_default_provider

if TYPE_CHECKING:
    from tests.conftest import Called, Company


@pytest.fixture(params=["index", "small pages", "cursor", "bulk", "no filters"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bulk(kind: str) -> bool:
    return kind == "bulk"


@pytest.fixture
def server(kind: str) -> Iterator[str]:
    """The base URL of an empty scim2-server."""
    provider = load_default_provider()
    assert provider.config
    match kind:
        case "bulk":
            provider.config.bulk = Bulk(supported=True, max_operations=7, max_payload_size=100_000)
        case "cursor":
            by_cursor = Pagination.DefaultPaginationMethod.cursor
            provider.config.pagination = Pagination(
                cursor=True, index=False, default_pagination_method=by_cursor, default_page_size=2, max_page_size=2
            )
        case "no filters":
            provider.config.filter = Filter(supported=False, max_results=1000)
        case "small pages":
            provider.config.filter = Filter(supported=True, max_results=2)
    service = ScimService(provider, secret="of the cursors")
    app: Any = ASGIApplication(AsyncInMemoryStorage(), provider, service=service)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v2"
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=20)) as client:
            client.get(f"{url}/ServiceProviderConfig")
        yield url
    finally:
        running.should_exit = True
        thread.join()
        listener.close()


def resources(url: str, kind: str) -> list[dict[str, Any]]:
    """All of them, by whatever paging the server has."""
    found: dict[str, dict[str, Any]] = {}
    with httpx.Client() as client:
        more = {"startIndex": "1"}
        while True:
            answer = client.get(f"{url}/{kind}", params=more)
            body = answer.json() if answer.is_success else client.get(f"{url}/{kind}", params={"cursor": ""}).json()
            found |= {each["id"]: each for each in body.get("Resources", [])}
            if len(found) >= body["totalResults"]:
                return list(found.values())
            more = {"cursor": body["nextCursor"]} if "nextCursor" in body else {"startIndex": str(len(found) + 1)}


@pytest.mark.parametrize("form", ["patchPath", "patchPathless", "put"])
def test_a_year_in_the_life_of_a_company(
    server: str, company: Callable[..., Company], reconciler: Callable[..., Called], form: str, bulk: bool
) -> None:
    files = company(gallery="scim", tenant=server)
    files.edit_app(
        profile={
            **({"bulk": {"operations": 7, "bytes": 100_000}} if bulk else {}),
            "users": {"update": form},
            "groups": {
                "update": form,
                "members": {"patchPath": "valuePath", "patchPathless": "pathless", "put": "put"}[form],
            },
        }
    )

    def settle() -> list[str]:
        called = reconciler("apply", files.root, "--yes", "--format", "json")
        assert called.code == 0, called.out + called.err
        assert not [told for told in called.document["learned"] if "Bulk" in told]
        after = reconciler("plan", files.root, "--detailed-exitcode", "--format", "json")
        assert (after.code, after.document["changes"]) == (0, [])
        return [s["action"] for s in called.document["steps"]]

    def members(name: str) -> set[str]:
        names = {u["id"]: u["userName"].partition("@")[0] for u in resources(server, "Users")}
        (group,) = [g for g in resources(server, "Groups") if g["displayName"] == name]
        return {names[m["value"]] for m in group.get("members", [])}

    assert reconciler("check", files.root).code == 0
    actions = settle()
    assert actions.count("createUser") == 6
    assert members("Social Media") == {"ada", "grace", "linus", "charles"}

    files.edit_person("grace.hopper", displayName="Rear Admiral Hopper", userPrincipalName="rear@contoso.com")
    files.edit_group("research", displayName="Science", formerly=[{"displayName": "Research"}])
    assert settle() == ["renameUser", "renameGroup"]

    files.edit_person("linus.byrne", accountEnabled=False)
    files.remove_person("alan.turing")
    files.edit_group("research", members=["mary.somerville", "grace.hopper"])
    settle()
    users = {u["userName"]: u for u in resources(server, "Users")}
    assert users["linus@contoso.com"]["active"] is users["alan@contoso.com"]["active"] is False
    assert members("Science") == {"mary", "rear"}
    assert members("Agencies") == {"charles"}

    files.edit_person("linus.byrne", accountEnabled=None)
    files.remove_group("research")
    files.edit_app(deprovision={"users": "delete"})
    settle()
    assert {g["displayName"] for g in resources(server, "Groups")} == {"Social Media", "Agencies"}
    assert members("Agencies") == {"charles", "linus"}
    assert "alan@contoso.com" not in {u["userName"] for u in resources(server, "Users")}
    assert len(resources(server, "Users")) == 5
