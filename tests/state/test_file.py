"""The memory in files: it comes back as it went, or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.errors import StateError
from reconciler.model.state import Binding, State
from reconciler.state import FileStates

HERE = "https://scim.example.com/v2"
THERE = "https://scim.example.org/v2"


def state(url: str = HERE, **keys: Any) -> State:
    binding = Binding(id="1", since="2026-11-23T17:00:00Z", commit="4f2c1e7", active=True, wanted="ab", name="Ada")
    group = Binding(id="70", since="2026-11-23T17:00:00Z", commit=None, members=["ada"])
    return State(
        app="chat",
        tenant_url=url,
        commit="4f2c1e7",
        applied_at="2026-11-23T17:00:00Z",
        bindings={"user:ada": binding, "group:editors": group},
        not_kept={"user:ada": {"timezone": {"wanted": "cd", "live": "ef"}}},
        mappings_digest="sha256:0",
        spent=[{"at": "2026-11-23T17:00:00Z", "name": "deprovisionUsers", "value": 3}],
        held={"deprovisionUsers": 12},
        **keys,
    )


@pytest.fixture
def states(tmp_path: Path) -> FileStates:
    return FileStates(tmp_path / "memory")


def test_where_there_is_none_it_is_fresh_and_nothing_is_written(states: FileStates) -> None:
    found = states.load("chat", HERE)
    assert found.fresh
    assert (found.app, found.tenant_url, found.bindings) == ("chat", HERE, {})
    assert not states.folder.exists()


def test_round_trip(states: FileStates) -> None:
    states.save(state())
    found = states.load("chat", HERE)
    assert found == state()
    assert not found.fresh


def test_the_file_is_the_documented_form(states: FileStates) -> None:
    states.save(state())
    document = orjson.loads((states.folder / "chat.json").read_bytes())
    assert document["format"] == "reconciler.state/1"
    assert {"tenantUrl", "appliedAt", "notKept", "mappingsDigest"} <= document.keys()
    assert "fresh" not in document


def test_git_ignores_the_folder(states: FileStates) -> None:
    states.save(state())
    assert (states.folder / ".gitignore").read_text() == "*\n"
    (states.folder / ".gitignore").write_text("*.json\n")
    states.save(state())
    assert (states.folder / ".gitignore").read_text() == "*.json\n"  # a person's own stays


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_only_the_owner_reads_it(states: FileStates) -> None:
    states.save(state())
    assert (states.folder / "chat.json").stat().st_mode & 0o077 == 0


class TestDamage:
    def broken(self, states: FileStates, content: bytes) -> StateError:
        states.folder.mkdir()
        (states.folder / "chat.json").write_bytes(content)
        with pytest.raises(StateError) as caught:
            states.load("chat", HERE)
        assert str(states.folder / "chat.json") in str(caught.value)
        return caught.value

    @pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"null", b"[]", b"{}", b'"text"', b'{"format": 1}'])
    def test_corrupted(self, states: FileStates, content: bytes) -> None:
        assert "losing it costs convenience" in self.broken(states, content).hint

    def test_cut_short(self, states: FileStates) -> None:
        states.save(state())
        whole = (states.folder / "chat.json").read_bytes()
        (states.folder / "chat.json").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(StateError, match="can't be read"):
            states.load("chat", HERE)

    def test_a_newer_format(self, states: FileStates) -> None:
        error = self.broken(states, b'{"format": "reconciler.state/2"}')
        assert "reconciler.state/2" in error.message
        assert "use that one" in error.hint

    @pytest.mark.parametrize(
        ("key", "value", "where"),
        [("bindings", {"user:ada": {"since": "x", "commit": None}}, "bindings.user:ada.id"),
         ("surprise", 1, "surprise"), ("held", {"x": "many"}, "held.x")],
    )  # fmt: skip
    def test_damaged_inside_is_told_with_its_place(self, states: FileStates, key: str, value: Any, where: str) -> None:
        document = state().model_dump(mode="json", by_alias=True)
        error = self.broken(states, orjson.dumps({**document, key: value}))
        assert f"damaged at {where}" in error.message

    def test_of_another_app(self, states: FileStates) -> None:
        document = state().model_dump(mode="json", by_alias=True)
        assert "of app other" in self.broken(states, orjson.dumps({**document, "app": "other"})).message


class TestTenants:
    def test_another_tenant_has_no_memory_and_is_told_whose_it_is(self, states: FileStates) -> None:
        states.save(state())
        assert states.load("chat", THERE).fresh
        assert states.foreign("chat", THERE) == HERE
        assert states.foreign("chat", HERE) is None

    def test_the_others_is_kept_aside_and_found_again(self, states: FileStates) -> None:
        states.save(state(HERE))
        states.save(State(app="chat", tenant_url=THERE, commit="other"))
        assert states.load("chat", THERE).commit == "other"
        assert states.load("chat", HERE) == state(HERE)

    def test_to_and_fro(self, states: FileStates) -> None:
        for number in range(3):
            for url in (HERE, THERE):
                found = states.load("chat", url)
                found.commit = f"{url} {number}"
                states.save(found)
        assert states.load("chat", HERE).commit == f"{HERE} 2"
        assert states.load("chat", THERE).commit == f"{THERE} 2"


class TestCrash:
    """Killed in between, the memory is the one before."""

    @pytest.mark.parametrize("step", ["fsync", "fdopen"])
    def test_while_writing(self, states: FileStates, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
        states.save(state())

        def crash(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(f"reconciler.state.file.os.{step}", crash)
            with pytest.raises(KeyboardInterrupt):
                states.save(State(app="chat", tenant_url=HERE, commit="new"))
        assert states.load("chat", HERE) == state()
        assert sorted(p.name for p in states.folder.iterdir()) == [".chat.lock", ".gitignore", "chat.json"]

    def test_between_setting_aside_and_writing(self, states: FileStates, monkeypatch: pytest.MonkeyPatch) -> None:
        states.save(state(HERE))
        with monkeypatch.context() as patch:
            patch.setattr("reconciler.state.file.os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
            with pytest.raises(StateError, match="can't be written: disk full"):
                states.save(State(app="chat", tenant_url=THERE))
        assert states.load("chat", HERE) == state(HERE)
        assert states.load("chat", THERE).fresh
