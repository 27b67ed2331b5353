"""Files that other processes parse: the result is that of parsing them here, whatever becomes of the processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from reconciler.desired import aside as parsing
from reconciler.desired import files, load
from reconciler.desired.aside import Aside, aside, parse
from reconciler.desired.cache import Cache, code_version
from reconciler.desired.document import Document, read_document
from reconciler.errors import DesiredStateError
from reconciler.model.settings import Settings
from tests.desired.test_cache import outcome, states
from tests.desired.test_parsed import write

loading = sys.modules["reconciler.desired.load"]
COMPANY = {
    **{f"users/p{n}.yaml": f"surname: P{n}\nmanager: p{n - n % 3}\n" for n in range(30)},
    **{f"groups/g{n}.yaml": f"displayName: G{n}\nmembers: [p{n}, {{user: p3, reason: x}}]\n" for n in range(10)},
    "users/wrong.yaml": "colour: red\n",
    "users/lost.yaml": "manager: gone\n",
    "groups/strange.yaml": "displayName: Strange\nmembers: [p1, gone, '', 'a b']\n",
}
FINE = {file: text for file, text in COMPANY.items() if file not in ("users/wrong.yaml", "groups/strange.yaml")}


class Here:
    """What a process would answer, without one."""

    def __init__(self, root: Path, against: Settings, apps: Sequence[str]) -> None:
        below = sorted(path for folder in ("users", "groups") for path in (root / folder).rglob("*.yaml"))
        request = {
            "version": code_version(),
            "root": str(root),
            "settings": orjson.loads(against.model_dump_json(by_alias=True)),
            "apps": list(apps),
            "files": [path.relative_to(root).as_posix() for path in below],
        }
        self.found: dict[tuple[str, str], bytes] = {}
        parse(orjson.loads(orjson.dumps(request)), self._take)

    def _take(self, answer: bytes) -> None:
        head, _, record = answer.partition(b"\n")
        file, digest, length = orjson.loads(head)
        assert len(record) == length
        self.found[file, digest] = record

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def record(self, file: str, digest: str) -> bytes | None:
        return self.found.get((file, digest))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(states())
def test_what_others_parse_is_what_is_parsed_here(tree: dict[str, str | None]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder, "state")
        write(root, tree)
        without = outcome(root, None)
        patch.setattr(loading, "aside", Here)
        assert outcome(root, None) == without
        assert outcome(root, Cache(Path(folder, "cache", "v"), b"k" * 32)) == without
        patch.undo()
        assert outcome(root, Cache(Path(folder, "cache", "v"), b"k" * 32)) == without, "and it is kept"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a few files are enough, on two cores."""
    monkeypatch.setattr(parsing, "SMALLEST", 0)
    monkeypatch.setattr(parsing, "_START", 0)
    monkeypatch.setattr(parsing, "_free_cores", lambda: 2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "state", COMPANY)
    return tmp_path / "state"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    parsed: list[str] = []

    def counted(data: bytes, file: str) -> Document:
        parsed.append(file)
        return read_document(data, file)

    monkeypatch.setattr(files, "read_document", counted)
    return parsed


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """All that are started. None is left behind."""
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def remembered(*args: Any, **given: Any) -> Any:
        started.append(real(*args, **given))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", remembered)
    yield started
    assert all(process.poll() is not None for process in started)


def problems_of(root: Path) -> Any:
    with pytest.raises(DesiredStateError) as caught:
        load(root, apps=["chat"])
    return caught.value.problems


@pytest.mark.usefixtures("small")
def test_a_process_parses_its_share(root: Path, read: list[str], processes: list[Any], tmp_path: Path) -> None:
    problems = problems_of(root)
    assert len(processes) == 1
    assert 1 < len([file for file in read if not file.startswith("apps/")]) < 30
    assert {"colour", "gone"} <= {word for problem in problems for word in problem.message.split("`")}
    write(root, FINE)
    cache = Cache(tmp_path / "cache" / "v", b"k" * 32)
    read.clear()
    first = load(root, apps=["chat"], cache=cache)
    assert len(read) < 30
    read.clear()
    again = load(root, apps=["chat"], cache=Cache(tmp_path / "cache" / "v", b"k" * 32))
    assert [file for file in read if not file.startswith("apps/")] == ["users/lost.yaml", "groups/g3.yaml"], (
        "with warnings"
    )
    assert (again.directory, again.warnings) == (first.directory, first.warnings)
    assert len(processes) == 2, "what is known needs nobody"


def test_without_them_it_is_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = problems_of(root)
    monkeypatch.setattr(parsing, "SMALLEST", 0)
    monkeypatch.setattr(parsing, "_START", 0)
    for cores in (2, 3, 8):
        monkeypatch.setattr(parsing, "_free_cores", lambda cores=cores: cores)
        assert problems_of(root) == alone


@pytest.mark.usefixtures("small", "processes")
@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false", "/bin/cat", "/bin/true"])
def test_processes_that_fail(root: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(sys, "executable", program)
    found = problems_of(root)
    monkeypatch.setattr(parsing, "SMALLEST", 10**9)
    assert found == problems_of(root)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-1], lambda data: data[:100], lambda data: b"", lambda data: b"x\n"]
)
def test_answers_that_are_cut_off(root: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any) -> None:
    real = subprocess.Popen.communicate

    def spoilt(self: Any, data: bytes) -> Any:
        out, err = real(self, data)
        return spoil(out), err

    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "communicate", spoilt)
        found = problems_of(root)
    monkeypatch.setattr(parsing, "SMALLEST", 10**9)
    assert found == problems_of(root)


@pytest.mark.usefixtures("small", "processes")
def test_another_program_of_this_name_brings_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, read: list[str]
) -> None:
    monkeypatch.setattr(parsing, "code_version", lambda: "other")
    problems_of(root)
    assert len(set(read)) == len(COMPANY) + 1


@pytest.mark.usefixtures("small")
def test_a_file_that_changes_meanwhile_is_parsed_here(root: Path) -> None:
    (root / "users" / "wrong.yaml").unlink()
    (root / "groups" / "strange.yaml").unlink()
    with Aside(root, Settings(), ["chat"], [["users/p1.yaml", "groups/g1.yaml"]]) as others:
        digest = "0" * 64
        assert others.record("users/p1.yaml", digest) is None
        assert others.record("users/p2.yaml", digest) is None


@pytest.mark.usefixtures("small")
def test_they_end_when_nobody_waits_any_more(root: Path, processes: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/sh")
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Aside(root, Settings(), [], [["users/p1.yaml"]]):
        raise KeyboardInterrupt
    assert time.monotonic() - began < 20
    assert len(processes) == 1


@pytest.mark.usefixtures("small")
def test_code_is_not_looked_for_where_somebody_works(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "work" / "reconciler"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')\n")
    monkeypatch.chdir(package.parent)
    problems_of(root)
    assert not (tmp_path / "was-run").exists()


def test_small_states_and_busy_machines_need_none(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert aside(root, Settings(), [], cores=8) is None
    monkeypatch.setattr(parsing, "SMALLEST", 0)
    assert aside(root, Settings(), [], cores=1) is None
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    for load_, free in ((0.1, 8), (3.5, 5), (5.5, 1), (50.0, 1)):
        monkeypatch.setattr(os, "getloadavg", lambda load_=load_: (load_, 0.0, 0.0), raising=False)
        assert parsing._free_cores() == free


@pytest.mark.parametrize("others", [1, 3, 7])
def test_shares_are_all_files_once_in_their_order(others: int) -> None:
    sizes = [(f"users/{n:03}.yaml", 1 + n * 7919 % 100_000) for n in range(1000)]
    total = sum(size for _, size in sizes)
    shares = parsing._shares(sizes, total, others)
    assert len(shares) == others
    flat = [file for share in shares for file in share]
    assert flat == [file for file, _ in sizes][-len(flat) :]
    of = dict(sizes)
    parsed = [sum(of[file] for file in share) for share in shares]
    assert max(parsed) - min(parsed) < 0.01 * total
