"""`reconciler` as a job's runner has it, with the network of the tests: the hosts that the desired state names are
served by a sandbox on this machine. As a process of its own, so that nothing but the job's environment is there.

RECONCILER_TEST_HOSTS: JSON, host → address of its sandbox. RECONCILER_TEST_DAYS: how many days later it is.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta, tzinfo
from typing import Any

import httpx

from reconciler.cli import main
from reconciler.desired import moment
from reconciler.session import settings as session

HOSTS: dict[str, str] = json.loads(os.environ.get("RECONCILER_TEST_HOSTS", "{}"))
LATER = timedelta(days=int(os.environ.get("RECONCILER_TEST_DAYS", "0")))


class Rerouted(httpx.AsyncBaseTransport):
    """Whoever is meant gets the request at another address; nobody else gets any."""

    def __init__(self) -> None:
        self.inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        there = httpx.URL(HOSTS[request.url.host])
        request.url = request.url.copy_with(scheme=there.scheme, host=there.host, port=there.port)
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


class Later(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return datetime.now(tz) + LATER


def _settings(made: Any) -> Any:
    def init(self: Any, *arguments: Any, **given: Any) -> None:
        made(self, *arguments, **given)
        self.transport = Rerouted()

    return init


if __name__ == "__main__":
    moment.datetime = Later  # type: ignore[attr-defined]
    session.Settings.__init__ = _settings(session.Settings.__init__)  # type: ignore[method-assign]
    sys.argv[0] = "reconciler"
    main()
