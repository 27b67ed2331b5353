"""What was parsed before is taken from the cache: the result is that of parsing all of it, byte for byte."""

from __future__ import annotations

import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cli import call
from reconciler.desired import cache as caching
from reconciler.desired import files, load, load_at
from reconciler.desired.cache import Cache, cache_of, forget
from reconciler.desired.document import Document, read_document
from reconciler.desired.replay import Replay
from reconciler.errors import DesiredStateError
from tests.desired.test_parsed import APP, GROUPS, PEOPLE, write

FINE = {
    "reconciler.yaml": (
        "attributes: {floor: {type: integer}, remote: {type: boolean}, since: {type: date}}\n",
        (
            "timeZone: America/New_York\n"
            "attributes: {floor: {type: integer}, remote: {type: boolean}, since: {type: date}, x: {type: string}}\n"
        ),
        (
            "timeZone: Europe/Berlin\n"
            "attributes: {floor: {type: string}, remote: {type: reference, multiValued: true}, since: {type: string}}\n"
        ),
    ),
    "apps/other/app.yaml": (APP.replace("chat", "other"), None),
    "users/one.yaml": (
        "- id: ada\n  surname: Ada\n  manager: bo\n- id: bo\n  department: Ada\n  surname: Ada\n",
        "- {id: bo, until: 2026-12-31}\n- id: ada\n  from: 2026-01-01\n  until: 2026-12-31T12:00:00+01:00\n",
        "- id: ada\n  accounts: {chat: '7'}\n  formerly: [{id: lady}, {mail: a@b, surname: X}]\n- id: bo\n",
    ),
    "users/two.yaml": (
        "- id: cy\n  otherMails: [a@b, c@d]\n  surname: ''\n  manager: ada\n- id: dee\n  surname: Dee\n",
        "- id: cy\n  kind: shared\n  owner: bo\n  accountEnabled: false\n- id: dee\n",
        "- id: dee\n  from: 2000-02-29\n  businessPhones: []\n\n\n- id: cy\n  accounts: {chat: '7', other: '8'}\n",
    ),
    "users/deep/er/é.yaml": (
        'surname: "\\u00e9\\n\\u2028"\nmanager: é\n',
        "id: zoë\nfloor: 3\nremote: true\nsince: 2026-01-01\nsurname: Zoë\n",
        "id: zoë\nfloor: 99999999999999999999999999\nremote: false\n",
        "floor: text\nremote: [ada, bo]\nsince: text\n",
        None,
    ),
    "groups/one.yaml": (
        "- id: crew\n  displayName: Crew\n  members: [ada, bo]\n",
        "- id: crew\n  displayName: Crew\n  members: [cy, {user: dee, until: 2026-12-01}]\n",
        (
            "- id: crew\n  displayName: Crew\n  sensitive: true\n  accounts: {chat: g1}\n"
            "  formerly: [{displayName: Old}]\n"
            "  members:\n    - ada\n\n    - user: bo\n      reason: why\n      from: 2026-01-01\n    - user: bo\n"
            "      until: 2025-01-01\n    - 'cy'\n"
        ),
    ),
    "groups/two.yaml": (
        "- id: band\n  displayName: Band\n  members: [{group: crew}, dee, {group: crew, from: 2027-01-01}]\n",
        (
            "- id: band\n  displayName: Band\n  rules:\n"
            "    - all: [{attribute: surname, operator: EQUALS, value: Ada}]\n"
            "    - all:\n      - not: {attribute: surname, operator: REGEX MATCH, value: 'A.*'}\n"
            "      - {attribute: mail, operator: IS NOT NULL}\n"
        ),
        "- {id: band, displayName: Band}\n- {id: none, displayName: None, members: []}\n",
    ),
    "groups/three.yaml": ("displayName: Stem\nmembers:\n- ada\n- bo\n- dee\n", None),
}
ODD = (*PEOPLE, *GROUPS, "attributes: {floor: {type: wrong}}\n", "- id: dee\n  from: 0001-01-01\n  until: 9999-12-31\n")


@st.composite
def states(draw: st.DrawFn) -> dict[str, str | None]:
    """Files of which mostly nothing, and sometimes one, is wrong."""
    tree: dict[str, str | None] = {file: draw(st.sampled_from(texts)) for file, texts in FINE.items()}
    if draw(st.integers(0, 2)) == 0:
        tree[draw(st.sampled_from(list(FINE)))] = draw(st.sampled_from(ODD))
    return tree


def outcome(root: Path, cache: Cache | None) -> Any:
    """Everything that a reading gives, with the order of whatever has one."""
    try:
        found = load(root, apps=["chat"], cache=cache)
    except DesiredStateError as error:
        return error.problems
    people = [(user, list(user.attributes), list(user.lines.items())) for user in found.directory]
    groups = [(group, list(group.attributes), list(group.lines)) for group in found.directory.groups.values()]
    kinds = [[type(value) for value in user.attributes.values()] for user in found.directory]
    return repr((people, groups, kinds, found.directory, found.warnings, found.settings, found.apps, found.cases))


@settings(max_examples=300, deadline=None)
@given(st.lists(states(), min_size=1, max_size=4))
def test_with_the_cache_all_is_as_without(several: list[dict[str, str | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "state")
        for tree in (*several, several[0]):
            write(root, tree)
            without = outcome(root, None)
            for _ in range(2):
                assert outcome(root, Cache(Path(folder, "cache", "v"), b"k" * 32)) == without


STATE = {
    "users/all.yaml": "- id: ada\n  surname: Ada\n- id: bo\n  manager: ada\n",
    "users/one.yaml": "surname: One\n",
    "groups/crew.yaml": "displayName: Crew\nmembers: [ada, one]\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "state", STATE)
    return tmp_path / "state"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files of people and groups that are parsed, as they are."""
    parsed: list[str] = []

    def counted(data: bytes, file: str) -> Document:
        if not file.startswith("apps/"):
            parsed.append(file)
        return read_document(data, file)

    monkeypatch.setattr(files, "read_document", counted)
    return parsed


def parsed_in(root: Path, read: list[str]) -> list[str]:
    read.clear()
    load(root, cache=cache_of(root))
    return sorted(read)


def shards(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*") if path.is_file() and len(path.name) == 2)


@pytest.mark.usefixtures("home")
def test_a_second_run_parses_only_what_changed(root: Path, read: list[str]) -> None:
    assert parsed_in(root, read) == sorted(STATE)
    assert parsed_in(root, read) == []
    (root / "users/one.yaml").write_text("surname: Two\n")
    assert parsed_in(root, read) == ["users/one.yaml"]
    assert parsed_in(root, read) == []
    (root / "users/one.yaml").write_text(STATE["users/one.yaml"])
    assert parsed_in(root, read) == [], "what was there before is still known"
    (root / "users/moved.yaml").write_bytes((root / "users/all.yaml").read_bytes())
    (root / "users/all.yaml").unlink()
    assert parsed_in(root, read) == ["users/moved.yaml"], "its name is part of what people are"


@pytest.mark.usefixtures("home")
def test_a_file_with_which_something_is_wrong_is_parsed_every_time(root: Path, read: list[str]) -> None:
    write(root, STATE | {"users/one.yaml": "surname: One\nmanager: gone\n"})
    assert parsed_in(root, read) == sorted(STATE)
    assert parsed_in(root, read) == ["users/one.yaml"]
    write(root, STATE | {"users/one.yaml": "colour: red\n"})
    for _ in range(2):
        read.clear()
        with pytest.raises(DesiredStateError, match="unknown key `colour`"):
            load(root, cache=cache_of(root))
        assert read == ["users/one.yaml"], "of the others it is known that nothing is"


@pytest.mark.usefixtures("home")
def test_whatever_a_file_means_by_reconciler_yaml_and_the_apps(root: Path, read: list[str]) -> None:
    write(root, STATE | {"users/one.yaml": "accounts: {other: '7'}\n", "apps/other/app.yaml": APP.replace("chat", "o")})
    parsed_in(root, read)
    assert parsed_in(root, read) == []
    (root / "apps/other/app.yaml").unlink()
    (root / "apps/other").rmdir()
    with pytest.raises(DesiredStateError, match="there is no app `other`"):
        load(root, cache=cache_of(root))
    write(root, STATE)
    (root / "reconciler.yaml").write_text("attributes: {floor: {type: integer}}\n")
    assert parsed_in(root, read) == sorted([*STATE, "reconciler.yaml"])


def test_people_who_left_are_no_members_any_more(home: Path, root: Path, read: list[str]) -> None:
    parsed_in(root, read)
    (root / "users/one.yaml").unlink()
    found = load(root, cache=cache_of(root))
    assert [problem.message for problem in found.warnings] == ["the member `one` does not exist"]
    assert shards(home)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:10],
        lambda data: data[:-1],
        lambda data: data + b" ",
        lambda data: data.replace(b"Ada", b"Eve").replace(b"One", b"Eve").replace(b"Crew", b"Evil"),
        lambda data: bytes(32) + data[32:],
        lambda data: os.urandom(len(data)),
        lambda data: b"\xff" * 70_000_000,
    ],
)
def test_what_was_altered_is_not_believed(home: Path, root: Path, read: list[str], spoil: Any) -> None:
    before = load(root, cache=cache_of(root)).directory
    for path in shards(home):
        path.write_bytes(spoil(path.read_bytes()))
    assert parsed_in(root, read) == sorted(STATE)
    assert parsed_in(root, read) == [], "and is written anew"
    assert load(root, cache=cache_of(root)).directory == before


def test_no_shard_stands_for_another(home: Path, root: Path, read: list[str], tmp_path: Path) -> None:
    write(tmp_path / "other", {**STATE, "users/all.yaml": "- id: ada\n  surname: Eve\n- id: bo\n"})
    parsed_in(root, read)
    mine = shards(home)
    parsed_in(tmp_path / "other", read)
    for path in set(shards(home)) - set(mine):
        (mine[0].parent / path.name).write_bytes(path.read_bytes())
    assert parsed_in(root, read) == sorted(STATE)


def test_what_was_brought_from_elsewhere_is_not_believed(home: Path, root: Path, read: list[str]) -> None:
    parsed_in(root, read)
    (key,) = home.rglob("cache.key")
    assert key.stat().st_mode & 0o777 == 0o600
    key.write_bytes(bytes(32))
    assert parsed_in(root, read) == sorted(STATE)
    key.write_bytes(b"short")
    assert parsed_in(root, read) == sorted(STATE)
    assert len(key.read_bytes()) == 32
    key.chmod(0o622)
    assert parsed_in(root, read) == sorted(STATE), "somebody else may have written it"
    assert parsed_in(root, read) == []


def test_another_version_of_the_program_knows_nothing_of_it(
    home: Path, root: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed_in(root, read)
    monkeypatch.setattr("reconciler.desired.cache.code_version", lambda: "0" * 32)
    assert parsed_in(root, read) == sorted(STATE)


def test_a_folder_into_which_others_may_write_is_not_used(home: Path, root: Path, read: list[str]) -> None:
    parsed_in(root, read)
    folder = shards(home)[0].parents[2]
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    assert parsed_in(root, read) == sorted(STATE)
    folder.chmod(0o700)
    assert parsed_in(root, read) == []
    folder.rename(home / "elsewhere")
    folder.symlink_to(home / "elsewhere")
    assert parsed_in(root, read) == sorted(STATE)


def test_where_nothing_can_be_kept_everything_is_parsed(
    home: Path, root: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("no folder")
    assert cache_of(root) is None
    assert parsed_in(root, read) == sorted(STATE)
    home.unlink()
    cache = cache_of(root)
    assert cache is not None
    cache.folder.parent.parent.mkdir(parents=True, exist_ok=True)
    cache.folder.parent.write_text("no folder")
    assert parsed_in(root, read) == sorted(STATE)
    monkeypatch.setenv("RECONCILER_NO_CACHE", "1")
    assert cache_of(root) is None


def test_a_run_that_was_killed_while_it_wrote(
    home: Path, root: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        cache = cache_of(root)
        patch.setattr(Path, "replace", fails)
        load(root, cache=cache)
    assert not shards(home)
    assert not [path for path in home.rglob(".*") if path.is_file()], "nothing is left beside"
    assert parsed_in(root, read) == sorted(STATE)
    assert parsed_in(root, read) == []


def test_runs_side_by_side(home: Path, root: Path, read: list[str]) -> None:
    """Both read before either writes: the last one's shards count, and each of them is whole."""
    first, second = cache_of(root), cache_of(root)
    load(root, cache=first)
    (root / "users/one.yaml").write_text("surname: Two\n")
    load(root, cache=second)
    assert parsed_in(root, read) == []
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: load(root, cache=cache_of(root)).directory, range(20)))
    assert all(directory == load(root).directory for directory in found)


def test_it_does_not_grow_for_ever(home: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "_SPARE", 1000)
    for number in range(200):
        (root / "users/one.yaml").write_text(f"surname: {'x' * 100}{number}\n")
        load(root, cache=cache_of(root))
    assert sum(path.stat().st_size for path in shards(home)) < 10_000
    monkeypatch.setattr(caching, "LARGEST", 100)
    before = [path.read_bytes() for path in shards(home)]
    (root / "users/one.yaml").write_text("surname: One\n")
    load(root, cache=cache_of(root))
    assert [path.read_bytes() for path in shards(home)] == before


def test_what_nobody_used_goes(
    home: Path, root: Path, read: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(tmp_path / "other", STATE)
    write(tmp_path / "third", STATE)
    parsed_in(root, read)
    old = shards(home)[0].parent
    os.utime(old, (0, 0))
    parsed_in(tmp_path / "other", read)
    assert not old.exists()
    monkeypatch.setattr(caching, "MOST", 1)
    parsed_in(tmp_path / "third", read)
    assert len({path.parent for path in shards(home)}) <= 1


def test_it_can_be_forgotten(home: Path, root: Path, read: list[str], tmp_path: Path) -> None:
    forget(root)
    write(tmp_path / "other", STATE)
    parsed_in(root, read)
    parsed_in(tmp_path / "other", read)
    forget(root)
    assert parsed_in(tmp_path / "other", read) == []
    assert parsed_in(root, read) == sorted(STATE)


@pytest.mark.parametrize("off", [["--no-cache"], []])
def test_the_command_line(
    home: Path, root: Path, read: list[str], off: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def run() -> tuple[int, str]:
        read.clear()
        code = call(["validate", str(root), *off])
        return code, capsys.readouterr().out

    first = run()
    assert sorted(read) == sorted(STATE)
    assert run() == first
    assert sorted(read) == (sorted(STATE) if off else [])
    assert bool(shards(home)) is not bool(off)


@pytest.mark.usefixtures("home")
def test_a_revision_is_taken_from_it_too(root: Path, read: list[str]) -> None:
    for arguments in (
        ("init", "-q"),
        ("add", "."),
        ("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x"),
    ):
        subprocess.run(["git", "-C", str(root), *arguments], check=True)
    found = load_at(root, "HEAD")
    read.clear()
    assert load_at(root, "HEAD").directory == found.directory
    assert parsed_in(root, read) == []
    with Replay(root) as replay:
        past = replay.at("HEAD")
    assert past is not None
    assert past.directory.users == found.directory.users
    assert read == []
