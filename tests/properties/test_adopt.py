"""Of any draft and any files: twice is once, nothing is lost, comments stay, and nothing leaves the folder."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired import load
from reconciler.desired.form import is_identifier
from reconciler.desired.outline import comments
from reconciler.desired.tidy import tidy
from reconciler.sources.adopt import adopt
from reconciler.sources.draft import Draft, Record
from reconciler.sources.naming import file_of, id_of
from reconciler.sources.store import write

ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
VALUES = st.one_of(
    ANY, st.sampled_from(["007", "yes", "a: b", "- x", "a #b", "'", '"', "\\", "[", "=cmd", "\u2028", "é"])
)
NAMES = st.sampled_from(["ada", "grace", "linus", "Zoë", "../x", "con", "a b", "日本", "007", "true"])
TEXTS = ("displayName", "department", "jobTitle", "city", "givenName")
PEOPLE = st.dictionaries(
    NAMES,
    st.tuples(st.dictionaries(st.sampled_from(TEXTS), VALUES, max_size=3), st.booleans(), st.lists(ANY, max_size=1)),
)
TEAMS = st.dictionaries(
    st.sampled_from(["Team", "Core", "../../x", "…"]),
    st.tuples(VALUES, st.lists(NAMES, max_size=4, unique=True)),
    max_size=3,
)
DRAFTS = st.tuples(PEOPLE, TEAMS)
REMARKS = st.lists(st.sampled_from(["# one", "# two: x", "#", "# - ada"]), min_size=1, max_size=3)


def drafted(made: tuple[Any, Any]) -> Draft:
    people, teams = made
    ids: dict[str, str] = {}
    for name in sorted(people):
        ids[name] = id_of(name, name, ids.values())
    found = Draft()
    for name, (texts, enabled, remarks) in people.items():
        own = {"userPrincipalName": f"{ids[name]}@contoso.com", "accountEnabled": enabled}
        found.users[ids[name]] = Record(ids[name], {**own, **texts}, tuple(remarks))
    groups: dict[str, str] = {}
    for name in sorted(teams):
        groups[name] = id_of(name, name, groups.values())
    for name, (text, members) in teams.items():
        values = {"displayName": groups[name], "description": text, "members": [ids[m] for m in members if m in ids]}
        found.groups[groups[name]] = Record(groups[name], values)
    return found


def texts(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_bytes().decode() for path in root.rglob("*") if path.is_file()}


@settings(deadline=None)
@given(DRAFTS.filter(lambda made: bool(made[0])), st.sampled_from(["files", "lists"]))
def test_what_is_written_is_what_was_found_and_twice_is_once(made: tuple[Any, Any], layout: Any) -> None:
    found = drafted(made)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "in"
        write(adopt(root, found, layout=layout), root)
        directory = load(root).directory
        assert directory.users.keys() == found.users.keys()
        for identity, record in found.users.items():
            for key in TEXTS:
                assert (directory.users[identity].attributes.get(key) or "") == record.values.get(key, "")  # type: ignore[index]
        for identity, record in found.groups.items():
            members = directory.groups[identity].members  # type: ignore[index]
            assert [member.user for member in members] == record.values["members"]
        before = texts(root)
        for wishes in ({}, {"update": True}, {"update": True, "prune": True}):
            assert not adopt(root, found, layout=layout, **wishes).changes
        assert not tidy(root).edits
        assert texts(root) == before
        assert [path.name for path in Path(folder).iterdir()] == ["in"]


@settings(deadline=None)
@given(DRAFTS.filter(lambda made: bool(made[0])), DRAFTS.filter(lambda made: bool(made[0])), REMARKS,
       st.booleans(), st.booleans(), st.sampled_from(["files", "lists"]))  # fmt: skip
def test_one_draft_over_another(
    one: tuple[Any, Any], other: tuple[Any, Any], remarks: list[str], update: bool, prune: bool, layout: Any
) -> None:
    first, second = drafted(one), drafted(other)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(adopt(root, first, layout=layout), root)
        for file, text in texts(root).items():  # somebody writes a comment above each file and behind each line
            lines = [f"{line}  # n{n}" if line.strip() and not line.startswith("#") else line
                     for n, line in enumerate(text.split("\n"))]  # fmt: skip
            (root / file).write_bytes("\n".join([*remarks, *lines]).encode())
        before, was = texts(root), load(root).directory
        adoption = adopt(root, second, layout=layout, update=update, prune=prune)
        write(adoption, root)
        after, now = texts(root), load(root).directory
        for file in before.keys() & after.keys():
            if prune or update:
                continue
            left = comments(after[file])
            for comment in comments(before[file]):
                left.remove(comment)
        if not prune:
            assert before.keys() <= after.keys()
            assert was.users.keys() <= now.users.keys()
            assert was.groups.keys() <= now.groups.keys()
        assert second.users.keys() <= now.users.keys()
        for identity, record in second.users.items():
            for key in TEXTS:
                if (update or identity not in was.users) and key in record.values:
                    assert (now.users[identity].attributes.get(key) or "") == record.values[key]  # type: ignore[index]
        for identity, record in second.groups.items():
            members = {member.user for member in now.groups[identity].members}  # type: ignore[index]
            assert members >= set(record.values["members"])
            if prune:
                assert members == set(record.values["members"])
        assert not adopt(root, second, layout=layout, update=update, prune=prune).changes


@given(st.text(max_size=200), st.text(max_size=8), st.sets(st.text(max_size=8)))
def test_an_id_is_usable_and_the_same_again(name: str, own: str, taken: set[str]) -> None:
    found = id_of(name, own, taken)
    assert is_identifier(found)
    assert found not in taken
    assert id_of(name, own, taken | {found}) == id_of(name, own, taken | {found}) != found
    file = file_of(name, {each.lower() for each in taken})
    assert file == file.strip()
    assert file.isascii()
    assert len(file) <= 95
    assert file[0] not in ".-"
    assert file not in taken
    assert not set(file) & set('/\\:*?"<>|\0')
