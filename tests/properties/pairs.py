"""Random pairs of what git says and what an application holds, with or without a memory of how it came to be.

A pair is plain data, made from a seed: the planner's nouns, YAML files and a sandbox are all made from it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NAMES: Final = ("ada", "bob", "cyd", "dee", "eli", "fay", "gus")
TEAMS: Final = ("red", "green", "blue")
ROBOT: Final = "robot@contoso.com"
AGENCY: Final = {"attribute": "userName", "operator": "ENDS_WITH", "value": "@agency.example"}
SECRET: Final = {"attribute": "displayName", "operator": "EQUALS", "value": "Secret"}
GUARDRAILS: Final = ("deprovisionUsers", "deleteGroups", "removeMembers", "renameUsers", "updateUsers",
                     "clearAttributes")  # fmt: skip


PAST, FUTURE = "2001-02-03", "2199-12-31"
WINDOWS: Final = ({"from": PAST}, {"until": FUTURE}, {"from": PAST, "until": FUTURE}, {"until": PAST}, {"from": FUTURE})
"""Those that hold, and those that do not, whenever this runs."""
RULES: Final[Mapping[str, tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]]] = {
    "abroad": (
        {"attribute": "timeZone", "operator": "EQUALS", "value": "Europe/Paris"},
        lambda each: each["timezone"] == "Europe/Paris",
    ),
    "here": ({"attribute": "timeZone", "operator": "IS NULL"}, lambda each: each["timezone"] is None),
    "doctor": (
        {"attribute": "displayName", "operator": "REGEX MATCH", "value": "^Dr"},
        lambda each: each["displayName"].startswith("Dr."),
    ),
    "moved": (
        {"attribute": "userPrincipalName", "operator": "Includes", "value": "new."},
        lambda each: each["userName"].startswith("new."),
    ),
    "enabled": ({"attribute": "accountEnabled", "operator": "IS TRUE"}, lambda each: each["enabled"]),
}
"""Clauses of rules, as they are written, and what they mean."""


def holds(window: Mapping[str, str]) -> bool:
    return window.get("from") != FUTURE and window.get("until") != PAST


def address(name: str) -> str:
    return f"{name}@contoso.com"


@dataclass
class Pair:
    """`people`, `groups`: the files. `accounts`, `teams`: the application. `bindings`: the memory; None: there is none.

    Surnames are never edited in the application: they tell whose account it is, whatever the tool believes.
    """

    seed: int
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    teams: dict[str, dict[str, Any]] = field(default_factory=dict)
    assigned: dict[str, dict[str, str]] = field(default_factory=dict)
    """Groups that assign their members to the application → the window of that."""
    bindings: dict[str, dict[str, Any]] | None = None
    app: dict[str, Any] = field(default_factory=dict)

    @property
    def known(self) -> Mapping[str, dict[str, Any]]:
        return self.bindings or {}

    @property
    def in_scope(self) -> set[str]:
        """Assigned now, by themselves or through a group."""
        alone = {n for n, each in self.people.items() if each["assigned"] and holds(each["assignment"])}
        return alone.union(*(self.members(group) for group, window in self.assigned.items() if holds(window)))

    @property
    def wanted(self) -> set[str]:
        people = self.people
        return {name for name in self.in_scope if people[name]["enabled"] and holds(people[name]["window"])}

    def effective(self, group: str) -> set[str]:
        """Who should be in a group: its members at any depth who are wanted."""
        return self.members(group) & self.wanted

    def members(self, group: str) -> set[str]:
        """Everybody who is in a group now: by name, by a rule, or in a group that is in it."""
        found: set[str] = set()
        open_, seen = [group], {group}
        while open_:
            each = self.groups[open_.pop()]
            entries = {entry for entry in each["members"] if holds(each["windows"].get(entry, {}))}
            found |= {entry for entry in entries if not entry.startswith("@")}
            for rule in each["rules"]:
                found |= {n for n, person in self.people.items() if all(RULES[clause][1](person) for clause in rule)}
            nested = {entry[1:] for entry in entries if entry.startswith("@")} - seen
            seen |= nested
            open_ += nested
        return found

    def is_ignored(self, account: str) -> bool:
        return str(self.accounts[account]["userName"]).endswith("@agency.example")

    def is_protected(self, person: str) -> bool:
        return person in self.app["guardrails"]["protected"]["users"]


def pair(seed: int) -> Pair:
    """The pair of a number: the same on every machine."""
    chance = random.Random(seed)
    made = Pair(seed)
    count = chance.randint(2, len(NAMES))
    _people(made, chance, NAMES[:count])
    _accounts(made, chance, NAMES[:count])
    _groups(made, chance)
    _times_and_rules(made, random.Random(f"times and rules of {seed}"))
    _teams(made, chance)
    _memory(made, chance, NAMES[:count])
    _oddities(made, chance)
    _policies(made, chance)
    return made


def _often(chance: random.Random, percent: int) -> bool:
    return chance.randrange(100) < percent


def _people(made: Pair, chance: random.Random, names: Iterable[str]) -> None:
    """Most have the name that they always had; some exchange theirs, pass them on, or get new ones."""
    names = list(names)
    called = {name: address(name) for name in names}
    if _often(chance, 25) and len(names) > 1:
        some = chance.sample(names, chance.randint(2, min(3, len(names))))
        moved = [called[n] for n in some]
        moved = [*moved[1:], moved[0] if _often(chance, 50) else address(f"new.{some[-1]}")]
        called |= dict(zip(some, moved, strict=True))
    for name in names:
        if _often(chance, 22):
            continue  # no file
        made.people[name] = {
            "userName": called[name],
            "mail": called[name] if _often(chance, 90) else address(f"mail.{name}"),
            "displayName": chance.choice([f"{name.title()} Surname", f"Dr. {name.title()}"]),
            "given": name.title(),
            "family": f"of {name}",
            "timezone": chance.choice([None, None, "Europe/Paris"]),
            "enabled": _often(chance, 88),
            "assigned": _often(chance, 90),
            "assignment": {},
            "window": {},
            "formerly": [],
            "formerIds": [],
            "pin": None,
        }


def _accounts(made: Pair, chance: random.Random, names: Iterable[str]) -> None:
    taken = set()
    for number, name in enumerate(names):
        if _often(chance, 18):
            continue
        login = chance.choice([address(name)] * 8 + [address(name).upper(), f"{name}@agency.example",
                              address(f"new.{name}"), address(f"other.{name}")])  # fmt: skip
        taken.add(login.casefold())
        wrong = _often(chance, 25)
        made.accounts[f"a{number}"] = _account(
            login, name.title(), f"of {name}", active=_often(chance, 85),
            display=chance.choice([f"{name.title()} Surname", "Scribble"]) if wrong else f"{name.title()} Surname",
            mail=address(f"mail.{name}") if wrong and _often(chance, 30) else login.lower(),
        )  # fmt: skip
    strangers = [address(f"stranger{n}") for n in range(chance.randint(0, 2))]
    strangers += [f"agent{n}@agency.example" for n in range(chance.randint(0, 1))]
    strangers += [address(name) for name in names if address(name) not in taken and _often(chance, 20)]
    for number, login in enumerate(strangers):
        made.accounts[f"s{number}"] = _account(login, "Somebody", f"else {number}", active=_often(chance, 80))
    made.accounts["robot"] = _account(ROBOT, "Robot", "Machine")


def _account(
    login: str, given: str, family: str, *, active: bool = True, display: str = "", mail: str = ""
) -> dict[str, Any]:
    return {
        "userName": login, "mail": mail or login, "displayName": display or f"{given} {family}", "given": given,
        "family": family, "timezone": None, "active": active, "title": f"title of {family}",
    }  # fmt: skip


def _groups(made: Pair, chance: random.Random) -> None:
    people = sorted(made.people)
    for number, team in enumerate(TEAMS):
        if _often(chance, 30):
            continue
        members = [name for name in people if _often(chance, 45)]
        nested = [f"@{other}" for other in TEAMS[:number] if other in made.groups and _often(chance, 20)]
        made.groups[team] = {"name": team.title(), "members": members + nested, "formerly": [], "assigned": True}
        made.groups[team] |= {"windows": {}, "rules": []}
        if _often(chance, 12):
            made.groups[team] |= {"name": f"{team.title()} new"}
            if _often(chance, 60):
                made.groups[team]["formerly"] = [team.title()]
        made.groups[team]["assigned"] = _often(chance, 88)


def _times_and_rules(made: Pair, chance: random.Random) -> None:
    """In six of ten pairs: windows on people, assignments and memberships; groups with rules; groups that assign."""
    if not _often(chance, 60):
        return
    for each in made.people.values():
        each["window"] = _window(chance, 20)
        each["assignment"] = _window(chance, 20)
    for team, each in made.groups.items():
        each["windows"] = {entry: window for entry in each["members"] if (window := _window(chance, 25))}
        if _often(chance, 30):
            each["rules"] = [chance.sample(sorted(RULES), chance.randint(1, 2)) for _ in range(chance.randint(1, 2))]
        if _often(chance, 40):
            made.assigned[team] = _window(chance, 40)


def _window(chance: random.Random, percent: int) -> dict[str, str]:
    return dict(chance.choice(WINDOWS)) if _often(chance, percent) else {}


def _teams(made: Pair, chance: random.Random) -> None:
    accounts = sorted(made.accounts)
    for number, team in enumerate((*TEAMS, "foreign")):
        if _often(chance, 30):
            continue
        wanted = made.effective(team) if team in made.groups else set()
        right = {a for a in accounts if made.accounts[a]["family"] in {f"of {name}" for name in wanted}}
        members = right if _often(chance, 40) else {a for a in accounts if _often(chance, 35)}
        name = "Secret" if team == "foreign" and _often(chance, 30) else team.title()
        made.teams[f"t{number}"] = {"name": name, "members": sorted(members)}


def _memory(made: Pair, chance: random.Random, names: Iterable[str]) -> None:
    """None; all of it; or some."""
    kind = chance.choice(["none", "full", "full", "full", "some"])
    if kind == "none":
        return
    made.bindings = {}
    for number, name in enumerate(names):
        id_ = f"a{number}"
        gone = id_ not in made.accounts
        if (kind == "some" and _often(chance, 40)) or (gone and not _often(chance, 20)):
            continue
        left = True if gone else made.accounts[id_]["active"] if _often(chance, 80) else _often(chance, 60)
        made.bindings[f"user:{name}"] = {"id": id_, "active": left}
    for number, team in enumerate(TEAMS):
        id_ = f"t{number}"
        if id_ not in made.teams or (kind == "some" and _often(chance, 40)):
            continue
        there = {f"a{n}": name for n, name in enumerate(names)}
        members = [there[a] for a in made.teams[id_]["members"] if a in there]
        members += [name for name in names if _often(chance, 8) and f"user:{name}" in made.bindings]
        made.bindings[f"group:{team}"] = {"id": id_, "members": sorted({*members})}


def _oddities(made: Pair, chance: random.Random) -> None:
    """Pins, earlier names, earlier ids: the ways in which a file can claim what is not plainly its own."""
    for name, person in made.people.items():
        if _often(chance, 15):
            person["formerly"] = [address(chance.choice([name, name, *NAMES]))]
        if _often(chance, 4):
            person["formerIds"] = [chance.choice(NAMES)]
        if _often(chance, 5):
            person["pin"] = chance.choice(sorted(made.accounts))


def _policies(made: Pair, chance: random.Random) -> None:
    loose: dict[str, Any] = {name: {} for name in GUARDRAILS} if _often(chance, 75) else {}
    made.app = {
        "deprovision": {"users": chance.choice(["deactivate", "delete", "keep"]),
                        "groups": chance.choice(["delete", "empty", "keep"])},
        "unmanaged": {"users": chance.choice(["report", "report", "deprovision", "ignore"]),
                      "groups": chance.choice(["report", "report", "empty", "delete", "ignore"]),
                      "members": chance.choice(["report", "remove"])},
        "drift": {"takenAway": chance.choice(["hold", "repair"]), "given": chance.choice(["hold", "repair"])},
        "order": chance.choice(["leaversFirst", "leaversLast"]),
        "ignore": {"users": [AGENCY], "groups": [SECRET]},
        "guardrails": {**loose, "actsAs": ROBOT,
                       "protected": {"users": [NAMES[0]] if _often(chance, 15) else []}},
    }  # fmt: skip
