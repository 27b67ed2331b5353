"""Where the page is served, and who may see it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.errors import UsageError

TOKEN: Final = "RECONCILER_SERVE_TOKEN"  # noqa: S105  the variable's name
SHORTEST: Final = 20
"""Characters of a token: fewer can be guessed."""
_EXAMPLE: Final = "for example --serve 127.0.0.1:8321"
_MAKE: Final = "for example of `openssl rand -hex 24`"


@dataclass(frozen=True, slots=True)
class Listen:
    host: str
    port: int
    """0: any free port."""
    token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, text: str, environ: Mapping[str, str]) -> Listen:
        """HOST:PORT. Anything but loopback needs a token in RECONCILER_SERVE_TOKEN. Raises UsageError."""
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise UsageError(f"--serve {text}: this is not HOST:PORT", hint=_EXAMPLE)
        token = environ.get(TOKEN, "").strip() or None
        if token is None and not _is_loopback(host):
            raise UsageError(
                f"--serve {text}: others than this machine could read who has access",
                hint=f"set {TOKEN} to a secret, {_MAKE}, or serve on 127.0.0.1",
            )
        if token is not None and (len(token) < SHORTEST or not token.isascii() or not token.isprintable()):
            raise UsageError(
                f"{TOKEN}: at least {SHORTEST} printable ASCII characters are needed", hint=f"set it to one, {_MAKE}"
            )
        return cls(host, int(port), token)


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
