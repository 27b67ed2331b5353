"""A base takes from today's reading what both have in common: the result is that of reading all of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from reconciler.desired import files, load
from reconciler.desired.document import Document, read_document
from reconciler.errors import DesiredStateError

APP = "gallery: scim\ntenantUrl: https://chat.example.com\nscope: {everyone: true}\nunmanaged: {users: report}\n"
PEOPLE = (
    None,
    "- id: ada\n  surname: Ada\n  manager: bo\n- id: bo\n  surname: Bo\n",
    "- id: bo\n  surname: Bo\n  manager: nobody\n",
    "- id: ada\n  surname: Ada\n  until: 2026-12-01\n- id: cy\n  kind: service\n  owner: ada\n",
    "- id: cy\n  surname: Cy\n  accounts: {chat: '7', other: '8'}\n",
    "- id: dee\n  surname: Dee\n  floor: 3\n  formerly: [{id: ada}]\n",
    "- id: dee\n  surname: 007\n",
    "- surname: Nobody\n",
    "- id: eve\n  surname: Eve\n  manager: ada\n",
    "[\n",
    "",
)
GROUPS = (
    None,
    "- id: crew\n  displayName: Crew\n  members: [ada, bo]\n",
    "- id: crew\n  displayName: Crew\n  members: [cy, {user: dee, until: 2026-12-01}, {group: band}]\n",
    "- id: band\n  displayName: Band\n  members: [ada, ada]\n",
    "- id: band\n  displayName: Band\n  members: [{group: crew}]\n",
    "- id: all\n  displayName: All\n  rules: [{all: [{attribute: surname, operator: EQUALS, value: Ada}]}]\n",
    "- id: all\n  displayName: All\n  colour: red\n",
)
SHARED = (
    "users/one.yaml",
    "users/two.yaml",
    "groups/one.yaml",
    "groups/two.yaml",
    "reconciler.yaml",
    "apps/other/app.yaml",
)
SETTINGS = (
    None,
    "timeZone: Europe/Berlin\n",
    "attributes: {floor: {type: integer}}\n",
    "attributes: {floor: {type: reference}}\n",
)


def trees(**fine: tuple[int, ...]) -> st.SearchStrategy[dict[str, str | None]]:
    """`fine`: of which of PEOPLE and GROUPS the files are, for trees without errors."""

    def among(texts: tuple[str | None, ...], file: str) -> st.SearchStrategy[str | None]:
        return st.sampled_from([texts[n] for n in fine.get(file, range(len(texts)))])

    return st.fixed_dictionaries(
        {
            "users/one.yaml": among(PEOPLE, "one"),
            "users/two.yaml": among(PEOPLE, "two"),
            "groups/one.yaml": among(GROUPS, "crews"),
            "groups/two.yaml": among(GROUPS, "others"),
            "reconciler.yaml": among(SETTINGS, "settings"),
            "apps/other/app.yaml": st.sampled_from((None, APP.replace("chat", "other"))),
        }
    )


TODAY = trees(one=(1, 2, 3), two=(0, 4, 5, 8), crews=(1, 2), others=(0, 3, 4, 5), settings=(0, 1, 2, 2))


def _tree(one: int, two: int, crews: int = 0, others: int = 0) -> dict[str, str | None]:
    names = ("users/one.yaml", "users/two.yaml", "groups/one.yaml", "groups/two.yaml")
    texts = (PEOPLE[one], PEOPLE[two], GROUPS[crews], GROUPS[others])
    return dict(zip(names, texts, strict=True))


@example(_tree(1, 8), _tree(8, 8), set())  # eve was there twice
@example(_tree(1, 8), _tree(4, 8), set())  # eve's manager was not there
@example(_tree(1, 0, 1, 4), _tree(1, 0, 4, 4), set())  # the band was there twice
@example(_tree(1, 0, 1, 4), _tree(1, 0, 0, 4), set())  # the crew in the band was not there
@settings(max_examples=200, deadline=None)
@given(TODAY, trees(), st.sets(st.sampled_from(SHARED)))
def test_what_is_shared_is_what_would_have_been_read(
    today: dict[str, str | None], before: dict[str, str | None], same: set[str]
) -> None:
    before = before | {file: today[file] for file in same}
    with tempfile.TemporaryDirectory() as folder:
        now, then = Path(folder, "now"), Path(folder, "then")
        write(now, today)
        write(then, before)
        try:
            loaded = load(now, apps=["chat"], keep=True)
        except DesiredStateError:
            assume(False)
            raise
        assert loaded.parsed is not None
        assert _outcome(then, loaded.parsed) == _outcome(then, None)
        assert load(now, apps=["chat"]).directory == loaded.directory, "today's own records stay as they are"


def test_only_what_changed_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = {f"users/{n}.yaml": f"- id: p{n}\n  surname: P{n}\n  manager: p1\n" for n in range(5)}
    tree["groups/all.yaml"] = "- id: all\n  displayName: All\n  members: [p1, p2]\n"
    write(tmp_path / "now", tree)
    write(tmp_path / "then", tree | {"users/3.yaml": "- id: p3\n  surname: Other\n"})
    parsed = load(tmp_path / "now", keep=True).parsed
    read: list[str] = []

    def counted(data: bytes, file: str) -> Document:
        read.append(file)
        return read_document(data, file)

    monkeypatch.setattr(files, "read_document", counted)
    before = load(tmp_path / "then", like=parsed)
    assert [file for file in read if not file.startswith("apps/")] == ["users/3.yaml"]
    assert before.directory.users["p3"].attributes == {"surname": "Other"}  # type: ignore[index]
    assert before.parsed is None


def _outcome(root: Path, like: Any) -> Any:
    try:
        found = load(root, apps=["chat"], like=like)
    except DesiredStateError as error:
        return error.problems
    return found.directory, found.warnings, found.settings, found.apps, found.cases


def write(root: Path, tree: Mapping[str, str | None]) -> None:
    shutil.rmtree(root, ignore_errors=True)
    for file, text in {**tree, "apps/chat/app.yaml": APP}.items():
        if text is not None:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(text, encoding="utf-8")
