"""Eight people and three groups as files, a day on which much of it changes, and the truth on the server afterwards."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from reconciler import cli
from tests.integration.quirks.outsider import Outsider

TOKEN = "canary-3f9d1c77e0"
PEOPLE = {
    "ada": ("Ada", "Lovelace"),
    "grace": ("Grace", "Hopper"),
    "alan": ("Alan", "Turing"),
    "edsger": ("Edsger", "Dijkstra"),
    "barbara": ("Barbara", "Liskov"),
    "donald": ("Donald", "Knuth"),
    "frances": ("Frances", "Allen"),
    "o'neil": ("Shaun", "O'Neil"),
}
GROUPS = {
    "red": ["ada", "grace", "alan", "edsger", "barbara"],
    "green": ["barbara", "donald", "frances", "o'neil"],
    "blue": ["ada", "frances", "alan"],
}


@dataclass
class Company:
    """The files in `root`. `people`: id → account enabled and userName; `groups`: id → name and members."""

    root: Path
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def write(self, url: str) -> None:
        for folder in ("users", "groups", "apps"):
            shutil.rmtree(self.root / folder, ignore_errors=True)
        app = {
            "gallery": "scim",
            "tenantUrl": url,
            "auth": {"bearer": {"env": "QUIRKS_TOKEN"}},
            "scope": {"everyone": True},
            "unmanaged": {"users": "report"},
            "guardrails": {"deleteGroups": {"count": 2, "ignoreBelow": 2}},  # the memory is a minute old
            **self.settings,
        }
        self._file("apps/crm/app.yaml", app)
        for id_, person in self.people.items():
            self._file(f"users/{re.sub('[^a-z]', '-', id_)}.yaml", {"id": id_, **person})
        for id_, group in self.groups.items():
            self._file(f"groups/{id_}.yaml", {"id": id_, **group})

    def _file(self, name: str, content: Any) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")

    def change(self) -> None:
        """A rename, two moves, somebody disabled, somebody gone, a group renamed, a group gone."""
        self.people["ada"] |= {
            "userPrincipalName": "Ada.King@contoso.com",
            "surname": "King",
            "displayName": "Ada King",
        }
        self.people["grace"]["accountEnabled"] = False
        del self.people["donald"]
        self.people["alan"]["mail"] = "turing@contoso.com"
        self.groups["red"]["members"] = ["ada", "edsger", "barbara", "o'neil", "grace"]
        self.groups["green"] |= {"displayName": "Team evergreen", "members": ["barbara", "frances", "o'neil", "alan"]}
        del self.groups["blue"]

    def truth(self) -> dict[str, Any]:
        """What the application should hold: active userNames, and the userNames in each group."""
        on = {i: p["userPrincipalName"].casefold() for i, p in self.people.items() if p.get("accountEnabled", True)}
        groups = {g["displayName"]: sorted(on[m] for m in g["members"] if m in on) for g in self.groups.values()}
        return {"active": sorted(on.values()), "groups": groups}


def build(root: Path) -> Company:
    people = {
        id_: {
            "userPrincipalName": f"{given}.{family}@contoso.com".replace("'", ""),
            "mail": f"{given}.{family}@Contoso.com",
            "givenName": given,
            "surname": family,
            "displayName": f"{given} {family}",
            "timeZone": "Europe/London",
            "preferredLanguage": "en",
        }
        for id_, (given, family) in PEOPLE.items()
    }
    groups = {id_: {"displayName": f"Team {id_}", "members": list(members)} for id_, members in GROUPS.items()}
    return Company(root, people, groups)


def held(outsider: Outsider, *, ours: str = "@contoso.com") -> dict[str, Any]:
    """The truth on the server, in the terms of `Company.truth`; an empty group counts as none."""
    names = {key: str(row["userName"]).casefold() for key, row in outsider.users.items()}
    on = sorted(
        names[key]
        for key, row in outsider.users.items()
        if str(row.get("active", True)).lower() == "true" and names[key].endswith(ours)
    )
    groups = {
        str(row["displayName"]): sorted(
            names[m["value"]] for m in row["members"] if names.get(m["value"], "").endswith(ours)
        )
        for row in outsider.groups.values()
    }
    return {"active": on, "groups": {name: members for name, members in groups.items() if members}}


@dataclass
class Ran:
    """One call of the command line. `out` is everything that a person or a program would have seen."""

    code: int
    out: str
    requests: int
    seconds: float


def run(outsider: Outsider, root: Path, *arguments: str) -> Ran:
    before, begun = len(outsider.log), time.monotonic()
    raw = io.BytesIO()  # JSON comes as bytes
    with io.TextIOWrapper(raw, encoding="utf-8", write_through=True) as text:
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            code = cli.call([*arguments[:1], str(root), *arguments[1:]])
        out = raw.getvalue().decode()
    return Ran(code, out, len(outsider.log) - before, time.monotonic() - begun)


@dataclass
class Story:
    """Two days of the company on one server: the codes of each call, and what was wrong that never may be."""

    codes: list[int] = field(default_factory=list)
    ran: list[Ran] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def out(self) -> str:
        return "\n".join(each.out for each in self.ran)


def live(outsider: Outsider, company: Company, *, applies: int = 3) -> Story:
    """Plan, apply until nothing is pending, change the files, the same again. Ends at the first error (code 1)."""
    story = Story()
    for day in (1, 2):
        if day == 2:
            company.change()
        company.write(outsider.url)
        lost_before, names = set(outsider.lost), _accounts(outsider)
        done = _day(story, outsider, company, applies)
        _judge(story, outsider, company, day, lost_before, names, done=done)
        if not done:
            break
    return story


def _accounts(outsider: Outsider) -> set[str]:
    return {str(row["userName"]).casefold() for row in outsider.users.values()}


def _day(story: Story, outsider: Outsider, company: Company, applies: int) -> bool:
    for attempt in range(applies + 1):
        planned = run(outsider, company.root, "plan", "--detailed-exitcode", "--verbose")
        story.codes.append(planned.code)
        story.ran.append(planned)
        if planned.code == 1:
            return False
        if planned.code == 0 or attempt == applies:
            return True
        applied = run(outsider, company.root, "apply", "--yes")
        story.codes.append(applied.code)
        story.ran.append(applied)
        if applied.code == 1:
            return False
    return True


def _judge(
    story: Story, outsider: Outsider, company: Company, day: int, lost: set[str], names: set[str], *, done: bool
) -> None:
    """What may never be, and what should be."""
    for each in story.ran:
        if "Traceback" in each.out or TOKEN in each.out:
            story.wrong.append(f"day {day}: a traceback or a token: {each.out[-300:]}")
        if each.seconds > 20 or each.requests > 400:
            story.wrong.append(f"day {day}: {each.requests} requests in {each.seconds:.1f} s")
    every = [
        str(row["userName"]).casefold() for row in outsider.users.values() if "@contoso" in row["userName"].lower()
    ]
    if len(every) != len(set(every)):
        story.wrong.append(f"day {day}: somebody has two accounts: {sorted(every)}")
    departed = {n.casefold() for n in outsider.lost - lost}
    allowed = {"grace.hopper@contoso.com", "donald.knuth@contoso.com"} if day == 2 else set()
    if departed - allowed:
        story.wrong.append(f"day {day}: lost their account: {sorted(departed - allowed)}")
    should, is_ = company.truth(), held(outsider)
    for name, members in should["groups"].items():
        gone = set(members) - set(is_["groups"].get(name, []))
        if gone and done:
            story.missing.append(f"day {day}: not in {name}: {sorted(gone)}")
        extra = set(is_["groups"].get(name, [])) - set(members)
        if extra and done:
            story.missing.append(f"day {day}: still in {name}: {sorted(extra)}")
    if done and set(is_["groups"]) - set(should["groups"]):
        story.missing.append(f"day {day}: still there: {sorted(set(is_['groups']) - set(should['groups']))}")
    if done and should["active"] != is_["active"]:
        story.missing.append(f"day {day}: active: {sorted(set(should['active']) ^ set(is_['active']))}")
