"""An app's memory: where it lives, and the lock that keeps two applies to one tenant apart."""

from reconciler.state.file import FileStates
from reconciler.state.lock import tenant_lock

__all__ = ["FileStates", "tenant_lock"]
