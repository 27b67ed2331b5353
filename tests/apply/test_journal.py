"""The journal: every line on the disk before anything goes on, and never a wait that does not end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from reconciler.apply.journal import Journal, JournalError

if TYPE_CHECKING:
    from tests.conftest import SandboxStory


def lines(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_a_line_is_on_the_disk_when_note_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    synced: list[int] = []
    real = os.fsync

    def sync(descriptor: int) -> None:
        real(descriptor)
        synced.append(path.stat().st_size)

    monkeypatch.setattr(os, "fsync", sync)

    async def main() -> None:
        with Journal(path) as journal:
            for number in range(3):
                await journal.note("try", step=number)
                assert lines(path)[-1]["step"] == number
                assert synced[-1] == path.stat().st_size

    asyncio.run(main())
    assert len(synced) == 3


def test_many_writers_share_flushes_and_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    flushes: list[int] = []
    real = os.fsync

    def sync(descriptor: int) -> None:
        real(descriptor)
        flushes.append(descriptor)

    monkeypatch.setattr(os, "fsync", sync)

    async def main() -> None:
        with Journal(path) as journal:
            await asyncio.gather(*(journal.note("try", step=n) for n in range(500)))

    asyncio.run(main())
    assert sorted(line["step"] for line in lines(path)) == list(range(500))
    assert len(flushes) < 50


def test_a_full_disk_is_told_to_everybody_who_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    async def main() -> None:
        with Journal(tmp_path / "journal.jsonl") as journal:
            monkeypatch.setattr(os, "fsync", full)
            notes = [asyncio.create_task(journal.note("try", step=n)) for n in range(5)]
            await asyncio.sleep(0)
            notes += [asyncio.create_task(journal.note("try", step=n)) for n in range(5)]
            ended = await asyncio.wait_for(asyncio.gather(*notes, return_exceptions=True), 10)
            assert all(isinstance(e, JournalError) for e in ended)
            assert "No space left" in str(ended[0])
            assert "--journal" in str(ended[0])
            monkeypatch.undo()

    asyncio.run(main())


def test_a_run_that_breaks_off_says_so(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"

    async def main() -> None:
        with Journal(path) as journal:
            await journal.note("begin")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())
    assert [(line["event"], line.get("why")) for line in lines(path)] == [
        ("begin", None), ("aborted", "ZeroDivisionError")]  # fmt: skip


def test_every_write_stands_between_its_lines(story: SandboxStory) -> None:
    """`try` before the request, the outcome after it, and nothing of what was sent."""
    story.sandbox.faults.set("failCreate=alan@contoso.com")
    events: list[str] = []
    plain = story.sandbox.answer

    def watched(call: Any) -> Any:
        if call.is_write:
            events.append(f"{call.method} {len(story.company.journals())}")
            tried = [line for line in story.company.journals() if line["event"] == "try"]
            assert len(tried) >= len(events)
        return plain(call)

    story.sandbox.answer = watched  # type: ignore[method-assign]
    story.apply()
    lines = story.company.journals()
    assert lines[0]["event"] == "begin"
    assert lines[-1]["event"] == "end"
    steps: dict[int, list[str]] = {}
    for line in lines[1:-1]:
        steps.setdefault(line["step"], []).append(line["event"])
    assert set(map(tuple, steps.values())) == {("try", "done"), ("try", "failed")}
    assert lines[-1]["failed"] == 1
    added = [line for line in lines if line["event"] == "done" and line["action"] == "addMembers"]
    tried = [line for line in lines if line["event"] == "try" and line["action"] == "addMembers"]
    assert any("user:alan.turing" in line["members"] for line in tried)
    assert not any("user:alan.turing" in line["members"] for line in added)
    text = orjson.dumps(lines).decode()
    assert 'contoso.com"' not in text
    assert "Lovelace" not in text


def test_what_cannot_be_written_down_is_not_done(story: SandboxStory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills up in the middle: what runs ends, nothing new begins, and the memory knows what was made."""
    real, count = Journal._write, 0

    def fills(journal: Journal, lines: list[bytes]) -> None:
        nonlocal count
        count += 1
        if count > 4:
            raise OSError(28, "No space left on device")
        real(journal, lines)

    monkeypatch.setattr(Journal, "_write", fills)
    story.company.edit_app(profile={"rate": {"perSecond": None, "concurrency": 2}})
    with pytest.raises(JournalError, match="journal can't be written"):
        story.apply()
    monkeypatch.undo()
    made = {u["id"] for u in story.sandbox.users.values()} - {story.sandbox.user_id("provisioning@contoso.com")}
    assert made
    bound = {b["id"] for k, b in story.company.state["bindings"].items()}
    assert made <= bound
    assert story.company.state["commit"] is None
    assert story.company.state["appliedAt"] is None
    story.converge()
