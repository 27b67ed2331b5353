"""Mappings of a schema into a mappings.yaml that exists: its comments, its order and its layout stay.

What is missing is added. A mapping that says something else is replaced only where an update is asked for, and where no
comment stands inside of it; one of the gallery's that the schema has not is switched off only with prune.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml
from pydantic import ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.desired.document import BadDocument, read_document
from reconciler.desired.findings import shown
from reconciler.desired.spans import leaves, line_end
from reconciler.model.mapping import Mapping, Mappings
from reconciler.model.path import parse_path
from reconciler.sources.entra.document import Kind
from reconciler.sources.entra.overlay import Overlay
from reconciler.sources.entra.remarks import comment
from reconciler.sources.entra.written import entry
from reconciler.sources.revise import by_hand
from reconciler.sources.text import flow

KINDS: tuple[Kind, ...] = ("users", "groups")


@dataclass(slots=True)
class Merged:
    text: str
    kept: list[str] = field(default_factory=list)
    """What says something else in the file, and stays: one sentence each."""
    done: list[str] = field(default_factory=list)
    """What was added and replaced: one sentence each."""


@dataclass(slots=True)
class _Wanted:
    """One target: what has to hold of it, and what is said above it in a new entry."""

    mapping: Mapping
    says: tuple[str, ...] = ()


def merge(text: str, file: str, overlays: list[Overlay], gallery: Mappings, *, update: bool, prune: bool) -> Merged:
    """`text`: of a mappings.yaml without errors, `file` its name. `gallery`: the mappings that it is laid over.

    Raises ReconcilerError if it can't be edited without touching what was not meant.
    """
    found = Merged(text)
    meant = _read(text, file)
    for overlay in overlays:
        base = {} if meant.replace else {_key(each): each for each in getattr(gallery, overlay.kind)}
        wanted = {_key(mapping): _Wanted(mapping, says) for mapping, says in overlay.entries}
        for target in overlay.same:
            key = parse_path(target).canonical
            mapping = next(each for each in getattr(gallery, overlay.kind) if _key(each) == key)
            wanted[key] = _Wanted(mapping)
        own = {_key(each): each for each in getattr(meant, overlay.kind)}
        meant = _one_kind(found, file, overlay.kind, wanted, own, base, meant, update=update, prune=prune)
    if _read(found.text, file) != meant:
        raise by_hand(file)
    return found


def _one_kind(
    found: Merged,
    file: str,
    kind: Kind,
    wanted: dict[str, _Wanted],
    own: dict[str, Mapping],
    base: dict[str, Mapping],
    meant: Mappings,
    *,
    update: bool,
    prune: bool,
) -> Mappings:
    """Edits the text, and gives what the file has to say afterwards."""
    result = dict(own)
    lines: list[str] = []
    for key, each in wanted.items():
        holds = own.get(key, base.get(key))
        if _alike(holds, each.mapping):
            continue
        if key not in own and each.mapping.none and not prune:
            found.kept.append(
                f"{file}: {shown(each.mapping.target)} is mapped by the gallery, and not in Entra's schema"
            )
            continue
        if key not in own:
            lines += [*comment(each.says, 2), *entry(each.mapping)]
            result[key] = each.mapping
            found.done.append(f"{file}: {_said(each.mapping)}")
            continue
        target = shown(each.mapping.target)
        if not update:
            found.kept.append(f"{file}: the mapping of {target} says something else than Entra's schema")
            continue
        after = _replaced(found.text, kind, key, each.mapping)
        if after is None:
            found.kept.append(f"{file}: the mapping of {target} has comments inside: change it by hand")
            continue
        found.text = after
        result[key] = each.mapping
        found.done.append(f"{file}: {_said(each.mapping)}, instead of what is there")
    if lines:
        found.text = _added(found.text, kind, lines)
    extra = [own[key].target for key in own if key not in wanted and not own[key].none]
    found.kept += [f"{file}: {shown(target)} is mapped here, and not in Entra's schema" for target in extra]
    return meant.model_copy(update={kind: tuple(result.values())})


def _said(mapping: Mapping) -> str:
    if mapping.none:
        return f"{shown(mapping.target)} is not mapped any more"
    origin = mapping.source or mapping.expression or f"always {mapping.constant}"
    return f"{shown(mapping.target)} ← {shown(origin)}"


def _alike(holds: Mapping | None, wanted: Mapping) -> bool:
    """None: nothing maps the target, which is what `none: true` asks for."""
    if holds is None or holds.none:
        return wanted.none
    return holds.model_copy(update={"target": wanted.target}) == wanted


def _key(mapping: Mapping) -> str:
    return parse_path(mapping.target).canonical


def _read(text: str, file: str) -> Mappings:
    try:
        return Mappings.model_validate(read_document(text.encode(), file).value or {})
    except (BadDocument, ValidationError) as error:
        raise by_hand(file) from error


def _list(text: str, kind: Kind) -> tuple[ScalarNode, Node] | None:
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    pairs = root.value if isinstance(root, MappingNode) else []
    return next(((key, value) for key, value in pairs if key.value == kind), None)


def _added(text: str, kind: Kind, lines: list[str]) -> str:
    """With more entries, given as lines two blanks in, at the end of their list."""
    newline = "\r\n" if "\r\n" in text else "\n"
    there = _list(text, kind)
    if there is None:
        start = text if not text or text.endswith("\n") else text + newline
        return start + newline.join((f"{kind}:", *lines, ""))
    key, items = there
    if not isinstance(items, SequenceNode) or not items.value:
        colon = text.index(":", key.end_mark.index) + 1
        behind = text[colon:]
        empty = behind[: items.end_mark.index - colon] if items.end_mark.index > colon else ""
        text = text[:colon] + behind[len(empty) :]
        end = line_end(text, colon)
        return f"{text[:end].rstrip(' ')}{newline}{newline.join(lines)}{text[end:]}"
    if items.flow_style:
        end = items.value[-1].end_mark.index
        more = [line.strip().removeprefix("- ") for line in lines if not line.lstrip().startswith("#")]
        return f"{text[:end]}, {', '.join(more)}{text[end:]}"
    column = items.start_mark.column
    end = line_end(text, max(each.end_mark.index for each in leaves(items.value[-1])))
    moved = [f"{' ' * column}{line[2:]}" for line in lines]
    return f"{text[:end]}{newline}{newline.join(moved)}{text[end:]}"


def _replaced(text: str, kind: Kind, key: str, mapping: Mapping) -> str | None:
    """With the entry of one target on a line of its own; None if a comment stands in it."""
    there = _list(text, kind)
    items = there[1].value if there and isinstance(there[1], SequenceNode) else []
    for item in items:
        target = next((v.value for k, v in item.value if k.value == "target"), "")
        if not target or parse_path(target).canonical != key:
            continue
        start, end = item.start_mark.index, max(each.end_mark.index for each in leaves(item))
        if _has_comment(text[start:end]):
            return None
        values = mapping.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return text[:start] + flow(values) + text[end:]
    return None


def _has_comment(text: str) -> bool:
    return any(line.lstrip().startswith("#") or " #" in line for line in text.splitlines())
