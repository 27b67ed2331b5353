"""This repository's own workflows: what the templates make of its own desired state. Run it to write them."""

from __future__ import annotations

from pathlib import Path

from reconciler.desired import load
from reconciler.desired.pipeline import files
from tests.workflows.companies import PACKAGE

REPOSITORY = Path(__file__).parents[2]


def own_files() -> dict[str, str]:
    """Path → text, of GitHub's files and GitLab's component."""
    apps = list(load(REPOSITORY / "desired-state").apps.values())
    return {
        **files("github", apps=apps, source=True),
        "templates/reconciler.yml": files("gitlab", apps=apps, package=PACKAGE)["templates/reconciler.yml"],
    }


if __name__ == "__main__":
    for path, text in own_files().items():
        (REPOSITORY / path).parent.mkdir(parents=True, exist_ok=True)
        (REPOSITORY / path).write_text(text, encoding="utf-8")
