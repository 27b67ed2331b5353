"""`reconciler fmt`'s layout: what it makes of files. That it never changes what they say: test_layout_of_any.py."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path

import pytest

from reconciler.desired.document import BadDocument, read_document
from reconciler.desired.layout import laid_out
from reconciler.desired.order import APP, GROUP, GUARDRAILS, LAST, MEMBER, PERSON, shape_of
from reconciler.desired.tidy import same, tidied

ANYONE = shape_of("users/a.yaml")


def fmt(text: str, file: str = "users/a.yaml") -> str:
    after = tidied(read_document(text.encode(), file), shape_of(file))
    assert tidied(read_document(after.encode(), file), shape_of(file)) == after
    return after


def block(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


# -- what it makes of a file


MESSY = """\
# yaml-language-server: $schema=user.json

# Ada was Ada Byron.
displayName:   'Ada Lovelace'   # as she writes it
formerly:
# until May
- mail: ada.byron@contoso.com
  userPrincipalName:   ada.byron@contoso.com
mail: "ada@contoso.com"


department: Marketing
# the sign-in name
userPrincipalName: ada@contoso.com
otherMails: [
  a@contoso.com,   # old
  b@contoso.com ]
accounts: {  hootsuite:   '16494879' }
costCenter: x
manager: grace   \t
# nothing else
"""
TIDY = """\
# yaml-language-server: $schema=user.json

# the sign-in name
userPrincipalName: ada@contoso.com
mail: "ada@contoso.com"
otherMails:
  - a@contoso.com  # old
  - b@contoso.com
# Ada was Ada Byron.
displayName: "Ada Lovelace"     # as she writes it

department: Marketing
costCenter: x
manager: grace
formerly:
  # until May
  - userPrincipalName: ada.byron@contoso.com
    mail: ada.byron@contoso.com
accounts: {hootsuite: "16494879"}
# nothing else
"""


def test_one_person() -> None:
    assert fmt(MESSY) == TIDY


def test_line_endings_and_marks_of_the_document() -> None:
    assert fmt("---\r\nid: ada\r\nmail: |\r\n   a\r\n\r\n...\r\n") == "id: ada\nmail: |\n  a\n"


def test_long_entries_of_a_list_stand_apart() -> None:
    text = block("""
        - id: a
          mail: a@x
        # about b
        - id: b
          mail: b@x
        - {id: c, mail: c@x}
        - {id: d, mail: d@x}
        """)
    assert fmt(text) == block("""
        - id: a
          mail: a@x

        # about b
        - id: b
          mail: b@x

        - {id: c, mail: c@x}
        - {id: d, mail: d@x}
        """)


def test_members_of_a_group_stay_together_and_a_rule_has_its_order() -> None:
    text = block("""
        members:
        - ada
        - {until: 2027-03-31, user: tom}
        - reason: cover
          # from March
          from: 2027-03-01
          user: tom
        rules:
        - all: [{value: Marketing, attribute: department, operator: EQUALS}]
        displayName: Editors
        """)
    assert fmt(text, "groups/a.yaml") == block("""
        displayName: Editors
        members:
          - ada
          - {user: tom, until: 2027-03-31}
          - user: tom
            # from March
            from: 2027-03-01
            reason: cover
        rules:
          - all: [{attribute: department, operator: EQUALS, value: Marketing}]
        """)


def test_an_app() -> None:
    text = block("""
        unmanaged: {users: report}
        profile: {users: {delete: false, update: put}, paging: {count: 5, style: index}}
        scope:
            filters:
            -   -   {value: x, operator: EQUALS, attribute: mail}
                -   not: {operator: IS NULL, attribute: city}
            assigned: {exclude: [c], users: [{until: 2027-01-01, user: b}], groups: [a]}
        guardrails: {actsAs: p, deleteGroups: {ignoreBelow: 1, count: 2}, protected: {groups: [g], users: [u]}}
        tenantUrl: https://x.example
        auth: {expires: 2027-01-01, bearer: {env: T}}
        """)
    assert fmt(text, "apps/a/app.yaml") == block("""
        tenantUrl: https://x.example
        auth: {bearer: {env: T}, expires: 2027-01-01}
        scope:
          assigned: {groups: [a], users: [{user: b, until: 2027-01-01}], exclude: [c]}
          filters:
            - - {attribute: mail, operator: EQUALS, value: x}
              - not: {attribute: city, operator: IS NULL}
        unmanaged: {users: report}
        guardrails: {deleteGroups: {count: 2, ignoreBelow: 1}, protected: {users: [u], groups: [g]}, actsAs: p}
        profile: {paging: {style: index, count: 5}, users: {update: put, delete: false}}
        """)


def test_settings_mappings_and_tests() -> None:
    settings_ = (
        "defaults: {canary: 1, gallery: scim}\nattributes: {b: {multiValued: true, type: string}, a: {type: date}}\n"
    )
    assert fmt(settings_, "reconciler.yaml") == (
        "attributes: {b: {type: string, multiValued: true}, a: {type: date}}\ndefaults: {gallery: scim, canary: 1}\n"
    )
    mappings = "users:\n- {matching: 1, source: b, target: a, values: {z: y, b: a}}\nreplace: true\n"
    assert fmt(mappings, "apps/a/mappings.yaml") == (
        "replace: true\nusers:\n  - {target: a, source: b, matching: 1, values: {z: y, b: a}}\n"
    )
    cases = "cases:\n- expected: {b: 1, a: 2}\n  id: one\n- id: two\n  expected: x\n"
    assert fmt(cases, "apps/a/tests.yaml") == (
        "cases:\n  - id: one\n    expected: {b: 1, a: 2}\n\n  - id: two\n    expected: x\n"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("'a'", '"a"'),
        ("'say \"hi\"'", "'say \"hi\"'"),
        ('"say \\"hi\\""', "'say \"hi\"'"),
        (r"'.*@contoso\.com'", r"'.*@contoso\.com'"),
        (r'".*@contoso\\.com"', r"'.*@contoso\.com'"),
        (r'"\u00e9"', r'"\u00e9"'),
        ("'it''s'", '"it\'s"'),
        ("007", "007"),
    ],
)
def test_quotes(before: str, after: str) -> None:
    assert fmt(f"mail: {before}\n") == f"mail: {after}\n"


def test_text_of_several_lines_is_moved_and_not_changed() -> None:
    text = block("""
        a:
            b: |2
                two more
              as it is

            c: >+
               folded

            d: one
               two
            e: "x\\
               y"
        """)
    assert fmt(text) == block("""
        a:
          b: |2
              two more
            as it is

          c: >+
            folded

          d: one
            two
          e: "x\\
            y"
        """)


def test_with_anchors_nothing_changes_places() -> None:
    text = "mail: &m a@x\nid: b\nuserPrincipalName:   *m\nformerly: &f   # kept\n- {mail: x}\n"
    assert fmt(text) == "mail: &m a@x\nid: b\nuserPrincipalName: *m\nformerly: &f   # kept\n  - {mail: x}\n"


def test_brackets_over_lines_become_lines_and_a_trailing_comment_stays_with_them() -> None:
    assert (
        fmt("formerly: [{mail: a,\n   id: b}, {}] # was\n") == "formerly:      # was\n  - id: b\n    mail: a\n  - {}\n"
    )
    assert fmt("formerly: [ # none\n]\n") == "formerly: []  # none\n"


@pytest.mark.parametrize("text", ["", "# only this\n", "word\n", "|\n text\n", "{}\n", "[a, b]\n"])
def test_what_holds_nothing_to_lay_out(text: str) -> None:
    assert fmt(text) == text


def test_a_comment_belongs_to_what_it_is_indented_like() -> None:
    text = "members:\n- ada\n  # or tom\nrules:\n- all:\n  - {value: x}\n  # of this rule\n# of this file\n"
    assert fmt(text, "groups/a.yaml") == block("""
        members:
          - ada
          # or tom
        rules:
          - all:
              - {value: x}
            # of this rule
        # of this file
        """)


def test_a_comment_on_the_way_to_a_block_of_text() -> None:
    assert fmt("? id # c\n: |\n  x\n") == "# c\nid: |\n  x\n"


def test_an_editors_line_stays_first_when_keys_change_places() -> None:
    assert fmt("# yaml-language-server: $schema=x\nmail: a\nid: b\n").startswith(
        "# yaml-language-server: $schema=x\nid: b"
    )


BOARD = "members: [ada]\ndisplayName: Board\n"


@pytest.mark.parametrize("parted", ["# yaml-language-server: $schema=x", "# -*- yaml -*-\n# one\n\n# two", "--- # one"])
def test_behind_a_blank_line_a_remark_moves_with_the_first_key(parted: str) -> None:
    top = parted.removeprefix("--- ")
    assert fmt(f"{parted}\n\n# not before May, ask Legal\n{BOARD}", "groups/a.yaml") == (
        f"{top}\n\ndisplayName: Board\n# not before May, ask Legal\nmembers: [ada]\n"
    )


@pytest.mark.parametrize(
    "top",
    [
        "# of the file\n",
        "# of the file\n\n",
        "# one\n\n# two\n\n",
        "# yaml-language-server: $schema=x\n# of the file\n",
        "# one\n\n# yaml-language-server: $schema=x\n# of the file\n",
        "# one\n\n# -*- yaml -*-\n",
    ],
)
def test_a_remark_on_the_file_stays_at_its_top(top: str) -> None:
    assert fmt(f"{top}{BOARD}", "groups/a.yaml") == f"{top}displayName: Board\nmembers: [ada]\n"


def test_blank_lines_at_the_very_top_part_nothing() -> None:
    for blank in ("\n", "\n\n\n", "---\n\n"):
        assert fmt(f"{blank}# of the file\n{BOARD}", "groups/a.yaml") == (
            "# of the file\ndisplayName: Board\nmembers: [ada]\n"
        )


def test_a_remark_that_becomes_the_first_is_parted_from_that_on_the_file() -> None:
    assert fmt("# of the file\nmail: a\n# of the id\nid: b\n") == "# of the file\n\n# of the id\nid: b\nmail: a\n"
    assert fmt("# of the file\n- mail: a\n  # of the id\n  id: b\n") == (
        "# of the file\n\n# of the id\n- id: b\n  mail: a\n"
    )


@pytest.mark.parametrize("text", ["# one\n\n# two\n- ada\n- tom\n", "# one\n\n# two\n&a\n# three\nmail: a\nid: *a\n"])
def test_what_keeps_its_order_keeps_its_top(text: str) -> None:
    assert laid_out(text, ANYONE) == text


def test_a_file_of_one_long_line_and_one_of_many_lines() -> None:
    long = f"id: a\ndisplayName: {'word ' * 10_000}end\n"
    assert fmt(long) == long
    many = "".join(f"- id: p{n}\n  mail: p{n}@x  # {n}\n\n" for n in range(34_000))
    assert laid_out(many, ANYONE) == many[:-1]


def test_the_proof_refuses_what_would_change_a_value_or_lose_a_comment(monkeypatch: pytest.MonkeyPatch) -> None:
    document = read_document(b"id: a # c\nmail: 'x'\n", "users/a.yaml")
    for wrong in ("id: a # c\nmail: y\n", "id: a\nmail: x\n", "id: a # c\nmail: [\n", "id: a # c\nmail: x\nb: c\n"):
        monkeypatch.setattr("reconciler.desired.tidy.laid_out", lambda *_: wrong)  # noqa: B023
        with pytest.raises(BadDocument, match="without changing what it says"):
            tidied(document, ANYONE)


def test_one_and_one_point_zero_and_true_are_three_values() -> None:
    for one, other in ((1, 1.0), (1, True), ([1], [1, 1]), ({"a": 1}, {"a": 2})):
        assert not same(one, other)
    assert same({"a": float("nan"), "b": [2]}, {"b": [2], "a": float("nan")})


# -- the order of keys


def test_every_key_has_its_place() -> None:
    from reconciler.desired.apps import _NOT_YET
    from reconciler.desired.groups import _KEYS, _MEMBER_KEYS
    from reconciler.desired.users import OWN_KEYS
    from reconciler.model.app import App, Guardrails
    from reconciler.model.directory import GRAPH_ATTRIBUTES

    own = {field.alias or name for name, field in App.model_fields.items() if not field.exclude}
    assert set(APP) == own | _NOT_YET
    assert set(GUARDRAILS) == {field.alias or name for name, field in Guardrails.model_fields.items()}
    assert {*PERSON, *LAST} == {*GRAPH_ATTRIBUTES, *OWN_KEYS}
    assert set(GROUP) == set(_KEYS)
    assert set(MEMBER) == set(_MEMBER_KEYS)


# -- why not ruamel.yaml


def test_a_round_trip_of_ruamel_moves_comments_to_the_wrong_key() -> None:
    """It keeps a comment with the key above it. Where keys change places, a remark would explain another key."""
    from ruamel.yaml import YAML

    text = "displayName: Ada\n# signs in with\nmail: ada@contoso.com\nid: ada\n"
    loader = YAML()
    value = loader.load(text)
    for key in ("id", "mail", "displayName"):
        value.move_to_end(key)
    out = io.StringIO()
    loader.dump(value, out)
    assert "# signs in with\nmail" not in out.getvalue()
    assert "# signs in with\nmail" in fmt(text)


def test_the_example_company_is_laid_out() -> None:
    from reconciler.desired.tidy import tidy

    found = tidy(Path(__file__).parents[2] / "desired-state")
    assert found.files > 50
    assert not found.edits
    assert not found.problems
