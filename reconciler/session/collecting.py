"""Around what builds millions of objects: when the garbage collector looks at them, and when it does not."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_open = 0
"""Blocks that are open now, of all threads."""


@contextmanager
def bulk() -> Iterator[None]:
    """Around what builds millions of objects that stay: the garbage collector would look at all of them again and
    again. It is off meanwhile, and leaves them alone afterwards. Several blocks may be open at once; the last that
    ends switches it on again.
    """
    global _open
    with _lock:
        _open += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _open -= 1
            if _open == 0:
                gc.freeze()
                gc.enable()


def let_go() -> None:
    """For a process that goes on when what was built in such blocks is no longer needed: what only refers to itself is
    freed after all. Nothing happens while a block is open.
    """
    with _lock:
        if _open == 0:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
