"""`reconciler expression`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconciler.cli import COMMANDS
from reconciler.cli.expression import expression
from reconciler.errors import UsageError


@pytest.fixture
def run() -> Callable[..., Result]:
    def running(*arguments: object) -> Result:
        return CliRunner().invoke(expression, [str(each) for each in arguments])

    return running


@pytest.fixture
def company(tmp_path: Path) -> Path:
    files = {
        "users/ada.yaml": "userPrincipalName: ada@contoso.com\ndisplayName: Ada\notherMails: [a@x.org, b@x.org]\n",
        "users/eve.yaml": "userPrincipalName: eve@contoso.com\ndisplayName: Eve\naccountEnabled: false\n",
        "groups/social.yaml": "displayName: Social\nmembers: [ada]\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "apps").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "shown", "document"),
    [
        ("Append([a], [b])", "x=y!", "x=y!"),
        ("[nothing]", "null", None),
        ("IgnoreFlowIfNullOrEmpty([nothing])", "__IGNORE_FLOW__", "__IGNORE_FLOW__"),
        ("IgnoreObjectFlow", "__IGNORE_OBJECT__", "__IGNORE_OBJECT__"),
        ("IsPresent([a])", "true", True),
        ("Count([many])", "2", 2),
        ("[many]", '["p", "q"]', ["p", "q"]),
        ("Guid()", "[Guid]", {"generated": "Guid"}),
        ("Redact([a])", "[Redact]", {"redacted": True}),
        ("Now()", "7/2/2021 3:33:38 PM", "7/2/2021 3:33:38 PM"),
        ("SelectUniqueValue([a], [b])", "x=y", "x=y"),
    ],
)
def test_the_result_goes_to_stdout(run: Callable[..., Result], text: str, shown: str, document: object) -> None:
    inputs = (
        "--input",
        "a=x=y",
        "--input",
        "b=!",
        "--input",
        "many=p",
        "--input",
        "many=q",
        "--now",
        "2021-07-02T15:33:38Z",
    )
    result = run(text, *inputs)
    assert (result.exit_code, result.stdout) == (0, f"{shown}\n")
    told = json.loads(run(text, *inputs, "--format", "json").stdout)
    assert (told["expression"], told["result"]) == (text, document)


def test_what_could_be_chosen_is_told(run: Callable[..., Result]) -> None:
    result = run('SelectUniqueValue("a", "b")', "--format", "json")
    assert json.loads(result.stdout)["candidates"] == ["a", "b"]
    assert "the first that nobody has, of: a, b" in result.stderr


def test_errors_point_at_the_column(run: Callable[..., Result]) -> None:
    result = run('Append(Left([a]), "x")', "--input", "a=b")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "error: Left needs 2 arguments, not 1, at column 8\n"
        '  Append(Left([a]), "x")\n'
        "         ^\n"
        "    Left(text, length)\n"
    )


def test_the_caret_stands_below_wide_characters_and_in_the_right_line(run: Callable[..., Result]) -> None:
    assert '  "日本" & Nope()\n           ^\n' in run('"日本" & Nope()').stderr
    assert "    Nope()\n    ^\n" not in run('Append("a",\n  Nope())').stderr
    assert "    Nope())\n    ^\n" in run('Append("a",\n  Nope())').stderr
    long = " & ".join(['"abcdefgh"'] * 40)
    lines = run(f"{long} & Nope()").stderr.splitlines()
    assert lines[1][lines[2].index("^") :] == "Nope()"
    assert len(lines[1]) <= 102


def test_errors_in_json(run: Callable[..., Result]) -> None:
    result = run("Lefft([a])", "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == {
        "message": "no function has the name Lefft, at column 1",
        "column": 1,
        "hint": "did you mean Left?",
    }


def test_a_persons_attributes(run: Callable[..., Result], company: Path) -> None:
    assert (
        run('Join(";", [displayName], [otherMails], [id])', company, "--user", "ada").stdout
        == "Ada;a@x.org;b@x.org;ada\n"
    )
    assert (
        run('Switch([IsSoftDeleted], , "False", "True", "True", "False")', company, "--user", "eve").stdout == "False\n"
    )
    assert run("[displayName]", company, "--user", "ada", "--input", "displayName=Countess").stdout == "Countess\n"


def test_the_desired_state_is_found_upwards(
    run: Callable[..., Result], company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(company / "users")
    assert run("[displayName]", "--user", "ada").stdout == "Ada\n"


def test_attributes_that_are_not_there_are_told(run: Callable[..., Result], company: Path) -> None:
    assert (
        run("[mial]", "--input", "mail=x").stderr
        == "note: [mial], at column 1, has no value here; did you mean mail?\n"
    )
    assert "did you mean displayName?" in run("[displayNam]", company, "--user", "ada").stderr
    assert run("[department]", company, "--user", "ada").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("[a]", "--input", "a"), "--input a: not NAME=VALUE"),
        (("[a]", "--now", "soon"), "--now: the time is no date: 'soon'"),
    ],
)
def test_a_wrong_command_line(run: Callable[..., Result], arguments: tuple[str, ...], message: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, UsageError)
    assert error.message == message


def test_nobody_with_that_id(run: Callable[..., Result], company: Path) -> None:
    error = run("[a]", company, "--user", "adda").exception
    assert isinstance(error, UsageError)
    assert (error.message, error.hint) == ("there is nobody with the id adda", "did you mean ada?")


def test_values_cannot_move_the_cursor(run: Callable[..., Result]) -> None:
    assert run("[a]", "--input", "a=x\x1b[2J\u202e").stdout == "x\\u001b[2J\\u202e\n"


def test_it_is_one_of_the_commands() -> None:
    assert "expression" in COMMANDS
