"""A plan with nothing to change, beside the floor and beside the listing alone."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.company import Company, write_app
from benchmarks.processes import COLD, RECONCILER, Measured, measure, serving
from benchmarks.table import Row, table
from reconciler.sandbox import Sandbox

MEGA: Final = 1_000_000
PHASES: Final = ("files", "project", "application", "plan", "rest")


def run(sizes: Sequence[int], galleries: Sequence[str], rounds: int) -> tuple[str, list[Row]]:
    """Each gallery at each size. Of `rounds` interleaved runs the least CPU: what else the machine does only adds.

    Cold: every file is parsed. Warm: what an earlier run made of the files is there.
    """
    rows, parts = [], []
    for gallery in galleries:
        before: Row | None = None
        for people in sizes:
            with _tenant(gallery, people) as (root, url, kept):
                row, part = _one(gallery, people, root, url, {"XDG_CACHE_HOME": kept}, rounds)
            row["exponent"] = None if before is None else exponent(before, row, "µs a user")
            before = row
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
def _tenant(gallery: str, people: int) -> Iterator[tuple[Path, str, str]]:
    """A desired state, a sandbox that holds just that, the memory that an apply leaves, and a folder for caches."""
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
            yield root, url, str(Path(folder, "cache"))


def _one(gallery: str, people: int, root: Path, url: str, warm: dict[str, str], rounds: int) -> tuple[Row, Row]:
    plans: list[Measured] = []
    floors, listings, phases, warms = [], [], [], []
    command = [*RECONCILER, "plan", str(root), "--detailed-exitcode"]  # 2 or 3 if it is not empty
    measure(command, also=warm)
    for _ in range(rounds):
        plans.append(measure(command))
        floors.append(_json("floor", "floor", str(root), url))
        listings.append(_json("floor", "scim2", str(root), url))
        phases.append(_json("phases", str(root)))
        warms.append(_json("phases", str(root), also=warm))
    plan, again = (min(found, key=lambda one: one["all"]) for found in (phases, warms))
    floor, listing = (min(found, key=lambda one: one["cpu"]) for found in (floors, listings))
    row: Row = {
        "gallery": gallery,
        "people": people,
        "to the floor": plan["all"] / floor["cpu"],
        "warm": again["all"] / floor["cpu"],
        "wall, to the floor's": _least(phases) / _least(floors),
        "warm ": _least(warms) / _least(floors),
        "to scim2-client's listing": plan["all"] / listing["cpu"],
        "exponent": None,
        "µs a user": plan["all"] * MEGA / people,
        "floor": floor["cpu"] * MEGA / people,
        "listing": listing["cpu"] * MEGA / people,
        "wall s": median(one.wall for one in plans),
        "memory MB": median(one.memory for one in plans) / MEGA,
        "requests": int(phases[0]["requests"]),
    }
    parts: Row = {"gallery": gallery, "people": people}
    parts |= {name: plan[name] * MEGA / people for name in PHASES}
    return row, parts | {f"{name}, warm": again[name] * MEGA / people for name in PHASES[:1]}


def _least(found: Sequence[dict[str, float]]) -> float:
    return min(one["wall"] for one in found)


def exponent(small: Row, large: Row, a_user: str) -> float:
    """Of the growth from one size to another: 1 is linear, 2 quadratic."""
    times = large[a_user] * large["people"] / (small[a_user] * small["people"])
    return math.log(times) / math.log(large["people"] / small["people"])


def _json(module: str, *arguments: str, also: dict[str, str] = COLD) -> Any:
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    return json.loads(measure(command, also=also).stdout)
