"""What was read of an application as bytes: the same bytes for the same reading, and refused if anything is wrong."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

import orjson
from pydantic import ValidationError

from reconciler import __version__
from reconciler.errors import Place, SnapshotError
from reconciler.model.discovered import Discovered
from reconciler.model.kept import FORMAT, KeptSnapshot
from reconciler.model.path import freeze, parse_path
from reconciler.model.snapshot import Account, LiveGroup, Snapshot
from reconciler.model.state import State
from reconciler.model.values import RemoteId, Value

MAX_SNAPSHOT_BYTES: Final = 1_000_000_000
"""Of JSON: what is larger is no snapshot that we wrote."""
_GZIP: Final = b"\x1f\x8b"
_LEVEL: Final = 5
_AGAIN: Final = "`reconciler snapshot` reads the application again and keeps a new one"


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot that was kept, and what was known beside it."""

    snapshot: Snapshot
    memory: str
    discovered: Mapping[str, Any]
    attributes: Mapping[str, Mapping[str, bool]]


def memory_of(state: State) -> str:
    """Names what a memory holds of accounts and groups; "" where nobody is managed."""
    if not state.bindings:
        return ""
    entries = ({key: state.bindings[key]} for key in sorted(state.bindings))
    rows = (orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)[1:-1] for entry in entries)
    return _sha256(chain([b"{"], _listed(rows), [b"}"]))


def kept_bytes(
    snapshot: Snapshot, app: str, state: State, hidden: Collection[str], discovered: Discovered | None = None
) -> bytes:
    """The document, compact. `hidden`: paths that a mapping redacts, or that say nothing later: they are left out."""
    return b"".join(kept_pieces(snapshot, app, state, hidden, discovered))


def kept_pieces(
    snapshot: Snapshot, app: str, state: State, hidden: Collection[str], discovered: Discovered | None = None
) -> Iterator[bytes]:
    """The same, row by row: for who packs it, and needs no second copy of 100,000 accounts."""
    users, user_values = _shown(snapshot.user_paths, snapshot.unread_user_paths, hidden)
    groups, group_values = _shown(snapshot.group_paths, snapshot.unread_group_paths, hidden)
    frame: dict[str, Any] = {
        "format": FORMAT,
        "digest": "",
        "toolVersion": __version__,
        "app": app,
        "tenantUrl": snapshot.tenant_url,
        "readAt": snapshot.read_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "partial": snapshot.partial,
        "memory": memory_of(state),
        "discovered": {} if discovered is None else dict(sorted(discovered.found.items())),
        "attributes": {} if discovered is None else {k: dict(v) for k, v in sorted(discovered.attributes.items())},
        "userPaths": users,
        "groupPaths": groups,
    }

    def written() -> Iterator[bytes]:
        accounts = ((each.id, each.active, user_values(each.values)) for each in snapshot.accounts)
        teams = (
            (
                each.id,
                group_values(each.values),
                sorted(each.members) if each.members_read else None,
                sorted(each.others) if each.members_read else [],
            )
            for each in snapshot.groups
        )
        yield orjson.dumps(frame)[:-1] + b',"users":['
        yield from _listed(map(orjson.dumps, accounts))
        yield b'],"groups":['
        yield from _listed(map(orjson.dumps, teams))
        yield b"]}"

    frame["digest"] = _sha256(written())
    return written()


def _listed(rows: Iterable[bytes]) -> Iterator[bytes]:
    for number, row in enumerate(rows):
        yield b"," + row if number else row


def _sha256(pieces: Iterable[bytes]) -> str:
    hashed = hashlib.sha256()
    for piece in pieces:
        hashed.update(piece)
    return f"sha256:{hashed.hexdigest()}"


def compressed(content: Iterable[bytes]) -> bytes:
    """The pieces of a document, packed: the same bytes for the same content."""
    packing = zlib.compressobj(_LEVEL, wbits=zlib.MAX_WBITS | 16)
    return b"".join((*map(packing.compress, content), packing.flush()))


def read_kept(content: bytes, app: str, place: Place) -> Kept:
    """Also of what is compressed. Raises SnapshotError for what is damaged, altered, of another app or format."""
    text = _text(content, place)
    try:
        found = KeptSnapshot.model_validate_json(text)
    except ValidationError as error:
        raise _refusal(text, error, place) from error
    if found.digest != _digest(_as_document(found)):
        raise SnapshotError("the snapshot was altered: its digest does not fit", place=place, hint=_AGAIN)
    if found.app != app:
        raise SnapshotError(f"the snapshot is of app {found.app}, and not of {app}", place=place, hint=_AGAIN)
    return Kept(_snapshot(found, place), found.memory, found.discovered, found.attributes)


def _shown(paths: Sequence[str], unread: Collection[str], hidden: Collection[str]) -> tuple[list[str], Any]:
    """The paths that are kept, and what takes their values out of a row."""
    left_out = {parse_path(path).canonical for path in (*unread, *hidden)}
    kept = [n for n, path in enumerate(paths) if parse_path(path).canonical not in left_out]
    if len(kept) == len(paths):
        return list(paths), lambda row: row
    return [paths[n] for n in kept], lambda row: [row[n] for n in kept]


def _digest(document: Mapping[str, Any]) -> str:
    return _sha256([orjson.dumps({**document, "digest": ""})])


def _as_document(found: KeptSnapshot) -> dict[str, Any]:
    """As it is written, without a second copy of its rows."""
    fields = KeptSnapshot.model_fields
    return {fields[name].alias or name: getattr(found, name) for name in fields}


def _text(content: bytes, place: Place) -> bytes:
    if not content.startswith(_GZIP):
        return content
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        text = unpacking.decompress(content, MAX_SNAPSHOT_BYTES)
    except zlib.error as error:
        raise SnapshotError(f"the snapshot is damaged: {error}", place=place, hint=_AGAIN) from error
    if unpacking.unconsumed_tail:
        raise SnapshotError("the snapshot is larger than any that was written", place=place, hint=_AGAIN)
    if not unpacking.eof or unpacking.unused_data:
        raise SnapshotError("the snapshot is damaged: it was cut off", place=place, hint=_AGAIN)
    return text


def _refusal(text: bytes, error: ValidationError, place: Place) -> SnapshotError:
    try:
        document = orjson.loads(text)
    except ValueError as wrong:
        return SnapshotError(f"the snapshot can't be read: {wrong}", place=place, hint=_AGAIN)
    written = document.get("format") if isinstance(document, dict) else None
    if written != FORMAT:
        newer = str(written).startswith(f"{FORMAT.partition('/')[0]}/")
        return SnapshotError(
            f"is no snapshot that this version reads: its format is {written!r}, and {FORMAT!r} is read",
            place=place,
            hint="another version wrote it: use that one" if newer else "name what `reconciler snapshot` wrote",
        )
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return SnapshotError(f"the snapshot is damaged at {where}: {first['msg']}", place=place, hint=_AGAIN)


def _snapshot(found: KeptSnapshot, place: Place) -> Snapshot:
    """Raises SnapshotError for rows that do not fit together."""
    wide, narrow, many = len(found.user_paths), len(found.group_paths), len(found.users)
    try:
        read_at = datetime.fromisoformat(found.read_at).astimezone(UTC)
        for path in (*found.user_paths, *found.group_paths):
            parse_path(path)
    except ValueError as error:
        raise SnapshotError(f"the snapshot is damaged: {error}", place=place, hint=_AGAIN) from error
    texts: dict[str, str] = {}
    accounts = [Account(RemoteId(id_), active, _row(values, texts)) for id_, active, values in found.users]
    groups = [
        LiveGroup(
            RemoteId(id_),
            _row(values, texts),
            set(members or ()),
            frozenset(RemoteId(other) for other in others),
            members_read=members is not None,
        )
        for id_, values, members, others in found.groups
    ]
    fits = all(len(each.values) == wide for each in accounts) and all(len(each.values) == narrow for each in groups)
    fits = fits and all(not each.members or (min(each.members) >= 0 and max(each.members) < many) for each in groups)
    if not fits or len({each.id for each in accounts}) < many or len({each.id for each in groups}) < len(groups):
        raise SnapshotError("the snapshot is damaged: its rows do not fit together", place=place, hint=_AGAIN)
    snapshot = Snapshot(found.tenant_url, found.user_paths, found.group_paths, accounts, groups, read_at)
    snapshot.partial = found.partial
    snapshot.partial_members = not all(each.members_read for each in groups)
    snapshot.source = "snapshot"
    return snapshot.number()


def _row(values: Sequence[Value], texts: dict[str, str]) -> tuple[Value, ...]:
    """With one text in memory of each: departments and languages repeat."""
    return tuple([texts.setdefault(v, v) if v.__class__ is str else freeze(v) for v in values])
