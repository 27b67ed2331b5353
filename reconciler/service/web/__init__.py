"""The page of `run --serve`, its events, metrics and health endpoints: read-only, for one process."""

from reconciler.service.web.application import create
from reconciler.service.web.listen import Listen, server

__all__ = ["Listen", "create", "server"]
