"""One apply, with its requests counted: `python -m benchmarks.applied ROOT JOURNAL` prints JSON.

It is `reconciler apply --yes` itself; the client tells at its end how much was sent and how much was refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any


def applied(root: Path, journal: Path) -> dict[str, int]:
    from reconciler.cli import apply as command
    from reconciler.cli.applying import Wish
    from reconciler.http import Client
    from reconciler.session import Settings

    counts: dict[str, int] = {}
    leave = Client.__aexit__

    async def counted(client: Client, *arguments: Any) -> None:
        counts.update(requests=client.requests, throttled=client.throttled)
        await leave(client, *arguments)

    Client.__aexit__ = counted  # type: ignore[method-assign, assignment]
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        code = asyncio.run(command.applied(Settings(root), Wish(yes=True, journal=journal)))
    if code:
        raise SystemExit(code)
    return counts


if __name__ == "__main__":
    sys.stdout.write(json.dumps(applied(Path(sys.argv[1]), Path(sys.argv[2]))))
