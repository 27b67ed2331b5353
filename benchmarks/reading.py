"""`validate`: all files read and checked, in lists of a hundred and in one file each, beside the YAML reader alone."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.company import Company, write_app
from benchmarks.planning import exponent
from benchmarks.processes import COLD, RECONCILER, measure
from benchmarks.table import Row, table

_SHAPES: Final = {"lists of 100": False, "one file each": True}
_CHANGED: Final = 10
MEGA: Final = 1_000_000


def run(sizes: Sequence[int], rounds: int) -> tuple[str, list[Row]]:
    """Of `rounds` interleaved runs the quickest. Warm: a second run. Changed: after ten files have been edited."""
    rows: list[Row] = []
    for shape, alone in _SHAPES.items():
        before: Row | None = None
        for people in sizes:
            row = _one(shape, people, rounds, alone=alone)
            row["exponent"] = None if before is None else exponent(before, row, "µs a user")
            before = row
            rows.append(row)
    return table("validate: seconds of the whole process, as multiples of the YAML reader alone", rows), rows


def _one(shape: str, people: int, rounds: int, *, alone: bool) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        root, warm = Path(folder, "desired"), {"XDG_CACHE_HOME": str(Path(folder, "cache"))}
        Company(people).write(root, alone=alone)
        write_app(root, "scim", "http://127.0.0.1:9")
        files = sorted((root / "users").rglob("*.yaml"))
        command = [*RECONCILER, "validate", str(root)]
        times: dict[str, list[float]] = {name: [] for name in ("floor", "cold", "warm", "changed")}
        memory = 0
        measure(command, also=warm)
        for number in range(rounds):
            floor = [sys.executable, "-m", "benchmarks.floor", "files", str(root), ""]
            times["floor"].append(json.loads(measure(floor).stdout)["wall"])
            cold = measure(command, also=COLD)
            times["cold"].append(cold.wall)
            memory = max(memory, cold.memory)
            times["warm"].append(measure(command, also=warm).wall)
            for file in files[:: max(1, len(files) // _CHANGED)][:_CHANGED]:
                with file.open("a", encoding="utf-8") as stream:
                    stream.write(f"# {number}\n")
            times["changed"].append(measure(command, also=warm).wall)
    best = {name: min(found) for name, found in times.items()}
    return {
        "files": shape,
        "people": people,
        "cold": best["cold"] / best["floor"],
        "warm": best["warm"] / best["floor"],
        "ten changed": best["changed"] / best["floor"],
        "exponent": None,
        "µs a user": best["cold"] * MEGA / people,
        "cold s": best["cold"],
        "warm s": best["warm"],
        "memory MB": memory / MEGA,
    }
