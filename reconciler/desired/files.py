"""The files of a desired state: which there are, in one order everywhere, and their bytes, bounded."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from reconciler.desired.document import MAX_BYTES, BadDocument, Document, read_document
from reconciler.desired.findings import Findings, shown
from reconciler.desired.secrets import report_tokens
from reconciler.errors import Place, Problem

Taken: TypeAlias = Callable[[str, str], bool]
"""(file, SHA-256 of its bytes) → whether what is in it was known, is there now, and need not be parsed."""
_MAX_FOLDERS_DEEP = 30
_PLAINLY = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(slots=True)
class Tree:
    """Reads below `root`, and remembers what it read for the digest. Files are named relative to it, with `/`."""

    root: Path
    findings: Findings
    hashes: dict[str, str] = field(default_factory=dict)
    parsed: dict[str, str] = field(default_factory=dict)
    """Of `hashes` those of files that were parsed: nobody knew what is in them."""
    unreadable: set[str] = field(default_factory=set)
    """Folders with a file that could not be read: what is missing there may be in it."""
    _real: Path = field(init=False)
    _top: str = field(init=False)

    def __post_init__(self) -> None:
        self._real = self.root.resolve()
        self._top = str(self._real)

    def exists(self, file: str) -> bool:
        return os.path.lexists(self.root / file)

    def documents(self, folder: str, taken: Sequence[Taken] = ()) -> Iterator[Document]:
        """The YAML files below a folder that can be read, sorted by name, but for those that are `taken`."""
        linked = (self.root / folder).is_symlink()
        for file, plain in sorted(self._below(folder, 0)):
            if document := self.read(file, taken, plain=plain and not linked):
                yield document

    def sizes(self, folder: str) -> list[tuple[str, int]]:
        """The regular YAML files below a folder, sorted by name, with their bytes."""
        if (self.root / folder).is_symlink():
            return []
        found = []
        for file, plain in sorted(self._below(folder, 0)):
            with suppress(OSError):
                if plain:
                    found.append((file, os.lstat(f"{self._top}/{file}").st_size))
        return found

    def folders(self, folder: str) -> list[str]:
        """Names of the folders directly in `folder`, sorted. YAML files beside them are reported."""
        names = []
        for entry in self._entries(folder):
            if entry.is_dir(follow_symlinks=False):
                names.append(entry.name)
            elif entry.is_symlink() and Path(entry).is_dir():
                self._refuse_folder_link(f"{folder}/{entry.name}")
            elif entry.name.lower().endswith((".yaml", ".yml")):
                stem = entry.name.rpartition(".")[0]
                self.findings.error(
                    Place(f"{folder}/{entry.name}"), "an app is a folder", f"move it to {folder}/{stem}/app.yaml"
                )
        return sorted(names)

    def names(self, folder: str) -> list[str]:
        """Everything directly in `folder` that is not hidden, sorted."""
        return sorted(entry.name for entry in self._entries(folder))

    def read(self, file: str, taken: Sequence[Taken] = (), *, plain: bool = False) -> Document | None:
        """One file. What is wrong with it is reported, and the answer is None, as it is for one that is `taken`.
        `plain`: it was a regular file just now, in folders that are no links.
        """
        data = (self._plain_bytes(file) if plain else None) or self._bytes(file)
        if data is None:
            self.unreadable.add(file.partition("/")[0])
            return None
        self.hashes[file] = digest = hashlib.sha256(data).hexdigest()
        if any(take(file, digest) for take in taken):
            return None
        self.parsed[file] = digest
        try:
            document = read_document(data, file)
        except BadDocument as bad:
            self.findings.problems.append(bad.problem)
            self.unreadable.add(file.partition("/")[0])
            return None
        report_tokens(document, self.findings)
        return document

    def attachment(self, file: str, place: Place, limit: int) -> bytes | None:
        """A file that another one names at `place`, where all that is wrong with it is reported."""
        problems = self.findings.problems
        known = len(problems)
        data = self._bytes(file)
        for problem in problems[known:]:
            problems[known:] = [Problem(place, f"{shown(file)}: {problem.message}", problem.hint)]
        if data is None:
            return None
        if len(data) > limit:
            self.findings.error(place, f"{shown(file)}: larger than {limit:,} bytes")
            return None
        self.hashes[file] = hashlib.sha256(data).hexdigest()
        return data

    def digest(self) -> str:
        """SHA-256 over the names and contents of all files that were read, whatever the order of reading."""
        whole = hashlib.sha256()
        for file, digest in sorted(self.hashes.items()):
            whole.update(f"{digest}  {file}\n".encode(errors="surrogateescape"))
        return f"sha256:{whole.hexdigest()}"

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        """Hidden files are nobody's: editors and `.reconciler/` keep them."""
        try:
            with os.scandir(self.root / folder) as entries:
                return [entry for entry in entries if not entry.name.startswith(".")]
        except FileNotFoundError:
            return []
        except OSError as error:
            self.findings.error(Place(folder), f"can't be read: {error.strerror}")
            return []

    def _below(self, folder: str, depth: int) -> Iterator[tuple[str, bool]]:
        """Each YAML file, with whether it is a regular one and no link."""
        if depth > _MAX_FOLDERS_DEEP:
            self.findings.error(Place(folder), f"more than {_MAX_FOLDERS_DEEP} folders deep")
            return
        for entry in self._entries(folder):
            file = f"{folder}/{entry.name}"
            if not entry.name.isprintable():
                self.findings.error(Place(shown(file)), "a name with unprintable characters", "rename it")
            elif entry.is_dir(follow_symlinks=False):
                yield from self._below(file, depth + 1)
            elif entry.is_symlink() and Path(entry).is_dir():
                self._refuse_folder_link(file)
            elif entry.name.endswith(".yaml"):
                yield file, entry.is_file(follow_symlinks=False)
            elif entry.name.lower().endswith((".yaml", ".yml", ".json")):
                stem = entry.name.rpartition(".")[0]
                self.findings.error(
                    Place(shown(file)), "only files that end in .yaml are read", f"rename it to {stem}.yaml"
                )

    def _refuse_folder_link(self, file: str) -> None:
        self.findings.error(Place(shown(file)), "a link to a folder is not followed", "put the folder itself here")

    def _plain_bytes(self, file: str) -> bytes | None:
        """Without the ways of a link; None if it became one meanwhile, or can't be read: `_bytes` knows why."""
        try:
            opened = os.open(f"{self._top}/{file}", _PLAINLY)
        except OSError:
            return None
        try:
            facts = os.fstat(opened)
            if not stat.S_ISREG(facts.st_mode):
                return None
            parts = []
            left = MAX_BYTES + 1
            size = facts.st_size + 1
            while left > 0 and (part := os.read(opened, min(size, left))):
                parts.append(part)
                left -= len(part)
            return parts[0] if len(parts) == 1 else b"".join(parts)
        except OSError:
            return None
        finally:
            os.close(opened)

    def _bytes(self, file: str) -> bytes | None:
        path = self.root / file
        place = Place(shown(file))
        try:
            if not path.resolve(strict=True).is_relative_to(self._real):
                self.findings.error(place, "a link that leads out of the desired state", "put the file itself here")
                return None
            if not path.is_file():
                self.findings.error(place, "not a regular file")
                return None
            with path.open("rb") as stream:
                return stream.read(MAX_BYTES + 1)
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "a link that leads nowhere"
            self.findings.error(place, f"can't be read: {reason}")
            return None
