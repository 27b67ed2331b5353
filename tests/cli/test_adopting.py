"""What all importers show, ask and write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from reconciler.cli import adopting
from reconciler.errors import DesiredStateError, UsageError
from reconciler.sources.draft import Draft, Refused
from tests.sources.drafts import draft, files, folder, person

Importer = Callable[..., Result]


@pytest.fixture
def importer(tmp_path: Path) -> Importer:
    """Calls a command that imports a draft into the folder `in`."""

    def call(found: Draft, *arguments: str, typed: str | None = None, terminal: bool = False) -> Result:
        @click.command()
        @adopting.options
        def command(wish: adopting.Wish) -> None:
            adopting.run(tmp_path / "in", found, wish)

        with pytest.MonkeyPatch.context() as patch:
            if terminal:
                patch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True, raising=False)
            return CliRunner().invoke(command, arguments, input=typed)

    return call


TWO = draft({"ada": person("ada"), "grace": person("grace")}, {"team": {"displayName": "Team", "members": ["ada"]}})


def test_without_a_terminal_and_without_yes_nothing_is_written(importer: Importer, tmp_path: Path) -> None:
    result = importer(TWO)
    assert isinstance(result.exception, UsageError)
    assert result.exception.exit_code == 64
    assert "+ user:ada" in result.stdout
    assert not (tmp_path / "in").exists()


def test_yes_writes_and_a_second_run_says_that_there_is_nothing(importer: Importer, tmp_path: Path) -> None:
    result = importer(TWO, "--yes")
    assert result.exit_code == 0
    assert result.stdout == (
        "ADDS\n  + user:ada    Ada\n  + user:grace  Grace\n  + group:team  Team\n  + group:team  member ada\n\n"
        "3 files: adds 2 people and 1 group and 1 membership.\n"
    )
    assert result.stderr == "3 files written\n"
    before = files(tmp_path / "in")
    again = importer(TWO)
    assert (again.exit_code, again.stdout) == (0, "Nothing to write: the files have all of it.\n")
    assert files(tmp_path / "in") == before


@pytest.mark.parametrize("answer", ["y\n", "n\n", ""])
def test_on_a_terminal_it_asks(importer: Importer, tmp_path: Path, answer: str) -> None:
    result = importer(TWO, typed=answer, terminal=True)
    assert "Write this?" in result.stderr
    assert (tmp_path / "in").exists() == (answer == "y\n")
    assert result.exit_code == (0 if answer == "y\n" else 1)


def test_what_is_kept_changed_removed_and_refused_is_told(importer: Importer, tmp_path: Path) -> None:
    folder(tmp_path / "in", users__ada="userPrincipalName: ada@contoso.com\ndisplayName: A\n",
           users__bob="userPrincipalName: bob@contoso.com\n")  # fmt: skip
    found = draft({"ada": person("ada")})
    kept = importer(found, "--yes")
    assert kept.stdout == (
        "KEEPS, WHERE THE SOURCE SAYS OTHERWISE\n  = user:ada  displayName  “A”, the source says “Ada”\n\n"
        "Nothing to write: the files have all of it; 1 difference stays.\n"
    )
    found.refused.append(Refused("row \x1b[31m7", "has no id", "give it one"))
    changed = importer(found, "--yes", "--update", "--prune")
    assert changed.stdout == (
        "REMOVES\n  - user:bob\n\nCHANGES\n  ~ user:ada  displayName  “A” → “Ada”\n\nREFUSED\n"
        "  ! row \\x1b[31m7: has no id; give it one\n\n"
        "2 files: changes 1 value of people, removes 1 person, refuses 1.\n"
    )
    assert files(tmp_path / "in") == {"users/ada.yaml": "userPrincipalName: ada@contoso.com\ndisplayName: Ada\n"}


def test_the_same_as_json(importer: Importer, tmp_path: Path) -> None:
    folder(tmp_path / "in", users__ada="userPrincipalName: ada@contoso.com\ndisplayName: A\n")
    document = json.loads(importer(TWO, "--yes", "--format", "json").stdout)
    assert document["format"] == "reconciler.import/1"
    assert document["files"] == ["groups/team.yaml", "users/grace.yaml"]
    assert document["kept"] == [
        {"do": "keep", "kind": "user", "id": "ada", "key": "displayName", "before": "A", "after": "Ada"}
    ]
    assert [each["do"] for each in document["changes"]] == ["add", "add", "add"]


def test_long_lists_are_cut_and_counted_whole(importer: Importer) -> None:
    result = importer(draft({f"p{n:04}": person(f"p{n:04}") for n in range(1_001)}))
    assert "  … 961 more\n" in result.stdout
    assert "11 files: adds 1,001 people." in result.stdout


def test_names_of_a_server_do_not_reach_the_terminal(importer: Importer) -> None:
    evil = "\x1b]0;x\x07\u202e\nADDS"
    found = draft({"ada": person("ada", displayName=evil, department=evil)})
    found.notes.append(evil)
    shown = importer(found).stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert shown.count("\nADDS") == 0


def test_files_with_errors_are_named_and_stay(importer: Importer, tmp_path: Path) -> None:
    folder(tmp_path / "in", users__ada="userPrincipalNane: ada\n")
    before = files(tmp_path / "in")
    result = importer(TWO, "--yes")
    assert isinstance(result.exception, DesiredStateError)
    assert files(tmp_path / "in") == before


def test_a_file_is_no_folder(importer: Importer, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("x")
    assert isinstance(importer(TWO, "--yes").exception, UsageError)
