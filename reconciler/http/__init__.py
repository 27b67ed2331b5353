"""HTTP for everything that talks to a server: the only importer of httpx and aiohttp.

A `Client` belongs to one base URL and one identity; what it gives back is an `Answer`, whatever the status, or one of
NotSent, AnswerLost and BodyTooLarge. `Outgoing` says what may be used at all; `resolve_secret` reads what it lets.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.http.answer import Answer
    from reconciler.http.authentication import read_file, resolve_secret
    from reconciler.http.client import Client
    from reconciler.http.limits import Limit, Quota
    from reconciler.http.oauth import ClientCredentials
    from reconciler.http.outgoing import Outgoing
    from reconciler.http.tls import tls_context
    from reconciler.http.transport import in_process

__all__ = [
    "Answer",
    "Client",
    "ClientCredentials",
    "Limit",
    "Outgoing",
    "Quota",
    "in_process",
    "read_file",
    "resolve_secret",
    "tls_context",
]

_HOMES = {
    "Answer": "answer",
    "Client": "client",
    "ClientCredentials": "oauth",
    "Limit": "limits",
    "Outgoing": "outgoing",
    "Quota": "limits",
    "in_process": "transport",
    "read_file": "authentication",
    "resolve_secret": "authentication",
    "tls_context": "tls",
}


def __getattr__(name: str) -> Any:
    """Late, because httpx and aiohttp cost 90 ms that `validate` and an offline `plan` don't need (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
