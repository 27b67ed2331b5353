"""In a job of GitHub Actions no name is a command, wherever it is printed; in JSON it stays what it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.joblog import harmless

COMMANDS = "add-mask|set-output|save-state|stop-commands|debug|error|warning|notice|group|endgroup|add-matcher|echo"
HOSTILE = ("##[add-mask]a", "::add-mask::a", "x ##[set-output name=plan]none", "\t::stop-commands::x", "::error::x")


def commands(log: str) -> list[str]:
    """As the runner finds them: `::x::` where a line begins, `##[x]` anywhere."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log):
        at_start = re.match(rf"\s*::(?:{COMMANDS})(?: [^\n]*?)?::", line, re.IGNORECASE)
        anywhere = re.search(rf"##\[(?:{COMMANDS})[ \]]", line, re.IGNORECASE)
        found += [line] if at_start or anywhere else []
    return found


@pytest.mark.parametrize(
    "text", [*HOSTILE[:4], " ::error::x", "\u00a0::add-mask::x", "a\r::group::b", "ok\n::debug::c"]
)
def test_no_line_is_a_command(text: str) -> None:
    assert commands(text)
    assert not commands(harmless(text))


@given(st.text(st.sampled_from("#[]: \n\r\tadd-maskerror\u00a0\u2028"), max_size=60))
def test_no_text_is_one_but_our_own_remarks(text: str) -> None:
    for line in commands(harmless(text)):
        assert line.startswith(("::error", "::warning", "::notice"))


@given(st.text(st.sampled_from('#[]: \n\\"a\u2028'), max_size=40))
def test_json_means_what_it_meant(text: str) -> None:
    for option in (0, orjson.OPT_INDENT_2):
        assert orjson.loads(harmless(orjson.dumps([{text: text}], option=option).decode())) == [{text: text}]


@pytest.mark.parametrize("line", ["::error file=a.yaml,line=3,title=x::y%0Az\n", "::notice::x\n", "a::b\n", "# [x]\n"])
def test_our_remarks_and_what_is_none_stay(line: str) -> None:
    assert harmless(line) == line


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A desired state with commands for names."""
    root = tmp_path / "company"
    shutil.copytree(Path(__file__).parents[2] / "desired-state", root)
    group = root / "groups" / "crisis-team.yaml"
    name = orjson.dumps(f"{HOSTILE[1]} {HOSTILE[2]}").decode()
    group.write_text(
        re.sub("^displayName: .*", lambda _: f"displayName: {name}", group.read_text(), flags=re.MULTILINE)
    )
    (root / "users" / "wrong.yaml").write_text(f"{orjson.dumps(HOSTILE[0]).decode()}: 1\n")
    return root


@pytest.mark.parametrize("form", ["text", "json", "annotations", "sarif"])
def test_what_the_program_prints_in_a_job_is_no_command(hostile: Path, form: str) -> None:
    def run(actions: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "validate", str(hostile), "--format", form],
            env={**os.environ, "GITHUB_ACTIONS": actions}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        return done.stdout, done.stderr

    assert "##[" in "".join(run("false"))
    out, err = run("true")
    assert not [line for line in commands(out) if not line.startswith("::error file=users/wrong.yaml")]
    assert not commands(err)
    assert "add-mask" in out + err
    if form in ("json", "sarif"):
        assert orjson.loads(out) == orjson.loads(run("false")[0])


def test_plans_too(hostile: Path) -> None:
    (hostile / "users" / "wrong.yaml").unlink()
    for command in (("init", "-q"), ("add", "-A"), ("-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x")):
        subprocess.run(["git", "-C", str(hostile), *command], check=True)
    group = hostile / "groups" / "crisis-team.yaml"
    group.write_text(group.read_text().replace("members:", "members:\n  - linus.byrne", 1))
    for form in ("text", "markdown", "json", "html", "annotations"):
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "plan", str(hostile), "--offline", "--base", "HEAD", "--format", form],
            env={**os.environ, "GITHUB_ACTIONS": "true"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "add-mask" in done.stdout, form
        assert not [line for line in commands(done.stdout) if not re.match(r"::(notice|warning|error) file=", line)]
