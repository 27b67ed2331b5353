"""The benchmarks run, at a size at which they say nothing: so that `make bench` does not rot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.company import Company

ROOT = Path(__file__).resolve().parent.parent


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)


def test_every_bench_prints_its_table_and_keeps_its_figures(tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    sizes = {"people": 20, "rounds": 1, "creations": 20, "limited": 5, "members": 150, "changed": 40, "starts": 1,
             "company": 40, "cycles": 10, "entries": 100, "kills": 1}  # fmt: skip
    small = [f"--{name}={size}" for name, size in sizes.items()]
    done = _bench(*small, "--gallery", "hootsuite", "--json", str(kept))
    assert done.returncode == 0, done.stderr
    for title in (
        "plan, nothing to change",
        "the phases of a plan",
        "few: 10 people change",
        "apply: creations, 50 ms",
        "members:",
        "requests:",
        "memory: KB a change",
        "start:",
        "history: 10 cycles, 100 entries",
        "apply: killed",
    ):
        assert title in done.stdout
    figures = json.loads(kept.read_text(encoding="utf-8"))
    (plan,) = figures["plan"]
    assert 2 <= plan["requests"] <= 4  # a page of users, one of groups, and whether more comes after them
    assert plan["µs a user"] > 0
    assert plan["floor"] > 0
    assert plan["listing"] > 0
    assert figures["members"][0]["requests"] == figures["members"][0]["fewest"] == 2
    alone, together = figures["requests"]
    assert alone["writes"] == alone["fewest"] == 42
    assert together["writes"] == together["fewest"] == 1
    assert figures["apply"]["limit"][0]["% answers 429"] <= 100
    assert [row["changes"] for row in figures["memory"]] == [20] * 4
    assert figures["start"][0]["to bare click"] > 0
    assert {row["ms"] > 0 for row in figures["history"]} == {True}
    assert figures["killing"]["wrong"] == figures["killing"]["twice"] == 0


def test_a_bench_that_does_not_exist_is_refused() -> None:
    done = _bench("speed")
    assert done.returncode == 2
    assert "there is no bench speed" in done.stderr


def test_everybody_is_in_ten_groups_of_five_hundred() -> None:
    company = Company(1_000)
    members = [company.members(group) for group in range(company.groups)]
    assert {len(group) for group in members} == {500}
    assert sum(group.count(7) for group in members) == 10


def test_a_tiny_company_has_one_group_with_everybody() -> None:
    assert [Company(20).members(group) for group in range(Company(20).groups)] == [list(range(20))]
