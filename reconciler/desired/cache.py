"""What was made of files before, by their content: kept on this machine, for this user, so that only what changed is
parsed again.

What is wrong with it never matters: whatever can't be read, is not ours, was altered or belongs to another version is
as if it were not there, and is parsed. Each shard carries a MAC, whose key lies elsewhere: a folder that was brought
from another machine, or that somebody else wrote into, is not believed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

import orjson
import platformdirs
import yaml
from yaml._yaml import get_version_string

from reconciler import __version__

NO_CACHE: Final = "RECONCILER_NO_CACHE"
SHARDS: Final = 64
LARGEST: Final = 64_000_000
"""Bytes of one shard; larger ones are neither read nor written."""
MOST: Final = 1_000_000_000
"""Bytes of all that is kept for all desired states together: the oldest goes first."""
DAYS: Final = 30
"""After which what nobody used goes."""
_UNUSED: Final = 2
"""Of other versions of its files a shard keeps so many times what the last run used."""
_SPARE: Final = 100_000
"""Bytes, on top of that."""
_MAC: Final = 32
_KEY_BYTES: Final = 32
_PACKAGES: Final = ("desired", "model")
"""Whose code decides what is made of a file."""

Index: TypeAlias = dict[str, tuple[int, int]]
"""Name → where its record begins in the body, and its length."""


@dataclass(slots=True)
class _Shard:
    index: Index
    body: bytes

    def get(self, name: str) -> bytes | None:
        found = self.index.get(name)
        return None if found is None else self.body[found[0] : found[0] + found[1]]


@dataclass(slots=True)
class Cache:
    """Records by name, of one desired state. Nothing that it does raises an error of the file system."""

    folder: Path
    """Of this desired state and this version of the program."""
    key: bytes
    writes: bool = True
    _shards: dict[int, _Shard] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)
    _written: bool = False

    def get(self, file: str, name: str) -> bytes | None:
        """The record `name` of a file."""
        number = _number(file)
        shard = self._shards.get(number)
        if shard is None:
            shard = self._shards[number] = self._read(number)
        record = shard.get(name)
        if record is not None:
            self._used.add(name)
        return record

    @property
    def empty(self) -> bool:
        """Whether it knows nothing yet."""
        return not self.folder.is_dir()

    def by_shard(self, files: Iterable[str]) -> dict[int, list[str]]:
        """The files by the shard that they belong to, so that nobody has to hold all records at once. Empty if
        nothing is to be kept.
        """
        found: dict[int, list[str]] = {}
        for file in files if self.writes else ():
            found.setdefault(_number(file), []).append(file)
        return found

    def write(self, shard: int, records: Mapping[str, bytes]) -> None:
        """Adds records, beside and then renamed. Of runs side by side the last one's shard is kept: what it did not
        have is parsed once more.
        """
        if records:
            self._written = True
            with suppress(OSError):
                self._write(shard, records)

    def close(self) -> None:
        """Nothing is taken from it any more."""
        if self._written:
            with suppress(OSError):
                _make_room(self.folder.parent)
        self._used.clear()
        self._shards.clear()
        self._written = False

    def _read(self, number: int) -> _Shard:
        empty = _Shard({}, b"")
        data = _bytes_of(self.folder / f"{number:02x}", LARGEST)
        if data is None or not hmac.compare_digest(data[:_MAC], self._mac(number, data[_MAC:])):
            return empty
        head, _, body = data[_MAC:].partition(b"\n")
        return _Shard(orjson.loads(head), body)

    def _write(self, number: int, records: Mapping[str, bytes]) -> None:
        before = self._read(number)
        kept = dict(records)
        unused: list[str] = []
        for name in before.index:
            if name in self._used:
                kept.setdefault(name, before.get(name) or b"")
            elif name not in kept:
                unused.append(name)
        room = _UNUSED * sum(map(len, kept.values())) + _SPARE
        for name in unused:
            room -= before.index[name][1]
            if room < 0:
                break
            kept[name] = before.get(name) or b""
        index: Index = {}
        at = 0
        for name, record in kept.items():
            index[name] = at, len(record)
            at += len(record)
        payload = b"".join((orjson.dumps(index), b"\n", *kept.values()))
        if len(payload) + _MAC > LARGEST:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(self.folder / f"{number:02x}", self._mac(number, payload), payload)

    def _mac(self, number: int, payload: bytes) -> bytes:
        """Bound to its place: no shard can stand for another one, of another desired state or version."""
        keyed = hmac.new(self.key, f"{self.folder.parent.name}/{self.folder.name}/{number:02x}\n".encode(), "sha256")
        keyed.update(payload)
        return keyed.digest()


_off = 0


@contextmanager
def switched_off() -> Iterator[None]:
    """Inside of it `cache_of` has none: `--no-cache`."""
    global _off
    _off += 1
    try:
        yield
    finally:
        _off -= 1


def cache_of(root: Path, *, writes: bool = True) -> Cache | None:
    """What is kept of the desired state in `root`. None: nothing can be kept on this machine, or nothing should be."""
    if _off or os.environ.get(NO_CACHE):
        return None
    try:
        top = _folder()
        top.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _ours(top):
            return None
        key = _key(platformdirs.user_state_path("reconciler") / "cache.key")
        folder = top / _name_of(root) / code_version()
    except OSError:
        return None
    with suppress(OSError):
        os.utime(folder)
    return Cache(folder, key, writes)


def forget(root: Path) -> None:
    """Whatever is kept of the desired state in `root` goes. Raises OSError."""
    folder = _folder() / _name_of(root)
    if folder.exists():
        shutil.rmtree(folder)


def _folder() -> Path:
    return platformdirs.user_cache_path("reconciler") / "files"


def _name_of(root: Path) -> str:
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]


@cache
def code_version() -> str:
    """Of all that decides what becomes of a file: this program, whatever its version says, Python and libyaml."""
    whole = hashlib.sha256(f"{__version__}\n{sys.version}\n{yaml.__version__}\n{get_version_string()}\n".encode())
    package = Path(__file__).parents[1]
    for name in _PACKAGES:
        for file in sorted((package / name).rglob("*.py")):
            whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:32]


def _number(file: str) -> int:
    return hashlib.sha256(file.encode(errors="surrogateescape")).digest()[0] % SHARDS


def _ours(path: Path) -> bool:
    """Whether nobody else can have written there."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return False
    return os.name == "nt" or (found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _key(path: Path) -> bytes:
    """The key of this user on this machine, drawn when it is first needed. Raises OSError."""
    if (key := _bytes_of(path, _KEY_BYTES)) is not None and len(key) == _KEY_BYTES and _ours(path):
        return key
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = secrets.token_bytes(_KEY_BYTES)
    _replace(path, key)
    return key


def _replace(path: Path, *parts: bytes) -> None:
    """Written beside, for this user alone, then renamed. Raises OSError."""
    beside = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.writelines(parts)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _bytes_of(path: Path, limit: int) -> bytes | None:
    """None: there is none, it can't be read, or it is larger."""
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError:
        return None
    return data if len(data) <= limit else None


def _make_room(beside: Path) -> None:
    """What nobody used for DAYS goes, of all desired states, and the oldest while there is more than MOST."""
    kept = []
    for folder in beside.parent.glob("*/*"):
        size = 0
        with suppress(OSError):
            size = sum(entry.stat().st_size for entry in os.scandir(folder))
        with suppress(OSError):
            kept.append((folder.stat().st_mtime, size, folder))
    total = sum(size for _, size, _ in kept)
    oldest = time.time() - DAYS * 86_400
    for used, size, folder in sorted(kept):
        if used < oldest or total > MOST:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size
