"""Pages side by side, but not so many that they fill the memory: groups may have 100,000 members."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from reconciler.live import paging

PAGES = 80
SIZE = 10


def _most_at_once(using: Any, weight: int) -> int:
    """How many pages with `weight` characters of ballast in each were out together; every row must come."""
    out = most = 0

    async def serve(request: httpx.Request) -> httpx.Response:
        nonlocal out, most
        out += 1
        most = max(most, out)
        for _ in range(20):
            await asyncio.sleep(0)
        out -= 1
        if request.url.path.endswith("/Groups"):
            return httpx.Response(200, json={"totalResults": 0})
        start = int(request.url.params["startIndex"])
        rows = [{"id": str(n)} for n in range(start, min(start + SIZE, PAGES * SIZE + 1))]
        return httpx.Response(200, json={"Resources": rows, "totalResults": PAGES * SIZE, "ballast": "x" * weight})

    profile = {"paging": {"count": SIZE}, "rate": {"concurrency": 8}}
    snapshot = using(serve, lambda rig: rig.reader.read((), ()), **profile)
    assert len(snapshot.accounts) == PAGES * SIZE
    return most


def test_heavy_pages_are_read_two_at_a_time(using: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "_IN_FLIGHT", 20_000)
    assert _most_at_once(using, weight=15_000) == 2


def test_light_pages_are_read_as_many_as_the_application_allows(using: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "_IN_FLIGHT", 20_000)
    assert _most_at_once(using, weight=10) == 8
