"""GitHub and GitLab: reports on pull requests, issues about drift, and the proof of what was approved."""

from reconciler.forge.approved import Approved, approved
from reconciler.forge.connect import connect
from reconciler.forge.drift import Watch
from reconciler.forge.meant import meant
from reconciler.forge.nouns import APP, Forge, PullRequest
from reconciler.forge.protections import Finding, Wanted, protections
from reconciler.forge.publish import Mode, Publication
from reconciler.forge.summary import append
from reconciler.forge.surroundings import Surroundings, sha, surroundings
from reconciler.forge.told import Told

__all__ = [
    "APP", "Approved", "Finding", "Forge", "Mode", "Publication", "PullRequest", "Surroundings", "Told", "Wanted",
    "Watch", "append", "approved", "connect", "meant", "protections", "sha", "surroundings",
]  # fmt: skip
