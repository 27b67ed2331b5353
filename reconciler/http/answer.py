"""What a server said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

_BOM = b"\xef\xbb\xbf"
_SHORTEST = 8  # characters of a token that can't be a word by chance


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, whole.

    `headers` is looked up without regard to case; `body` is decompressed; `request` is "METHOD URL" for messages,
    with no token and no query value but those of paging.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    request: str

    def json(self) -> Any:
        """The body as JSON (RFC 8259). Raises ValueError if it is something else."""
        return orjson.loads(self.body.removeprefix(_BOM))

    def without(self, token: str) -> Answer:
        """The same, not repeating the token that was sent: bodies are quoted in messages, and some servers quote it."""
        secret = token.encode()
        if len(secret) < _SHORTEST or secret not in self.body:
            return self
        return replace(self, body=self.body.replace(secret, "…".encode()))
