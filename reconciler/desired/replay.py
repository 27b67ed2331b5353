"""The desired state at one commit after the other: what two neighbours have in common is written and parsed once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.desired.cache import cache_of
from reconciler.desired.load import Loaded, load
from reconciler.desired.parsed import Parsed
from reconciler.desired.revision import LINK, Entry, Unusable, entries_at, write_files
from reconciler.desired.root import FOLDERS
from reconciler.errors import DesiredStateError


class Replay:
    """A context manager. `apps`: those that are asked for, as far as a commit has them; None: all."""

    def __init__(self, root: Path, apps: Collection[str] | None = None) -> None:
        self._root, self._apps = root, apps
        self._folder = Path(tempfile.mkdtemp(prefix="reconciler-replay-"))
        self._there: dict[str, Entry] = {}
        self._parsed: Parsed | None = None
        self._cache = cache_of(root, writes=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def files(self, commit: str) -> dict[str, str]:
        """File → object, of what a loader would read. Empty where there is no desired state."""
        try:
            return {file: entry.sha for file, entry in entries_at(self._root, commit).items()}
        except Unusable:
            return {}

    def at(self, commit: str) -> Loaded | None:
        """None: nothing of it can be used, or there was none of these apps."""
        try:
            entries = entries_at(self._root, commit)
            if not any(file.partition("/")[0] in FOLDERS for file in entries):
                return None
            there = {file.split("/")[1] for file in entries if file.startswith("apps/") and file.count("/") > 1}
            chosen = None if self._apps is None else sorted(there.intersection(self._apps))
            if chosen == []:
                return None
            self._write(entries)
            loaded = load(
                self._folder,
                commit=commit,
                apps=chosen,
                keep=True,
                like=self._parsed,
                cache=self._cache,
                earlier=True,
            )
        except (Unusable, DesiredStateError):
            return None
        self._parsed = loaded.parsed
        return replace(loaded, root=self._root)

    def _write(self, entries: dict[str, Entry]) -> None:
        before, self._there = self._there, {}
        changed = {file: entry for file, entry in entries.items() if before.get(file) != entry}
        linked = any(entry.mode == LINK for entry in (*entries.values(), *before.values()))
        if linked:  # what a link leads to may have changed without it
            shutil.rmtree(self._folder)
            self._folder.mkdir()
            changed = entries
        else:
            for file in before.keys() - entries.keys():
                (self._folder / file).unlink(missing_ok=True)
        write_files(self._root, self._folder, changed)
        self._there = entries
