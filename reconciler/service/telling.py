"""What people are told without asking: when it begins, when it changes, when it ends, and never again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from reconciler.model.app import App
    from reconciler.service.clock import Clock
    from reconciler.service.cycle import Done
    from reconciler.service.history import History
    from reconciler.session import Settings


@dataclass(frozen=True, slots=True)
class Telling:
    history: History
    settings: Settings
    environ: Mapping[str, str]
    log: FilteringBoundLogger
    clock: Clock

    async def tell(self, app: App, done: Done) -> None:
        """Of one cycle."""
