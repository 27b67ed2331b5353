"""HTTP for everything that talks to a server: the only importer of httpx and aiohttp.

A `Client` belongs to one base URL and one token; what it gives back is an `Answer`, whatever the status, or one of
NotSent, AnswerLost and BodyTooLarge. `Outgoing` says what may be used at all; `resolve_secret` reads what it lets.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.http.answer import Answer
    from reconciler.http.authentication import resolve_secret
    from reconciler.http.client import Client
    from reconciler.http.outgoing import Outgoing

__all__ = ["Answer", "Client", "Outgoing", "resolve_secret"]

_HOMES = {"Answer": "answer", "Client": "client", "Outgoing": "outgoing", "resolve_secret": "authentication"}


def __getattr__(name: str) -> Any:
    """Late, because httpx and aiohttp cost 90 ms that `validate` and an offline `plan` don't need (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
