"""What mappings.yaml has to say so that the gallery's mappings become those of the schema: only what differs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.model.mapping import Mapping
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile
from reconciler.sources.entra.document import Kind
from reconciler.sources.entra.expression import plain
from reconciler.sources.entra.mapping import Lost, Taken

_ACTIVE = frozenset({'Switch([IsSoftDeleted],,"False","True","True","False")', "Not([IsSoftDeleted])"})
"""The two ways to say that whoever is disabled is not active."""


@dataclass(slots=True)
class Overlay:
    """Of one kind."""

    kind: Kind
    entries: list[tuple[Mapping, tuple[str, ...]]] = field(default_factory=list)
    """What stands in the file, and what is said above it."""
    lost: list[Lost] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    """Targets that the gallery maps like this already."""
    notes: list[str] = field(default_factory=list)
    matched: bool = False
    """Something was taken by which accounts are found. The gallery's own is no substitute: it would find others."""

    @property
    def mappings(self) -> tuple[Mapping, ...]:
        return tuple(mapping for mapping, _ in self.entries)


def overlay(kind: Kind, given: Iterable[Taken | Lost], profile: Profile) -> Overlay:
    """Laid over the profile's mappings of this kind, the entries give exactly what was taken.

    But for targets that the application requires and that nothing was taken for: there the gallery's mapping stays.
    """
    gallery: dict[str, Mapping] = {parse_path(m.target).canonical: m for m in getattr(profile.mappings, kind)}
    required = {parse_path(each).canonical for each in profile.users.required} if kind == "users" else set()
    found = Overlay(kind)
    reached: set[str] = set()
    for each in given:
        if isinstance(each, Lost):
            found.lost.append(each)
            continue
        key = parse_path(each.mapping.target).canonical
        reached.add(key)
        found.matched |= bool(each.mapping.matching)
        base = gallery.get(key)
        if base is not None and _same_origin(each.mapping, base):
            mapping = _refined(each.mapping, base)
            if base.values is not None:
                found.notes.append(f"{kind}: {base.target}: values go through the gallery's table of translations, too")
            if mapping == base:
                found.same.append(base.target)
                found.notes += [f"{kind}: {base.target}: {said}" for said in each.says]
                continue
        else:
            mapping = each.mapping
        found.entries.append((mapping, each.says))
    lost = {parse_path(each.target).canonical: each for each in found.lost if _is_path(each.target)}
    for key, base in gallery.items():
        if key in reached:
            continue
        why = "what Entra has for it has no equivalent" if key in lost else "Entra does not map it"
        if key in required:
            found.notes.append(
                f"{kind}: {base.target}: {why}; {profile.title} requires it, so the gallery's mapping stays"
            )
        else:
            found.entries.append((Mapping(target=base.target, none=True), (why,)))
    return found


def _same_origin(mapping: Mapping, base: Mapping) -> bool:
    if mapping.source is not None or base.source is not None:
        return mapping.source == base.source
    if mapping.expression is None or base.expression is None:
        return mapping.constant is not None and str(mapping.constant) == str(base.constant)
    one, other = plain(mapping.expression), plain(base.expression)
    return one == other or {one, other} <= _ACTIVE


def _refined(mapping: Mapping, base: Mapping) -> Mapping:
    """The gallery's mapping with the schema's precedence, time and default: the same object if all are the same."""
    changed: dict[str, object] = {}
    if mapping.matching != base.matching:
        changed["matching"] = mapping.matching
    if mapping.apply != base.apply:
        changed["apply"] = mapping.apply
    if str(mapping.default) != str(base.default):
        changed["default"] = mapping.default
    if base.when_null != "skip":
        changed["when_null"] = "skip"
    return base.model_copy(update=changed) if changed else base


def _is_path(target: str) -> bool:
    try:
        parse_path(target)
    except ValueError:
        return False
    return True
