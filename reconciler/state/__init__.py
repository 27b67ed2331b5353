"""An app's memory: where it lives, and the lock that keeps two applies to one tenant apart."""

from reconciler.state.file import FileStates
from reconciler.state.git import Repository
from reconciler.state.lock import tenant_lock
from reconciler.state.ref import DEFAULT_REF, GitStates, remembered_in_git
from reconciler.state.states import States, mark_revoked

__all__ = ["DEFAULT_REF", "FileStates", "GitStates", "Repository", "States", "mark_revoked", "remembered_in_git",
           "tenant_lock"]  # fmt: skip
