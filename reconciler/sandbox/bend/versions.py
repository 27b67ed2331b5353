"""meta.version, and the header ETag."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, Final

import orjson

from reconciler.sandbox.faults import Faults

CONSTANT: Final = 'W/"1"'


def version(faults: Faults, usual: str, document: dict[str, Any]) -> str:
    """The version of a resource that is shown so."""
    if "version=constant" in faults:
        return CONSTANT
    if "version=random" in faults:
        return f'W/"{uuid.uuid4().hex}"'
    if "version=hash" in faults:
        body = {name: value for name, value in document.items() if name != "meta"}
        digest = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
        return f'W/"{digest[:16]}"'
    return usual


def bumps(faults: Faults) -> bool:
    """Whether a write that changes nothing moves the version."""
    return "version=bumps" in faults
