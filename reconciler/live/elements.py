"""PATCH operations into one multi-valued attribute: as few as possible, and none that reaches an element too many.

A server replaces in *every* element that a filter selects (RFC 7644 section 3.5.2.3), and selects by its own idea of
equality. Where that could be something else than what was read, the whole edited list is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from reconciler.live.edits import (
    Resource,
    copy_list,
    echoed,
    edit,
    elements_of,
    is_primary,
    mark_primary,
    spelled,
    wire_value,
)
from reconciler.model.path import AttributePath, member
from reconciler.model.values import Value, is_null

Body: TypeAlias = dict[str, Any]
Edit: TypeAlias = tuple[AttributePath, Value]


def element_operations(edits: Sequence[Edit], current: Resource, *, mark: bool = False) -> list[Body]:
    """The operations for `edits`, all of one attribute. Paths into one element are written together, by one operation.

    `mark`: elements must say whether they are primary (e-mails, where the profile asks for it).
    """
    edits = [(path, value) for path, value in edits if not (is_null(value) and is_null(path.read(current)))]
    if not edits:
        return []
    place = edits[0][0]
    home = member(current, place.urn) if place.urn else current
    name = spelled(home, place.name) if isinstance(home, dict) else place.name
    held = home.get(name) if isinstance(home, dict) else None
    if is_null(held) or isinstance(held, list):
        found = _by_element(edits, held or [], mark=mark)
        if found is not None:
            return found
    return whole_list_operations(edits, current, mark=mark)


def _by_element(edits: Sequence[Edit], elements: list[Any], *, mark: bool) -> list[Body] | None:
    """None: the elements can't be told apart by the filters that the paths have."""
    groups: dict[str, list[Edit]] = {}
    for path, value in edits:
        groups.setdefault(path.selection.lower(), []).append((path, value))
    operations: list[Body] = []
    fresh: list[Resource] = []
    touched: set[int] = set()
    for group in groups.values():
        path = group[0][0]
        matching = path.matching(elements)
        exact = path.key and all(_holds_exactly(path, each) for each in matching)
        if not exact or not touched.isdisjoint(map(id, matching)):
            return None
        touched.update(map(id, matching))
        if not matching:
            fresh += _fresh(group)
            continue
        found = _of_one_element(group, matching)
        if found is None:
            return None
        operations += found
    if fresh:
        if mark:
            mark_primary({"emails": fresh}, taken=any(map(is_primary, elements)))
        operations.append({"op": "add", "path": edits[0][0].place, "value": fresh})
    return operations


def _holds_exactly(path: AttributePath, element: Resource) -> bool:
    """Whether every server finds the element by the filter: "True" is not true to all, "Work" not "work"."""
    held = member(element, path.key)
    return held == path.literal and isinstance(held, bool) is isinstance(path.literal, bool)


def _fresh(group: Sequence[Edit]) -> list[Resource]:
    """What is not there can't be replaced (noTarget, RFC 7644 section 3.5.2.3): the element is added, whole."""
    made: Resource = {}
    edit(made, {_bare(path): value for path, value in group if not is_null(value)})
    return next(iter(made.values()), [])


def _of_one_element(group: Sequence[Edit], matching: list[Resource]) -> list[Body] | None:
    """Of paths with the same filter; it selects `matching`, which is not empty."""
    path = group[0][0]
    written = [(each, value) for each, value in group if not is_null(value)]
    cleared = [each for each, value in group if is_null(value)]
    if written and len(matching) > 1:
        return None
    if any(each.sub.lower() == "value" for each in cleared):
        return None if written else [{"op": "remove", "path": path.selection}]
    operations: list[Body] = [{"op": "remove", "path": each.spelled} for each in cleared]
    if len(written) == 1:
        only, value = written[0]
        operations.append({"op": "replace", "path": only.spelled, "value": wire_value(only, value)})
    elif written:
        # All of the element: some servers replace it by what is given, others merge.
        edited = {name: value for name, value in echoed(matching[0]).items() if not _is_one_of(name, cleared)}
        for each, value in written:
            edited[spelled(edited, each.sub)] = wire_value(each, value)
        operations.append({"op": "replace", "path": path.selection, "value": edited})
    return operations


def _is_one_of(name: str, paths: Sequence[AttributePath]) -> bool:
    return any(name.lower() == path.sub.lower() for path in paths)


def whole_list_operations(edits: Sequence[Edit], current: Resource, *, mark: bool = False) -> list[Body]:
    """The whole list, edited; nothing, if that makes no difference."""
    path = edits[0][0]
    before: Resource = {}
    copy_list(before, path, current)
    after: Resource = {}
    copy_list(after, path, current)
    edit(after, {each.text: value for each, value in edits})
    if before == after:
        return []
    home = member(after, path.urn) if path.urn else after
    elements = elements_of(home, spelled(home, path.name))
    if mark:
        mark_primary({"emails": elements})
    if not elements:
        return [{"op": "remove", "path": path.place}]
    return [{"op": "replace", "path": path.place, "value": elements}]


def _bare(path: AttributePath) -> str:
    """The path without its URN."""
    return path.spelled.removeprefix(f"{path.urn}:") if path.urn else path.spelled
