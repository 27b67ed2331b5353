"""The benchmarks run, at a size at which they say nothing: so that `make bench` does not rot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.company import Company
from benchmarks.processes import measure

ROOT = Path(__file__).resolve().parent.parent


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)


def test_every_bench_prints_its_table_and_keeps_its_figures(tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    sizes = {"people": 20, "rounds": 1, "creations": 20, "limited": 5, "members": 150, "changed": 40, "starts": 1,
             "company": 40, "cycles": 10, "entries": 100, "kills": 1}  # fmt: skip
    small = [f"--{name}={size}" for name, size in sizes.items()]
    table = tmp_path / "table.md"
    wanted = ("--all", "--gallery", "hootsuite", "--json", str(kept), "--markdown", str(table))
    done = _bench(*small, *wanted)
    assert done.returncode == 0, done.stderr
    for title in (
        "plan, nothing to change",
        "the phases of a plan",
        "validate: seconds",
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
    assert plan["exponent"] is None
    assert plan["warm"] > 0
    assert {row["files"] for row in figures["files"]} == {"lists of 100", "one file each"}
    summary = table.read_text(encoding="utf-8")
    assert summary in done.stdout
    assert len({line.count("|") for line in summary.splitlines()[2:]}) == 1
    for figure in ("CPU, to the floor", "memory, MB", "% of the ideal", "answers 429", "to the fewest", "`--help`"):
        assert figure in summary
    assert plan["µs a user"] > 0
    assert plan["floor"] > 0
    assert plan["listing"] > 0
    assert figures["members"][0]["requests"] == figures["members"][0]["fewest"] == 2
    alone, together = figures["requests"]
    assert alone["writes"] == alone["fewest"] == 56
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


def test_everybody_is_in_ten_groups_of_fifty() -> None:
    company = Company(1_000)
    members = [company.members(group) for group in range(company.groups)]
    assert {len(group) for group in members} == {50}
    assert sum(group.count(7) for group in members) == 10


def test_in_a_tiny_company_everybody_is_in_every_group() -> None:
    assert [Company(20).members(group) for group in range(Company(20).groups)] == [list(range(20))] * 4


def test_one_file_each_says_what_lists_say(tmp_path: Path) -> None:
    from reconciler.desired.files import Tree
    from reconciler.desired.findings import Findings
    from reconciler.desired.groups import Groups
    from reconciler.desired.users import People

    found = []
    for alone in (False, True):
        root = tmp_path / str(alone)
        Company(150).write(root, alone=alone)
        findings = Findings()
        people = People(findings, {}, ())
        people.read(Tree(root, findings).documents("users"))
        groups = Groups(findings, people.users, (), {}, people.zone)
        groups.read(Tree(root, findings).documents("groups"))
        assert not findings.problems
        found.append(({each.id: each.attributes for each in people.users.values()}, len(groups.groups)))
    assert found[0] == found[1]
    assert len(list((tmp_path / "True" / "users").rglob("*.yaml"))) == 150


def test_the_exponent_is_that_of_the_growth() -> None:
    from benchmarks.planning import exponent

    small = {"people": 10_000, "µs a user": 50.0}
    assert exponent(small, {"people": 100_000, "µs a user": 50.0}, "µs a user") == 1
    assert round(exponent(small, {"people": 100_000, "µs a user": 500.0}, "µs a user"), 6) == 2


def test_the_memory_of_a_process_is_not_that_of_whoever_measures_it() -> None:
    """Linux gives a child its parent's peak, so a bench that had filled a sandbox measured itself."""
    touch = "held = bytearray({0})\nfor n in range(0, {0}, 4096): held[n] = 1\n"
    report = (
        "from benchmarks.processes import measure\nimport sys\nprint(measure([sys.executable, '-c', 'pass']).memory)"
    )
    large = measure([sys.executable, "-c", touch.format(400_000_000) + "del held\n" + report])
    assert large.memory > 400_000_000
    assert int(large.stdout) < 200_000_000


def test_a_command_that_fails_ends_the_bench_with_what_it_said() -> None:
    with pytest.raises(SystemExit, match="ended with 3:\nno such thing"):
        measure([sys.executable, "-c", "import sys; print('no such thing', file=sys.stderr); sys.exit(3)"])
    with pytest.raises(SystemExit, match="nonexistent"):
        measure(["/nonexistent/program"])
