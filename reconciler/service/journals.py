"""Journals of applies, and the plans beside them, without what leads to a person."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import orjson

from reconciler.errors import HistoryError, Place
from reconciler.service.history.erasing import Cleaner, Traces


def erase_from_journals(folder: Path, found: Traces, instead: str) -> list[Path]:
    """Files that were changed. Their events stay. A plan that was changed is no longer the one that was made, and
    can't be undone. No apply may be running. Raises HistoryError, with what was changed before left so.
    """
    clean, changed = Cleaner(found, instead), []
    for file in sorted([*folder.glob("*.jsonl"), *folder.glob("*.json")]):
        try:
            before = file.read_bytes()
            after = _lines(before, clean) if file.suffix == ".jsonl" else _plan(before, clean)
            if after != before:
                _replace(file, after)
                changed.append(file)
        except OSError as error:
            raise HistoryError(
                f"can't be erased: {error.strerror}", place=Place(str(file)), hint="make it writable, and run again"
            ) from error
    return changed


def _lines(text: bytes, clean: Cleaner) -> bytes:
    return b"".join(_line(line, clean) for line in text.splitlines(keepends=True))


def _line(line: bytes, clean: Cleaner) -> bytes:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:  # cut off: whoever wrote it was killed
        told = line.decode("utf-8", "replace")
        return clean.text(told).encode() if clean.finds(told) else line
    without = clean.value(document)
    return line if without == document else orjson.dumps(without, option=orjson.OPT_APPEND_NEWLINE)


def _plan(text: bytes, clean: Cleaner) -> bytes:
    """What can't be read and names the person is not kept."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return b"" if clean.finds(text.decode("utf-8", "replace")) else text
    without = clean.value(document)
    return text if without == document else orjson.dumps(without)


def _replace(file: Path, content: bytes) -> None:
    """Whole, or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".erasing-")
    try:
        with os.fdopen(descriptor, "wb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        Path(temporary).chmod(file.stat().st_mode & 0o777)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
