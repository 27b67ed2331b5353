"""SIGKILL during applies, at random moments, and what is left to find afterwards.

The server survives; the client is killed by its process id. A company goes back and forth between two days, thousands
of changes apart; whenever an apply was killed it is begun again, and when it got through, the next day is wanted.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.company import TOKEN
from benchmarks.processes import RECONCILER, ROOT, environment, measure, serving
from benchmarks.table import Row, table

PER_GROUP: Final = 10
LATENCY: Final = 4
"""Milliseconds of each answer: a write that is on its way when the kill comes."""
READING: Final = 0.2
"""Of the kills, how many come at any moment from the start on, and not while it writes."""
_APP: Final = """\
gallery: scim
tenantUrl: {url}
auth: {{bearer: {{env: {variable}}}}}
scope: {{everyone: true}}
unmanaged: {{users: report}}
deprovision: {{users: delete, groups: delete}}
guardrails:
  deprovisionUsers: {{ignoreBelow: 1000000}}
  removeMembers: {{ignoreBelow: 1000000}}
  deleteGroups: {{ignoreBelow: 1000000}}
  renameUsers: {{ignoreBelow: 1000000}}
  updateUsers: {{ignoreBelow: 1000000}}
profile: {{rate: {{perSecond: null}}}}
"""


@dataclass(frozen=True, slots=True)
class Day:
    """What git wants on one of two days. Of `size` people a quarter stays as it is; the others are hired, leave, are
    disabled, renamed or corrected. Groups of ten are filled otherwise, every fifth is there on one day alone.
    """

    size: int
    second: bool

    def people(self) -> dict[str, tuple[str, str, bool]]:
        """Id → userName, displayName, enabled."""
        found = {}
        for n in range(self.size):
            kind, id_ = n % 8, f"p{n:05}"
            if (kind == 0 and self.second) or (kind == 1 and not self.second):
                continue
            name = f"{id_}.b" if kind == 2 and self.second else id_
            shown = f"Person {n}" + (" of the second day" if kind in (3, 4) and self.second else "")
            found[id_] = (f"{name}@contoso.com", shown, not (kind == 5 and self.second))
        return found

    def groups(self) -> dict[str, list[str]]:
        """Id → members, described ones alone."""
        there = self.people()
        found = {}
        for g in range(self.size // PER_GROUP):
            if g % 5 == (3 if self.second else 4):
                continue
            shift = 2 if self.second and g % 2 else 0
            members = [f"p{(g * PER_GROUP + n + shift) % self.size:05}" for n in range(PER_GROUP)]
            found[f"g{g:04}"] = [m for m in members if m in there]
        return found

    def write(self, root: Path) -> None:
        for folder, rows in (("users", self._users()), ("groups", self._groups())):
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / "all.yaml").write_text("".join(rows), encoding="utf-8")

    def _users(self) -> list[str]:
        return [
            f"- {{id: {id_}, userPrincipalName: {name}, mail: {name}, givenName: {id_}, surname: Someone, "
            f"displayName: {shown}, accountEnabled: {'true' if enabled else 'false'}}}\n"
            for id_, (name, shown, enabled) in self.people().items()
        ]

    def _groups(self) -> list[str]:
        return [
            f"- {{id: {id_}, displayName: Group {id_}, members: [{', '.join(members)}]}}\n"
            for id_, members in self.groups().items()
        ]

    def wanted(self) -> tuple[dict[str, str], dict[str, set[str]]]:
        """The oracle: userName → displayName of those with access, group → userNames."""
        people = {id_: each for id_, each in self.people().items() if each[2]}
        groups = {
            f"Group {id_}": {people[m][0] for m in members if m in people} for id_, members in self.groups().items()
        }
        return {name: shown for name, shown, _ in people.values()}, groups


def run(size: int, kills: int, seed: int | None = None) -> tuple[str, Row]:
    """Kills `kills` applies between two days of `size` people, and lets a last one get through."""
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        state, root = Path(folder, "server.json"), Path(folder, "desired")
        options = ("--users", "0", "--rate", "0", "--latency", str(LATENCY), "--state", str(state))
        with serving("scim", *options) as url:
            (root / "apps" / "bench").mkdir(parents=True)
            (root / "apps" / "bench" / "app.yaml").write_text(_APP.format(url=url, variable=TOKEN), encoding="utf-8")
            row = _live(root, url, size, kills, chance)
    row = {"seed": seed, **row}
    return table(f"apply: killed {kills} times", [row]), row


def _live(root: Path, url: str, size: int, kills: int, chance: random.Random) -> Row:
    day = Day(size, second=False)
    day.write(root)
    measure([*RECONCILER, "apply", "--yes", str(root)])
    day = Day(size, second=True)
    day.write(root)
    changes = _changes(root)
    killed = {"before a write": 0, "writing": 0}
    begun = time.monotonic()
    reading, writing = 1.0, 1.0
    while sum(killed.values()) < kills:
        early = chance.random() < READING
        apply = Apply(root, chance.random() * (reading if early else writing), early=early)
        if apply.killed:
            killed["writing" if apply.wrote else "before a write"] += 1
            continue
        reading, writing = apply.reading or reading, apply.writing or writing
        day = Day(size, second=not day.second)
        day.write(root)
    measure([*RECONCILER, "apply", "--yes", str(root)])
    left = json.loads(measure([*RECONCILER, "plan", "--format", "json", str(root)]).stdout)["changes"]
    wrong, twice = _compare(url, day)
    return {
        "changes": changes,
        **killed,
        "s": time.monotonic() - begun,
        "left to do": len(left),
        "wrong": wrong,
        "twice": twice,
        "unreadable journals": _unreadable(root),
    }


def _changes(root: Path) -> int:
    """How many changes lie between the days, a membership counted as one."""
    plan = json.loads(measure([*RECONCILER, "plan", "--format", "json", str(root)]).stdout)
    return sum(len(change.get("members") or [change]) for change in plan["changes"])


class Apply:
    """One apply, killed so many seconds after its first write (after its start, if `early`), unless it has ended."""

    def __init__(self, root: Path, seconds: float, *, early: bool) -> None:
        self._journals = root / ".reconciler" / "journals"
        self._before = set(self._journals.glob("*.jsonl"))
        self.reading = self.writing = 0.0
        """Seconds until the first write, and from there on."""
        command, begun = [*RECONCILER, "apply", "--yes", str(root)], time.monotonic()
        with subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            if not early:
                self.reading = self._first_write(process) - begun
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        if not early:
            self.writing = time.monotonic() - begun - self.reading
        if process.returncode > 0:
            raise SystemExit(f"an apply ended with {process.returncode}")
        self.killed, self.wrote = process.returncode < 0, _tried(self._journals, self._before)

    def _first_write(self, process: subprocess.Popen[bytes]) -> float:
        while process.poll() is None and not _tried(self._journals, self._before):
            time.sleep(0.005)
        return time.monotonic()


def _tried(journals: Path, before: set[Path]) -> bool:
    return any(b'"event":"try"' in file.read_bytes() for file in set(journals.glob("*.jsonl")) - before)


def _compare(url: str, day: Day) -> tuple[int, int]:
    """How many people and groups are not as git wants them; how many names or members are there twice."""
    users = _listed(f"{url}/Users")
    groups = _listed(f"{url}/Groups")
    names = {user["id"]: user["userName"] for user in users}
    people, members = day.wanted()
    people["provisioning@contoso.com"] = next(
        user["displayName"] for user in users if user["userName"] == "provisioning@contoso.com"
    )
    have = {user["userName"]: user["displayName"] for user in users if user["active"]}
    held = {group["displayName"]: {names[m["value"]] for m in group.get("members", ())} for group in groups}
    twice = len(users) - len({user["userName"].casefold() for user in users})
    twice += len(groups) - len({group["displayName"].casefold() for group in groups})
    twice += sum(len(g["members"]) - len({m["value"] for m in g["members"]}) for g in groups if "members" in g)
    return len(have.items() ^ people.items()) + sum(held.get(n) != members.get(n) for n in held | members), twice


def _listed(url: str) -> list[dict[str, Any]]:
    """Everything, page by page, without any of the client's code."""
    found: list[dict[str, Any]] = []
    while True:
        request = urllib.request.Request(f"{url}?startIndex={len(found) + 1}&count=100")
        request.add_header("Authorization", "Bearer raw")
        with urllib.request.urlopen(request, timeout=60) as answer:
            page = json.load(answer)
        found += page["Resources"]
        if len(found) >= page["totalResults"]:
            return found


def _unreadable(root: Path) -> int:
    """Journals with a line that is no JSON, the one aside at which a killed process was."""
    bad = 0
    for file in (root / ".reconciler" / "journals").glob("*.jsonl"):
        *lines, last = file.read_bytes().split(b"\n")
        try:
            events = [json.loads(line)["event"] for line in lines]
        except (ValueError, KeyError):
            bad += 1
            continue
        bad += bool(events and events[-1] == "end" and last)
    return bad
