"""Creations against a server that takes its time, and against one that takes only so many a second."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.company import Company, write_app
from benchmarks.processes import measure, serving
from benchmarks.table import Row, table
from reconciler.gallery import load_profile

LATENCY: Final = 0.05
"""Seconds before each answer."""
LIMIT: Final = 20
"""Requests a second."""


def run(slow: int, limited: int) -> tuple[str, dict[str, list[Row]]]:
    """`slow` creations at 50 ms each, `limited` at 20 a second."""
    at_latency, at_limit = [_slow("scim", slow)], [_limited("hootsuite", limited)]
    text = "\n\n".join(
        (
            table(f"apply: creations, {LATENCY * 1000:.0f} ms each", at_latency),
            table(f"apply: creations, at most {LIMIT} requests a second", at_limit),
        )
    )
    return text, {"latency": at_latency, "limit": at_limit}


def _slow(gallery: str, people: int) -> Row:
    seconds, _ = _create(gallery, people, "perSecond: null", "--rate", "0", "--latency", str(LATENCY * 1000))
    width = load_profile(gallery).rate.concurrency
    ideal = math.ceil(people / width) * LATENCY
    return {
        "gallery": gallery,
        "creations": people,
        "% of the ideal": 100 * ideal / seconds,
        "side by side": width,
        "creations/s": people / seconds,
        "s": seconds,
    }


def _limited(gallery: str, people: int) -> Row:
    seconds, counts = _create(gallery, people, f"perSecond: {LIMIT}", "--rate", str(LIMIT))
    return {
        "gallery": gallery,
        "creations": people,
        "% of the limit": 100 * (people - 1) / seconds / LIMIT,
        "% answers 429": 100 * counts["throttled"] / counts["requests"],
        "creations/s": (people - 1) / seconds,
        "s": seconds,
    }


def _create(gallery: str, people: int, rate: str, *server: str) -> tuple[float, dict[str, Any]]:
    """Seconds from the first creation tried to the last one done, and the requests of the whole apply."""
    with tempfile.TemporaryDirectory() as folder, serving(gallery, "--users", "0", *server) as url:
        root, journal = Path(folder, "desired"), Path(folder, "journal.jsonl")
        Company(people).write(root)
        write_app(root, gallery, url, rate=rate)
        counts = json.loads(measure([sys.executable, "-m", "benchmarks.applied", str(root), str(journal)]).stdout)
        lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    times = [datetime.fromisoformat(line["at"]) for line in lines if line.get("action") == "createUser"]
    return (max(times) - min(times)).total_seconds(), counts
