from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest

from reconciler.http.body import OverLimit, Undecodable, read_body


async def _chunks(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def _read(content: bytes, encoding: str = "", *, limit: int = 1 << 20, size: int = 1000) -> bytes:
    return asyncio.run(read_body(_chunks(content, size), encoding, limit))


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("content", [b"", b"{}", bytes(range(256)) * 300], ids=["nothing", "little", "much"])
def test_whole_bodies_come_out_whole(content: bytes, size: int) -> None:
    assert _read(content, size=size) == content
    assert _read(content, "identity", size=size) == content
    assert _read(gzip.compress(content), "gzip", size=size) == content
    assert _read(gzip.compress(content), "x-gzip", size=size) == content
    assert _read(zlib.compress(content), "deflate", size=size) == content


def test_no_body_at_all_is_empty_in_any_encoding() -> None:
    assert _read(b"", "gzip") == b""


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_the_limit_is_exact(encoding: str) -> None:
    content = b"x" * 5000
    packed = gzip.compress(content) if encoding else content
    assert _read(packed, encoding, limit=5000) == content
    with pytest.raises(OverLimit):
        _read(packed, encoding, limit=4999)


def test_a_bomb_in_one_chunk_is_not_unpacked_into_memory() -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(200)) + squeeze.flush()
    tracemalloc.start()
    try:
        with pytest.raises(OverLimit):
            _read(bomb, "gzip", limit=1_000_000, size=len(bomb))
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_what_follows_the_end_is_left_out() -> None:
    assert _read(gzip.compress(b"{}") + b"rubbish", "gzip") == b"{}"


@pytest.mark.parametrize(
    ("content", "encoding", "why"),
    [
        (gzip.compress(b"{}" * 900)[:-12], "gzip", "ends early"),
        (gzip.compress(b"{}")[:5], "gzip", "ends early"),
        (b"plain text", "gzip", "damaged"),
        (b"{}", "br", "'br'"),
        (b"{}", "gzip, gzip", "not asked for"),
    ],
    ids=["cut", "only a head", "no gzip", "unknown", "twice"],
)
def test_what_cant_be_unpacked_is_said(content: bytes, encoding: str, why: str) -> None:
    with pytest.raises(Undecodable, match=why):
        _read(content, encoding)
