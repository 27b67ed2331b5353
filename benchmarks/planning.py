"""A plan with nothing to change, beside the floor and beside the listing alone."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.company import Company, write_app
from benchmarks.processes import RECONCILER, Measured, measure, serving
from benchmarks.table import Row, table
from reconciler.sandbox import Sandbox

MEGA: Final = 1_000_000
PHASES: Final = ("files", "project", "application", "plan", "rest")


def run(sizes: Sequence[int], galleries: Sequence[str], rounds: int) -> tuple[str, list[Row]]:
    """Each gallery at each size. Figures are medians of `rounds` interleaved runs."""
    rows, parts = [], []
    for gallery in galleries:
        first: float | None = None
        for people in sizes:
            with _tenant(gallery, people) as (root, url):
                row, part = _one(gallery, people, root, url, rounds)
            first = first or row["µs a user"]
            row["a user, to the first size"] = row["µs a user"] / first
            rows.append(row)
            parts.append(part)
    text = "\n\n".join(
        (
            table("plan, nothing to change: client CPU as a ratio to the yardsticks, and in µs a user", rows),
            table("the phases of a plan: µs a user, wall", parts),
        )
    )
    return text, [{**row, "phases": part} for row, part in zip(rows, parts, strict=True)]


@contextmanager
def _tenant(gallery: str, people: int) -> Iterator[tuple[Path, str]]:
    """A desired state and a sandbox that holds just that, with the memory that an apply leaves."""
    company = Company(people)
    with tempfile.TemporaryDirectory() as folder:
        root, held = Path(folder, "desired"), Path(folder, "sandbox.json")
        company.write(root)
        sandbox = Sandbox(gallery, acts_as=None, state=held)
        company.hire(sandbox)
        sandbox.save()
        del sandbox
        with serving(gallery, "--rate", "0", "--state", str(held)) as url:
            write_app(root, gallery, url)
            measure([*RECONCILER, "apply", str(root), "--yes"])
            yield root, url


def _one(gallery: str, people: int, root: Path, url: str, rounds: int) -> tuple[Row, Row]:
    plans, floors, listings, phases = [], [], [], []
    for _ in range(rounds):
        plans.append(measure([*RECONCILER, "plan", str(root), "--detailed-exitcode"]))
        floors.append(measure([sys.executable, "-m", "benchmarks.floor", "floor", str(root), url]))
        listings.append(measure([sys.executable, "-m", "benchmarks.floor", "scim2", str(root), url]))
        phases.append(json.loads(measure([sys.executable, "-m", "benchmarks.phases", str(root)]).stdout))
    plan, floor, listing = _cpu(plans), _cpu(floors), _cpu(listings)
    row: Row = {
        "gallery": gallery,
        "people": people,
        "to the floor": plan / floor,
        "to scim2-client's listing": plan / listing,
        "a user, to the first size": 1.0,
        "µs a user": plan * MEGA / people,
        "floor": floor * MEGA / people,
        "listing": listing * MEGA / people,
        "wall s": median(one.wall for one in plans),
        "memory MB": median(one.memory for one in plans) / MEGA,
        "requests": int(phases[0]["requests"]),
    }
    each = {name: median(one[name] for one in phases) * MEGA / people for name in PHASES}
    return row, {"gallery": gallery, "people": people, **each}


def _cpu(runs: Sequence[Measured]) -> float:
    return median(one.cpu for one in runs)
