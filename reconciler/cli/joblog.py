"""The log of a job of GitHub Actions, in which what a file or a server wrote must never be a command.

The runner takes `##[NAME …]` for a command wherever it stands in a line, and `::NAME …::` where a line begins with it
(actions/runner, ActionCommand.cs). A name could so hide lines, mask words, or set what later steps read.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO, cast

if TYPE_CHECKING:
    from typing_extensions import Buffer

_OURS: Final = r"(?:error|warning|notice)(?: [^:\r\n]*)?::"
"""Remarks at lines, which this program prints itself, at the very beginning of a line."""
_BEGINS: Final = re.compile(rf"(?:^|(?<=[\r\n]))(?!::{_OURS})([^\S\r\n]*:)(?=:)")
_ANYWHERE: Final = "##["


def harmless(text: str) -> str:
    """Whole lines in which nothing but our own remarks is a command. JSON means the same as before."""
    return _BEGINS.sub(lambda found: f"{found[1][:-1]}\\u003a", text).replace(_ANYWHERE, "#\\u0023[")


class _Log(io.BufferedIOBase):
    """Passes whole lines on, so that none is judged by a part of it."""

    def __init__(self, into: BinaryIO) -> None:
        self._into = into
        self._rest = b""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._into.fileno()

    def write(self, data: Buffer, /) -> int:
        given = bytes(data)
        whole, end, self._rest = (self._rest + given).rpartition(b"\n")
        self._pass(whole + end)
        return len(given)

    def flush(self) -> None:
        self._into.flush()

    def finish(self) -> None:
        """Nothing more comes: what began a line is one."""
        rest, self._rest = self._rest, b""
        self._pass(rest)
        self.flush()

    def _pass(self, lines: bytes) -> None:
        if lines:
            text = lines.decode("utf-8", "surrogateescape")
            self._into.write(harmless(text).encode("utf-8", "surrogateescape"))


def guard(environ: Mapping[str, str]) -> list[_Log]:
    """From here on what goes to stdout and stderr is harmless, if this is a job of GitHub Actions."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return []
    logs = [_Log(stream.buffer) for stream in (sys.stdout, sys.stderr)]
    sys.stdout, sys.stderr = (_text(log, stream) for log, stream in zip(logs, (sys.stdout, sys.stderr), strict=True))
    return logs


def _text(log: _Log, stream: TextIO) -> TextIO:
    return io.TextIOWrapper(cast("BinaryIO", log), stream.encoding, "surrogateescape", write_through=True)
