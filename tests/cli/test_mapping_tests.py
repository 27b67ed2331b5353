"""`reconciler test`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconciler.cli.test import test as command
from reconciler.errors import UsageError

_APP = """\
gallery: hootsuite
tenantUrl: https://platform.hootsuite.com/scim/v2
scope: {everyone: true}
unmanaged: {users: report}
"""
_TESTS = """\
cases:
  - id: leaver
    expression: 'Switch([IsSoftDeleted], , "False", "True", "True", "False")'
    inputs: {IsSoftDeleted: "True"}
    expected: "False"
  - id: whole person
    user: ada
    expected: {userName: ada@contoso.com, displayName: Ada King}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "users/ada.yaml": "userPrincipalName: ada@contoso.com\ndisplayName: Ada Lovelace\n",
        "groups/social.yaml": "displayName: Social\nmembers: [ada]\n",
        "apps/hootsuite/app.yaml": _APP,
        "apps/hootsuite/tests.yaml": _TESTS,
        "apps/chat/app.yaml": _APP.replace("hootsuite", "scim", 1).replace("platform", "chat"),
        "apps/chat/tests.yaml": "cases:\n  - {id: fine, expression: 'Left(\"abc\", 1)', expected: a}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run() -> Callable[..., Result]:
    def running(*arguments: object) -> Result:
        return CliRunner().invoke(command, [str(each) for each in arguments])

    return running


def test_failures_are_told_with_their_place(root: Path, run: Callable[..., Result]) -> None:
    result = run(root)
    assert result.exit_code == 1
    assert result.stdout == (
        "FAILED  hootsuite whole person  apps/hootsuite/tests.yaml:6:5\n"
        "    displayName\n"
        '      expected  "Ada King"\n'
        '      actual    "Ada Lovelace"\n'
        "2 passed, 1 failed.\n"
    )


def test_success_is_short(root: Path, run: Callable[..., Result]) -> None:
    result = run(root, "--app", "chat")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "1 passed, 0 failed.\n", "")


def test_the_desired_state_is_found_upwards(
    root: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root / "users")
    assert run("--app", "chat").stdout == "1 passed, 0 failed.\n"


def test_json(root: Path, run: Callable[..., Result]) -> None:
    result = run(root, "--format", "json")
    assert result.exit_code == 1
    fine, leaver, person = json.loads(result.stdout)
    assert (fine["app"], fine["passed"], leaver["passed"]) == ("chat", True, True)
    assert person == {
        "app": "hootsuite",
        "id": "whole person",
        "file": "apps/hootsuite/tests.yaml",
        "line": 6,
        "passed": False,
        "error": None,
        "mismatches": [{"target": "displayName", "expected": "Ada King", "actual": "Ada Lovelace"}],
    }


def test_a_file_of_examples(tmp_path: Path, run: Callable[..., Result]) -> None:
    file = tmp_path / "examples.yaml"
    file.write_text(
        "cases:\n"
        "  - {id: good, expression: 'Left(\"abc\", 1)', expected: a}\n"
        "  - {id: bad, expression: 'Lefft(\"abc\", 1)', expected: a}\n",
        encoding="utf-8",
    )
    result = run(file)
    assert result.exit_code == 1
    assert (
        f"FAILED  bad  {file}:3:5\n    no function has the name Lefft, at column 1 (did you mean Left?)"
        in result.stdout
    )
    assert "1 passed, 1 failed." in result.stdout


def test_an_apps_file_is_run_with_its_app(root: Path, run: Callable[..., Result]) -> None:
    result = run(root / "apps" / "hootsuite" / "tests.yaml")
    assert "FAILED  hootsuite whole person" in result.stdout
    assert result.stdout.endswith("1 passed, 1 failed.\n")


def test_a_file_of_people_is_run_with_the_app_named(
    root: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = root / "more.yaml"
    file.write_text("cases:\n  - {id: ada, user: ada, expected: {userName: ada@contoso.com}}\n", encoding="utf-8")
    assert "a whole person needs the mappings of an app" in run(file).stdout
    monkeypatch.chdir(root)
    assert run(file, "--app", "chat").stdout == "1 passed, 0 failed.\n"
    assert run(root / "apps/chat/tests.yaml", "--app", "hootsuite").stdout == "0 passed, 0 failed.\n"


def test_nothing_to_run_is_said(root: Path, run: Callable[..., Result]) -> None:
    (root / "apps/chat/tests.yaml").unlink()
    result = run(root, "--app", "chat")
    assert (result.exit_code, result.stdout) == (0, "0 passed, 0 failed.\n")
    assert "There are no mapping tests" in result.stderr


def test_names_in_failures_cannot_move_the_cursor(tmp_path: Path, run: Callable[..., Result]) -> None:
    file = tmp_path / "examples.yaml"
    file.write_text(
        'cases:\n  - {id: "a\\e[2Jb", expression: "[x]", inputs: {x: "\\u202Ey"}, expected: z}\n', encoding="utf-8"
    )
    output = run(file).stdout
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert "\\u001b[2J" in output


def test_what_is_not_there(tmp_path: Path, run: Callable[..., Result]) -> None:
    result = run(tmp_path / "nowhere")
    assert isinstance(result.exception, UsageError)
    assert result.exception.message.startswith("there is no ")
