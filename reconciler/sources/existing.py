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

_NAMES: Final = {USERS: ("userPrincipalName", "mail", "employeeId"), GROUPS: ("displayName",)}
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


def recognized(draft: Draft, there: Existing) -> tuple[dict[str, dict[str, str]], list[Refused]]:
    """Kind → a draft's id → the id in the files, for those who are there; "" for those who can't be told, who are
    refused too.
    """
    found: dict[str, dict[str, str]] = {}
    refused: list[Refused] = []
    for kind, records in ((USERS, draft.users), (GROUPS, draft.groups)):
        found[kind] = _recognized(records, there.records[kind], _NAMES[kind], refused)
    return found, refused


def _recognized(
    records: Mapping[str, Record], there: Mapping[str, Kept], names: Sequence[str], refused: list[Refused]
) -> dict[str, str]:
    index = {name: _by(name, ((identity, kept.values) for identity, kept in there.items())) for name in names}
    own = {name: _by(name, ((identity, record.values) for identity, record in records.items())) for name in names}
    found: dict[str, str] = {}
    taken: dict[str, str] = {}

    def refuse(record: Record, why: str) -> None:
        found[record.id] = ""
        refused.append(Refused(record.where or record.id, why, "rename one of them, or take it over by hand"))

    for identity, record in records.items():
        hits = {identity} if identity in there else set()
        alike = 1
        for name in names[:1] if hits else names:
            if value := _folded(record.values.get(name)):
                hits.update(index[name].get(value, ()))
                alike = max(alike, len(own[name][value]) if value in index[name] else 1)
        if len(hits) > 1:
            refuse(record, f"{identity} may be any of these, who are in the files: {', '.join(sorted(hits))}")
        elif not hits:
            continue
        elif alike > 1 and identity not in there:
            refuse(record, f"{identity} may be {min(hits)}, who is in the files, and so may somebody else")
        elif (target := hits.pop()) in taken:
            refuse(record, f"{identity} and {taken[target]} are both {target}, who is in the files")
        else:
            found[identity] = target
            taken[target] = identity
    return found


def _by(name: str, records: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for identity, values in records:
        if value := _folded(values.get(name)):
            found[value].append(identity)
    return found


def _folded(value: object) -> str:
    return value.casefold() if isinstance(value, str) else ""
