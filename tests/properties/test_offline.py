"""Files alone: whatever they say, against themselves nothing changes; and the plan reads like one of an application
that holds them.
"""

from __future__ import annotations

import pytest

from reconciler.errors import DesiredStateError
from reconciler.model.desired import Desired
from reconciler.model.plan import Origin, Plan
from reconciler.model.state import State
from reconciler.model.values import Key, UserId, group_key, user_key
from reconciler.plan import Earlier, Releases, Supposed, Version, propose, read_paths
from reconciler.project import project
from tests.properties.pairs import ROBOT, pair
from tests.properties.planned import NOW, TENANT, Planned

PAIRS, PARTS = 2_000, 4


def wanted(files: Planned, state: State) -> Desired:
    managed = [UserId(key[5:]) for key in state.bindings if key.startswith("user:")]
    return project(files.directory, files.app, files.profile, managed=managed, as_of=NOW)


def offline(before: Planned, now: Planned) -> Plan:
    """As `plan --offline --base` makes it, of the files of two pairs."""
    nobody = State(app="chat", tenant_url=TENANT)
    earlier = wanted(before, nobody)
    supposed = Supposed("chat", TENANT, earlier, pins(now))
    state = supposed.memory(NOW)
    desired = wanted(now, state)
    base = Earlier("0" * 40, Version(before.app, before.profile, earlier))
    needed = read_paths(desired, now.app, now.profile, (before.app.guardrails,))
    also = read_paths(earlier, before.app, before.profile, (before.app.guardrails,))
    users, groups = (tuple(dict.fromkeys((*a, *b))) for a, b in zip(needed, also, strict=True))
    mapped = [c.path for c in desired.user_columns], [c.path for c in desired.group_columns]
    snapshot = supposed.snapshot((users, groups), mapped, [ROBOT], NOW)
    return propose(now.app, now.profile, desired, snapshot, state, as_of=NOW, base=base,
                   releases=Releases.parse(["emptyScope"])).plan  # fmt: skip


def pins(files: Planned) -> dict[Key, str]:
    directory = files.directory
    users = {user_key(each.id): each.accounts["chat"] for each in directory if "chat" in each.accounts}
    return {**users, **{group_key(g.id): g.accounts["chat"] for g in directory.groups.values() if "chat" in g.accounts}}


@pytest.mark.parametrize("part", range(PARTS))
def test_files_against_themselves_change_nothing(part: int) -> None:
    each, count = PAIRS // PARTS, 0
    for seed in range(part * each, (part + 1) * each):
        files = Planned(pair(seed), "hootsuite" if seed % 4 == 3 else "scim")
        try:
            plan = offline(files, files)
        except DesiredStateError:
            continue  # the files say something that no application can hold
        changed = [(c.action, c.key) for c in plan.changes if c.origin is Origin.THIS_CHANGE or not twice(files)]
        assert not changed, f"pair({seed}): {changed}"
        assert not plan.later, f"pair({seed}): {plan.later}"
        assert not plan.blocked, f"pair({seed}): {plan.blocked}"
        count += 1
    assert count > each * 0.9


def twice(files: Planned) -> bool:
    """Two claim the same account, as they did before: that stays a question."""
    claimed = [each["pin"] for each in files.pair.people.values() if each["pin"]]
    return len(claimed) > len({*claimed})


@pytest.mark.parametrize("part", range(PARTS))
def test_whoever_goes_or_comes_is_told(part: int) -> None:
    """From one pair's files to those of the next: everybody with access before and not after loses it, and so on."""
    each, count = PAIRS // PARTS, 0
    for seed in range(part * each, (part + 1) * each):
        before, now = (Planned(pair(at), "scim") for at in (seed, seed + 1))
        now.app = now.app.model_copy(update={"guardrails": before.app.guardrails})
        if any(p["pin"] or p["formerly"] or p["formerIds"] for f in (before, now) for p in f.pair.people.values()):
            continue  # who is who is another question
        try:
            plan = offline(before, now)
        except DesiredStateError:
            continue
        keys = {c.key for c in plan.changes} | {b.key for b in plan.blocked}
        gone, come = before.pair.wanted - now.pair.wanted, now.pair.wanted - before.pair.wanted
        if now.app.deprovision.users != "keep":
            assert {f"user:{name}" for name in gone} <= keys, f"pair({seed}): {gone}"
        assert {f"user:{name}" for name in come} <= keys, f"pair({seed}): {come}"
        assert {c.origin for c in plan.changes} <= {Origin.THIS_CHANGE}
        count += 1
    assert count > each * 0.1
