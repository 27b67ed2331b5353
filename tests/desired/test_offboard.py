"""Offboarding writes what a person would: two words in one file, entries out of others, and nothing else moves."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.desired import offboard as module

PERSON = """\
# Ada, since 2019
id: ada
userPrincipalName: ada@contoso.com   # her login
displayName: "Ada Lovelace"

department: Märketing
"""
GROUP = """\
# who may publish
id: editors
displayName:   Editors
members:
    # the founders
    - ada      # until she retires
    - grace

    # everybody else
    - {user: linus, reason: "cover"}
"""
APP = """\
gallery: scim
tenantUrl: http://127.0.0.1:9/scim/v2
auth: {bearer: {env: TOKEN}}
scope: {assigned: {groups: [editors], users: [grace, ada]}}
unmanaged: {users: report}
"""
Files = dict[str, str]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Files], Path]:
    def write(files: Files) -> Path:
        everything = {
            "users/ada.yaml": PERSON,
            "users/grace.yaml": "userPrincipalName: grace@contoso.com\nmanager: ada\n",
            "users/linus.yaml": "userPrincipalName: linus@contoso.com\n",
            "groups/editors.yaml": GROUP,
            "apps/chat/app.yaml": APP,
            **files,
        }
        for name, text in everything.items():
            path = tmp_path / "company" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return tmp_path / "company"

    return write


def changed(before: str, after: str) -> list[str]:
    """The lines that went and came."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[:1] in "+-" and line[:2] != "? "]


def test_what_changes_and_nothing_else(written: Callable[[Files], Path], reconciler: Any) -> None:
    root = written({})
    called = reconciler("offboard", "ada", root)
    assert called.code == 0, called.err
    person, group = ((root / name).read_text() for name in ("users/ada.yaml", "groups/editors.yaml"))
    assert changed(PERSON, person) == ["+ accountEnabled: false"]
    assert person.index("accountEnabled") > person.index("displayName")
    assert changed(GROUP, group) == ["-     - ada      # until she retires"]
    assert "users/ada.yaml: accountEnabled: false" in called.out
    assert "groups/editors.yaml: no member of editors any more" in called.out
    assert "apps/chat/app.yaml:4" in called.out
    assert "users/grace.yaml:2: manager of grace" in called.out
    assert (root / "apps/chat/app.yaml").read_text() == APP
    assert reconciler("validate", root).code == 0


def test_twice_changes_nothing(written: Callable[[Files], Path], reconciler: Any) -> None:
    root = written({})
    reconciler("offboard", "ada", root)
    before = {path: path.read_bytes() for path in root.rglob("*.yaml")}
    called = reconciler("offboard", "user:ada", root)
    assert called.code == 0
    assert "nothing was changed" in called.out
    assert {path: path.read_bytes() for path in root.rglob("*.yaml")} == before


@pytest.mark.parametrize(
    ("text", "gone", "come"),
    [
        ("id: ada\naccountEnabled: true  # x\ncity: A\n", "accountEnabled: true  # x", "accountEnabled: false  # x"),
        ("{id: ada, mail: a@x.y}\n", "{id: ada, mail: a@x.y}", "{id: ada, mail: a@x.y, accountEnabled: false}"),
        ("displayName: Ada\n", None, "accountEnabled: false"),
        ("otherMails:\n  - a@x.y\ncity: Berlin\n", None, "accountEnabled: false"),
        ("id: ada\r\nmail: a@x.y\r\n", None, "accountEnabled: false"),
        ("id: ada", None, "accountEnabled: false"),
    ],
)  # fmt: skip
def test_forms_of_a_person(
    written: Callable[[Files], Path], reconciler: Any, text: str, gone: str | None, come: str
) -> None:
    root = written({"users/ada.yaml": text})
    called = reconciler("offboard", "ada", root)
    assert called.code == 0, called.err
    after = (root / "users/ada.yaml").read_bytes().decode()
    assert sorted(changed(text, after)) == sorted([f"+ {come}", *([f"- {gone}"] if gone else [])])
    assert after.count("\r\n") == (text.count("\r\n") + 1 if "\r\n" in text else 0)


def test_one_of_several_in_a_file(written: Callable[[Files], Path], reconciler: Any) -> None:
    text = "- id: grace\n  mail: g@x.y\n- id: ada\n  mail: a@x.y   # hers\n\n- id: linus\n  mail: l@x.y\n"
    root = written({"users/all.yaml": text})
    for name in ("ada", "grace", "linus"):
        (root / f"users/{name}.yaml").unlink()
    assert reconciler("offboard", "ada", root).code == 0
    after = (root / "users/all.yaml").read_text()
    assert after == text.replace("# hers\n", "# hers\n  accountEnabled: false\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("members: [ada, grace]\n", "members: [grace]\n"),
        ("members: [grace, ada]\n", "members: [grace]\n"),
        ("members: [ada]\n", "members: []\n"),
        ("members: [grace, {user: ada, reason: x}, linus]\n", "members: [grace, linus]\n"),
        (
            "members: [\n  grace,  # first\n  ada,  # hers\n  # the rest\n  linus,\n]\n",
            "members: [\n  grace,  # first\n  # the rest\n  linus,\n]\n",
        ),
        ("members: [\n  grace,  # first\n  ada  # hers\n]\n", "members: [\n  grace,  # first\n]\n"),
        ("members: [grace,  # first\n  ada]\n", "members: [grace,  # first\n  ]\n"),
        ("members: [ada,  # founders\n  grace]\n", "members: [  # founders\n  grace]\n"),
        ("members: [\n  ada,\n]\n", "members: [\n]\n"),
        ("members: [\n  {user: ada, reason: x}\n  , grace]\n", "members: [\n  grace]\n"),
        ("members: [\r\n  ada,\r\n  grace,\r\n]\r\n", "members: [\r\n  grace,\r\n]\r\n"),
        ("members:\n- ada\n", "members: []\n"),
        ("members:  # who\n  - ada\n# the end\n", "members: []  # who\n# the end\n"),
        ("members:\n  - user: ada\n    reason: >-\n      long\n      text\n  - grace\n", "members:\n  - grace\n"),
        ("members:\n  - grace\n  - user: ada\n    reason: x", "members:\n  - grace\n"),
        ("members:\n  - 'ada'\n  - \"grace\"\ndescription: x\n", 'members:\n  - "grace"\ndescription: x\n'),
        ("members:\n  - grace\n  - ada\n\ndescription: after\n", "members:\n  - grace\n\ndescription: after\n"),
    ],
)  # fmt: skip
def test_forms_of_memberships(written: Callable[[Files], Path], reconciler: Any, before: str, after: str) -> None:
    root = written({"groups/editors.yaml": f"displayName: Editors\n{before}"})
    called = reconciler("offboard", "ada", root)
    assert called.code == 0, called.err
    assert (root / "groups/editors.yaml").read_bytes().decode() == f"displayName: Editors\n{after}"


def test_several_groups_in_one_file(written: Callable[[Files], Path], reconciler: Any) -> None:
    text = "- id: editors\n  members: [ada, grace]\n- id: authors\n  members:\n    - ada\n    - linus\n"
    root = written({"groups/editors.yaml": text})
    called = reconciler("offboard", "ada", root)
    assert (root / "groups/editors.yaml").read_text() == (
        "- id: editors\n  members: [grace]\n- id: authors\n  members:\n    - linus\n"
    )
    assert called.out.count("any more") == 2


def test_what_can_not_be_edited_alone_is_told_and_no_file_is_changed(
    written: Callable[[Files], Path], reconciler: Any
) -> None:
    shared = "- id: editors\n  members: &all [ada, grace]\n- id: authors\n  members: *all\n"
    root = written({"groups/editors.yaml": shared, "groups/all.yaml": "id: all\nmembers: [&who ada, *who]\n"})
    before = {path: path.read_bytes() for path in root.rglob("*.yaml")}
    called = reconciler("offboard", "ada", root)
    assert called.code == 1
    assert "by hand" in called.err
    assert {path: path.read_bytes() for path in root.rglob("*.yaml")} == before


def test_all_files_or_none(written: Callable[[Files], Path], reconciler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    root = written({})
    before = {path: path.read_bytes() for path in root.rglob("*.yaml")}
    replace = module._replace

    def fails(path: Path, content: bytes) -> None:
        if path.name == "editors.yaml" and content != before[path]:
            raise OSError(28, "No space left on device")
        replace(path, content)

    monkeypatch.setattr(module, "_replace", fails)
    called = reconciler("offboard", "ada", root)
    assert called.code == 1
    assert "No space left on device" in called.err
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_nobody_of_that_id(written: Callable[[Files], Path], reconciler: Any) -> None:
    assert reconciler("offboard", "nobody", written({})).code == 64


def test_files_with_errors_are_left_alone(written: Callable[[Files], Path], reconciler: Any) -> None:
    root = written({"users/linus.yaml": "surprise: 1\n"})
    assert reconciler("offboard", "ada", root).code == 1
    assert (root / "users/ada.yaml").read_text() == PERSON
