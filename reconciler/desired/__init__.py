"""The files that people write: YAML with places into a Directory and Apps, or everything that is wrong with it."""

from reconciler.desired.alone import AppsAlone, find_person, load_apps_alone, settings_alone
from reconciler.desired.attached import Attached
from reconciler.desired.cache import cache_of
from reconciler.desired.cases import read_cases
from reconciler.desired.git import prefix_of
from reconciler.desired.known import file_stems, is_known
from reconciler.desired.load import Loaded, load
from reconciler.desired.moment import moment_of
from reconciler.desired.owners import Owners, owners_at, owners_here
from reconciler.desired.revision import Revision, load_at, load_revision
from reconciler.desired.root import commit_of, find
from reconciler.desired.trailers import trailers_since
from reconciler.desired.worktree import check_reviewed

__all__ = [
    "AppsAlone",
    "Attached",
    "Loaded",
    "Owners",
    "Revision",
    "cache_of",
    "check_reviewed",
    "commit_of",
    "file_stems",
    "find",
    "find_person",
    "is_known",
    "load",
    "load_apps_alone",
    "load_at",
    "load_revision",
    "moment_of",
    "owners_at",
    "owners_here",
    "prefix_of",
    "read_cases",
    "settings_alone",
    "trailers_since",
]  # fmt: skip
