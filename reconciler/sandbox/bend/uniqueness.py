"""Names that are taken."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.sandbox.faults import Faults
from reconciler.sandbox.habits import KindName
from reconciler.sandbox.store import Resource


def holders(faults: Faults, kind: KindName, name: str, found: Iterable[Resource]) -> list[Resource]:
    """Those of `found` that keep `name` from being taken again."""
    if kind == "Group":
        return [] if "twinGroups" in faults else list(found)
    if "duplicate=accepted" in faults:
        return []
    return [each for each in found if "duplicate=otherCase" not in faults or each.name == name]


def status(faults: Faults, usual: int) -> int:
    """What a name that is taken is answered with."""
    return next((int(each) for each in faults.names("duplicate") if each.isdigit()), usual)
