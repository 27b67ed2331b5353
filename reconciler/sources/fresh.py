"""New people and groups as new files: one each, or lists of a hundred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from reconciler.desired.order import shape_of
from reconciler.sources import text as written
from reconciler.sources.draft import GROUPS, USERS
from reconciler.sources.existing import Existing
from reconciler.sources.naming import file_of

Layout: TypeAlias = Literal["files", "lists"]
PER_LIST: Final = 100
"""Records of one file: what a reader can overlook, and a program reads quickly."""
MOST_ALONE: Final = 1_000
"""New records that get a file each, if nobody says otherwise."""


class Fresh:
    """Collects new records, then lays them out."""

    def __init__(self, root: Path, there: Existing, layout: Layout | None) -> None:
        self._schemas = {
            kind: (root / ".schemas" / f"{kind.removesuffix('s')}.json").is_file() for kind in (USERS, GROUPS)
        }
        self._layout = layout
        self._names = {kind: _names(there, kind) for kind in (USERS, GROUPS)}
        self._records: dict[str, list[tuple[str, Mapping[str, Any], Sequence[str]]]] = {USERS: [], GROUPS: []}

    def add(self, kind: str, identity: str, values: Mapping[str, Any], remarks: Sequence[str]) -> None:
        self._records[kind].append((identity, values, remarks))

    def files(self) -> dict[str, str]:
        """File → text."""
        found: dict[str, str] = {}
        for kind, records in self._records.items():
            layout = self._layout or ("files" if len(records) <= MOST_ALONE else "lists")
            found.update(self._alone(kind) if layout == "files" else self._lists(kind))
        return found

    def _alone(self, kind: str) -> dict[str, str]:
        taken, found = self._names[kind], {}
        for identity, values, remarks in self._records[kind]:
            name = file_of(identity, taken)
            taken.add(name.lower())
            own = {} if name == identity else {"id": identity}
            lines = [*self._modeline(kind), *written.remarks(remarks), *written.mapping(own | _ordered(kind, values))]
            found[f"{kind}/{name}.yaml"] = "\n".join((*lines, ""))
        return found

    def _lists(self, kind: str) -> dict[str, str]:
        taken, found, number = self._names[kind], {}, 0
        records = self._records[kind]
        for start in range(0, len(records), PER_LIST):
            number += 1
            while f"imported-{number:04}" in taken:
                number += 1
            lines = self._modeline(kind)
            for place, (identity, values, remarks) in enumerate(records[start : start + PER_LIST]):
                lines += [""] if place or lines else []
                lines += written.remarks(remarks)
                lines += written.items([{"id": identity, **_ordered(kind, values)}], 0)
            found[f"{kind}/imported-{number:04}.yaml"] = "\n".join((*lines, ""))
        return found

    def _modeline(self, kind: str) -> list[str]:
        schema = f"../.schemas/{kind.removesuffix('s')}.json"
        return [f"# yaml-language-server: $schema={schema}"] if self._schemas[kind] else []


def _names(there: Existing, kind: str) -> set[str]:
    """Of files directly in the folder, in lower case, without `.yaml`."""
    files = (file.removeprefix(f"{kind}/") for file in there.files if file.startswith(f"{kind}/"))
    return {file.removesuffix(".yaml").lower() for file in files if "/" not in file}


def _ordered(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    shape = shape_of(f"{kind}/x.yaml")
    return dict(sorted(values.items(), key=lambda each: shape.rank(each[0])))
