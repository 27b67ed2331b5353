"""A plan with nothing to change, beside the floor and beside the listing alone."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.company import Company, write_app
from benchmarks.processes import RECONCILER, Measured, measure, serving
from benchmarks.table import Row, table
from reconciler.sandbox import Sandbox

MEGA: Final = 1_000_000
PHASES: Final = ("files", "project", "application", "plan", "rest")


def run(sizes: Sequence[int], galleries: Sequence[str], rounds: int) -> tuple[str, list[Row]]:
    """Each gallery at each size. Of `rounds` interleaved runs the least CPU: what else the machine does only adds."""
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
            table("plan, nothing to change: CPU of the client, µs a user; wall and memory of the whole process", rows),
            table("the phases of a plan: CPU, µs a user", parts),
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
    plans: list[Measured] = []
    floors, listings, phases = [], [], []
    for _ in range(rounds):
        plans.append(measure([*RECONCILER, "plan", str(root), "--detailed-exitcode"]))  # 2 or 3 if it is not empty
        floors.append(_json("floor", "floor", str(root), url))
        listings.append(_json("floor", "scim2", str(root), url))
        phases.append(_json("phases", str(root)))
    plan, floor, listing = min(one["all"] for one in phases), min(floors), min(listings)
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
    best = min(phases, key=lambda one: one["all"])
    each = {name: best[name] * MEGA / people for name in PHASES}
    return row, {"gallery": gallery, "people": people, **each}


def _json(module: str, *arguments: str) -> Any:
    return json.loads(measure([sys.executable, "-m", f"benchmarks.{module}", *arguments]).stdout)
