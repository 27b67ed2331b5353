"""Who is described already: people of a table are known again by what they sign in with, their mail or their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.desired.apps import read_settings
from reconciler.desired.files import Tree
from reconciler.desired.findings import Findings
from reconciler.desired.users import People
from reconciler.model.directory import User
from reconciler.model.settings import CustomAttribute
from reconciler.sources.csv.cells import Unusable
from reconciler.sources.csv.rows import IDENTIFYING, TITLES


@dataclass(frozen=True, slots=True)
class Described:
    """The people of a desired state, and the attributes of its own that they may have."""

    users: Mapping[str, User]
    custom: Mapping[str, CustomAttribute]


def described(root: Path | None) -> Described:
    """Nobody, where there is no such folder. What is wrong in the files is left out: whoever writes there tells it."""
    if root is None or not root.is_dir():
        return Described({}, {})
    findings = Findings()
    tree = Tree(root, findings)
    settings, _ = read_settings(tree)
    people = People(findings, dict(settings.attributes), frozenset(tree.folders("apps")))
    people.read(tree.documents("users"))
    return Described(people.users, settings.attributes)


class Present:
    """Who of those described somebody is."""

    def __init__(self, users: Iterable[User]) -> None:
        self._users: dict[str, User] = {}
        self._index: dict[tuple[str, str], list[str]] = {}
        for user in users:
            self._users[user.id] = user
            for name in IDENTIFYING[1:]:
                if value := user.attributes.get(name):
                    self._index.setdefault((name, str(value).casefold()), []).append(user.id)

    def __contains__(self, identity: object) -> bool:
        return identity in self._users

    def of(self, values: Mapping[str, Any]) -> str:
        """The id; "" for somebody new. Raises Unusable for whoever could be two people, or is contradicted."""
        found: dict[str, str] = {}
        for name in IDENTIFYING[1:]:
            for identity in self._index.get((name, str(values.get(name, "")).casefold()), ()):
                found.setdefault(identity, name)
        if len(found) > 1:
            who = ", ".join(f"`{identity}` by {TITLES[name]}" for identity, name in sorted(found.items()))
            raise Unusable(f"could be several people of the desired state: {who}", "correct one of them")
        for identity, name in found.items():
            number = self._users[identity].attributes.get("employeeId")
            if number and "employeeId" in values and values["employeeId"] != number:
                why = f"has the {TITLES[name]} of `{identity}`, whose employee id is `{number}`: somebody else, or not?"
                remedy = (
                    f"for the same person correct employeeId of `{identity}`; for another give an own {TITLES[name]}"
                )
                raise Unusable(why, remedy)
        return next(iter(found), "")
