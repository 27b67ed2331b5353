"""`reconciler --help` beside a bare click program."""

from __future__ import annotations

import sys
from statistics import median

from benchmarks.processes import RECONCILER, measure
from benchmarks.table import Row, table


def run(rounds: int) -> tuple[str, list[Row]]:
    """Interleaved, after one round that fills the caches and does not count."""
    ours, bare = [], []
    for _ in range(rounds + 1):
        ours.append(measure([*RECONCILER, "--help"]).wall)
        bare.append(measure([sys.executable, "-m", "benchmarks.bare", "--help"]).wall)
    first, second = median(ours[1:]), median(bare[1:])
    rows: list[Row] = [{"to bare click": first / second, "ms": first * 1000, "bare click ms": second * 1000}]
    return table("start: reconciler --help", rows), rows
