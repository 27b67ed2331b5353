"""The page on a socket, in the event loop of whoever runs the cycles. It takes over no signal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette

from reconciler.errors import UsageError
from reconciler.service.web.listen import Listen


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are the runner's."""
        yield


@asynccontextmanager
async def served(app: Starlette, listen: Listen) -> AsyncIterator[str]:
    """Serves while the block runs; yields the address. Pages that still listen then get a second to end.

    Raises UsageError if nothing can listen there.
    """
    sock = _bound(listen)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            limit_concurrency=200,
            ws="none",
        )
    )
    task = asyncio.ensure_future(server.serve(sockets=[sock]))
    try:
        await server.up.wait()
        host = f"[{listen.host}]" if ":" in listen.host else listen.host
        yield f"http://{host}:{sock.getsockname()[1]}/"
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task
        sock.close()


def _bound(listen: Listen) -> socket.socket:
    try:
        found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except OSError as error:
        raise UsageError(
            f"--serve {listen.host}:{listen.port}: nothing can listen there: {_words(error)}",
            hint="is another runner there? Another port is free to take",
        ) from error


def _words(error: OSError) -> str:
    """Without what the library adds to it."""
    known = isinstance(error.errno, int) and not isinstance(error, socket.gaierror)
    return os.strerror(error.errno) if known and error.errno is not None else error.strerror or str(error)
