"""The page of `run --serve`, its events, metrics and health endpoints: read-only, for one process."""

from reconciler.service.web.application import create
from reconciler.service.web.listen import Listen
from reconciler.service.web.serve import served

__all__ = ["Listen", "create", "served"]
