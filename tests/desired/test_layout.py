"""`reconciler fmt`'s layout: what it makes of files, and that it never changes what they say."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired.document import BadDocument, read_document
from reconciler.desired.layout import laid_out
from reconciler.desired.order import APP, GROUP, GUARDRAILS, LAST, MEMBER, PERSON, Shape, shape_of
from reconciler.desired.outline import comments
from reconciler.desired.tidy import same, tidied

ANYONE = shape_of("users/a.yaml")


def fmt(text: str, file: str = "users/a.yaml") -> str:
    after = tidied(read_document(text.encode(), file), shape_of(file))
    assert tidied(read_document(after.encode(), file), shape_of(file)) == after
    return after


def block(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


# -- any document


class Writer:
    """Draws a document in as many ways as YAML has, and writes it as people do who were never told how."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.comments = 0

    def one_of(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def rarely(self) -> bool:
        return self.draw(st.integers(0, 4)) == 4

    def comment(self) -> str:
        self.comments += 1
        return f"# c{self.comments}{self.one_of('', ' - x: y', ' [', ' &a #', '  ')}"

    def between(self, indent: int) -> str:
        """What may stand before a line: blank lines and comments, in any column."""
        lines = ""
        while self.rarely():
            lines += self.one_of("\n", "   \n", f"{' ' * self.draw(st.integers(0, indent + 3))}{self.comment()}\n")
        return lines

    def end(self) -> str:
        return (f"{self.one_of(' ', '     ')}{self.comment()}" if self.rarely() else self.one_of("", "", "  ")) + "\n"

    def plain(self) -> str:
        return self.one_of(
            "a", "word", "two words", "007", "1.0", "true", "null", "a#b", "it's", "http://x/y", "é", "-1"
        )

    def quoted(self) -> str:
        return self.one_of(
            "''", '""', "'a'", '"a"', "'it''s'", '"it\'s"', "'say \"hi\"'", '"say \\"hi\\""', "'a\\b'", '"a\\\\b"',
            '"\\t"', "'# no comment'", '"a: b"', '"007"', "'true'", '"\\u00e9"', "' '", "'x\\\\'", '"\\"\'"',
        )  # fmt: skip

    def key(self, taken: set[str]) -> str:
        keys = (
            "id",
            "kind",
            "mail",
            "members",
            "displayName",
            "manager",
            "x",
            "'quoted: key'",
            '"007"',
            "two words",
            "y",
        )
        key = self.one_of(*[k for k in keys if k not in taken])
        taken.add(key)
        return key

    def flow(self, depth: int, *, lines: bool) -> str:
        gap = self.one_of("", " ")
        if lines and self.rarely():
            gap = f"{self.one_of('', ' ' + self.comment())}\n{self.one_of('', '  ', '        ')}{gap} "
        kind = self.draw(st.integers(0, 3)) if depth < 3 else 0
        if kind < 2:
            return f"{gap}{self.plain() if self.rarely() else self.quoted()}{self.one_of('', ' ')}"
        several = self.draw(st.integers(0, 3))
        if kind == 2:
            return f"{gap}[{','.join(self.flow(depth + 1, lines=lines) for _ in range(several))}]"
        taken: set[str] = set()
        pairs = [f"{gap}{self.key(taken)}: {self.flow(depth + 1, lines=lines)}" for _ in range(several)]
        return f"{gap}{{{','.join(pairs)}{self.one_of('', ' ')}}}"

    def leaf(self, indent: int) -> str:
        """With the line's end."""
        margin = " " * (indent + self.draw(st.integers(1, 4)))
        match self.draw(st.integers(0, 7)):
            case 0:
                return f" {self.quoted()}{self.end()}"
            case 1:
                return f" {self.flow(0, lines=False).strip()}{self.end()}"
            case 2:
                inside = self.flow(0, lines=True).strip().replace("\n", f"\n{margin}")
                return f" {inside}{self.end()}"
            case 3:
                head = self.one_of("|", ">", "|-", ">-", "|+", ">+") + self.one_of("", "", f" {self.comment()}")
                lines = self.draw(st.lists(st.sampled_from(("a", "# no", "", "  b", "- x: 1", "c  ")), max_size=4))
                if not any(line.strip() for line in lines) or next(line for line in lines if line)[0] == " ":
                    lines = ["t", *lines]
                return f" {head}\n" + "".join(f"{margin}{line}\n" if line else "\n" for line in lines)
            case 4:
                return f" one\n{margin}two{self.one_of('', chr(10))}\n{margin}three{self.end()}"
            case 5:
                return f' "one\n{margin}two\\\n{margin}\\ x  \n\n{margin}it"{self.end()}'
            case 6:
                return self.end()
            case _:
                return f" {self.plain()}{self.end()}"

    def node(self, indent: int, depth: int, *, mapping: bool) -> str:
        """A block whose lines begin at `indent`; the first line without its indentation."""
        text, taken = "", set[str]()
        for number in range(self.draw(st.integers(1, 4))):
            explicit = "? " if mapping and self.rarely() else ""
            child = self.draw(st.booleans())
            if number:
                text += self.between(indent) + " " * indent
            text += f"{explicit}{self.key(taken)}" if mapping else "-"
            text += f"{self.end()}{' ' * indent}:" if explicit else ":" if mapping else ""
            if depth >= 3 or not self.draw(st.booleans()):
                text += self.leaf(indent)
            elif not mapping and self.rarely():
                text += f" {self.node(indent + 2, depth + 1, mapping=child)}"
            else:
                inner = indent + self.draw(st.integers(1 if child or not mapping else 0, 4))
                inside = self.node(inner, depth + 1, mapping=child)
                text += f"{self.end()}{self.between(inner)}{' ' * inner}{inside}"
        return text


@st.composite
def documents(draw: st.DrawFn) -> str:
    writer = Writer(draw)
    text = (
        writer.one_of("", "", "---\n", "--- # c\n", "%YAML 1.2\n---\n")
        + writer.between(0)
        + writer.node(0, 0, mapping=draw(st.booleans()))
    )
    text += writer.between(0) + writer.one_of("", "...\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@settings(max_examples=400, deadline=None)
@given(documents(), st.booleans())
def test_values_and_comments_stay_and_twice_is_once(text: str, ordered: bool) -> None:
    shape = ANYONE if ordered else Shape()
    try:
        before = read_document(text.encode(), "users/a.yaml")
    except BadDocument:
        return
    after = laid_out(before.text, shape)
    assert same(before.value, read_document(after.encode(), "users/a.yaml").value), after
    assert comments(text.replace("\r\n", "\n")) == comments(after), after
    assert laid_out(after, shape) == after


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

# Ada was Ada Byron.
# the sign-in name
userPrincipalName: ada@contoso.com
mail: "ada@contoso.com"
otherMails:
  - a@contoso.com  # old
  - b@contoso.com
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
    from reconciler.desired.apps import _NOT_YET, NOT_ACTED_ON
    from reconciler.desired.groups import _KEYS, _MEMBER_KEYS
    from reconciler.desired.users import _OWN_KEYS
    from reconciler.model.app import App, Guardrails
    from reconciler.model.directory import GRAPH_ATTRIBUTES

    own = {field.alias or name for name, field in App.model_fields.items() if not field.exclude}
    assert set(APP) == own | _NOT_YET | set(NOT_ACTED_ON)
    assert set(GUARDRAILS) == {field.alias or name for name, field in Guardrails.model_fields.items()}
    assert {*PERSON, *LAST} == {*GRAPH_ATTRIBUTES, *_OWN_KEYS}
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
