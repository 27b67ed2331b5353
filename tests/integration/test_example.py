"""README's example of a comment: what the example company's pull request really says."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from reconciler import desired
from reconciler.cli.progress import Progress
from reconciler.cli.rendered import Named
from reconciler.render import markdown
from reconciler.sandbox import Sandbox, create_app
from reconciler.session import Settings, open_apps
from tests.conftest import Company, Story

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"
QUOTED = re.compile(r"(?<=<!-- what the comment says -->\n\n)(?:>.*\n)+")
TENANT = "https://platform.hootsuite.com/scim/v2"
APPLIED, PLANNED = datetime(2026, 11, 23, 8, tzinfo=UTC), datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def git(folder: Path, *arguments: str) -> str:
    """The same commits, and so the same hashes, wherever and whenever."""
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "x"), ("EMAIL", "x@example.com"), ("DATE", APPLIED.isoformat()))}  # fmt: skip
    return subprocess.run(
        ["git", "-C", str(folder), "-c", "core.autocrlf=false", "-c", "commit.gpgsign=false", *arguments],
        env={**os.environ, **who}, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


class Example:
    """The example company, applied; and its next pull request."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "desired-state"
        shutil.copytree(REPOSITORY / "desired-state", self.root)
        git(folder, "init", "-q", "-b", "main")
        (folder / ".gitignore").write_text(".reconciler/\n", encoding="utf-8")
        self.commit("as it is")
        sandbox = Sandbox("hootsuite", rate=0)
        sandbox.store.move(TENANT)
        self.transport = httpx.ASGITransport(app=create_app(sandbox))
        Story(Company(self.root), self.transport).converge()

    def commit(self, message: str) -> None:
        git(self.root.parent, "add", "-A")
        git(self.root.parent, "commit", "-q", "-m", message)

    def edit(self, file: str, *replacements: tuple[str, str]) -> None:
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text, (file, old)
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    def change(self) -> None:
        """One leaves, one comes, one has another name, and one covers for a while."""
        git(self.root.parent, "switch", "-q", "-c", "november")
        (self.root / "users" / "linus.byrne.yaml").unlink()
        self.edit("groups/social-media.yaml", ("  - linus.byrne\n", "  - nora.falk\n"))
        akira = (self.root / "users" / "akira.tanabe.yaml").read_text(encoding="utf-8")
        nora = akira.replace("akira", "nora").replace("Akira", "Nora").replace("Tanabe", "Falk")
        (self.root / "users" / "nora.falk.yaml").write_text(nora.replace("001136", "001301"), encoding="utf-8")
        self.edit("users/ines.moreau.yaml", ("ines@", "ines.laurent@"), ("Moreau", "Laurent"))
        campaigns = self.root / "groups" / "campaigns.yaml"
        cover = "  - user: tom.baker\n    until: 2026-12-31\n    reason: the Christmas campaign\n"
        campaigns.write_text(campaigns.read_text(encoding="utf-8") + cover, encoding="utf-8")
        self.commit("November")

    def plan(self) -> Named:
        async def main() -> Named:
            (opened,) = open_apps(Settings(directory=self.root, base="main", transport=self.transport))
            async with Story(Company(self.root), self.transport).client(opened) as client:
                proposal = await opened.propose(client, Progress("hootsuite"))
                return Named.of(proposal.plan, opened.profile)

        return asyncio.run(main())


def test_readme_shows_what_the_comment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = Example(tmp_path)
    example.change()
    monkeypatch.setattr(desired, "moment_of", lambda text, zone: PLANNED)
    named = example.plan()
    body = markdown(named.plan, title=named.title, effect=named.effect, prefix="desired-state")
    quoted = "".join(f"> {line}".rstrip() + "\n" for line in body.splitlines())
    text = README.read_text(encoding="utf-8")
    (shown,) = QUOTED.findall(text)
    if os.environ.get("REWRITE_GOLDEN"):
        README.write_text(QUOTED.sub(lambda _: quoted, text), encoding="utf-8")
        shown = quoted
    assert shown == quoted, "REWRITE_GOLDEN=1 writes it into README"
