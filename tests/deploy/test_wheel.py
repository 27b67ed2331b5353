"""What is installed elsewhere is whole: the code, and every file that the code reads."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

from tests.deploy.conftest import REPOSITORY, Installed


def test_every_file_of_the_package_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    kept = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "reconciler"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = {name for name in kept.stdout.splitlines() if (REPOSITORY / name).is_file()}
    assert any(name.endswith(".html") for name in files)
    assert files - names == set()
    assert {name for name in names if "__pycache__" in name or "/.reconciler/" in name} == set()
    assert "reconciler/example/reconciler.yaml" in names


def test_it_runs_where_the_source_is_not(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    home = tmp_path / "home"
    assert installed.run(["--version"], home).stdout.startswith("reconciler")
    code = "import reconciler; print(reconciler.__file__)"
    command = [*installed.command()[:1], "-c", code]
    where = subprocess.run(command, cwd=home, env=installed.environ(home), capture_output=True, text=True, check=True)
    assert Path(where.stdout.strip()).is_relative_to(installed.folder)
    begun = installed.run(["init", "access", "--gallery", "hootsuite"], home)
    assert begun.returncode == 0, begun.stderr
    checked = installed.run(["validate", "access"], home)
    assert checked.returncode == 0, checked.stdout + checked.stderr
