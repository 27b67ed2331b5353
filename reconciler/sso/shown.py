"""What strangers wrote, in a message: cut, and what is unprintable escaped."""

from __future__ import annotations

import json
from typing import Final

_LONGEST: Final = 200  # characters


def shown(text: str) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text[:_LONGEST])
