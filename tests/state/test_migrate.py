"""Memories that earlier versions wrote are read, and written as today."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.errors import StateError
from reconciler.state import FileStates
from reconciler.state.migrate import migrated

HERE = "https://scim.example.com/v2"
EARLIER: dict[str, Any] = {
    "format": "reconciler.state/1",
    "app": "chat",
    "tenantUrl": HERE,
    "commit": "4f2c1e7",
    "appliedAt": "2026-11-23T17:00:00Z",
    "bindings": {"user:ada": {"id": "1", "since": "2026-11-23T17:00:00Z", "commit": None, "active": True}},
    "notKept": {"user:ada": {"timezone": "cd", "title": {"wanted": "ef", "live": "01"}}},
    "mappingsDigest": "sha256:0",
    "spent": [],
    "held": {},
}
"""Without revocations, and with a digest where there is a map now."""


def states(folder: Path, document: object) -> FileStates:
    (folder / "chat.json").write_bytes(orjson.dumps(document))
    return FileStates(folder)


def test_what_is_not_kept_is_read_and_written_in_the_new_shape(tmp_path: Path) -> None:
    place = states(tmp_path, EARLIER)
    found = place.load("chat", HERE)
    assert found.not_kept == {"user:ada": {"timezone": {"wanted": "cd"}, "title": {"wanted": "ef", "live": "01"}}}
    assert found.bindings.keys() == {"user:ada"}
    place.save(found)
    assert orjson.loads((tmp_path / "chat.json").read_bytes())["notKept"]["user:ada"]["timezone"] == {"wanted": "cd"}


def test_todays_shape_stays_as_it_is() -> None:
    today = {**EARLIER, "notKept": {"user:ada": {"title": {"wanted": "ef"}}}}
    assert migrated(today) == today


@pytest.mark.parametrize(
    "kept", [7, {"user:ada": 7}, {"user:ada": {"title": 7}}, {"user:ada": {"title": {"live": "x"}}}]
)
def test_what_no_version_wrote_is_damage(tmp_path: Path, kept: object) -> None:
    with pytest.raises(StateError, match="damaged at notKept"):
        states(tmp_path, {**EARLIER, "notKept": kept}).load("chat", HERE)


def test_a_newer_format_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="this version reads") as caught:
        states(tmp_path, {**EARLIER, "format": "reconciler.state/2"}).load("chat", HERE)
    assert "another version wrote it" in caught.value.hint
