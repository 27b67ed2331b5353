"""The lock across machines: a lease that stands beside the memory and must be renewed, so that nobody dies with it."""

from __future__ import annotations

import contextlib
import getpass
import secrets
import socket
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import orjson

from reconciler.errors import Locked, Place, StateError
from reconciler.state.process import has_ended, this_process

FORMAT: Final = "reconciler.lock/1"
LEASE: Final = timedelta(minutes=5)
RENEW: Final = timedelta(minutes=1)
"""How often: some renewals may fail before the lease ends."""
SKEW: Final = timedelta(minutes=1)
"""How far the clocks of two machines may differ."""


@dataclass(frozen=True, slots=True)
class Lease:
    who: str
    host: str
    since: str
    until: str
    """RFC 3339, UTC."""
    token: str
    """Tells two leases of one machine apart."""
    process: str | None = None
    """Who holds it, for others on that machine; None: it can't be told there."""

    @classmethod
    def new(cls, moment: datetime) -> Lease:
        return cls(
            user(), socket.gethostname(), _text(moment), _text(moment + LEASE), secrets.token_hex(8), this_process()
        )

    def renewed(self, moment: datetime) -> Lease:
        return replace(self, until=_text(moment + LEASE))

    def over(self, moment: datetime) -> bool:
        """Whether somebody else may take it: it was not renewed, or the process that held it has ended."""
        return moment > datetime.fromisoformat(self.until) + SKEW or self._is_left()

    def _is_left(self) -> bool:
        return self.process is not None and self.host == socket.gethostname() and has_ended(self.process)

    def written(self) -> bytes:
        return orjson.dumps({"format": FORMAT, "who": self.who, "host": self.host, "since": self.since,
                             "until": self.until, "token": self.token, "process": self.process},
                            option=orjson.OPT_INDENT_2)  # fmt: skip

    def refusal(self) -> Locked:
        return Locked(
            f"another apply is running: {self.who} on {self.host}, since {self.since}",
            hint=f"wait for it to end. If that machine is gone, its lock ends by itself at {self.until}",
        )


def read_lease(content: bytes, place: Place, remedy: str) -> Lease:
    """Raises StateError for what is no lease."""
    try:
        document = orjson.loads(content)
        if document["format"] != FORMAT:
            raise ValueError(f"the format {document['format']!r}")
        process = document.get("process")
        lease = Lease(
            **{key: str(document[key]) for key in ("who", "host", "since", "until", "token")},
            process=process if isinstance(process, str) else None,
        )
        datetime.fromisoformat(lease.until).astimezone()
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"the lock can't be read: {error}", place=place, hint=remedy) from error
    return lease


def user() -> str:
    """Who runs this, as far as the machine knows."""
    with contextlib.suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return "somebody"


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
