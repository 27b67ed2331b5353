"""Whom a draft's people are in the files, where several may be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.sources.adopt import adopt
from reconciler.sources.draft import Draft, Record


def folder(root: Path) -> Path:
    (root / "users").mkdir()
    (root / "users" / "ada.yaml").write_text(
        "id: ada\nuserPrincipalName: ada@contoso.com\ndepartment: Research\n", encoding="utf-8"
    )
    return root


def person(identity: str, name: str, empty: frozenset[str] = frozenset()) -> Record:
    return Record(identity, {"userPrincipalName": name}, where=f"row of {identity}", empty=empty)


@pytest.mark.parametrize("order", [("ada", "tom"), ("tom", "ada")])
def test_whoever_two_may_be_is_neither_in_whatever_order_they_come(tmp_path: Path, order: tuple[str, str]) -> None:
    people = {"ada": person("ada", "ada.king@contoso.com"), "tom": person("tom", "ada@contoso.com")}
    found = adopt(folder(tmp_path), Draft(users={each: people[each] for each in order}), update=True)
    assert not found.changes
    assert {each.where for each in found.refused} == {"row of ada", "row of tom"}


@pytest.mark.parametrize("order", [("ada", "tom"), ("tom", "ada")])
def test_where_ids_are_sure_the_one_who_has_it_is_meant(tmp_path: Path, order: tuple[str, str]) -> None:
    people = {"ada": person("ada", "ada.king@contoso.com"), "tom": person("tom", "ada@contoso.com")}
    draft = Draft(users={each: people[each] for each in order}, sure=True)
    root = folder(tmp_path)
    kept = adopt(root, draft)
    assert [each.where for each in kept.refused] == ["row of tom"]  # the name is still Ada's in the files
    assert not kept.changes
    changed = adopt(root, draft, update=True)
    assert not changed.refused
    assert "ada.king@contoso.com" in changed.writes["users/ada.yaml"]
    assert "ada@contoso.com" in changed.writes["users/tom.yaml"]


def test_what_the_source_knows_to_be_empty_goes_with_update_alone(tmp_path: Path) -> None:
    draft = Draft(users={"ada": person("ada", "ada@contoso.com", frozenset({"department", "city"}))})
    root = folder(tmp_path)
    kept = adopt(root, draft)
    assert not kept.changes
    assert [(line.sign, line.key, line.before, line.after) for line in kept.lines] == [
        ("=", "department", "Research", None)
    ]
    assert adopt(root, draft, update=True).writes == {"users/ada.yaml": "id: ada\nuserPrincipalName: ada@contoso.com\n"}
