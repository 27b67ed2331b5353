"""Artifacts: zip files that a pull request's own job wrote, and so may be anything."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Final

from reconciler.errors import ForgeError

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of an archive, and of one document in it after decompression: about half a million changes."""
_MOST_ENTRIES: Final = 10_000
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_PIECE: Final = 1024 * 1024


def documents(data: bytes, names: Collection[str]) -> Iterator[bytes]:
    """Files of one of these names, in whatever folder. Nothing is ever unpacked to a path: entries are only read.

    Raises ForgeError for what is no zip file, or becomes too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_ENTRIES:
                raise _bad(f"has {len(entries):,} entries, and at most {_MOST_ENTRIES:,} are read")
            for entry in entries:
                if not entry.is_dir() and PurePosixPath(entry.filename).name in names:
                    yield _read(archive, entry)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError, OSError) as error:
        raise _bad("can't be read as a zip file") from error


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """What an entry says of its own size is not believed."""
    if entry.compress_type not in _METHODS or entry.flag_bits & 1:
        raise _bad("has an entry that is encrypted, or compressed in an unusual way")
    parts: list[bytes] = []
    size = 0
    with archive.open(entry) as stream:
        while piece := stream.read(_PIECE):
            size += len(piece)
            if size > LARGEST:
                raise _bad(f"has an entry of more than {LARGEST // 1024**2} MiB, which no plan is")
            parts.append(piece)
    return b"".join(parts)


def _bad(what: str) -> ForgeError:
    return ForgeError(f"the artifact {what}", hint="run the plan of the pull request again, then this job")
