"""A real organization at two dates: the whole story, in both profiles."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from reconciler.sandbox import Sandbox

if TYPE_CHECKING:
    from reconciler.model.plan import Plan
    from tests.conftest import SandboxStory

DATA = Path(__file__).parents[3] / "shared" / "data" / "kubernetes"
LEAVERS = 384

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the data of the kubernetes organization is not beside the checkout"
)


def lay(root: Path, date: str) -> None:
    """The files of one date, with our app folder beside them."""
    for part in ("users", "groups"):
        shutil.rmtree(root / part, ignore_errors=True)
        shutil.copytree(DATA / date / part, root / part, copy_function=shutil.copyfile)
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def releases(plan: Plan) -> list[str]:
    """What a reviewer copies from the plan."""
    return sorted({h.release for c in plan.changes for h in c.held})


def ids(story: SandboxStory) -> dict[str, str]:
    return {key: binding["id"] for key, binding in story.company.state["bindings"].items()}


@pytest.mark.parametrize("gallery", ["hootsuite", "scim"])
def test_fifteen_months_of_real_changes(gallery: str, story_of: Callable[..., SandboxStory]) -> None:
    story = story_of(gallery, Sandbox(gallery, rate=0, acts_as=None))
    root = story.company.root
    lay(root, "2025-06")
    story.converge()
    assert len(story.sandbox.users) == 1564
    assert len(story.sandbox.groups) == 731

    lay(root, "2026-08")
    before = story.plan()
    departures = [c for c in before.changes if c.action == "deactivateUser"]
    assert len(departures) == LEAVERS
    assert all(h.release == f"deprovisionUsers={LEAVERS}" for c in departures for h in c.held)
    assert all(c.held for c in departures)
    applied = story.apply()
    assert applied.code == 3
    assert not [s for s in applied.outcome.steps if s.status not in ("done", "held")]
    users = story.sandbox.users
    assert sum(u["active"] for u in users.values()) == len(users) == 1564 + 329
    held = story.plan()
    assert not held.pending
    assert len([c for c in held.held if c.action == "deactivateUser"]) == LEAVERS

    allowed = releases(held)
    assert f"deprovisionUsers={LEAVERS}" in allowed
    assert story.apply(*allowed).code == 0
    story.settled()
    assert sum(u["active"] for u in story.sandbox.users.values()) == 1509

    known = ids(story)
    renamed = _rename(root)
    applied = story.converge()
    assert sorted(c.action for c in applied.plan.changes) == ["renameGroup"] * 3 + ["renameUser"]
    assert ids(story) == known
    assert renamed <= {g["displayName"] for g in story.sandbox.groups.values()}


def _rename(root: Path) -> set[str]:
    """Three groups with `formerly`, and one person's userPrincipalName."""
    names = set()
    for file in sorted((root / "groups").glob("*.yaml"))[100:103]:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        old = document["displayName"]
        document |= {"displayName": f"{old} renamed", "formerly": [{"displayName": old}]}
        file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        names.add(f"{old} renamed")
    file = min((root / "users").glob("*.yaml"))
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r'(userPrincipalName: "?[^"@\n]+)@', r"\1.new@", text, count=1), encoding="utf-8")
    return names
