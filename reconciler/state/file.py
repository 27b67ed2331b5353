"""States as JSON files in one folder, `.reconciler/` by default, which git ignores."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from reconciler.errors import Place, StateError
from reconciler.model.state import FORMAT, State

LOST = "losing it costs convenience, never access: move the file away, and the next apply binds by matching again"


class FileStates:
    """`APP.json` for the tenant in use; what belongs to another tenantUrl is kept beside it, under its hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, app: str, tenant_url: str) -> State:
        """The memory of this tenant; a fresh one if there is none. Raises StateError if it can't be believed."""
        for path in (self.folder / f"{app}.json", self._aside(app, tenant_url)):
            state = _read(path)
            if state is not None and state.tenant_url == tenant_url:
                if state.app != app:
                    raise StateError(f"the state is of app {state.app}", place=Place(str(path)), hint=LOST)
                return state
        return State(app=app, tenant_url=tenant_url, fresh=True)

    def foreign(self, app: str, tenant_url: str) -> str | None:
        """The other tenantUrl that this app's memory is about, if it is."""
        path = self.folder / f"{app}.json"
        content = _content(path)
        other = _document(path, content).get("tenantUrl") if content is not None else None
        return other if isinstance(other, str) and other != tenant_url else None

    def save(self, state: State) -> None:
        """Atomically, and to the disk before it returns. Raises StateError where that can't be."""
        try:
            self._save(state)
        except OSError as error:
            raise StateError(
                f"the state can't be written: {error.strerror or error}",
                place=Place(str(self.folder / f"{state.app}.json")),
                hint="what was done is in the journal; make room or get permission: the next apply binds by matching",
            ) from error

    def _save(self, state: State) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        path = self.folder / f"{state.app}.json"
        foreign = self.foreign(state.app, state.tenant_url)
        if foreign is not None:
            path.replace(self._aside(state.app, foreign))
        written = orjson.dumps(state.model_dump(mode="json", by_alias=True), option=orjson.OPT_INDENT_2)
        descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=f".{state.app}.", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(written)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
            _flush_folder(self.folder)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise

    def _aside(self, app: str, tenant_url: str) -> Path:
        return self.folder / f"{app}.{hashlib.sha256(tenant_url.encode()).hexdigest()[:8]}.json"


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"the state can't be read: {error}", place=Place(str(path)), hint=LOST) from error


def _document(path: Path, content: bytes) -> dict[str, Any]:
    """The file as it is, if it is a state of this format at all."""
    try:
        document = orjson.loads(content)
    except ValueError as error:
        raise StateError(f"the state can't be read: {error}", place=Place(str(path)), hint=LOST) from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        newer = str(found).startswith(f"{FORMAT.partition('/')[0]}/")
        raise StateError(
            f"the state has the format {found!r}, and this version reads {FORMAT!r}",
            place=Place(str(path)),
            hint="another version wrote it: use that one" if newer else LOST,
        )
    assert isinstance(document, dict)
    return document


def _read(path: Path) -> State | None:
    content = _content(path)
    if content is None:
        return None
    try:  # from the text, without a second copy of 100,000 bindings in between
        return _shared(State.model_validate_json(content))
    except ValidationError as error:
        _document(path, content)  # says it if this is something else altogether
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StateError(
            f"the state is damaged at {where}: {first['msg']}", place=Place(str(path)), hint=LOST
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


def _flush_folder(folder: Path) -> None:
    """A file that was replaced is on the disk when its folder is; Windows can't open one, and need not."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
