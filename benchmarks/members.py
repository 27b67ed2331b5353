"""Many members into one group: how many requests carry them."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.company import Company, write_app
from benchmarks.processes import RECONCILER, measure
from benchmarks.table import Row, table
from reconciler.gallery import load_profile
from reconciler.sandbox import Sandbox, running


def run(people: int, galleries: Sequence[str]) -> tuple[str, list[Row]]:
    """`people` accounts that are there, one group that is there and empty, one apply."""
    rows = [_one(gallery, people) for gallery in galleries]
    return table("members: requests that add them to one group", rows), rows


def _one(gallery: str, people: int) -> Row:
    company = Company(people, per_group=people)
    sandbox = Sandbox(gallery, acts_as=None, rate=0)
    company.hire(sandbox, members=False)
    with tempfile.TemporaryDirectory() as folder, running(sandbox) as url:
        root = Path(folder, "desired")
        company.write(root)
        write_app(root, gallery, url)
        spent = measure([*RECONCILER, "apply", str(root), "--yes"])
        writes = sum(1 for request in sandbox.requests if request.method == "PATCH")
        (group,) = sandbox.groups
        if len(sandbox.members(group)) != people:
            raise SystemExit(f"{gallery}: not everybody got into the group")
    limit = load_profile(gallery).groups.max_members
    fewest = math.ceil(people / limit)
    return {
        "gallery": gallery,
        "members": people,
        "to the fewest": writes / fewest,
        "requests": writes,
        "fewest": fewest,
        "members a request": limit,
        "s": spent.wall,
    }
