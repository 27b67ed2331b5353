"""The memory of one app as bytes: written, read, and refused with what is wrong and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from reconciler.errors import Place, StateError
from reconciler.model.state import FORMAT, State
from reconciler.state.migrate import migrated


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document comes from, and what a person does who gives it up."""

    place: Place
    remedy: str


def written(state: State) -> bytes:
    document = state.model_copy(update={"bindings": {}}).model_dump(mode="json", by_alias=True)
    document["bindings"] = state.bindings  # plain already: a copy of 100,000 would cost more than all that is written
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def read_state(content: bytes, app: str, source: Source) -> State:
    """Raises StateError for what is damaged, of another format, or of another app."""
    try:  # from the text, without a second copy of 100,000 bindings in between
        state = State.model_validate_json(content)
    except ValidationError:
        state = _migrated(content, source)
    if state.app != app:
        raise StateError(f"the state is of app {state.app}", place=source.place, hint=source.remedy)
    state.fresh = not state.bindings and state.applied_at is None
    return _shared(state)


def raw(content: bytes, source: Source) -> dict[str, Any]:
    """The document as it is, if it is a state of this format at all."""
    try:
        document = orjson.loads(content)
    except ValueError as error:
        raise StateError(f"the state can't be read: {error}", place=source.place, hint=source.remedy) from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        newer = str(found).startswith(f"{FORMAT.partition('/')[0]}/")
        raise StateError(
            f"the state has the format {found!r}, and this version reads {FORMAT!r}",
            place=source.place,
            hint="another version wrote it: use that one" if newer else source.remedy,
        )
    assert isinstance(document, dict)
    return document


def tenant_of(content: bytes, source: Source) -> str | None:
    """The tenantUrl that it is about, without believing the rest."""
    url = raw(content, source).get("tenantUrl")
    return url if isinstance(url, str) else None


def _migrated(content: bytes, source: Source) -> State:
    try:
        return State.model_validate(migrated(raw(content, source)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StateError(
            f"the state is damaged at {where}: {first['msg']}", place=source.place, hint=source.remedy
        ) from error


def _shared(state: State) -> State:
    """With one text in memory for what many bindings repeat: dates, files, the ids of members."""
    texts: dict[str, str] = {}
    for binding in state.bindings.values():
        binding["since"] = texts.setdefault(binding["since"], binding["since"])
        if "file" in binding:
            binding["file"] = texts.setdefault(binding["file"], binding["file"])
        if "members" in binding:
            binding["members"] = [texts.setdefault(member, member) for member in binding["members"]]
    return state
