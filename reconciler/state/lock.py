"""One apply to a tenant at a time, on one machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from reconciler.errors import Locked


@contextmanager
def tenant_lock(tenant_url: str, folder: Path | None = None) -> Iterator[None]:
    """Held until the block ends, or the process does. Raises Locked if somebody else holds it."""
    lock = _lock(tenant_url, folder)
    try:
        lock.acquire()
    except Timeout as error:
        raise Locked(
            f"another apply to {tenant_url} is running on this machine", hint="wait for it to end, then run again"
        ) from error
    try:
        yield
    finally:
        lock.release()


def is_locked(tenant_url: str, folder: Path | None = None) -> bool:
    """Whether an apply to this tenant is running on this machine."""
    lock = _lock(tenant_url, folder)
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False


def _lock(tenant_url: str, folder: Path | None) -> FileLock:
    folder = folder or Path(platformdirs.user_cache_dir("reconciler")) / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{hashlib.sha256(tenant_url.encode()).hexdigest()[:16]}.lock", timeout=0)
