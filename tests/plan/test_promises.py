"""Promises 5, 6, 7 and 14 of the planner, over generated companies."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.plan import Plan
from reconciler.plan import to_json

NAMES = [f"n{n}" for n in range(7)]
TEAMS = ["red", "blue", "green"]
KEYS = [*(f"user:{n}" for n in NAMES), *(f"group:{t}" for t in TEAMS)]
AGENCY = {"attribute": "userName", "operator": "ENDS_WITH", "value": "@agency.example"}

person = st.fixed_dictionaries(
    {
        "git": st.sampled_from(["in", "in", "in", "disabled", "out", "gone", "gone"]),
        "account": st.sampled_from(["same", "same", "same", "renamed", "renamedTo", "agency", "none"]),
        "to": st.sampled_from(NAMES),
        "active": st.sampled_from([True, True, True, False]),
        "shown": st.sampled_from(["own", "other"]),
        "bound": st.sampled_from([True, True, False]),
        "left": st.sampled_from([True, True, False, None]),
        "formerly": st.sampled_from([None, None, None, *NAMES]),
        "pin": st.sampled_from([None, None, None, None, *NAMES]),
    }
)
team = st.fixed_dictionaries(
    {
        "git": st.booleans(),
        "wanted": st.sets(st.sampled_from(NAMES)),
        "live": st.none() | st.sets(st.sampled_from([*NAMES, "stranger"])),
        "called": st.sampled_from(["same", "same", "other"]),
        "bound": st.booleans(),
        "left": st.sets(st.sampled_from(NAMES)),
    }
)
company = st.fixed_dictionaries(
    {
        "people": st.lists(person, min_size=len(NAMES), max_size=len(NAMES)),
        "teams": st.lists(team, min_size=len(TEAMS), max_size=len(TEAMS)),
        "deprovision": st.sampled_from(["deactivate", "delete", "keep"]),
        "groups": st.sampled_from(["delete", "empty", "keep"]),
        "drift": st.sampled_from(["hold", "repair"]),
        "protected": st.sampled_from([[], ["n0"]]),
        "unmanaged": st.sampled_from(["report", "deprovision"]),
        "members": st.sampled_from(["report", "remove"]),
        "unmanagedGroups": st.sampled_from(["report", "delete", "empty"]),
    }
)
generated = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)

LOOSE: dict[str, Any] = {
    name: {} for name in ("deprovisionUsers", "deleteGroups", "removeMembers", "renameUsers", "updateUsers",
                          "clearAttributes")
}  # fmt: skip


def build(
    make: Callable[[], Any], spec: dict[str, Any], shuffle: Callable[[list[Any]], list[Any]] = lambda x: x
) -> Any:
    world = make()
    acts: list[Callable[[], None]] = []
    for name, p in zip(NAMES, spec["people"], strict=True):
        acts.append(lambda name=name, p=p: _person(world, name, p))  # type: ignore[misc]
    acts.append(lambda: world.account("s", "stranger"))
    acts.append(lambda: world.account("r", "robot"))
    for number, (name, t) in enumerate(zip(TEAMS, spec["teams"], strict=True)):
        acts.append(lambda number=number, name=name, t=t: _team(world, number, name, t, shuffle))  # type: ignore[misc]
    for act in shuffle(acts):
        act()
    wanted = [n for n, p in zip(NAMES, spec["people"], strict=True) if p["git"] in ("in", "disabled")]
    groups = [n for n, t in zip(TEAMS, spec["teams"], strict=True) if t["git"]]
    world.app(
        scope={"assigned": {"users": wanted}},
        groups=groups,
        deprovision={"users": spec["deprovision"], "groups": spec["groups"]},
        drift={"given": spec["drift"]},
        unmanaged={"users": spec["unmanaged"], "members": spec["members"], "groups": spec["unmanagedGroups"]},
        ignore={"users": [AGENCY]},
        guardrails={"actsAs": "robot@contoso.com", "protected": {"users": spec["protected"]}},
    )
    return world


def _person(world: Any, name: str, p: dict[str, Any]) -> None:
    if p["git"] != "gone":
        world.user(
            name,
            enabled=p["git"] != "disabled",
            formerly=({"userPrincipalName": f"{p['formerly']}@contoso.com"},) if p["formerly"] else (),
            accounts={"chat": f"a-{p['pin']}"} if p["pin"] else {},
        )
    login = {"renamed": f"old-{name}@contoso.com", "renamedTo": f"{p['to']}@contoso.com",
             "agency": f"{name}@agency.example"}.get(p["account"], f"{name}@contoso.com")  # fmt: skip
    if p["account"] != "none":
        shown = {"displayName": "Somebody"} if p["shown"] == "other" else {}
        world.account(f"a-{name}", name, active=p["active"], userName=login, **shown)
    if p["bound"]:
        world.bind(f"user:{name}", f"a-{name}")
        if p["left"] is None:
            del world.state.bindings[f"user:{name}"]["active"]
        else:
            world.state.bindings[f"user:{name}"]["active"] = p["left"]


def _team(world: Any, number: int, name: str, t: dict[str, Any], shuffle: Callable[[list[Any]], list[Any]]) -> None:
    if t["git"]:
        world.group(name, *sorted(t["wanted"]))
    if t["live"] is not None:
        shown = name.title() if t["called"] == "same" else f"Old {name}"
        ids = ["s" if n == "stranger" else f"a-{n}" for n in sorted(t["live"])]
        world.team(f"t{number}", shown, *shuffle(ids))
    if t["bound"]:
        world.bind(f"group:{name}", f"t{number}", members=sorted(t["left"]))


def plan_of(world: Any) -> Plan:
    known = set(world.users)
    for group in world.groups.values():
        group.members = tuple(m for m in group.members if m.user in known)
    plan: Plan = world.plan("emptyApp", "emptyScope") if world.state.bindings else world.plan()
    return plan


@generated
@given(spec=company, seed=st.integers(0, 2**32))
def test_same_input_same_bytes_in_whatever_order(new_world: Any, spec: dict[str, Any], seed: int) -> None:
    chance = random.Random(seed)

    def shuffle(these: list[Any]) -> list[Any]:
        return chance.sample(these, len(these))

    assert to_json(plan_of(build(new_world, spec))) == to_json(plan_of(build(new_world, spec, shuffle)))


def removals(plan: Plan, *, held: bool | None) -> set[tuple[str, ...]]:
    """Access that is taken: ("account", id), ("member", group id, account id). `held`: None for both."""
    taken: set[tuple[str, ...]] = set()
    for change in plan.changes:
        if held is not None and bool(change.held) is not held:
            continue
        if change.action in ("deactivateUser", "deleteUser"):
            taken.add(("account", str(change.id)))
        if change.action in ("removeMembers", "emptyGroup", "deleteGroup"):
            taken |= {("member", str(change.id), str(m.id)) for m in change.members}
    return taken


@generated
@given(
    limits=st.fixed_dictionaries(
        {
            "deprovisionUsers": st.fixed_dictionaries({"count": st.integers(0, 6), "percent": st.integers(0, 60)}),
            "deleteGroups": st.fixed_dictionaries({"count": st.integers(0, 2)}),
            "removeMembers": st.fixed_dictionaries({"percent": st.integers(0, 80), "ignoreBelow": st.integers(0, 4)}),
        }
    ),
    live=st.lists(st.sets(st.integers(0, 11)), min_size=3, max_size=3),
    wanted=st.lists(st.sets(st.integers(0, 11)), min_size=3, max_size=3),
    dropped=st.lists(st.sets(st.integers(0, 11)), min_size=3, max_size=3),
    first=st.sets(st.integers(0, 11), max_size=6),
    more=st.sets(st.integers(0, 11), max_size=5),
    teams_gone=st.sets(st.integers(0, 2)),
    teams_more=st.sets(st.integers(0, 2)),
    policy=st.sampled_from(["deactivate", "delete"]),
)  # fmt: skip
def test_adding_removals_never_lets_a_held_one_run(
    new_world: Any, limits: Any, live: Any, wanted: Any, dropped: Any, first: Any, more: Any, teams_gone: Any,
    teams_more: Any, policy: str,
) -> None:  # fmt: skip
    def make(gone: set[int], teams: set[int], drop: list[set[int]]) -> Plan:
        world = new_world()
        world.settled(12)
        for number in range(3):
            if number not in teams:
                world.group(f"g{number}", *(f"p{n}" for n in sorted(wanted[number] - drop[number])))
            world.team(f"t{number}", f"G{number}", *(str(1000 + n) for n in sorted(live[number])))
            world.bind(f"group:g{number}", f"t{number}")
        world.leave(*(f"p{n}" for n in sorted(gone)))
        world.app(guardrails=limits, deprovision={"users": policy})
        plan: Plan = world.plan("emptyScope")
        return plan

    before = make(first, teams_gone, [set(), set(), set()])
    after = make(first | more, teams_gone | teams_more, dropped)
    whole = {f"t{n}" for n in teams_gone | teams_more}
    people = {str(1000 + n) for n in first | more}
    for taken in removals(before, held=True) & removals(after, held=False):
        assert taken[0] == "member", taken
        assert taken[1] in whole or taken[2] in people


@generated
@given(spec=company)
def test_ignored_and_unmanaged_accounts_are_in_no_change(new_world: Any, spec: dict[str, Any]) -> None:
    spec = {**spec, "unmanaged": "report", "members": "report", "unmanagedGroups": "report"}
    world = build(new_world, spec)
    plan = plan_of(world)
    claimed = {f"{u.id}@contoso.com" for u in world.users.values()}
    claimed |= {str(f["userPrincipalName"]) for u in world.users.values() for f in u.formerly}
    ours = {b["id"] for b in world.state.bindings.values()}
    ours |= {id_ for u in world.users.values() for id_ in u.accounts.values()}
    ours |= {id_ for id_, values in world.accounts.items() if values["userName"] in claimed}
    ignored = {id_ for id_, values in world.accounts.items() if values["userName"].endswith("@agency.example")}
    touched = {str(c.id) for c in plan.changes if c.id and c.key.startswith(("user:", "account:"))}
    touched |= {str(m.id) for c in plan.changes for m in getattr(c, "members", ()) if m.id}
    questions = {str(c.id) for c in plan.held if c.action == "adoptUser" and not c.set}
    assert not touched & ignored - questions
    assert touched <= ours
    assert "r" not in touched
    named = {title.title() for title in world.groups}
    our_teams = {b["id"] for k, b in world.state.bindings.items() if k.startswith("group:")}
    our_teams |= {id_ for id_, (shown, _) in world.teams.items() if shown in named}
    assert {str(c.id) for c in plan.changes if c.id and c.key.startswith(("group:", "appGroup:"))} <= our_teams


revoked = st.sets(st.sampled_from([*(f"user:{n}" for n in NAMES), *(f"account:a-{n}" for n in NAMES), "account:s"]))


@generated
@given(spec=company, taken=revoked, released=st.sets(st.sampled_from(NAMES)))
def test_nobody_who_is_revoked_gains_anything_whatever_is_released(
    new_world: Any, spec: dict[str, Any], taken: set[str], released: set[str]
) -> None:
    world = build(new_world, spec)
    for key in taken:
        world.revoke(key)
    known = set(world.users)
    for group in world.groups.values():
        group.members = tuple(m for m in group.members if m.user in known)
    answers = [f"{name}:user:{n}" for n in released for name in ("whoIsThis", "takenAwayInApp")]
    plan = world.plan(*answers, "emptyApp", "emptyScope")
    ids = {key.partition(":")[2] for key in taken if key.startswith("account:")}
    for change in plan.pending:
        if change.action in ("createUser", "reactivateUser"):
            assert change.key not in taken
            assert change.id not in ids
        if change.action == "addMembers":
            assert not {m.key for m in change.members} & taken
            assert not {m.id for m in change.members} & ids
    assert not [c for c in plan.held if "revoked" in c.reasons]


@generated
@given(spec=company, taken=revoked)
def test_a_memory_that_was_lost_but_for_what_is_revoked_removes_nothing_more(
    new_world: Any, spec: dict[str, Any], taken: set[str]
) -> None:
    """As `reconciler state forget` leaves it. Left out: somebody protected whose file is gone: only memory knew."""
    people = [
        {**p, "bound": True, "left": True, "pin": None, "formerly": None,
         "account": "same" if p["account"].startswith("renamed") else p["account"]}
        for p in spec["people"]
    ]  # fmt: skip
    people[0]["git"] = "out" if people[0]["git"] == "gone" else people[0]["git"]
    spec = {**spec, "people": people, "teams": [{**t, "bound": True, "called": "same"} for t in spec["teams"]]}
    full, less = build(new_world, spec), build(new_world, spec)
    for world in (full, less):
        world.app(guardrails={**LOOSE, **world.app_keys["guardrails"]})
        for key in taken:
            world.revoke(key)
    less.state.bindings.clear()
    assert removals(plan_of(less), held=False) <= removals(plan_of(full), held=False)


@pytest.mark.parametrize("state", ["lost", "old"])
@generated
@given(
    spec=company, forgotten=st.sets(st.sampled_from([*(f"user:{n}" for n in NAMES), *(f"group:{t}" for t in TEAMS)]))
)
def test_without_memory_nothing_more_is_removed(
    new_world: Any, state: str, spec: dict[str, Any], forgotten: set[str]
) -> None:
    """Against a full state: every account that somebody has is bound, to the person whose name it carries.

    An old state knows some of it. What only memory could tell is left out there: accounts that were renamed in the
    application, somebody protected whose file is gone, and `unmanaged` removing what `keep` would keep.
    """
    people = [
        {**p, "bound": True, "left": True, "pin": None, "formerly": None,
         "account": "same" if p["account"].startswith("renamed") else p["account"]}
        for p in spec["people"]
    ]  # fmt: skip
    spec = {**spec, "people": people, "teams": [{**t, "bound": True, "called": "same"} for t in spec["teams"]]}
    if state == "old":
        people[0]["git"] = "out" if people[0]["git"] == "gone" else people[0]["git"]
        spec |= {"deprovision": "delete" if spec["deprovision"] == "keep" else spec["deprovision"], "drift": "repair"}
        spec |= {"unmanagedGroups": "report", "members": "report"}
    full, less = build(new_world, spec), build(new_world, spec)
    for world in (full, less):
        world.app(guardrails={**LOOSE, **world.app_keys["guardrails"]})
    for key in list(less.state.bindings) if state == "lost" else forgotten:
        less.state.bindings.pop(key, None)
    if state == "old":
        less.state.commit = "0" * 40
    taken = removals(plan_of(less), held=False)
    assert taken <= removals(plan_of(full), held=False)


limit = st.fixed_dictionaries({}, optional={"count": st.integers(0, 6), "percent": st.integers(0, 100)})


@pytest.mark.parametrize("when", ["at once", "an hour later"])
@generated
@given(
    spec=company,
    limits=st.fixed_dictionaries({"deprovisionUsers": limit, "deleteGroups": limit, "removeMembers": limit}),
    spent=st.fixed_dictionaries({name: st.integers(0, 8) for name in ("deprovisionUsers", "deleteGroups")}),
    lost=st.fixed_dictionaries({f"removeMembers:{team}": st.integers(0, 8) for team in TEAMS}),
)
def test_guardrails_let_nothing_more_through_when_the_memory_is_lost(
    new_world: Any, when: str, spec: dict[str, Any], limits: dict[str, Any], spent: dict[str, int], lost: dict[str, int]
) -> None:
    """Whatever applies did within the day before: at once, and when an apply has bound everybody again."""
    people = [
        {**p, "bound": True, "left": True, "pin": None, "formerly": None,
         "account": "same" if p["account"].startswith("renamed") else p["account"]}
        for p in spec["people"]
    ]  # fmt: skip
    spec = {**spec, "people": people, "teams": [{**t, "bound": True, "called": "same"} for t in spec["teams"]]}
    full, less = build(new_world, spec), build(new_world, spec)
    for world in (full, less):
        world.app(guardrails={**LOOSE, **limits, **world.app_keys["guardrails"]})
    full.state.spent = [
        {"at": full.hours(2), "name": name, "value": value} for name, value in {**spent, **lost}.items()
    ]
    if when == "at once":
        less.state.bindings.clear()
    else:
        less.state.window_from = less.hours(1)
    assert removals(plan_of(less), held=False) <= removals(plan_of(full), held=False)
