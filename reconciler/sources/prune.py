"""What an import removes: people and groups that its source no longer has, with every reference to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.model.adoption import Line
from reconciler.sources.draft import GROUPS, USERS, Draft
from reconciler.sources.existing import Kept
from reconciler.sources.work import Work, whom


def removed(work: Work, draft: Draft) -> None:
    """Adds removals to what is done already, of a draft of which nobody was refused. Nobody goes whom an app may need
    that the source knows nothing of.
    """
    there, notes = work.there, work.adoption.notes
    others = sorted(set(there.apps) - set(draft.apps) - set(draft.assigned))
    named = list(_named(draft))
    known = {
        kind: {*ids.values(), *(ids.get(identity, identity) for where, identity in named if where == kind)}
        for kind, ids in work.adoption.ids.items()
    }
    told = {USERS: bool(draft.users), GROUPS: bool(draft.groups)}
    missing = {
        kind: [each for each in there.records[kind] if told[kind] and each not in known[kind]]
        for kind in (USERS, GROUPS)
    }
    count = sum(map(len, missing.values()))
    if not count:
        return
    why = "" if draft.complete else "the source told only a part"
    if others and (draft.apps or draft.assigned):
        why = f"other apps may need them: {', '.join(others)}"
    if why:
        notes.append(f"{count:,} people and groups that the source has not stay: {why}")
        return
    gone = {kind: set(ids) for kind, ids in missing.items()}
    gone[USERS] -= set(_not_people(work, gone[USERS]))
    for kind, identity, why in list(_still_needed(work, gone)):
        if identity in gone[kind]:
            gone[kind].discard(identity)
            notes.append(f"{identity} stays: {why}")
    for kind, singular in ((USERS, "user"), (GROUPS, "group")):
        for identity in sorted(gone[kind]):
            kept = there.records[kind][identity]
            work.adoption.lines.append(Line("-", singular, identity))  # type: ignore[arg-type]
            _remove(work, kept)
    _clean(work, gone)


def _named(draft: Draft) -> Iterator[tuple[str, str]]:
    """Whom the source refers to, whether it described them or not: they are not gone."""
    for record in draft.users.values():
        for key in ("manager", "owner"):
            if isinstance(identity := record.values.get(key), str):
                yield USERS, identity
    entries: list[tuple[str, Any]] = [
        (USERS, each) for record in draft.groups.values() for each in record.values.get("members") or ()
    ]
    entries += [(kind, each) for assigned in draft.assigned.values() for kind in assigned for each in assigned[kind]]
    for kind, each in entries:
        if isinstance(each, Mapping):
            yield (GROUPS, str(each["group"])) if "group" in each else (USERS, str(each["user"]))
        else:
            yield kind, str(each)


def _not_people(work: Work, ids: Iterable[str]) -> Iterator[str]:
    """Services and shared accounts, which no such source knows; said once, all together."""
    found = [each for each in ids if work.there.records[USERS][each].values.get("kind", "person") != "person"]
    if found:
        work.adoption.notes.append(f"{len(found):,} of kind service or shared stay: {', '.join(sorted(found)[:10])}")
    return iter(found)


def _still_needed(work: Work, gone: Mapping[str, set[str]]) -> Iterator[tuple[str, str, str]]:
    """What refers to somebody in a way that nobody but a person can end."""
    for identity, kept in work.there.records[USERS].items():
        owner = kept.values.get("owner")
        if owner in gone[USERS] and identity not in gone[USERS]:
            yield USERS, str(owner), f"owner of {identity}"
    for app, values in work.there.apps.items():
        for path, text in _texts(values, ()):
            if path[:2] == ("scope", "assigned") and path[2:3] != ("exclude",):
                continue
            for kind in (USERS, GROUPS):
                if text in gone[kind] and path[:1] != ("gallery",):
                    yield kind, text, f"apps/{app}/app.yaml names it in {'.'.join(path)}"


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield (*path, key), str(key)
            yield from _texts(each, (*path, key))
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, path)
    elif isinstance(value, str):
        yield path, value


def _remove(work: Work, kept: Kept) -> None:
    if kept.where is None:
        work.adoption.removals.append(kept.file)
        work.revisions.pop(kept.file, None)
        return
    leaving = work.gone.setdefault(kept.file, set())
    leaving.add(kept.where)
    work.revisions.setdefault(kept.file, {}).pop(kept.where, None)
    if len(leaving) == work.there.sizes[kept.file]:
        work.adoption.removals.append(kept.file)


def _clean(work: Work, gone: Mapping[str, set[str]]) -> None:
    """References of those who stay to those who go."""
    names = {*gone[USERS], *(f"group:{each}" for each in gone[GROUPS])}
    for identity, kept in work.there.records[USERS].items():
        if kept.values.get("manager") in gone[USERS] and identity not in gone[USERS]:
            revision = work.revision(kept)
            if ("manager",) not in revision.put:
                revision.unset.add(("manager",))
    for identity, kept in work.there.records[GROUPS].items():
        if identity in gone[GROUPS]:
            continue
        members = kept.values.get("members") or ()
        if leaving := {number for number, each in enumerate(members) if whom(each) in names}:
            work.revision(kept).drop.setdefault(("members",), set()).update(leaving)
    for app, values in work.there.apps.items():
        scope = values.get("scope")
        assigned = scope.get("assigned") if isinstance(scope, Mapping) else None
        for kind, key in ((GROUPS, "group"), (USERS, "user")):
            entries = (assigned.get(kind) if isinstance(assigned, Mapping) else None) or ()
            own = [each[key] if isinstance(each, Mapping) else each for each in entries]
            if leaving := {number for number, each in enumerate(own) if each in gone[kind]}:
                revision = work.revision(Kept(f"apps/{app}/app.yaml", None, values))
                revision.drop.setdefault(("scope", "assigned", kind), set()).update(leaving)
