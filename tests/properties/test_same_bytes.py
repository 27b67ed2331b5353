"""Promise 5 across processes: same input, same bytes, whatever order things come in and however Python hashes."""

from __future__ import annotations

import copy
import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from reconciler.errors import DesiredStateError, IncompleteRead
from reconciler.plan import to_json
from tests.properties.pairs import Pair, pair
from tests.properties.planned import Planned

ROOT: Final = Path(__file__).resolve().parents[2]
PAIRS: Final = range(120)
CODE: Final = "from tests.properties.test_same_bytes import fingerprint; print(fingerprint())"


def document(given: Pair) -> bytes:
    """The plan, or why there is none."""
    try:
        return to_json(Planned(given).propose(given.accounts, given.teams).plan)
    except (DesiredStateError, IncompleteRead) as error:
        return str(error).encode()


def fingerprint() -> str:
    digest = hashlib.sha256()
    for seed in PAIRS:
        digest.update(document(pair(seed)))
    return digest.hexdigest()


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_whatever_the_hashes(seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == fingerprint()


def test_people_groups_members_accounts_teams_and_memory_in_any_order() -> None:
    chance = random.Random(5)
    for seed in PAIRS:
        given = pair(seed)
        assert document(given) == document(shuffled(given, chance)), seed


def shuffled(given: Pair, chance: random.Random) -> Pair:
    other = copy.deepcopy(given)
    for table in ("people", "groups", "accounts", "teams", "bindings"):
        rows: dict[str, Any] | None = getattr(other, table)
        if rows is not None:
            setattr(other, table, dict(chance.sample(list(rows.items()), len(rows))))
    for rows in (other.groups, other.teams, other.bindings or {}):
        for row in rows.values():
            for key in ("members", "formerly"):
                if key in row:
                    chance.shuffle(row[key])
    return other


def test_files_in_any_order(story_of: Any, tmp_path: Path) -> None:
    """The same people in one file, in many, in folders, and from the last to the first."""
    plans = []
    for layout in ("many", "one", "folders", "backwards"):
        story = story_of("scim", folder=layout)
        root = story.company.root
        people = [story.company.read(f"users/{file.name}") for file in sorted((root / "users").glob("*.yaml"))]
        if layout in ("one", "backwards"):
            for file in (root / "users").glob("*.yaml"):
                file.unlink()
            story.company.write("users/all.yaml", people if layout == "one" else people[::-1])
        if layout == "folders":
            for n, each in enumerate(people):
                (root / f"users/{each['id']}.yaml").unlink()
                story.company.write(f"users/{n % 2}/{n}.yaml", each)
        plan = story.plan()
        plans.append([c.model_dump(exclude={"source"}) for c in plan.changes])
    assert all(plan == plans[0] for plan in plans)
