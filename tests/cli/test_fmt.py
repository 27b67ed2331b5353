"""`reconciler fmt`: which files it changes, which it leaves, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]

MESSY = "mail: 'z@contoso.com'   # work\nuserPrincipalName: z@contoso.com\n"
TIDY = 'userPrincipalName: z@contoso.com\nmail: "z@contoso.com"   # work\n'


@pytest.fixture
def tidy(company: Callable[..., Company], reconciler: Reconciler) -> Company:
    """A company whose files are laid out."""
    files = company(gallery="scim")
    assert reconciler("fmt", files.root).code == 0
    assert reconciler("fmt", files.root, "--check").code == 0
    return files


def test_a_file_is_laid_out_and_a_second_time_changes_nothing(tidy: Company, reconciler: Reconciler) -> None:
    tidy.write("users/sub/zoe.yaml", MESSY)
    called = reconciler("fmt", tidy.root)
    assert (called.code, called.out.splitlines()[0]) == (0, "users/sub/zoe.yaml")
    assert (tidy.root / "users/sub/zoe.yaml").read_text() == TIDY
    assert "all are laid out so already" in reconciler("fmt", tidy.root).out


def test_check_names_the_files_with_their_difference_and_changes_none(tidy: Company, reconciler: Reconciler) -> None:
    tidy.write("users/zoe.yaml", MESSY)
    called = reconciler("fmt", tidy.root, "--check")
    assert called.code == 2
    assert "users/zoe.yaml" in called.out
    assert "+userPrincipalName: z@contoso.com" not in called.out.splitlines()[1]
    assert '    +mail: "z@contoso.com"   # work' in called.out
    assert "1 file would change" in called.out
    assert (tidy.root / "users/zoe.yaml").read_text() == MESSY


def test_a_long_difference_is_cut(tidy: Company, reconciler: Reconciler) -> None:
    tidy.write("users/zoe.yaml", "".join(f"- mail: '{n}@x'\n  id: p{n}\n" for n in range(50)))
    called = reconciler("fmt", tidy.root, "--check")
    assert "more lines" in called.out
    assert len(called.out.splitlines()) < 20


def test_files_with_errors_are_named_and_left_alone_and_the_others_laid_out(
    tidy: Company, reconciler: Reconciler
) -> None:
    broken = {"users/a.yaml": "a: [\n", "users/b.yaml": "id: b\nid: b\n", "users/c.yaml": "\ufeffid: c\n"}
    for file, text in broken.items():
        tidy.write(file, text)
    tidy.write("users/zoe.yaml", MESSY)
    for options in ((), ("--check",)):
        called = reconciler("fmt", tidy.root, *options)
        assert called.code == 1
        assert [line.split(":")[0] for line in called.err.splitlines() if line.startswith("users/")] == sorted(broken)
        assert "`id` is there twice" in called.err
    assert (tidy.root / "users/zoe.yaml").read_text() == TIDY
    assert all((tidy.root / file).read_text(encoding="utf-8") == text for file, text in broken.items())


def test_a_file_that_validate_refuses_is_laid_out_all_the_same(tidy: Company, reconciler: Reconciler) -> None:
    tidy.write("users/zoe.yaml", "jobtitle: x\nid: zoe\n")
    assert reconciler("fmt", tidy.root).code == 0
    assert (tidy.root / "users/zoe.yaml").read_text() == "id: zoe\njobtitle: x\n"


def test_links_are_not_followed(tidy: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(MESSY)
    (tidy.root / "users/link.yaml").symlink_to(outside)
    (tidy.root / "notes").mkdir()
    (tidy.root / "notes/inside.yaml").write_text(MESSY)
    (tidy.root / "users/inside.yaml").symlink_to(tidy.root / "notes/inside.yaml")
    called = reconciler("fmt", tidy.root)
    assert called.code == 1
    assert "users/link.yaml: a link that leads out of the desired state" in called.err
    assert outside.read_text() == MESSY
    assert (tidy.root / "notes/inside.yaml").read_text() == MESSY
    assert (tidy.root / "users/inside.yaml").is_symlink()


def test_no_other_file_is_touched(tidy: Company, reconciler: Reconciler) -> None:
    others = ("notes.yaml", "users/.hidden.yaml", "apps/app/other.txt", "docs/x.yaml", ".schemas/x.yaml")
    for file in others:
        tidy.write(file, MESSY)
    assert reconciler("fmt", tidy.root).code == 0
    assert all((tidy.root / file).read_text() == MESSY for file in others)


def test_the_mode_of_a_file_is_kept_and_nothing_is_left_beside_it(tidy: Company, reconciler: Reconciler) -> None:
    tidy.write("users/zoe.yaml", MESSY)
    (tidy.root / "users/zoe.yaml").chmod(0o640)
    before = {path.name for path in (tidy.root / "users").iterdir()}
    reconciler("fmt", tidy.root)
    assert (tidy.root / "users/zoe.yaml").stat().st_mode & 0o777 == 0o640
    assert {path.name for path in (tidy.root / "users").iterdir()} == before


def test_hostile_names_and_text_can_not_move_the_cursor(tidy: Company, reconciler: Reconciler) -> None:
    tidy.write("users/z\u202e.yaml", MESSY)
    tidy.write("users/zoe.yaml", "mail: 'a\u202eb'\nid: zoe\n")
    called = reconciler("fmt", tidy.root, "--check")
    assert "\u202e" not in called.out + called.err


def test_where_there_is_no_desired_state(tmp_path: Path, reconciler: Reconciler) -> None:
    called = reconciler("fmt", tmp_path)
    assert called.code == 64
    assert "is no desired state" in called.err


MODELINE = "# yaml-language-server: $schema={}.schemas/user.json\n"


@pytest.mark.parametrize(
    ("file", "right"), [("users/a.yaml", "../"), ("users/eu/a.yaml", "../../"), ("users/eu/berlin/a.yaml", "../../../")]
)
@pytest.mark.parametrize("wrong", ["", "./", "../", "../../", "../../../"])
def test_the_line_for_editors_is_right_in_every_folder(
    tidy: Company, reconciler: Reconciler, file: str, right: str, wrong: str
) -> None:
    tidy.write(".schemas/user.json", "{}")
    tidy.write(file, MODELINE.format(wrong) + "id: a\nmail: a@contoso.com\n")
    assert reconciler("fmt", tidy.root).code == 0
    path = tidy.root / file
    first = path.read_text().splitlines()[0]
    assert first == MODELINE.format(right).strip()
    assert (path.parent / first.partition("=")[2]).resolve() == (tidy.root / ".schemas/user.json").resolve()
    assert reconciler("fmt", tidy.root, "--check").code == 0


@pytest.mark.parametrize(
    "line",
    [
        "# yaml-language-server: $schema=../.schemas/other.json",
        "# yaml-language-server: $schema=../../elsewhere/user.json",
        "# yaml-language-server: $schema=https://example.com/.schemas/user.json",
        "# about .schemas/user.json",
    ],
)
def test_lines_that_lead_elsewhere_stay(tidy: Company, reconciler: Reconciler, line: str) -> None:
    tidy.write(".schemas/user.json", "{}")
    text = f"{line}\nid: a\nmail: a@contoso.com\n"
    tidy.write("users/eu/a.yaml", text)
    assert reconciler("fmt", tidy.root).code == 0
    assert (tidy.root / "users/eu/a.yaml").read_text() == text


def test_without_schemas_no_line_is_touched(tidy: Company, reconciler: Reconciler) -> None:
    text = MODELINE.format("") + "id: a\nmail: a@contoso.com\n"
    tidy.write("users/eu/a.yaml", text)
    assert reconciler("fmt", tidy.root, "--check").code == 0
