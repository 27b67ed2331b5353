"""Which of the two it is."""

from __future__ import annotations

from reconciler.forge.github import GitHub
from reconciler.forge.gitlab import GitLab
from reconciler.forge.surroundings import Surroundings


def connect(where: Surroundings) -> GitHub | GitLab:
    """An async context manager. Raises SecretError for an address that a token must not go to."""
    return GitHub(where) if where.kind == "github" else GitLab(where)
