"""The sandbox on a socket: in the foreground, or on a thread for tests and the demo."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn

from reconciler.errors import ReconcilerError
from reconciler.sandbox.app import BASE, create_app
from reconciler.sandbox.sandbox import Sandbox

START_SECONDS: Final = 10.0


def serve(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0, ready: Callable[[str], None] | None = None) -> None:
    """Serves until Ctrl-C (raised as KeyboardInterrupt after a clean end) or SIGTERM.

    `port` 0 takes a free one. `ready` is called with the base URL as soon as connections are accepted. Raises
    ReconcilerError if the port can't be had.
    """
    listener = _listen(host, port)
    server = _server(sandbox, listener, ready)
    try:
        server.run(sockets=[listener])
    finally:
        listener.close()
        sandbox.save()


@contextlib.contextmanager
def running(sandbox: Sandbox) -> Iterator[str]:
    """The base URL of the sandbox, served by a thread on a free port until the block ends."""
    listener = _listen("127.0.0.1", 0)
    up = threading.Event()
    urls: list[str] = []

    def ready(url: str) -> None:
        urls.append(url)
        up.set()

    server = _server(sandbox, listener, ready)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    try:
        if not up.wait(START_SECONDS):
            raise ReconcilerError("the sandbox did not start")
        yield urls[0]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        sandbox.save()


class _Server(uvicorn.Server):
    """Tells when it is up, and can end one client's connection."""

    def __init__(self, sandbox: Sandbox, ready: Callable[[], None]) -> None:
        app = create_app(sandbox, self.hang_up)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=1
        )
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()

    def hang_up(self, client: tuple[str, int]) -> None:
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == client:
                connection.transport.abort()


def _server(sandbox: Sandbox, listener: socket.socket, ready: Callable[[str], None] | None) -> _Server:
    host, port = listener.getsockname()[:2]
    url = f"http://{host}:{port}{BASE}"
    sandbox.store.move(url)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return _Server(sandbox, lambda: ready(url) if ready else None)


def _listen(host: str, port: int) -> socket.socket:
    """The protocol is named because asyncio sends small packets at once (TCP_NODELAY) only where it sees TCP; without
    that each answer waits 40 ms for the acknowledgement of its own headers.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            hint = "stop what listens there, or choose another with --port"
            raise ReconcilerError(f"port {port} is in use", hint=hint) from error
        raise ReconcilerError(
            f"can't listen on {host} port {port}: {error.strerror}", hint="try another --port"
        ) from error
    return listener
