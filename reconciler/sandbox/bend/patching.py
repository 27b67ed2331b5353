"""PATCH: which forms are refused, which do nothing, and what `add`, `replace` and `remove` come to mean."""

from __future__ import annotations

import re
from typing import Any, Final

from reconciler.sandbox.faults import Faults
from reconciler.sandbox.refusal import Refusal, invalid_path, no_target
from reconciler.sandbox.schema import ENTERPRISE, Attribute, Kind

_HEAD: Final = re.compile(r"[^.\[]+")


def refuse_form(faults: Faults, operations: Any) -> None:
    """Raises Refusal for the forms of PATCH that the faults leave no room for."""
    if "noPatch" in faults:
        raise Refusal(405, "PATCH is not supported here", headers={"Allow": "GET, PUT"})
    for operation in operations if isinstance(operations, list) else ():
        has_path = isinstance(operation, dict) and bool(operation.get("path"))
        if has_path and "refusePath" in faults:
            raise invalid_path("operations must not have a path")
        if not has_path and "refusePathless" in faults:
            raise invalid_path("operations must have a path")


def bend_operation(
    faults: Faults, kind: Kind, data: dict[str, Any], operation: dict[str, Any]
) -> dict[str, Any] | None:
    """What is left of an operation (its names in lower case); None: nothing is. `data` takes literal paths."""
    path = operation.get("path")
    if isinstance(path, str) and path:
        if "literalPath" in faults and "." in path and "[" not in path and not path.lower().startswith("urn:"):
            data[path] = operation.get("value")
            return None
        if "keepUnknown" in faults and path.isalnum() and path.lower() not in kind.attributes:
            data[path] = operation.get("value")
            return None
        return None if _is_ignored(faults, kind, path) else operation
    value = operation.get("value")
    if isinstance(value, dict) and faults.any("ignorePatchOf"):
        kept = {name: inner for name, inner in value.items() if not _is_ignored(faults, kind, name)}
        return {**operation, "value": kept}
    return operation


def _is_ignored(faults: Faults, kind: Kind, path: str) -> bool:
    lower = path.lower()
    enterprise = lower.startswith(ENTERPRISE.lower())
    head = _HEAD.match(lower)
    name = head[0] if head else ""
    return (
        ("ignorePatchOf=enterprise" in faults and enterprise)
        or ("ignorePatchOf=members" in faults and name == "members")
        or ("ignorePatchOf=valuePath" in faults and "[" in path and name != "members")
        or ("ignorePatchOf=unknown" in faults and not lower.startswith("urn:") and name not in kind.attributes)
    )


def bend_verb(faults: Faults, attribute: Attribute, verb: str) -> str:
    """What `add` and `replace` of a whole attribute mean."""
    if not attribute.multi:
        return verb
    if verb == "replace" and "replaceMerges" in faults:
        return "add"
    which = "members" if attribute.name == "members" else "values"
    return "replace" if verb == "add" and f"addReplaces={which}" in faults else verb


def removes(faults: Faults, form: str) -> bool:
    """Whether members are removed in this form: valuePath or valueArray. Raises Refusal for one that is not allowed."""
    if faults.any("onlyRemoves") and f"onlyRemoves={form}" not in faults:
        raise Refusal(400, "members can't be removed so", "invalidPath")
    return not faults.any("quietlyRemoves") or f"quietlyRemoves={form}" in faults


def may_make_target(faults: Faults, verb: str, where: object) -> bool:
    """Whether a value path that matches nothing makes what it describes. Raises Refusal noTarget."""
    if verb == "remove" and "refuseNoTarget" not in faults:
        return False
    if "refuseNoTarget" in faults or (verb == "replace" and "createTarget" not in faults):
        raise no_target(f"nothing matches {where}")
    return True


def repeated(faults: Faults, present: dict[str, None], ids: list[str]) -> list[str]:
    """Members that are listed once more."""
    return [each for each in ids if each in present] if "addDuplicates" in faults else []
