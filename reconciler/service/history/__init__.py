"""The history of all apps, in SQLite or PostgreSQL."""

from reconciler.service.history.store import History, new_cycle_id

__all__ = ["History", "new_cycle_id"]
