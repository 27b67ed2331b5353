"""Requests of one apply into an empty application, beside the fewest that could do it."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

from benchmarks.company import Company, write_app
from benchmarks.processes import RECONCILER, measure
from benchmarks.table import Row, table
from reconciler.gallery import load_profile
from reconciler.sandbox import Sandbox, running

BULK: Final = 100
"""Operations in one request."""


def run(people: int) -> tuple[str, list[Row]]:
    """`people` accounts and their groups are made, one request a change, and with Bulk."""
    rows = [_one(people, bulk=bulk) for bulk in (False, True)]
    return table("requests: an apply into an empty application", rows), rows


def _one(people: int, *, bulk: bool) -> Row:
    company, sandbox = Company(people), Sandbox("scim", acts_as=None, rate=0)
    chunk = load_profile("scim").groups.max_members
    with tempfile.TemporaryDirectory() as folder, running(sandbox) as url:
        root = Path(folder, "desired")
        company.write(root)
        extra = f"\n  bulk: {{operations: {BULK}}}" if bulk else ""
        write_app(root, "scim", url)
        app = root / "apps" / "bench" / "app.yaml"
        text = app.read_text(encoding="utf-8").replace("profile: {rate: {perSecond: null}}", "canary: 0\nprofile:")
        app.write_text(f"{text.rstrip()}\n  rate: {{perSecond: null}}{extra}\n", encoding="utf-8")
        spent = measure([*RECONCILER, "apply", str(root), "--yes"])
        seen: Counter[str] = Counter(call.method for call in sandbox.requests)
        if len(sandbox.users) != people:
            raise SystemExit(f"{len(sandbox.users)} accounts instead of {people}")
    groups = [len(company.members(group)) for group in range(company.groups)]
    operations = people + sum(1 + math.ceil(size / chunk) for size in groups)
    fewest = math.ceil(operations / BULK) if bulk else operations
    writes = sum(count for method, count in seen.items() if method != "GET")
    row: dict[str, Any] = {
        "Bulk": "yes" if bulk else "no",
        "changes": people + 2 * len(groups),
        "to the fewest": writes / fewest,
        "writes": writes,
        "fewest": fewest,
        "reads": seen["GET"],
        "s": spent.wall,
    }
    return row
