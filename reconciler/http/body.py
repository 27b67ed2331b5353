"""Reading a body with a limit that counts after decompression."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable
from typing import Final

_PIECE: Final = 256 * 1024
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32


class OverLimit(Exception):
    """The body is larger than allowed."""


class Undecodable(Exception):
    """The body is not in an encoding that was asked for, or damaged."""


async def read_body(chunks: AsyncIterable[bytes], encoding: str, limit: int) -> bytes:
    """All of `chunks`, decompressed. Holds no more than `limit` bytes and a piece, whatever a bomb would become.

    `encoding` is Content-Encoding (RFC 9110 section 8.4). Raises OverLimit and Undecodable.
    """
    if encoding in {"", "identity"}:
        return await _plain(chunks, limit)
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return await _inflated(chunks, limit)
    raise Undecodable(f"its Content-Encoding is {encoding[:40]!r}, which was not asked for")


async def _plain(chunks: AsyncIterable[bytes], limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise OverLimit
        parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _inflated(chunks: AsyncIterable[bytes], limit: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        rest = chunk
        while rest and not inflater.eof:
            try:
                part = inflater.decompress(rest, _PIECE)
            except zlib.error as error:
                raise Undecodable("its compression is damaged") from error
            rest = inflater.unconsumed_tail
            size += len(part)
            if size > limit:
                raise OverLimit
            parts.append(part)
    if not inflater.eof and (parts or inflater.unused_data):
        raise Undecodable("its compression ends early")
    return b"".join(parts)
