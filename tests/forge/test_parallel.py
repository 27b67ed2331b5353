"""Jobs that report at the same time, and the fake as a process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from reconciler.forge import Publication, connect, meant, surroundings
from reconciler.model.plan import Plan
from reconciler.plan import to_json
from reconciler.render import Report
from tests.forge.conftest import joins, leaves, plan
from tests.forge.fakes.github import GitHub

A = "a" * 40


async def _reported(github: GitHub, made: Plan, run: int) -> list[str]:
    where = surroundings(github.environment(run=run)).about(number=None, head=A)
    async with connect(where) as forge:
        pull = await meant(forge, where)
        assert pull is not None
        how = Publication(forge, pull, where.run, where.run_url)
        await how.publish([Report(made)])
        return how.told.failures


@pytest.mark.parametrize("times", range(3))
def test_jobs_of_several_apps_at_a_time_agree_about_the_labels(github: GitHub, times: int) -> None:
    number, run = github.open_pull(A), github.run(A)
    plans = [plan(*joins("ada"), app="a"), plan(*leaves("eve"), app="b"), plan(app="c"), plan(*joins("x"), app="d")]

    async def main() -> list[list[str]]:
        return await asyncio.gather(*(_reported(github, each, run) for each in plans))

    assert asyncio.run(main()) == [[], [], [], []]
    assert github.labelled(number) == {"access: adds", "access: removes"}
    assert len(github.reports(number)) == 3
    assert sorted(check["name"] for check in github.checks) == [f"reconciler/{app}" for app in "abcd"]


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_the_fake_runs_as_a_process(forge: str, kept: Any, reconciler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", f"tests.forge.fakes.{forge}"]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()

        def ask(name: str, arguments: dict[str, Any] | None = None) -> Any:
            data = None if arguments is None else json.dumps(arguments).encode()
            with urllib.request.urlopen(f"{url}/_fake/{name}", data) as answer:
                return json.load(answer)

        made = plan(*joins("ada"))
        number = ask("open_pull", {"head": A})
        run = ask("run", {"head": A, "files": {"hootsuite.json": to_json(made).decode()}})
        for name, value in ask("environment", {"run": run}).items():
            monkeypatch.setenv(name, value)
        assert reconciler("comment", kept(made), "--pull-request", number, "--strict").code == 0
        assert ["ada" in each["body"] for each in ask("comments")] == [True]
        assert ask("labelled", {"number": number}) == ["access: adds"]
    finally:
        process.terminate()
        process.wait(timeout=20)
        assert process.stdout is not None
        process.stdout.close()
