"""Mappings of a schema in a mappings.yaml that exists: what is there stays, and a second time nothing changes."""

from __future__ import annotations

import pytest
import yaml

from reconciler.errors import ReconcilerError
from reconciler.gallery import load_profile
from reconciler.model.directory import Directory
from reconciler.model.mapping import Mapping, Mappings
from reconciler.project.judge import Judge
from reconciler.sources.entra.conversion import convert
from reconciler.sources.entra.document import read_schema
from reconciler.sources.entra.merge import Merged, merge
from reconciler.sources.entra.overlay import Overlay
from tests.sources.test_entra_schema import attribute, flow, function, schema

SCIM = load_profile("scim")
FILE = "apps/chat/mappings.yaml"
REST = [
    flow('emails[type eq "work"].value', attribute("mail")),
    flow("displayName", attribute("displayName")),
    flow("preferredLanguage", attribute("preferredLanguage")),
    flow("name.givenName", attribute("givenName")),
    flow("name.familyName", attribute("surname")),
    flow("timezone", attribute(f"extension_{'0' * 32}_timeZone")),
]
"""With these beside userName and active, nothing differs from the gallery."""


def overlays(data: bytes) -> list[Overlay]:
    found = convert(read_schema(data), SCIM, {}, Judge(SCIM, Directory({}, {})))
    return [each for each in (found.users, found.groups) if each is not None]


def merged(text: str, data: bytes, *, update: bool = False, prune: bool = False) -> Merged:
    once = merge(text, FILE, overlays(data), SCIM.mappings, update=update, prune=prune)
    assert bool(once.done) is (once.text != text)
    again = merge(once.text, FILE, overlays(data), SCIM.mappings, update=update, prune=prune)
    assert again == Merged(once.text, once.kept)
    return once


TITLE = schema(*REST, flow("title", attribute("jobTitle")))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "users:\n  - {target: title, source: jobTitle}\n"),
        ("# ours\nusers: []  # none yet\ngroups: []\n",
         "# ours\nusers:  # none yet\n  - {target: title, source: jobTitle}\ngroups: []\n"),
        ("groups: []", "groups: []\nusers:\n  - {target: title, source: jobTitle}\n"),
        ("users:\n- {target: nickName, source: givenName}  # of ours\n\ngroups: []\n",
         ("users:\n- {target: nickName, source: givenName}  # of ours\n- {target: title, source: jobTitle}\n\n"
         "groups: []\n")),
        ("users:\n  - target: nickName\n    # why\n    source: givenName\n# the end\n",
         ("users:\n  - target: nickName\n    # why\n    source: givenName\n"
         "  - {target: title, source: jobTitle}\n# the end\n")),
        ("users: [{target: nickName, source: givenName}]\n",
         "users: [{target: nickName, source: givenName}, {target: title, source: jobTitle}]\n"),
        ("users:\r\n  - {target: nickName, source: givenName}\r\n",
         "users:\r\n  - {target: nickName, source: givenName}\r\n  - {target: title, source: jobTitle}\r\n"),
    ],
)  # fmt: skip
def test_what_is_missing_is_added_and_everything_else_stays(before: str, after: str) -> None:
    assert merged(before, TITLE).text == after


@pytest.mark.parametrize("spelled", ["title", "Title", "urn:ietf:params:scim:schemas:core:2.0:User:title"])
def test_what_is_there_is_not_added_again(spelled: str) -> None:
    before = f'users:\n  - {{target: "{spelled}", source: jobTitle}}  # ours\n'
    assert merged(before, TITLE) == Merged(before)


def test_what_says_something_else_stays_unless_an_update_is_asked_for() -> None:
    before = "users:\n  # a title\n  - {target: title, source: department}  # for now\n"
    kept = merged(before, TITLE)
    assert kept.text == before
    assert kept.kept == [f"{FILE}: the mapping of title says something else than Entra's schema"]
    updated = merged(before, TITLE, update=True)
    assert updated.text == before.replace("department", "jobTitle")
    assert updated.kept == []


def test_a_mapping_with_comments_inside_is_left_to_a_person() -> None:
    before = "users:\n  - target: title\n    # for now\n    source: department\n"
    found = merged(before, TITLE, update=True)
    assert found.text == before
    assert found.kept == [f"{FILE}: the mapping of title has comments inside: change it by hand"]


def test_ones_own_mapping_of_what_the_gallery_maps_gives_way_to_an_update() -> None:
    before = "users:\n  - {target: displayName, none: true}\n"
    assert merged(before, schema(*REST)).kept == [
        f"{FILE}: the mapping of displayName says something else than Entra's schema"
    ]
    assert merged(before, schema(*REST), update=True).text == (
        "users:\n  - {target: displayName, source: displayName}\n"
    )


def test_what_only_the_file_maps_stays_and_is_told() -> None:
    before = "users:\n  - {target: nickName, source: givenName}\n"
    found = merged(before, schema(*REST), update=True)
    assert found == Merged(before, [f"{FILE}: nickName is mapped here, and not in Entra's schema"])


def test_what_the_gallery_maps_and_entra_does_not_is_switched_off_with_prune_alone() -> None:
    found = merged("groups: []\n", schema(*REST[:-1]))
    assert found == Merged("groups: []\n", [f"{FILE}: timezone is mapped by the gallery, and not in Entra's schema"])
    pruned = merged("groups: []\n", schema(*REST[:-1]), prune=True)
    assert pruned.done == [f"{FILE}: timezone is not mapped any more"]
    assert pruned.text == "groups: []\nusers:\n  # Entra does not map it\n  - {target: timezone, none: true}\n"


def test_where_the_file_replaces_the_gallery_everything_is_written() -> None:
    found = merged("replace: true\n", schema(*REST))
    read = Mappings.model_validate(yaml.safe_load(found.text))
    assert read.replace
    assert Mapping(target="userName", source="userPrincipalName", matching=1) in read.users
    assert len(read.users) == len(REST) + 2


def test_a_file_that_cant_be_edited_is_an_error_and_stays() -> None:
    before = "defaults: &all\nusers: &list\n  - {target: nickName, source: givenName}\n"
    with pytest.raises(ReconcilerError, match="can't be edited"):
        merge(before, FILE, overlays(TITLE), SCIM.mappings, update=False, prune=False)


def test_ten_thousand_mappings_are_added_at_once() -> None:
    many = [flow(f"urn:example:2.0:User:a{number}", attribute("mail")) for number in range(10_000)]
    data = overlays(schema(*REST, *many))
    before = "users:\n  - {target: nickName, source: givenName}\n"
    assert len(merge(before, FILE, data, SCIM.mappings, update=False, prune=False).done) == 10_000


def test_an_expression_with_quotes_survives() -> None:
    expression = 'Replace([mail], , "(?<a>\\\\d+)", "a", "it\'s", , )'
    found = merged("users: []\n", schema(*REST, flow("title", function(expression))))
    assert f"- {{target: title, expression: '{expression.replace(chr(39), chr(39) * 2)}'}}" in found.text
