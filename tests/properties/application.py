"""A model of an application, and of what a plan asks it to do. It shares no code with the product."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Final

PATHS: Final = {
    "userName": "userName", 'emails[type eq "work"].value': "mail", "displayName": "displayName",
    "name.givenName": "given", "name.familyName": "family", "timezone": "timezone", "active": "active",
}  # fmt: skip
"""What plans call it → what it is called here."""


class Impossible(AssertionError):
    """A plan asked for something that no application does."""


@dataclass
class Application:
    """Names belong to one account or group at a time, without regard to case. Nobody is in a group twice."""

    accounts: dict[str, dict[str, Any]]
    teams: dict[str, dict[str, Any]]
    deletes: bool = True
    made: dict[str, str] = field(default_factory=dict)
    """Key → id of what a plan created."""

    def __post_init__(self) -> None:
        self.accounts, self.teams = copy.deepcopy(self.accounts), copy.deepcopy(self.teams)

    def perform(self, changes: list[dict[str, Any]]) -> None:
        """All of them, as soon as each is possible. Raises Impossible for what never is."""
        left = list(changes)
        while left:
            later = [change for change in left if not self._do(change)]
            if len(later) == len(left):
                raise Impossible(later)
            left = later

    def _do(self, change: dict[str, Any]) -> bool:
        """False: not yet."""
        action, id_ = change["action"], change.get("id") or self.made.get(change["key"])
        wanted = {PATHS[path]: each for path, each in change.get("set", {}).items() if path in PATHS}
        if action == "createUser":
            return self._create(change["key"], wanted)
        if action == "createGroup":
            name = change["set"]["displayName"]["after"]
            return self._free(self.teams, "name", name, "") and self._new(
                self.teams, change["key"], "t", {"name": name, "members": []}
            )
        if id_ is None:
            return False
        if action in ("deleteUser", "deleteGroup"):
            self._delete(action, id_)
            return True
        if action.endswith("User"):
            return self._write(self.accounts, id_, wanted, "userName")
        if action in ("updateGroup", "renameGroup", "adoptGroup"):
            names = {"name": change["set"]["displayName"]} if "displayName" in change["set"] else {}
            return self._write(self.teams, id_, names, "name")
        return self._regroup(action, id_, change["members"])

    def _create(self, key: str, wanted: dict[str, Any]) -> bool:
        values = {name: each.get("after") for name, each in wanted.items()}
        values["active"] = values.get("active") in (True, "True", None)
        if not self._free(self.accounts, "userName", values["userName"], ""):
            return False
        blank = dict.fromkeys(PATHS.values())
        return self._new(self.accounts, key, "n", {**blank, **values, "title": None})

    def _new(self, table: dict[str, dict[str, Any]], key: str, letter: str, values: dict[str, Any]) -> bool:
        if key in self.made:
            raise Impossible(f"{key} is created twice")
        self.made[key] = f"{letter}{len(self.made)}-new"
        table[self.made[key]] = values
        return True

    def _write(self, table: dict[str, dict[str, Any]], id_: str, wanted: dict[str, Any], name: str) -> bool:
        row = table[id_]
        if name in wanted and not self._free(table, name, wanted[name]["after"], id_):
            return False
        for key, each in wanted.items():
            before, after = each.get("before"), each.get("after")
            if key == "active":
                before, after = str(before) == "True", str(after) == "True"
            if (row[key] or None) != (before or None):
                if name == key:
                    return False  # it is on its way through another name
                raise Impossible(f"{id_} holds {key} {row[key]!r}, and the plan says {before!r}")
            row[key] = after
        return True

    def _free(self, table: dict[str, dict[str, Any]], key: str, name: str, but: str) -> bool:
        return all(row[key].casefold() != name.casefold() for id_, row in table.items() if id_ != but)

    def _delete(self, action: str, id_: str) -> None:
        if not self.deletes:
            raise Impossible(f"{action} {id_}")
        if action == "deleteGroup":
            del self.teams[id_]
            return
        del self.accounts[id_]
        for team in self.teams.values():
            team["members"] = [m for m in team["members"] if m != id_]

    def _regroup(self, action: str, id_: str, members: list[dict[str, Any]]) -> bool:
        ids = [m.get("id") or self.made.get(m["key"]) for m in members]
        if None in ids:
            return False
        team = self.teams[id_]
        if action == "addMembers":
            if set(ids) & set(team["members"]):
                raise Impossible(f"{ids} are in {id_} already")
            if not set(ids) <= self.accounts.keys():
                raise Impossible(f"{ids} are no accounts")
            team["members"] += ids
            return True
        if gone := (set(ids) & self.accounts.keys()) - set(team["members"]):
            raise Impossible(f"{gone} are not in {id_}")
        team["members"] = [m for m in team["members"] if m not in ids]
        return True
