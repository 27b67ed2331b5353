"""`reconciler import csv`: from a table to files, and what it says of what it takes and what it refuses."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]

TABLE = (
    "Personnel number;First name;Last name;Work email;Status;Line manager;Salary\n"
    "007;Ada;Lovelace;ada@contoso.com;Active;017;1\n"
    "017;Grace;Hopper;grace@contoso.com;Active;;2\n"
    "018;Mallory;Quick;mallory@contoso.com;Terminated;017;3\n"
)
SIGN_IN = "Work email=mail,userPrincipalName"


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "hr.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_new_folder_gets_files_that_a_person_would_have_written(
    tmp_path: Path, table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    root = tmp_path / "new"
    called = reconciler("import", "csv", table(TABLE), root, "--column", SIGN_IN, "--yes")
    assert called.code == 0, called.err
    assert (root / "users/ada.yaml").read_text() == (
        "userPrincipalName: ada@contoso.com\nmail: ada@contoso.com\ngivenName: Ada\nsurname: Lovelace\n"
        'displayName: Ada Lovelace\nemployeeId: "007"\nmanager: grace\n'
    )
    assert "accountEnabled: false\n" in (root / "users/mallory.yaml").read_text()
    assert reconciler("fmt", root, "--check").code == 0


def test_what_the_file_is_taken_for_is_shown_first(
    tmp_path: Path, table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    called = reconciler("import", "csv", table("Report\n" + TABLE), tmp_path / "new", "--column", SIGN_IN)
    assert called.code == 64
    told = called.err.splitlines()
    assert told[0].endswith("hr.csv: UTF-8, separated by semicolons, headings in line 2")
    assert "  Work email        → mail, userPrincipalName   as told" in told
    assert "  Personnel number  → employeeId" in told
    assert "  not used: Salary" in told
    assert "nobody is here to say yes: nothing was written" in called.err
    assert "+ user:ada" in called.out
    assert not (tmp_path / "new").exists()


def test_a_second_import_changes_nothing(
    company: Callable[..., Company], table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    root = company(gallery="scim").root
    path = table(TABLE)
    assert reconciler("import", "csv", path, root, "--column", SIGN_IN, "--yes").code == 0
    before = files(root)
    again = reconciler("import", "csv", path, root, "--column", SIGN_IN, "--update", "--yes")
    assert again.code == 0
    assert "Nothing to write" in again.out
    assert files(root) == before
    assert reconciler("validate", root).code == 0


def test_somebody_is_known_again_after_a_new_name_and_comments_stay(
    tmp_path: Path, table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    root = tmp_path / "new"
    reconciler("import", "csv", table(TABLE), root, "--yes")
    file = root / "users/ada.yaml"
    file.write_text("# writes the newsletter\n" + file.read_text())
    renamed = table(TABLE.replace("ada@contoso.com", "ada.king@contoso.com").replace("Lovelace", "King"))
    kept = reconciler("import", "csv", renamed, root, "--yes")
    assert "the source says" in kept.out
    assert "King" not in file.read_text()
    assert reconciler("import", "csv", renamed, root, "--update", "--yes").code == 0
    assert file.read_text().startswith("# writes the newsletter\nmail: ada.king@contoso.com\n")
    assert not list((root / "users").glob("ada.king*"))


def test_rows_that_are_refused_are_said_with_lines_and_kept_as_a_table(
    tmp_path: Path, table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    path = table(TABLE + "019;=cmd|' /C calc'!A0;X;x@contoso.com;Active;;\n020;Tom;Baker;ada@contoso.com;Active;;\n")
    refused = tmp_path / "refused.csv"
    called = reconciler("import", "csv", path, tmp_path / "new", "--yes", "--refused", refused)
    assert called.code == 4
    assert "hr.csv:5: First name: `=cmd|' /C calc'!A0` is a formula, not a value" in called.out
    assert "hr.csv:6: the mail `ada@contoso.com` is in line 2 too" in called.out
    lines = refused.read_bytes().decode("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert not (tmp_path / "new/users/ada.yaml").exists()
    assert (tmp_path / "new/users/grace.yaml").exists()
    assert not [cell for line in lines for cell in line.split(";") if cell.startswith("=")]


def test_nobody_is_removed_by_a_table_of_which_rows_were_refused(
    tmp_path: Path, table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    root = tmp_path / "new"
    reconciler("import", "csv", table(TABLE), root, "--yes")
    broken = TABLE.replace("ada@contoso.com", "ada")
    called = reconciler("import", "csv", table(broken), root, "--prune", "--yes")
    assert called.code == 4
    assert (root / "users/ada.yaml").exists()
    gone = "\n".join(line for line in TABLE.splitlines() if "Mallory" not in line)
    called = reconciler("import", "csv", table(gone), root, "--prune", "--yes")
    assert called.code == 0
    assert "- user:mallory" in called.out
    assert "the last line has no line break" in called.err
    assert sorted(path.name for path in (root / "users").iterdir()) == ["ada.yaml", "grace.yaml"]


def test_the_document_says_the_same(tmp_path: Path, table: Callable[[str], Path], reconciler: Reconciler) -> None:
    path = table(TABLE + "019;A\n")
    document = reconciler("import", "csv", path, tmp_path / "new", "--yes", "--format", "json").document
    assert [each["id"] for each in document["changes"]] == ["ada", "grace", "mallory"]
    assert [each["where"] for each in document["refused"]] == [f"{path}:5"]


def test_a_map_in_a_file_says_what_words_mean_and_options_go_over_it(
    tmp_path: Path, table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    path = table("Mail,State of work,Town\na@x.com,Elternzeit,Ulm\n")
    chart = tmp_path / "map.yaml"
    chart.write_text("State of work: {attribute: accountEnabled, inactive: [Elternzeit]}\nTown: state\n")
    root = tmp_path / "new"
    assert reconciler("import", "csv", path, root, "--columns", chart, "--column", "Town=city", "--yes").code == 0
    assert (root / "users/a.yaml").read_text() == "mail: a@x.com\naccountEnabled: false\ncity: Ulm\n"


def test_attributes_that_reconciler_yaml_declares_are_columns_too(
    company: Callable[..., Company], table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    state = company(gallery="scim")
    state.write("reconciler.yaml", "attributes:\n  costCenter: {type: string}\n")
    called = reconciler("import", "csv", table("Mail,Cost Center\nz@x.com,0042\n"), state.root, "--yes")
    assert called.code == 0, called.err
    assert (state.root / "users/z.yaml").read_text() == 'mail: z@x.com\ncostCenter: "0042"\n'


def test_it_reads_from_stdin(tmp_path: Path, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TABLE.encode("utf-16"))))
    called = reconciler("import", "csv", "-", tmp_path / "new", "--yes")
    assert called.code == 0, called.err
    assert "stdin: UTF-16" in called.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--delimiter", "ab"], "--delimiter is one sign"),
        (["--delimiter", '"'], "--delimiter is one sign"),
        (["--encoding", "klingon"], "there is no encoding `klingon`"),
        (["--column", "mail"], "is not HEADING=ATTRIBUTE"),
        (["--column", "Mial=mail"], "there is no column `Mial`"),
        (["--column", "Work email=mial"], "there is no attribute `mial`; did you mean `mail`?"),
        (["--columns", "missing.yaml"], "can't be read"),
        (["--refused", "missing/refused.csv"], "there is no folder missing"),
    ],
)
def test_a_wrong_command_line_writes_nothing(
    arguments: list[str], said: str, tmp_path: Path, table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    called = reconciler("import", "csv", table(TABLE), tmp_path / "new", "--yes", *arguments)
    assert called.code == 64
    assert said in called.err
    assert not (tmp_path / "new").exists()


def test_the_table_itself_and_the_desired_state_are_no_place_for_what_was_refused(
    company: Callable[..., Company], table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    state, path = company(gallery="scim"), table(TABLE)
    for wrong in (path, state.root / "users" / "refused.yaml", state.root / "users"):
        assert reconciler("import", "csv", path, state.root, "--yes", "--refused", wrong).code == 64
    assert path.read_text() == TABLE


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no headings and no people"),
        (b"PK\x03\x04", "is a workbook of a spreadsheet"),
        (TABLE.encode() + b'019;"A;B;c@contoso.com', "hr.csv:5: a quote that is opened in this row is never closed"),
        (TABLE.encode() + "019;Zoé".encode() + b"\xfc", "hr.csv:5: byte 0xfc is not UTF-8"),
        (b"\x00\x01\x02" * 1000, "hr.csv"),
        (b"Name,Town\nAda,Ulm\n", "no column tells people apart"),
    ],
    ids=["empty", "workbook", "cut off", "two encodings", "binary", "nobody"],
)
def test_a_file_that_is_no_such_table_writes_nothing(
    content: bytes, said: str, tmp_path: Path, table: Callable[[bytes], Path], reconciler: Reconciler
) -> None:
    called = reconciler("import", "csv", table(content), tmp_path / "new", "--yes")
    assert called.code == 1
    assert said in called.err
    assert not (tmp_path / "new").exists()


def test_what_is_no_file_is_said(tmp_path: Path, reconciler: Reconciler) -> None:
    assert "is a folder, not a table" in reconciler("import", "csv", tmp_path, tmp_path / "new", "--yes").err
    called = reconciler("import", "csv", tmp_path / "gone.csv", tmp_path / "new", "--yes")
    assert (called.code, "does not exist" in called.err) == (64, True)


def test_hostile_headings_and_cells_come_out_harmless(
    tmp_path: Path, table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    content = "Mail,\x1b[31mred,\u202eevil,Name\na@x.com,1,2,\x1b[2J\nb@x.com,1,2,::error::x\n"
    called = reconciler("import", "csv", table(content), tmp_path / "new", "--yes")
    assert called.code == 4
    for text in (called.out, called.err):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<U+202E>evil" in called.err


def test_files_with_errors_are_told_and_left_alone(
    company: Callable[..., Company], table: Callable[[str], Path], reconciler: Reconciler
) -> None:
    state = company(gallery="scim")
    state.write("users/broken.yaml", "maill: x\n")
    before = files(state.root)
    called = reconciler("import", "csv", table(TABLE), state.root, "--yes")
    assert called.code == 1
    assert "users/broken.yaml:1:1: unknown key `maill`" in called.err
    assert files(state.root) == before
