"""Processes of our own: the sandbox beside the client, and whatever is measured as a whole."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.company import TOKEN

ROOT: Final = Path(__file__).resolve().parent.parent
RECONCILER: Final = (sys.executable, "-m", "reconciler")


@dataclass(frozen=True, slots=True)
class Measured:
    """One process from start to end."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system."""
    memory: int
    """Bytes, at the most."""
    stdout: bytes
    exit_code: int


COLD: Final = {"RECONCILER_NO_CACHE": "1"}
"""Every file is parsed."""


_LAUNCHER: Final = """
import json, os, subprocess, sys, time
report, *command = sys.argv[1:]
begun = time.perf_counter()
process = subprocess.Popen(command)
_, status, usage = os.wait4(process.pid, 0)
wall = time.perf_counter() - begun
code = process.returncode = os.waitstatus_to_exitcode(status)
with os.fdopen(int(report), "w") as stream:
    json.dump([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, code], stream)
"""
"""A small process between us and what is measured: Linux counts the peak of whoever starts a process as its own."""


def measure(command: Sequence[str], *, expect: Sequence[int] = (0,), also: Mapping[str, str] = COLD) -> Measured:
    """Runs a command to its end, `also` in its environment. However large this process is, the peak is the command's.

    Raises SystemExit with what it said on stderr if it ends with another code.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as report:
        number = report.fileno()
        launched = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(number), *command]
        subprocess.run(
            launched, cwd=ROOT, stdout=out, stderr=err, env={**environment(), **also}, pass_fds=[number], check=False
        )
        for stream in (out, err, report):
            stream.seek(0)
        said, complaint, measured = out.read(), err.read().decode(errors="replace"), report.read()
    wall, cpu, peak, code = json.loads(measured) if measured else (0.0, 0.0, 0, -1)
    if code not in expect:
        raise SystemExit(f"{' '.join(command)} ended with {code}:\n{said.decode(errors='replace')}{complaint}")
    return Measured(wall, cpu, peak * (1 if sys.platform == "darwin" else 1024), said, code)


@contextmanager
def serving(gallery: str, *options: str) -> Iterator[str]:
    """The base URL of a sandbox in a process of its own, which ends with the block."""
    command = [*RECONCILER, "sandbox", "--gallery", gallery, "--port", "0", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        assert process.stdout is not None
        greeting = process.stdout.readline()
        if not greeting:
            raise SystemExit(f"the sandbox did not start (exit code {process.wait()})")
        yield greeting.split()[-1]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def environment() -> dict[str, str]:
    """Without what would change the client: CI's pinning, and proxies on the way to ourselves."""
    dropped = ("CI", "FORCE_COLOR", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    return {name: value for name, value in os.environ.items() if name not in dropped} | {TOKEN: "benchmark"}


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds of CPU, with that of children that have ended, and of the wall."""

    cpu: float
    wall: float

    @classmethod
    def now(cls) -> Clock:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(time.process_time() + children.ru_utime + children.ru_stime, time.perf_counter())

    def since(self) -> dict[str, float]:
        now = Clock.now()
        return {"cpu": now.cpu - self.cpu, "wall": now.wall - self.wall}
