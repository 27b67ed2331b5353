"""A memory of 100,000 bindings: what repeats is in the process once."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.model.state import State
from reconciler.state import FileStates

HERE = "https://here.example/scim"
THERE = "https://there.example/scim"


def _state(url: str) -> State:
    group = {"id": "7", "since": "2026-11-23T17:00:00Z", "commit": None, "members": ["ada", "grace"]}
    bindings = {f"group:{name}": {**group, "members": [*group["members"]]} for name in "abc"}  # type: ignore[misc]
    return State.model_validate({"app": "x", "tenantUrl": url, "bindings": bindings})


def test_what_repeats_is_one_object(tmp_path: Path) -> None:
    states = FileStates(tmp_path)
    states.save(_state(HERE))
    loaded = states.load("x", HERE)
    assert loaded == _state(HERE)
    for name in ("since", "members"):
        first, *others = (b[name] for b in loaded.bindings.values())
        for other in others:
            assert all(a is b for a, b in zip(first, other, strict=True)) if name == "members" else other is first


def test_whose_memory_it_is_is_told_without_believing_the_rest(tmp_path: Path) -> None:
    states = FileStates(tmp_path)
    states.save(_state(THERE))
    assert states.foreign("x", HERE) == THERE
    assert states.foreign("x", THERE) is None
    assert states.foreign("y", HERE) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "the state can't be read"),
        ("[]", "the state has the format None"),
        ('{"format": "reconciler.state/9"}', "the state has the format 'reconciler.state/9'"),
        ('{"format": "reconciler.state/1", "app": 1}', "the state is damaged at app"),
    ],
)
def test_a_file_that_is_no_state_says_what_it_is(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    with pytest.raises(StateError, match=message):
        FileStates(tmp_path).load("x", HERE)
