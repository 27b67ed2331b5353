"""An invented company of any size: its files, and what an application holds once they are applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reconciler.sandbox import Sandbox

PER_FILE: Final = 100
MEMBERSHIPS: Final = 10
"""Groups that each person is in."""
PER_GROUP: Final = 5
"""People for each group that there is: a group has 50 members, whatever the size of the company."""

_GIVEN: Final = ("Amara", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kavya")
_FAMILY: Final = ("Abello", "Brandt", "Castellan", "Dahlberg", "Eriksen", "Fontaine", "Grabowski", "Haddad", "Iversen")
_DEPARTMENTS: Final = ("Marketing", "Customer Care", "Sales", "Engineering", "Finance", "Legal", "People")

_APP: Final = """\
gallery: {gallery}
tenantUrl: {url}
auth: {{bearer: {{env: {variable}}}}}
scope: {{everyone: true}}
unmanaged: {{users: report}}
guardrails:
  createUsers: {{count: 1000000}}
profile: {{rate: {{{rate}}}}}
"""
TOKEN: Final = "BENCHMARK_TOKEN"


@dataclass(frozen=True, slots=True)
class Company:
    """`people` persons, a group for every `per_group` of them, each in ten groups (in all, if there are fewer)."""

    people: int
    per_group: int = PER_GROUP

    @property
    def groups(self) -> int:
        return max(1, self.people // self.per_group)

    def members(self, group: int) -> list[int]:
        """The people of one group: person n is in the groups n, n + 1, … n + 9, counted in a circle."""
        groups = self.groups
        first = {(group - step) % groups for step in range(MEMBERSHIPS)}
        return sorted(n for start in first for n in range(start, self.people, groups))

    def write(self, root: Path, *, alone: bool = False) -> None:
        """users/ and groups/ below `root`: files of 100 people, or with `alone` one file each; one file a group."""
        for name in ("users", "groups"):
            (root / name).mkdir(parents=True)
        for n in range(self.people if alone else 0):
            text = "".join(line[2:] for line in _person_yaml(n).splitlines(keepends=True))
            folder = root / "users" / f"{n // 1000:03}"
            folder.mkdir(exist_ok=True)
            (folder / f"p{n:06}.yaml").write_text(text, encoding="utf-8")
        for start in range(0, 0 if alone else self.people, PER_FILE):
            entries = [_person_yaml(n) for n in range(start, min(start + PER_FILE, self.people))]
            (root / "users" / f"{start // PER_FILE:05}.yaml").write_text("".join(entries), encoding="utf-8")
        for group in range(self.groups):
            lines = [f"  - p{n:06}\n" for n in self.members(group)]
            head = f"id: g{group:05}\ndisplayName: Group {group}\nmembers:\n"
            (root / "groups" / f"g{group:05}.yaml").write_text(head + "".join(lines), encoding="utf-8")

    def hire(self, sandbox: Sandbox, *, members: bool = True) -> None:
        """Puts everybody into a sandbox, as an apply would leave them; with `members` false, groups are empty."""
        ids = [sandbox.store.create("User", account).id for account in self._accounts()]
        for group in range(self.groups):
            data = {"displayName": f"Group {group}", "externalId": f"g{group:05}"}
            sandbox.store.create("Group", data, [ids[n] for n in self.members(group)] if members else ())

    def _accounts(self) -> Iterator[dict[str, Any]]:
        for n in range(self.people):
            given, family, address = _names(n)
            yield {
                "userName": address,
                "displayName": f"{given} {family}",
                "name": {"givenName": given, "familyName": family},
                "emails": [{"value": address, "type": "work", "primary": True}],
                "preferredLanguage": "en",
                "timezone": "Europe/London",
                "active": True,
            }


def write_app(root: Path, gallery: str, url: str, *, rate: str = "perSecond: null") -> None:
    """The app `bench`: everybody in scope, nothing but the mappings of the gallery."""
    folder = root / "apps" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    text = _APP.format(gallery=gallery, url=url, variable=TOKEN, rate=rate)
    (folder / "app.yaml").write_text(text, encoding="utf-8")


def _names(n: int) -> tuple[str, str, str]:
    given, family = _GIVEN[n % len(_GIVEN)], _FAMILY[n // len(_GIVEN) % len(_FAMILY)]
    return given, family, f"{given}.{family}.{n}@contoso.com".lower()


def _person_yaml(n: int) -> str:
    given, family, address = _names(n)
    return (
        f"- id: p{n:06}\n  userPrincipalName: {address}\n  mail: {address}\n"
        f"  givenName: {given}\n  surname: {family}\n  displayName: {given} {family}\n"
        f"  accountEnabled: true\n  preferredLanguage: en\n  timeZone: Europe/London\n"
        f"  department: {_DEPARTMENTS[n % len(_DEPARTMENTS)]}\n  jobTitle: Specialist\n"
        f'  employeeId: "{n:06}"\n  officeLocation: London\n'
    )
