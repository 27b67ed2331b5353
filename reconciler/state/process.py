"""Which process of which machine, so that another one on it can tell that it has ended. Where that can't be told for
certain (another machine, another container, another system), it counts as running.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_START: Final = 19
"""Where the hour of a process's start is in proc(5) stat, counted behind its name."""


def this_process() -> str | None:
    """Boot of the machine, its space of process numbers, number, hour of start; None: can't be told here."""
    machine, started = _machine(), _started(os.getpid())
    return None if machine is None or started is None else f"{machine} {os.getpid()} {started}"


def has_ended(process: str) -> bool:
    """Whether a process of this very machine is certainly gone, be it that another one has its number now."""
    machine, _, rest = process.partition(" ")
    number, _, began = rest.partition(" ")
    if machine != _machine() or not (number.isascii() and number.isdigit()) or not 0 < int(number) < 2**31:
        return False
    try:
        os.kill(int(number), 0)  # asks alone; tells also of processes that /proc hides
    except ProcessLookupError:
        return True
    except OSError:
        return False
    now = _started(int(number))
    return now is not None and began.isdigit() and now != began


def _machine() -> str | None:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        space = str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return None
    return f"{boot}/{space}"


def _started(number: int) -> str | None:
    try:
        stat = (_PROC / str(number) / "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return fields[_START] if len(fields) > _START else None
