"""What the files of a desired state say already, record by record, and whom a draft's people and groups are there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reconciler.desired.document import Document, Entries, Items
from reconciler.desired.files import Tree
from reconciler.desired.findings import Findings
from reconciler.desired.form import stem_of
from reconciler.sources.draft import GROUPS, USERS, Draft, Record, Refused

_SIGNS_IN: Final = "userPrincipalName"
_NAMES: Final = {USERS: (_SIGNS_IN, "mail", "employeeId"), GROUPS: ("displayName",)}
"""What a record is recognized by, if its id is unknown; the first that anybody has decides."""


@dataclass(slots=True)
class Kept:
    """One record as its file has it."""

    file: str
    where: int | None
    """Its number in a file that is a list."""
    values: Mapping[str, Any]


@dataclass(slots=True)
class Existing:
    """By kind (users, groups), then id. Empty where there is nothing yet."""

    records: dict[str, dict[str, Kept]] = field(default_factory=lambda: {USERS: {}, GROUPS: {}})
    files: dict[str, str] = field(default_factory=dict)
    """The text of each file of people and groups that was read, and of apps."""
    apps: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """App → what its app.yaml holds."""
    alone: int = 0
    """Files that are one record."""
    sizes: dict[str, int] = field(default_factory=dict)
    """File that is a list → how many records it has."""


def existing(root: Path) -> Existing:
    """Of files that `load` reads without errors."""
    found, tree = Existing(), Tree(root, Findings())
    for kind in (USERS, GROUPS):
        for document in tree.documents(kind):
            _add(found, kind, document)
    for app in tree.folders("apps"):
        for name in ("app.yaml", "mappings.yaml", "tests.yaml"):
            file = f"apps/{app}/{name}"
            if tree.exists(file) and (one := tree.read(file)):
                found.files[file] = one.text
                if name == "app.yaml":
                    found.apps[app] = one.value or {}
    return found


def _add(found: Existing, kind: str, document: Document) -> None:
    file, value = document.file, document.value
    found.files[file] = document.text
    if isinstance(value, Entries):
        found.alone += 1
        found.records[kind][value.get("id", stem_of(file))] = Kept(file, None, value)
    elif isinstance(value, Items):
        found.sizes[file] = len(value)
        for number, each in enumerate(value):
            found.records[kind][each["id"]] = Kept(file, number, each)


def recognized(
    draft: Draft, there: Existing, *, update: bool = False
) -> tuple[dict[str, dict[str, str]], list[Refused]]:
    """Kind → a draft's id → the id in the files, for those who are there; "" for those who can't be told, who are
    refused too. `update`: names in the files become those of the draft.
    """
    found: dict[str, dict[str, str]] = {}
    refused: list[Refused] = []
    for kind, records in ((USERS, draft.users), (GROUPS, draft.groups)):
        found[kind] = _Recognition(records, there.records[kind], _NAMES[kind], draft.sure, update).run(refused)
    return found, refused


@dataclass(slots=True)
class _Recognition:
    """Of people, or of groups. Nobody in the files is two of the draft: then neither is taken over."""

    records: Mapping[str, Record]
    there: Mapping[str, Kept]
    names: Sequence[str]
    sure: bool
    update: bool

    def run(self, refused: list[Refused]) -> dict[str, str]:
        index = {name: _by(name, ((each, kept.values) for each, kept in self.there.items())) for name in self.names}
        own = {name: _by(name, ((each, record.values) for each, record in self.records.items())) for name in self.names}
        found: dict[str, str] = {}
        claims: defaultdict[str, list[str]] = defaultdict(list)

        def refuse(identity: str, why: str) -> None:
            found[identity] = ""
            where = self.records[identity].where or identity
            refused.append(Refused(where, why, "rename one of them, or take it over by hand"))

        for identity in self.records:
            hits, rival = self._hits(identity, index)
            if len(hits) > 1:
                refuse(identity, f"{identity} may be any of these, who are in the files: {', '.join(sorted(hits))}")
            elif rival:
                refuse(identity, f"{identity} has a name that {rival} has in the files, who is somebody else")
            elif not hits:
                continue
            elif identity not in self.there and self._alike(identity, own, index):
                refuse(identity, f"{identity} may be {min(hits)}, who is in the files, and so may somebody else")
            else:
                claims[hits.pop()].append(identity)
        for target, claimants in claims.items():
            for identity in claimants:
                if len(claimants) > 1:
                    refuse(identity, f"{' and '.join(claimants)} are both {target}, who is in the files")
                else:
                    found[identity] = target
        return found

    def _hits(self, identity: str, index: Mapping[str, Mapping[str, list[str]]]) -> tuple[set[str], str]:
        """(whom it may be, who signs in by its name and is surely somebody else)."""
        if identity in self.there and self.sure:
            return {identity}, ""
        hits = {identity} if identity in self.there else set()
        rival = ""
        for name in self.names[:1] if hits else self.names:
            value = _folded(self.records[identity].values.get(name))
            for other in index[name].get(value, ()) if value else ():
                if not self.sure or other not in self.records:
                    hits.add(other)
                elif name == _SIGNS_IN and self._keeps(other, value):
                    rival = other
        return hits, rival

    def _keeps(self, identity: str, name: str) -> bool:
        """Whether they are still called that in the files afterwards."""
        return not self.update or _folded(self.records[identity].values.get(_SIGNS_IN)) in ("", name)

    def _alike(
        self, identity: str, own: Mapping[str, Mapping[str, list[str]]], index: Mapping[str, Mapping[str, list[str]]]
    ) -> bool:
        """Whether somebody else in the draft has a name by which it is recognized."""
        values = ((name, _folded(self.records[identity].values.get(name))) for name in self.names)
        return any(value in index[name] and len(own[name][value]) > 1 for name, value in values if value)


def _by(name: str, records: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for identity, values in records:
        if value := _folded(values.get(name)):
            found[value].append(identity)
    return found


def _folded(value: object) -> str:
    return value.casefold() if isinstance(value, str) else ""
