"""A folder of evidence: files, what they are, and their hashes in the form that `sha256sum -c` reads. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson

FORMAT: Final = "reconciler.evidence/1"
MANIFEST: Final = "MANIFEST.json"
SUMS: Final = "SHA256SUMS"


def bundled(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> dict[str, bytes]:
    """With MANIFEST.json and SHA256SUMS, in the order of names. The same files and facts give the same bytes."""
    listed = [{"name": name, "bytes": len(files[name]), "sha256": _hash(files[name])} for name in sorted(files)]
    manifest = orjson.dumps({"format": FORMAT, **facts, "files": listed}, option=orjson.OPT_INDENT_2) + b"\n"
    whole = {**{name: files[name] for name in sorted(files)}, MANIFEST: manifest}
    sums = "".join(f"{_hash(content)}  {name}\n" for name, content in sorted(whole.items()))
    return {**whole, SUMS: sums.encode()}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
