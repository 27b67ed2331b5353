"""A fake forge on a socket: pages, permissions, faults to order, a door for tests in other processes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]]


UNSAID = object()


class Refused(Exception):
    """Ends a request with this status and message."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass
class Fault:
    """The next `times` requests whose "METHOD /path" matches get this answer, and nothing is done."""

    matching: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1_000_000
    message: str = "to order"
    content: Any = UNSAID
    """Instead of the message."""


@dataclass
class Asked:
    """One request, as a handler gets it."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]
    host: str


class Fake:
    """What both fakes have. A subclass lists its handlers in `routes`: (method, pattern of the path) → handler."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.url = ""
        self.clock = 0
        self._id = 1000

    def routes(self) -> dict[tuple[str, str], Callable[..., Reply]]:
        raise NotImplementedError

    def next_id(self) -> int:
        self._id += 1
        return self._id

    def now(self) -> str:
        """A second later each time."""
        self.clock += 1
        return f"2026-11-26T12:{self.clock // 60 % 60:02}:{self.clock % 60:02}Z"

    def fault(self, matching: str, status: int, **more: Any) -> None:
        """`fault("POST .*/comments", 422)`"""
        self.faults.append(Fault(matching, status, **more))

    def page(self, asked: Asked, rows: list[Any]) -> tuple[list[Any], dict[str, str]]:
        """One page of `rows`, and the Link header that GitHub and GitLab send."""
        size, number = int(asked.query.get("per_page", "30")), int(asked.query.get("page", "1"))
        assert size <= 100, "neither gives more than 100"
        part = rows[(number - 1) * size : number * size]
        more = number * size < len(rows)
        return part, {"link": f'<{self.url}{asked.path}?page={number + 1}>; rel="next"'} if more else {}

    async def answer(self, request: Request) -> Response:
        raw = await request.body()
        path = request.scope["raw_path"].decode()
        asked = Asked(
            request.method, path, dict(request.query_params), orjson.loads(raw) if raw else None,
            {k.lower(): v for k, v in request.headers.items()}, request.url.hostname or "",
        )  # fmt: skip
        if path.startswith("/_fake/"):
            return self._door(asked)
        line = f"{request.method} {path}"
        self.requests.append(line)
        for fault in self.faults:
            if fault.times > 0 and re.fullmatch(fault.matching, line):
                fault.times -= 1
                content = {"message": fault.message} if fault.content is UNSAID else fault.content
                return _response(fault.status, content, fault.headers)
        try:
            for (method, pattern), handler in self.routes().items():
                found = re.fullmatch(pattern, path)
                if found and method == request.method:
                    status, content, *rest = handler(asked, **found.groupdict())
                    return _response(status, content, rest[0] if rest else {})
        except Refused as refused:
            return _response(refused.status, {"message": str(refused)}, refused.headers)
        return _response(404, {"message": "Not Found"}, {})

    def _door(self, asked: Asked) -> Response:
        """POST /_fake/NAME with keyword arguments calls the method of that name; GET /_fake/NAME reads an attribute."""
        found = getattr(self, asked.path.removeprefix("/_fake/"))
        return _response(200, found(**(asked.body or {})) if asked.method == "POST" else found, {})

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """The base URL, served by a thread until the block ends."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(self._config())
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the fake did not start"
                threading.Event().wait(0.01)
            yield self.url
        finally:
            server.should_exit = True
            thread.join()
            listener.close()

    def serve(self, port: int) -> None:
        """In the foreground, until it is ended; the first line of stdout is the base URL."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        print(self.url, flush=True)
        asyncio.run(uvicorn.Server(self._config()).serve(sockets=[listener]))

    def _config(self) -> uvicorn.Config:
        methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        app = Starlette(routes=[Route("/{path:path}", self.answer, methods=methods)])
        return uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)


def _response(status: int, content: Any, headers: dict[str, str]) -> Response:
    if isinstance(content, bytes):
        return Response(content, status, headers, "application/octet-stream")
    body = b"" if content is None else orjson.dumps(content, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    return Response(body, status, headers, "application/json")


def _plain(value: Any) -> Any:
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value))


def main(fake: Fake) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    fake.serve(parser.parse_args().port)
