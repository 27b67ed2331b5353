"""The wheel, as it is installed elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Installed:
    """The package from a wheel in a folder of its own, apart from the source."""

    folder: Path

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "reconciler", *map(str, arguments)]

    def environ(self, home: Path, **more: str) -> dict[str, str]:
        """Nothing of whoever runs the tests."""
        paths = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
        return {**paths, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", **more}

    def run(self, arguments: Sequence[object], home: Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*arguments), cwd=home, env=self.environ(home, **more), check=False,
                              capture_output=True, text=True, timeout=120)  # fmt: skip


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what the image builds it from, and nothing else."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "desired-state", "reconciler"):
        (source / name).symlink_to(REPOSITORY / name)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out], cwd=source, check=True,
                   capture_output=True)  # fmt: skip
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return Installed(folder)
