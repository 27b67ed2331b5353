"""Many files are parsed by several processes: each makes records of its share, as they are kept between runs.

Nothing depends on a process: what it did not bring, or what is another content by now, is parsed here. So one that
can't be started, fails or is killed costs time and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import orjson

from reconciler.desired.cache import code_version
from reconciler.desired.files import Tree
from reconciler.desired.findings import Findings
from reconciler.desired.groups import Groups
from reconciler.desired.records import Packing, keys_of
from reconciler.desired.users import People
from reconciler.model.directory import User
from reconciler.model.settings import Settings
from reconciler.model.values import UserId

FEWEST: Final = 4
"""Free cores below which it is not begun: with two, a tenth less time costs a quarter more work."""
SMALLEST: Final = 12_000_000
"""Bytes of files below which a process saves too little for what it costs."""
MOST: Final = 8
"""Processes, this one among them."""
_PACKED: Final = 1.15
"""What a process spends on a file, to parsing it here."""
_TAKEN: Final = 0.25
"""What taking its record costs here, to parsing the file."""
_START: Final = 4_000_000
"""Bytes that are parsed here while a process starts."""
_GIVEN: Final = ("users", "groups")


class Aside:
    """A context manager, inside of which processes parse. `record` waits for the one that has the file."""

    def __init__(self, root: Path, settings: Settings, apps: Sequence[str], shares: Sequence[Sequence[str]]) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._pool = ThreadPoolExecutor(len(shares), thread_name_prefix="aside")
        self._results: list[Future[dict[str, tuple[str, bytes]]]] = []
        self._where: dict[str, int] = {}
        about = {
            "version": code_version(),
            "root": str(root.resolve()),
            "settings": settings.model_dump(mode="json", by_alias=True, include={"time_zone", "attributes"}),
            "apps": list(apps),
        }
        for number, files in enumerate(shares):
            try:
                process = subprocess.Popen(
                    # -P: a folder that somebody works in is not where code is looked for
                    [sys.executable, "-P", "-c", "from reconciler.desired.aside import main; main()"],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                )  # fmt: skip
            except OSError:
                break
            self._processes.append(process)
            self._results.append(self._pool.submit(_answer, process, orjson.dumps({**about, "files": files})))
            self._where.update(dict.fromkeys(files, number))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for process in self._processes:
            process.kill()
        self._pool.shutdown()

    def record(self, file: str, digest: str) -> bytes | None:
        """The record of a file of this content."""
        number = self._where.get(file)
        if number is None:
            return None
        known, record = self._results[number].result().get(file, ("", b""))
        return record if known == digest else None


def aside(root: Path, settings: Settings, apps: Sequence[str], cores: int | None = None) -> Aside | None:
    """Parses the files of people and groups in `root`. None: there is too little for it, or no core is free."""
    processes = min(cores or _free_cores(), MOST)
    if processes < 2 or not sys.executable:
        return None
    tree = Tree(root, Findings())
    sizes = [one for folder in _GIVEN for one in tree.sizes(folder)]
    total = sum(size for _, size in sizes)
    if total < SMALLEST:
        return None
    return Aside(root, settings, apps, _shares(sizes, total, processes - 1))


def _free_cores() -> int:
    """Those that this process may use and others leave to it, its own among them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # not known on every system
        load = 0.0
    free = min(cores, 1 + int(cores - load))
    return free if free >= FEWEST else 1


def _shares(sizes: Sequence[tuple[str, int]], total: int, others: int) -> list[list[str]]:
    """The files of each process, in their order. The first files are of none: they are parsed here, so many that all
    are done at the same time.
    """
    # here + _TAKEN * (total - here) = _START + _PACKED * (total - here) / others
    here = max(0.0, (_START + (_PACKED / others - _TAKEN) * total) / (_PACKED / others + 1 - _TAKEN))
    each = (total - here) / others
    shares: list[list[str]] = [[] for _ in range(others)]
    before = 0
    for file, size in sizes:
        if before >= here:
            shares[min(int((before - here) / each), others - 1)].append(file)
        before += size
    return [share for share in shares if share]


def _answer(process: subprocess.Popen[bytes], request: bytes) -> dict[str, tuple[str, bytes]]:
    """File → (SHA-256 of its bytes, record). Whatever is cut off is not in it."""
    found: dict[str, tuple[str, bytes]] = {}
    at = 0
    with suppress(OSError, ValueError, TypeError):
        data, _ = process.communicate(request)
        while (end := data.find(b"\n", at)) >= 0:
            file, digest, length = orjson.loads(data[at:end])
            at = end + 1 + length
            if at <= len(data):
                found[file] = digest, data[end + 1 : at]
    return found


class _Anybody(dict[str, User]):
    """Everybody is there: whoever takes a record looks whether it is so."""

    def __contains__(self, _name: object) -> bool:
        return True

    def get(self, name: str, _default: Any = None) -> User:
        found = super().get(name)
        if found is None:
            found = self[name] = User(UserId(name), {}, "", 0, {})
        return found


def parse(request: Mapping[str, Any], write: Callable[[bytes], object]) -> None:
    """What a process does."""
    from reconciler.desired.load import zone_of

    if request["version"] != code_version():
        return
    settings = Settings.model_validate(request["settings"])
    findings = Findings()
    tree = Tree(Path(request["root"]), findings)
    zone, apps = zone_of(settings), frozenset(request["apps"])
    people = People(findings, dict(settings.attributes), apps, zone)
    groups = Groups(findings, _Anybody(), apps, settings.attributes, zone)
    for file in request["files"]:
        document = tree.read(file, plain=True)
        if document is not None:
            (people if file.startswith("users/") else groups).read([document])
    pack = Packing(people, groups, tree.parsed, findings.problems, keys_of(settings))
    for file in pack.files:
        if (record := pack(file)) is not None:
            write(orjson.dumps([file, tree.parsed[file], len(record)]) + b"\n" + record)


def main() -> None:
    """Reads one request, answers it."""
    import gc

    gc.disable()
    parse(orjson.loads(sys.stdin.buffer.read()), sys.stdout.buffer.write)
