"""What was parsed before is taken from the cache: the result is that of parsing all of it, byte for byte."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.desired import files, load
from reconciler.desired.cache import Cache, cache_of
from reconciler.desired.document import Document, read_document
from reconciler.errors import DesiredStateError
from tests.desired.test_parsed import GROUPS, PEOPLE, SHARED, trees, write

ODD_PEOPLE = (
    *PEOPLE,
    "- id: bo\n  surname: \"\\u00e9\\n\\u2028\"\n  floor: 99999999999999999999999999\n",
    "- id: dee\n  floor: 1\n  kind: shared\n  owner: bo\n  otherMails: [a@b, c@d]\n  accountEnabled: false\n",
    "- id: cy\n  from: 2026-01-01\n  until: 2026-12-31T12:00:00+01:00\n  managers: [ada, bo]\n- id: x\n  remote: true\n",
    "- id: z\n  from: 0001-01-01\n",
    "id: one\nsurname: ''\nsince: 2026-01-01\n",
    "surname: Two\nmanager: two\n",
)
ODD_GROUPS = (
    *GROUPS,
    "- id: mix\n  displayName: Mix\n  sensitive: true\n  accounts: {chat: g1}\n  formerly: [{displayName: Old}]\n"
    "  members:\n    - ada\n\n    - user: bo\n      reason: why\n      from: 2026-01-01\n    - user: bo\n      until: 2025-01-01\n"
    "    - {user: gone}\n    - 'cy'\n",
    "- id: mix\n  displayName: Mix\n  members:\n    - ada\n    - user: bo\n      until: 2025-01-01\n    - group: crew\n",
    "- id: all\n  displayName: All\n  rules:\n    - all: [{attribute: floor, operator: GREATER_THAN, value: 3}]\n"
    "    - all:\n      - not: {attribute: surname, operator: REGEX MATCH, value: 'A.*'}\n"
    "      - {attribute: accountEnabled, operator: IS TRUE}\n",
    "id: none\ndisplayName: None\nmembers: []\n",
    "displayName: Stem\nmembers:\n- ada\n- bo\n",
)
SETTINGS = (
    None,
    "timeZone: Europe/Berlin\n",
    "timeZone: America/New_York\nattributes: {floor: {type: integer}, remote: {type: boolean}, since: {type: date}}\n",
    "attributes: {floor: {type: string}, managers: {type: reference, multiValued: true}}\n",
    "attributes: {floor: {type: wrong}}\n",
    "attributes: [\n",
)

TREES = st.fixed_dictionaries(
    {
        "users/one.yaml": st.sampled_from(ODD_PEOPLE),
        "users/two.yaml": st.sampled_from(ODD_PEOPLE),
        "users/deep/er/é.yaml": st.sampled_from(ODD_PEOPLE),
        "groups/one.yaml": st.sampled_from(ODD_GROUPS),
        "groups/two.yaml": st.sampled_from(ODD_GROUPS),
        "groups/three.yaml": st.sampled_from(ODD_GROUPS),
        "reconciler.yaml": st.sampled_from(SETTINGS),
        "apps/other/app.yaml": trees().map(lambda tree: tree["apps/other/app.yaml"]),
    }
)


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
@given(st.lists(TREES, min_size=1, max_size=4))
def test_with_the_cache_all_is_as_without(several: list[dict[str, str | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "state")
        for tree in (*several, several[0]):
            write(root, tree)
            without = outcome(root, None)
            for _ in range(2):
                assert outcome(root, Cache(Path(folder, "cache", "v"), b"k" * 32)) == without
