"""What the command line says to everything that needs files, memory or a connection."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import desired as files

if TYPE_CHECKING:
    import httpx

    from reconciler.http import Outgoing


def _to_stderr(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


@dataclass(slots=True)
class Settings:
    """The command line of a command that needs files, memory or a connection."""

    directory: Path | None = None
    apps: Sequence[str] = ()
    state: str | None = None
    allow: Sequence[str] = ()
    as_of: str | None = None
    """The day or moment to plan for; None: now."""
    allow_host: Sequence[str] = ()
    allow_env: Sequence[str] = ()
    allow_file: Sequence[str] = ()
    allow_command: Sequence[str] = ()
    only: Sequence[str] = ()
    """Keys of the people and groups that alone are planned; nobody: all."""
    base: str | None = None
    """The revision with which plans are compared."""
    snapshot: str | None = None
    """Where to find what was read earlier: a file, a folder, or `state`; None: the application is read."""
    offline: bool = False
    """Nothing is read at all, nor remembered: revisions of the files are compared."""
    transport: httpx.AsyncBaseTransport | None = None
    """Replaces the network, in tests."""
    tell: Callable[[str], None] = field(default=_to_stderr, repr=False)
    """What a person should know beside the result: a sentence."""

    def outgoing(self) -> Outgoing:
        from reconciler.http import Outgoing

        return Outgoing.from_environment(
            os.environ,
            allow_host=self.allow_host,
            allow_env=self.allow_env,
            allow_file=self.allow_file,
            allow_command=self.allow_command,
        )


def root_of(settings: Settings) -> Path:
    """The folder of the desired state: the one that was named, or found upwards."""
    if settings.directory is None:
        return files.find(Path.cwd())
    return settings.directory if _is_state(settings.directory) else files.find(settings.directory)


def load(settings: Settings) -> files.Loaded:
    root = root_of(settings)
    return files.load(
        root,
        commit=files.commit_of(root),
        apps=settings.apps or None,
        keep=settings.base is not None,
        cache=files.cache_of(root),
    )


def _is_state(folder: Path) -> bool:
    return any((folder / part).is_dir() for part in ("apps", "users", "groups"))
