"""The change of files that ends somebody's access for good: what a person would write there, and nothing else moved.

Edits are made in the text, at the places that the parser gives, so that comments and layout stay as they are; what
comes out is read again and must differ in exactly what was meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.desired.document import BadDocument, read_document
from reconciler.desired.form import stem_of
from reconciler.desired.load import Loaded
from reconciler.desired.spans import line_end, line_start, out_of_block, out_of_flow, text_of, value_of
from reconciler.errors import Place, ReconcilerError, UsageError
from reconciler.model.values import UserId

_BEFORE: Final = ("id", "kind", "owner", "userPrincipalName", "mail", "mailNickname", "givenName", "surname",
                  "displayName")  # fmt: skip
"""What stands above accountEnabled, where people keep to the documented order."""
_MOST: Final = 1000
"""Edits of one file: more is a mistake of ours."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One file: `told` says what changes in it."""

    file: str
    after: str
    told: tuple[str, ...]


@dataclass(slots=True)
class Offboarding:
    edits: list[Edit] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What still names the person, for the reviewer: FILE or FILE:LINE, and what it is."""


def offboard(loaded: Loaded, identity: str) -> Offboarding:
    """Raises UsageError for nobody, ReconcilerError for a file that can't be edited so."""
    directory = loaded.directory
    person = directory.users.get(UserId(identity))
    if person is None:
        raise UsageError(f"there is nobody with the id {identity}", hint="the id, as in users/: such as ada.lovelace")
    found = Offboarding()
    _add(found, loaded.root, person.file, identity)
    for file in sorted({g.file for g in directory.groups.values() if any(m.user == identity for m in g.members)}):
        _add(found, loaded.root, file, identity)
    found.left = list(_still_named(loaded, identity))
    return found


def write(root: Path, edits: list[Edit]) -> None:
    """All of them, or none. Raises ReconcilerError."""
    before = {edit.file: (root / edit.file).read_bytes() for edit in edits}
    done: list[Edit] = []
    try:
        for edit in edits:
            done.append(edit)
            _replace(root / edit.file, edit.after.encode())
    except OSError as error:
        for edit in done:
            _replace(root / edit.file, before[edit.file])
        raise ReconcilerError(
            f"{edit.file} can't be written: {error.strerror or error}", hint="no file was changed"
        ) from error


def _replace(path: Path, content: bytes) -> None:
    """In one step: nobody ever reads half a file."""
    real = path.resolve()
    temporary = real.with_name(f".{real.name}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.chmod(real.stat().st_mode)
        temporary.replace(real)
    finally:
        temporary.unlink(missing_ok=True)


def _add(found: Offboarding, root: Path, file: str, identity: str) -> None:
    text = (root / file).read_bytes().decode()
    told: list[str] = []
    after = text
    for _ in range(_MOST):
        step = _next(after, file, identity)
        if step is None:
            break
        after, what = step
        told.append(what)
    if told:
        if _plain(after, file) != _meant(_plain(text, file), file, identity):
            raise _by_hand(file)
        found.edits.append(Edit(file, after, tuple(told)))


def _by_hand(file: str) -> ReconcilerError:
    return ReconcilerError(
        "this file can't be edited without touching what was not meant",
        place=Place(file),
        hint="write accountEnabled: false, and take the memberships out, by hand; no file was changed",
    )


# -- what is meant


def _plain(text: str, file: str) -> Any:
    try:
        return read_document(text.encode(), file).value
    except BadDocument as error:
        raise _by_hand(file) from error


def _meant(value: Any, file: str, identity: str) -> Any:
    if isinstance(value, list):
        return [_one_meant(each, file, identity, alone=False) for each in value]
    return _one_meant(value, file, identity, alone=True)


def _one_meant(value: Any, file: str, identity: str, *, alone: bool) -> Any:
    if not isinstance(value, dict):
        return value
    if file.startswith("users/"):
        own = value.get("id", stem_of(file) if alone else None) == identity
        return {**value, "accountEnabled": False} if own else dict(value)
    members = [each for each in value.get("members") or () if not _names(each, identity)]
    return {**value, "members": members} if len(members) < len(value.get("members") or ()) else dict(value)


def _names(entry: Any, identity: str) -> bool:
    return bool(entry == identity or (isinstance(entry, dict) and entry.get("user") == identity))


# -- the text


def _next(text: str, file: str, identity: str) -> tuple[str, str] | None:
    """The text after the first edit that is still to be made, and what that was."""
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    alone = isinstance(root, MappingNode)
    entries = [root] if alone else list(root.value) if isinstance(root, SequenceNode) else []
    for entry in (each for each in entries if isinstance(each, MappingNode)):
        if file.startswith("users/"):
            own = text_of(value_of(entry, "id")) or (stem_of(file) if alone else "")
            if own == identity and (after := _disable(text, entry)) is not None:
                return after, "accountEnabled: false"
        else:
            members = value_of(entry, "members")
            if isinstance(members, SequenceNode) and (after := _without(text, entry, members, identity)) is not None:
                return after, f"no member of {text_of(value_of(entry, 'id')) or stem_of(file)} any more"
    return None


def _disable(text: str, entry: MappingNode) -> str | None:
    """None: that is so already."""
    present = value_of(entry, "accountEnabled")
    if present is not None:
        if text_of(present) == "false":
            return None
        start, end = present.start_mark.index, present.end_mark.index
        return f"{text[:start]}{'false' if end > start else ' false'}{text[end:]}"
    if entry.flow_style:
        end = entry.value[-1][1].end_mark.index
        return f"{text[:end]}, accountEnabled: false{text[end:]}"
    lines = [(key, value) for key, value in entry.value if _is_line(key, value)]
    above = [value for key, value in lines if text_of(key) in _BEFORE] or [value for _, value in lines[:1]]
    if not above:
        return None
    newline = "\r\n" if "\r\n" in text else "\n"
    end = line_end(text, above[-1].end_mark.index)
    return f"{text[:end]}{newline}{' ' * entry.start_mark.column}accountEnabled: false{text[end:]}"


def _is_line(key: Node, value: Node) -> bool:
    return isinstance(value, ScalarNode) and key.start_mark.line == value.end_mark.line


def _without(text: str, entry: MappingNode, members: SequenceNode, identity: str) -> str | None:
    """Without the first entry that names the person; None: there is none."""
    number = next((n for n, each in enumerate(members.value) if _is_entry_of(each, identity)), None)
    if number is None:
        return None
    items: list[Node] = members.value
    if members.flow_style:
        return out_of_flow(text, items, number)
    if len(items) == 1:
        (key,) = (name for name, value in entry.value if value is members)
        colon = text.index(":", key.end_mark.index) + 1
        return f"{text[:colon]} []{out_of_block(text, items[0], colon)}"
    return text[: line_start(text, items[number].start_mark.index)] + out_of_block(
        text, items[number], line_start(text, items[number].start_mark.index)
    )


def _is_entry_of(item: Node, identity: str) -> bool:
    if isinstance(item, MappingNode):
        return text_of(value_of(item, "user")) == identity
    return text_of(item) == identity


# -- what is left


def _still_named(loaded: Loaded, identity: str) -> Iterator[str]:
    for name, app in loaded.apps.items():
        file, places = f"apps/{name}/app.yaml", loaded.places[name]
        for number, user in enumerate(app.scope.assigned.users if app.scope.assigned else ()):
            if user.user == identity:
                yield f"{places.get(f'scope.assigned.users.{number}', file)}: assigned"
        if identity in app.guardrails.protected.users:
            yield f"{places.get('guardrails.protected.users', file)}: protected"
    for other in loaded.directory.users.values():
        if other.attributes.get("manager") == identity:
            yield f"{other.file}:{other.lines.get('manager', other.line)}: manager of {other.id}"
        if other.owner == identity:
            yield f"{other.file}:{other.lines.get('owner', other.line)}: owner of {other.id}"
