"""How long the history is kept."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.model.settings import Settings

if TYPE_CHECKING:
    from reconciler.service.history import History


def forget_old(history: History, settings: Settings, now: datetime) -> int:
    """Forgets what is older than `history.keep` of reconciler.yaml. Returns how many entries."""
    span = settings.history.span
    return 0 if span is None else history.prune(now - span)
