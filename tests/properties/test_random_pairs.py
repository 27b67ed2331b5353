"""Promises 1, 7 and 13 for ten thousand random pairs of what git says and what an application holds.

What has to come of each is computed here, from the pair alone.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest

from reconciler.errors import DesiredStateError, IncompleteRead
from reconciler.plan import to_json
from tests.properties.application import Application
from tests.properties.housed import Housed
from tests.properties.pairs import ROBOT, Pair, holds, pair
from tests.properties.planned import Planned
from tests.properties.settled import settled

if TYPE_CHECKING:
    from tests.conftest import SandboxStory

PAIRS: Final = 10_000
HOUSED: Final = 320
"""Of them, those that go through files, a state file and requests as well."""
PARTS: Final = 8
VALUES: Final = ("mail", "displayName", "given", "family")


class Judge:
    """One pair, before and after one apply."""

    def __init__(self, pair: Pair, after: Application, plan: dict[str, Any], known: dict[str, Any]) -> None:
        self.pair, self.after, self.plan = pair, after, plan
        self.known = known
        """The bindings after it."""
        self.held = {c["key"] for c in plan["changes"] if c.get("held")}
        self.asked = self.held | {b["key"] for b in plan["blocked"]}
        self.held_members = {m["key"] for c in plan["changes"] if c.get("held") for m in c.get("members", ())}
        self.candidates = {each["id"] for c in plan["changes"] for each in c.get("candidates", ())}

    def keys(self, name: str) -> list[str]:
        """Somebody's own, and those of whoever they were before."""
        formers = self.pair.people[name]["formerIds"]
        return [f"user:{name}", *(f"user:{each}" for each in formers if each not in self.pair.people)]

    def remembered(self, name: str) -> set[str]:
        """The accounts that were theirs before the plan, by the memory."""
        return {self.pair.known[key]["id"] for key in self.keys(name) if key in self.pair.known}

    def claims(self, name: str) -> set[str]:
        """The accounts that are somebody's by a pin, the memory, or the memory of whoever they were before."""
        known = [self.known.get(key, {}).get("id") for key in self.keys(name)]
        return {each for each in (self.pair.people[name]["pin"], *known) if each is not None}

    def all(self) -> None:
        self.everybody_has_what_they_should()
        self.groups_hold_whom_they_should()
        self.no_account_changed_hands()
        self.nobody_lost_what_git_leaves_them()
        self.the_rest_is_untouched()

    def everybody_has_what_they_should(self) -> None:
        pair, accounts = self.pair, self.after.accounts
        names = [each["userName"].casefold() for each in accounts.values()]
        assert len(names) == len(set(names))
        for name in sorted(pair.wanted):
            key = f"user:{name}"
            if key in self.asked or self.claims(name) & self.candidates:
                continue
            account = accounts[self.known[key]["id"]]
            person = pair.people[name]
            assert account["active"], key
            assert account["userName"].casefold() == person["userName"].casefold(), key
            assert [account[v] for v in VALUES] == [person[v] for v in VALUES], key
        theirs = {each["id"]: key for key, each in self.known.items()}
        for name in pair.in_scope - pair.wanted:
            if pair.people[name]["pin"]:
                continue
            if not self.remembered(name).isdisjoint(pair.accounts):
                continue  # that one is theirs, whoever has the name
            key, login = f"user:{name}", pair.people[name]["userName"].casefold()
            same = {id_ for id_, each in accounts.items() if each["userName"].casefold() == login and each["active"]}
            same -= self.candidates
            assert key in self.asked or not [id_ for id_ in same if theirs.get(id_, key) == key], name

    def groups_hold_whom_they_should(self) -> None:
        pair = self.pair
        ids = {key[5:]: each["id"] for key, each in self.known.items() if key.startswith("user:")}
        for name, group in pair.groups.items():
            if not group["assigned"] or f"group:{name}" in self.asked:
                continue
            (team,) = [t for t in self.after.teams.values() if t["name"].casefold() == group["name"].casefold()]
            assert len(team["members"]) == len(set(team["members"]))
            for person, id_ in ids.items():
                key = f"user:{person}"
                if key in self.asked or key in self.held_members or id_ not in self.after.accounts:
                    continue
                if self.is_pinned_elsewhere(person, id_) or self.is_given_away(person, id_):
                    continue  # that one is nobody's, or somebody else's
                pins = self.claims(person) if person in pair.people else set()
                if self.after.accounts[id_]["userName"].endswith("@agency.example") or {id_, *pins} & self.candidates:
                    continue
                assert (id_ in team["members"]) == (person in pair.effective(name)), (name, key)

    def no_account_changed_hands(self) -> None:
        """An account that was there is somebody's only by the memory, a pin, or names that fit."""
        pair = self.pair
        for key, binding in self.known.items():
            id_ = binding["id"]
            before = pair.accounts.get(id_)
            if not key.startswith("user:") or before is None or pair.known.get(key, {}).get("id") == id_:
                continue
            person = pair.people[key[5:]]
            if person["pin"] == id_:
                continue
            if any(
                pair.known.get(f"user:{f}", {}).get("id") == id_ for f in person["formerIds"] if f not in pair.people
            ):
                continue
            assert before["userName"].casefold() == person["userName"].casefold(), key
            assert (before["given"], before["family"]) == (person["given"], person["family"]), key
            holder = next((k for k, b in pair.known.items() if b["id"] == id_), key)
            assert holder == key, f"{id_} is {holder}'s"
            assert before["active"] or key[5:] not in pair.wanted, key

    def is_pinned_elsewhere(self, person: str, id_: str) -> bool:
        return person in self.pair.people and self.pair.people[person]["pin"] not in (None, id_)

    def is_given_away(self, person: str, id_: str) -> bool:
        """Whether somebody's pin names the account of a person who has no file any more."""
        return person not in self.pair.people and any(p["pin"] == id_ for p in self.pair.people.values())

    def may_lose_the_account(self, id_: str) -> bool:
        pair, account = self.pair, self.pair.accounts[id_]
        if account["userName"] == ROBOT or pair.is_ignored(id_):
            return False
        owners = {key[5:] for key, each in pair.known.items() if each["id"] == id_ and key.startswith("user:")}
        owners |= {n for n, p in pair.people.items() if p["pin"] == id_ and f"user:{n}" not in self.held}
        owners = {
            owner for owner in owners if not (self.is_pinned_elsewhere(owner, id_) or self.is_given_away(owner, id_))
        }
        if any(pair.is_protected(owner) for owner in owners):
            return False
        if owners:
            return not owners <= pair.wanted
        called = {n for n, p in pair.people.items() if p["userName"].casefold() == account["userName"].casefold()}
        if called:
            return not called & pair.wanted
        return bool(pair.app["unmanaged"]["users"] == "deprovision" and pair.bindings is not None)

    def nobody_lost_what_git_leaves_them(self) -> None:
        pair, after = self.pair, self.after
        for id_, before in pair.accounts.items():
            if before["active"] and not after.accounts.get(id_, {"active": False})["active"]:
                assert self.may_lose_the_account(id_), id_
        ids = {each["id"]: key[5:] for key, each in pair.known.items() if key.startswith("user:")}
        teams = {each["id"]: key[6:] for key, each in pair.known.items() if key.startswith("group:")}
        for id_, team in pair.teams.items():
            now = after.teams.get(id_, {"members": []})["members"]
            group = teams.get(id_) or next((n for n, g in pair.groups.items() if g["name"] == team["name"]), None)
            for lost in set(team["members"]) - set(now):
                assert not pair.is_ignored(lost), (id_, lost)
                assert lost != "robot", (id_, lost)
                person = ids.get(lost)
                if person is None or self.is_pinned_elsewhere(person, lost):
                    continue
                assert not pair.is_protected(person), (id_, lost)
                if group in pair.groups and pair.groups[group]["assigned"]:
                    assert person not in pair.effective(group), (id_, lost)

    def the_rest_is_untouched(self) -> None:
        pair, after = self.pair, self.after
        for id_, account in pair.accounts.items():
            now = after.accounts.get(id_)
            assert now is None or now["title"] == account["title"], "unmapped"
            if pair.is_ignored(id_) or id_ == "robot":
                assert now == account, id_
        for id_, team in pair.teams.items():
            if team["name"] == "Secret":
                assert after.teams[id_]["members"] == [m for m in team["members"] if m in after.accounts]
        if pair.app["unmanaged"]["users"] == "deprovision":
            return
        ours = {each["id"] for each in pair.known.values()} | {p["pin"] for p in pair.people.values()}
        names = {p["userName"].casefold() for p in pair.people.values()}
        for id_, account in pair.accounts.items():
            if id_ not in ours and account["userName"].casefold() not in names:
                assert after.accounts[id_] == account, id_


def lived(pair: Pair, gallery: str = "scim") -> bool:
    """Plan, apply, plan again. False: the files say something that no application can hold."""
    planned = Planned(pair, gallery)
    try:
        first = planned.propose(pair.accounts, pair.teams).plan
    except (DesiredStateError, IncompleteRead):
        return False
    application = Application(pair.accounts, pair.teams, deletes=gallery == "scim")
    plan = orjson.loads(to_json(first))
    application.perform([c for c in plan["changes"] if not c.get("held")])
    planned.done(application)
    Judge(pair, application, plan, dict(planned.state.bindings)).all()
    try:
        second = planned.propose(application.accounts, application.teams).plan
    except IncompleteRead:
        return planned.looks_empty(application)
    known = dict(planned.state.bindings)
    settled(first, second, known, pair.accounts, pair.known)
    return True


def test_the_pairs_know_times_and_rules() -> None:
    """How many of the first thousand have what only a window, or only a rule, decides."""
    count: Counter[str] = Counter()
    for seed in range(1000):
        made = pair(seed)
        rules = any(each["rules"] for each in made.groups.values())
        people = made.people.values()
        count += Counter({
            "nobody any more": any(each["window"] and not holds(each["window"]) for each in people),
            "still or again": any(each["window"] and holds(each["window"]) for each in people),
            "not assigned now": any(each["assigned"] and not holds(each["assignment"]) for each in people),
            "assigned by a group": bool(made.in_scope - {n for n, each in made.people.items() if each["assigned"]}),
            "no member now": any(not holds(w) for each in made.groups.values() for w in each["windows"].values()),
            "by a rule": rules and any(
                made.effective(team) - _without_rules(made).effective(team) for team in made.groups
            ),
        })  # fmt: skip
    assert min(count.values()) > 50, count


def _without_rules(made: Pair) -> Pair:
    return replace(made, groups={team: {**each, "rules": []} for team, each in made.groups.items()})


@pytest.fixture
def collecting() -> Iterator[Callable[[], object]]:
    """Garbage is collected when the test says so: looking at everything after every pair takes a third of the time."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield gc.collect
    gc.enable()
    gc.unfreeze()


@pytest.mark.parametrize("part", range(PARTS))
def test_after_one_apply_nothing_is_left_to_do(part: int, collecting: Callable[[], object]) -> None:
    each = PAIRS // PARTS
    count = 0
    for seed in range(part * each, (part + 1) * each):
        try:
            count += lived(pair(seed), gallery(seed))
        except Exception as error:
            raise AssertionError(f"pair({seed}): {error!r}") from error
        if seed % 100 == 0:
            collecting()
    assert count > each * 0.95


@pytest.mark.parametrize("part", range(PARTS))
def test_the_same_through_files_and_requests(part: int, story_of: Callable[..., SandboxStory], tmp_path: Path) -> None:
    each = HOUSED // PARTS
    count = 0
    for seed in range(part * each, (part + 1) * each):
        story = story_of(gallery(seed), again=True)
        housed = Housed(story, pair(seed))
        releases = ["emptyScope"] if housed.pair.known else []
        here = set(story.sandbox.users)
        try:
            applied = story.apply(*releases)
        except (DesiredStateError, IncompleteRead):
            continue
        assert applied.code == (3 if applied.plan.held else 0), (seed, applied.statuses())
        plan, state = housed.told(orjson.loads(to_json(applied.plan))), housed.told(story.company.state)
        try:
            Judge(housed.pair, housed.application(), plan, state["bindings"]).all()
            settled(applied.plan, story.plan(*releases), story.company.state["bindings"], here)
        except IncompleteRead:
            continue
        except AssertionError as error:
            raise AssertionError(f"pair({seed}): {error}") from error
        count += 1
    assert count > each * 0.9


def gallery(seed: int) -> str:
    return "hootsuite" if seed % 4 == 3 else "scim"
