"""A company in a git repository, with a past that tests write commit by commit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Called, Company

ADA, GRACE, BOSS = "Ada <ada@contoso.com>", "Grace <grace@contoso.com>", "Boss <boss@contoso.com>"


@dataclass
class Repository:
    company: Company

    @property
    def root(self) -> Path:
        return self.company.root

    def git(self, *arguments: str, at: str = "2026-01-01T00:00:00Z", by: str = ADA, written: str = "") -> str:
        name, _, address = by.rstrip(">").partition(" <")
        environment = {
            **os.environ, "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": address, "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": address, "GIT_AUTHOR_DATE": written or at, "GIT_COMMITTER_DATE": at,
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
        }  # fmt: skip
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments], check=True, capture_output=True, text=True, env=environment
        )
        return done.stdout.strip()

    def commit(self, message: str, at: str, *, by: str = ADA, written: str = "") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message, at=at, by=by, written=written)
        return self.git("rev-parse", "HEAD")

    def merge(self, message: str, at: str, *, by: str = BOSS) -> str:
        """The branch `change` into main."""
        self.git("checkout", "-q", "main")
        self.git("merge", "-q", "--no-ff", "-m", message, "change", at=at, by=by)
        self.git("branch", "-q", "-D", "change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(company: Callable[..., Company]) -> Repository:
    """The company of conftest, committed on the first of October."""
    made = Repository(company(gallery="scim"))
    made.company.write(".gitignore", ".reconciler/\n")
    made.git("init", "-q", "-b", "main")
    made.commit("everybody", "2026-10-01T10:00:00Z", written="2026-10-01T08:00:00Z")
    return made


Reconciler = Callable[..., Called]
