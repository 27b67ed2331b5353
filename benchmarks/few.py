"""A change of a few people of very many: how much of a whole plan it costs."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.company import Company, write_app
from benchmarks.processes import RECONCILER, Measured, environment, measure
from benchmarks.table import Row, table
from reconciler.sandbox import Sandbox, running

CHANGED: Final = 10
_AUTHOR: Final = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")


def run(sizes: Sequence[int], rounds: int) -> tuple[str, list[Row]]:
    """Ten people's display names differ from the revision before. Of interleaved rounds the least CPU."""
    rows = [row for people in sizes for row in _one(people, rounds)]
    return table(f"few: {CHANGED} people change; as multiples of the whole plan", rows), rows


def _one(people: int, rounds: int) -> list[Row]:
    company, sandbox = Company(people), Sandbox("scim", acts_as=None, rate=0)
    company.hire(sandbox)
    with tempfile.TemporaryDirectory() as folder, running(sandbox) as url:
        root = Path(folder)
        company.write(root)
        write_app(root, "scim", url)
        _commit(root)
        measure([*RECONCILER, "apply", str(root), "--yes"])
        keys = _change(root, people)
        _commit(root)
        plan = [*RECONCILER, "plan", str(root), "--format", "json"]
        commands = {
            "plan": plan,
            "plan --base": [*plan, "--base", "HEAD~1"],
            "plan --base --snapshot state": [*plan, "--base", "HEAD~1", "--snapshot", "state"],
            "plan --only": [*plan, *(part for key in keys for part in ("--only", key))],
        }
        spent: dict[str, list[Measured]] = {name: [] for name in commands}
        requests = {}
        for _ in range(rounds):
            for name, command in commands.items():
                sandbox.requests.clear()
                spent[name].append(measure(command))
                requests[name] = len(sandbox.requests)
    best = {name: min(found, key=lambda each: each.cpu) for name, found in spent.items()}
    return [_row(name, people, requests[name], found, best["plan"]) for name, found in best.items()]


def _change(root: Path, people: int) -> list[str]:
    """People from all over the files, so that ten files differ where there are as many. Returns their keys."""
    step = people // CHANGED
    for n in range(0, step * CHANGED, step):
        file = root / "users" / f"{n // 100:05}.yaml"
        before, mark, after = file.read_text(encoding="utf-8").partition(f"- id: p{n:06}\n")
        file.write_text(before + mark + after.replace("displayName: ", "displayName: Dr ", 1), encoding="utf-8")
    return [f"user:p{n:06}" for n in range(0, step * CHANGED, step)]


def _commit(root: Path) -> None:
    (root / ".gitignore").write_text(".reconciler/\n", encoding="utf-8")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "bench")):
        subprocess.run(["git", "-C", str(root), *_AUTHOR, *arguments], check=True, env=environment())


def _row(name: str, people: int, requests: int, found: Measured, whole: Measured) -> Row:
    changes = len(json.loads(found.stdout)["changes"])
    if changes != CHANGED:
        raise SystemExit(f"{name}: {changes} changes instead of {CHANGED}")
    return {
        "what": name,
        "people": people,
        "CPU": found.cpu / whole.cpu,
        "requests": requests,
        "CPU s": found.cpu,
    }
