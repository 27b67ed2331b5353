"""A draft into the files of a desired state: what is missing is added, and what people wrote there stays.

Values that differ are changed only with `update`; what the source no longer has is removed only with `prune`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from reconciler.desired.root import PARTS
from reconciler.model.adoption import Adoption, Line
from reconciler.sources import prune as pruning
from reconciler.sources.draft import GROUPS, USERS, Draft
from reconciler.sources.existing import Existing, Kept, existing, recognized
from reconciler.sources.fresh import Fresh, Layout
from reconciler.sources.revise import revise
from reconciler.sources.work import Work, whom

Singular: TypeAlias = Literal["user", "group"]
_SINGULAR: Final[Mapping[str, Singular]] = {USERS: "user", GROUPS: "group"}
_WHEN_LEFT_OUT: Final[Mapping[str, Any]] = {"accountEnabled": True, "kind": "person", "sensitive": False}
"""Keys that say nothing with this value."""
_REFERENCES: Final = ("manager", "owner")


def adopt(
    root: Path, draft: Draft, *, layout: Layout | None = None, update: bool = False, prune: bool = False
) -> Adoption:
    """Compares a draft with the files in `root`, which may not exist yet, and writes nothing.

    Raises ReconcilerError for a file that can't be edited so. The files have to be without errors: `load` tells.
    """
    there = existing(root) if has_state(root) else Existing()
    work = Work(there)
    adoption = work.adoption
    adoption.notes += draft.notes
    adoption.ids, ambiguous = recognized(draft, there)
    adoption.refused += [*draft.refused, *ambiguous]
    if prune and (ambiguous or (draft.refused and not draft.complete)):
        adoption.notes.append("nothing is removed: any of the refused may be who seems to be gone")
        prune = False
    fresh = Fresh(root, there, layout)
    for kind, records in ((USERS, draft.users), (GROUPS, draft.groups)):
        ids = adoption.ids[kind]
        for identity, record in records.items():
            target = ids.setdefault(identity, identity)
            if not target:
                continue
            values = _with_known_ids(record.values, adoption.ids)
            kept = there.records[kind].get(target)
            if kept is None:
                fresh.add(kind, target, values, record.remarks)
                adoption.lines.append(Line("+", _SINGULAR[kind], target, "", None, _named(values)))
                if kind == GROUPS:
                    adoption.lines += [Line("+", "member", target, whom(each)) for each in values.get("members") or ()]
            else:
                _compare(work, kind, target, kept, values, update=update, prune=prune)
                _empty(work, kind, target, kept, record.empty, update=update)
    for app, assigned in draft.assigned.items():
        _assign(work, app, assigned, prune=prune)
    if prune:
        pruning.removed(work, draft)
    _write_apps(work, draft)
    adoption.writes |= fresh.files()
    for file, revisions in work.revisions.items():
        gone = work.gone.get(file, set())
        if gone and len(gone) == there.sizes.get(file):
            continue
        after = revise(there.files[file], file, revisions, gone)
        if after != there.files[file]:
            adoption.writes[file] = after
    return adoption


def has_state(root: Path) -> bool:
    return any((root / part).exists() for part in PARTS)


def _named(values: Mapping[str, Any]) -> Any:
    return values.get("displayName") or values.get("userPrincipalName") or values.get("mail")


def _with_known_ids(values: Mapping[str, Any], ids: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """References point to whom the files know; those to somebody who was refused are left out."""
    users, groups = ids[USERS], ids.get(GROUPS, {})
    found = {key: value for key, value in values.items() if value is not None}
    for key in _REFERENCES:
        if isinstance(found.get(key), str):
            target = users.get(found[key], found[key])
            found = {**found, key: target} if target else {each: v for each, v in found.items() if each != key}
    if "members" in found:
        found["members"] = list(_members(found["members"], users, groups))
    return found


def _members(members: Iterable[Any], users: Mapping[str, str], groups: Mapping[str, str]) -> Iterator[Any]:
    for each in members:
        if isinstance(each, Mapping):
            key, ids = ("group", groups) if "group" in each else ("user", users)
            target = ids.get(each[key], each[key])
            if target:
                yield {**each, key: target}
        elif target := users.get(each, each):
            yield target


def _compare(
    work: Work, kind: str, identity: str, kept: Kept, values: Mapping[str, Any], *, update: bool, prune: bool
) -> None:
    for key, value in values.items():
        if key == "members":
            _list(work, kept, ("members",), value, whom, _teller("member", identity), prune=prune)
        else:
            _value(work, kind, identity, kept, (key,), value, kept.values.get(key), update=update)


def _empty(work: Work, kind: str, identity: str, kept: Kept, keys: Iterable[str], *, update: bool) -> None:
    """Values that the source does not have any more."""
    for key in sorted(keys):
        before = kept.values.get(key)
        if before is None:
            continue
        if update:
            work.revision(kept).unset.add((key,))
        work.adoption.lines.append(Line("~" if update else "=", _SINGULAR[kind], identity, key, before))


def _value(
    work: Work,
    kind: str,
    identity: str,
    kept: Kept,
    path: tuple[str, ...],
    value: Any,
    before: Any,
    *,
    update: bool,
) -> None:
    if isinstance(value, Mapping) and isinstance(before, Mapping):
        for key, inner in value.items():
            _value(work, kind, identity, kept, (*path, key), inner, before.get(key), update=update)
        return
    if before is None and value == _WHEN_LEFT_OUT.get(path[-1]):
        return
    after = list(value) if isinstance(value, tuple) else value
    if (before == after and type(before) is type(after)) or (isinstance(before, list) and before == after):
        return
    # what is left out has a value too: a person is enabled who is not said to be disabled
    missing = before is None and path[-1] not in _WHEN_LEFT_OUT
    if missing or update:
        work.revision(kept).put[path] = after
    sign: Literal["+", "~", "="] = "+" if missing else "~" if update else "="
    shown = _WHEN_LEFT_OUT.get(path[-1]) if before is None else before
    work.adoption.lines.append(Line(sign, _SINGULAR[kind], identity, ".".join(path), shown, after))


_Teller: TypeAlias = Callable[[Literal["+", "-", "="], str], Line]


def _teller(kind: Literal["member", "assigned"], identity: str) -> _Teller:
    return lambda sign, key: Line(sign, kind, identity, key)


def _list(
    work: Work,
    kept: Kept,
    path: tuple[str, ...],
    wanted: Sequence[Any],
    name: Callable[[Any], str],
    tell: _Teller,
    *,
    prune: bool,
) -> None:
    """Entries that are missing are added at the end; those that the source has not go only with `prune`."""
    holder: Any = kept.values
    for key in path:
        holder = holder.get(key) if isinstance(holder, Mapping) else None
    before: Sequence[Any] = holder or ()
    there = {name(each) for each in before}
    names = {name(each) for each in wanted}
    more = list({name(each): each for each in wanted if name(each) not in there}.values())
    extra = [number for number, each in enumerate(before) if name(each) not in names]
    if more:
        work.revision(kept).extend[path] = more
        work.adoption.lines += [tell("+", name(each)) for each in more]
    if extra and prune:
        work.revision(kept).drop.setdefault(path, set()).update(extra)
    work.adoption.lines += [tell("-" if prune else "=", name(before[number])) for number in extra]


def _assign(work: Work, app: str, assigned: Mapping[str, Any], *, prune: bool) -> None:
    """Into the scope of an app that exists already; one that lets everybody in needs no more."""
    held = work.there.apps.get(app)
    if held is None:
        return
    scope = held.get("scope")
    if isinstance(scope, Mapping) and scope.get("everyone") is True:
        work.adoption.notes.append(f"app {app} lets everybody in: its scope stays as it is")
        return
    kept = Kept(f"apps/{app}/app.yaml", None, held)
    for kind, key in ((GROUPS, "group"), (USERS, "user")):
        if kind not in assigned:
            continue
        ids = work.adoption.ids[kind]
        wanted = []
        for each in assigned[kind]:
            own = each[key] if isinstance(each, Mapping) else each
            if target := ids.get(own, own):
                wanted.append({**each, key: target} if isinstance(each, Mapping) else target)

        def name(each: Any, key: str = key) -> str:
            return f"{key}:{each[key] if isinstance(each, Mapping) else each}"

        _list(work, kept, ("scope", "assigned", kind), wanted, name, _teller("assigned", app), prune=prune)


def _write_apps(work: Work, draft: Draft) -> None:
    for app, files in draft.apps.items():
        for name, text in files.items():
            file = f"apps/{app}/{name}"
            before = work.there.files.get(file)
            if before == text:
                continue
            work.adoption.lines.append(Line("+" if before is None else "~", "app", app, name))
            work.adoption.writes[file] = text
