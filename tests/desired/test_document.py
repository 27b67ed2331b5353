"""One file: values, places, and everything hostile refused with a place (quality.md, promise 10)."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from reconciler.desired.document import (
    MAX_ALIASED,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_KEY,
    MAX_SCALAR,
    BadDocument,
    read_document,
)
from reconciler.desired.document import Entries as Mapping
from reconciler.errors import Problem


def refused(data: bytes | str) -> Problem:
    with pytest.raises(BadDocument) as caught:
        read_document(data if isinstance(data, bytes) else data.encode(), "x.yaml")
    assert caught.value.problem.place.file == "x.yaml"
    return caught.value.problem


def test_values_and_their_places() -> None:
    document = read_document("a: 1\nlist:\n  - é: no\n    b: {c: ~}\n  - 'x'\n".encode(), "x.yaml")
    assert document.value == {"a": 1, "list": [{"é": "no", "b": {"c": None}}, "x"]}
    root = document.value
    assert str(document.place(root.key_marks["list"])) == "x.yaml:2:1"
    assert str(document.place(root.marks["list"])) == "x.yaml:3:3"
    inner = root["list"][0]
    assert str(document.place(inner.marks["é"])) == "x.yaml:3:8"
    assert str(document.place(inner["b"].marks["c"])) == "x.yaml:4:12"
    assert str(document.place(root["list"].marks[1])) == "x.yaml:5:5"


def test_scalars_as_they_are_written() -> None:
    document = read_document(b"a: 007123\nb: [0x1F, TRUE]\n", "x.yaml")
    assert document.written(document.value.marks["a"]) == "007123"
    assert [document.written(mark) for mark in document.value["b"].marks] == ["0x1F", "TRUE"]


@pytest.mark.parametrize("empty", [b"", b"\n\n", b"# nothing\n", b"---\n"])
def test_an_empty_file_holds_nothing(empty: bytes) -> None:
    assert read_document(empty, "x.yaml").value is None


def test_quotes_and_blocks_are_text() -> None:
    value = read_document(b'a: "1"\nb: \'true\'\nc: |\n  2\nd: >-\n  ~\n"3": x\n', "x.yaml").value
    assert value == {"a": "1", "b": "true", "c": "2\n", "d": "~", "3": "x"}


def test_aliases_stand_for_what_they_name() -> None:
    value = read_document(b"a: &x {b: [1, 2]}\nc: *x\nd: [&y text, *y]\n", "x.yaml").value
    assert value == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": ["text", "text"]}


def test_a_merge_key_is_a_key_like_any_other() -> None:
    assert read_document(b"<<: {a: 1}\n", "x.yaml").value == {"<<": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "place", "says", "hint"),
    [
        ("a: [1\nb: 2\n", "x.yaml:2:2", "not YAML", "bracket"),
        ("\ta: 1\n", "x.yaml:1:1", "not YAML", "spaces, not tabs"),
        ("a: b: c\n", "x.yaml:1:5", "not YAML", "quotes"),
        ("- a\nb: 1\n", "x.yaml:2:1", "not YAML", "same column"),
        ("a: 'x\n", "x.yaml:2:1", "not YAML", "quote"),
        ("a: @x\n", "x.yaml:1:4", "not YAML", "quotes"),
        ('a: "\\q"\n', "x.yaml:1:5", "not YAML", "backslash"),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3:1", "`a` is there twice", "line 1"),
        ("- {b: 1, 'b': 2}\n", "x.yaml:1:10", "`b` is there twice", "line 1"),
        ("a: !!str 1\n", "x.yaml:1:4", "a tag", "remove it"),
        ("a: !!python/object/apply:os.system [x]\n", "x.yaml:1:4", "a tag", "remove it"),
        ("a: ! x\n", "x.yaml:1:4", "a tag", "remove it"),
        ("!!set {a}\n", "x.yaml:1:1", "a tag", "remove it"),
        ("!a b: c\n", "x.yaml:1:1", "a key with a tag", "remove it"),
        ("&a b: c\n", "x.yaml:1:1", "a key with a tag or an anchor", "remove it"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1", "a second document", "split it"),
        ("%YAML 1.1\n---\na: 1\n", "x.yaml:1:1", "other than 1.2", "remove the %YAML line"),
        ("a: *gone\n", "x.yaml:1:4", "&gone", "write the value out"),
        ("a: &an:chor value\n", "x.yaml:1:4", "an anchor is named with", "rename it"),
        ("a: {b: 1, ?c: 2}\n", "x.yaml:1:12", "`?c` without quotes", "quotes"),
        ("a: &a [*a]\n", "x.yaml:1:8", "&a", "write the value out"),
        ("1: x\n", "x.yaml:1:1", "a key must be text", '"1"'),
        ("true: x\n", "x.yaml:1:1", "a key must be text", '"true"'),
        ("? [a]\n: x\n", "x.yaml:1:3", "a key must be text", "quote"),
        ('a: "b\\0c"\n', "x.yaml:1:4", "NUL", "remove it"),
        (f"a: {'9' * 70}\n", "x.yaml:1:4", "more than 64 digits", "quotes"),
        (f"ab: {'x' * (MAX_SCALAR + 1)}\n", "x.yaml:1:5", "text of more than", ""),
        (f"? {'x' * (MAX_KEY + 1)}\n: 1\n", "x.yaml:1:3", "a key of more than", ""),
    ],
)
def test_what_is_refused_and_where(text: str, place: str, says: str, hint: str) -> None:
    problem = refused(text)
    assert str(problem.place) == place
    assert says in problem.message
    assert hint in problem.hint
    assert len(str(problem)) < 1000


@pytest.mark.parametrize(
    ("data", "place", "says"),
    [
        (b"\xef\xbb\xbfa: 1\n", "x.yaml:1:1", "byte order mark"),
        (b"a: 1\nb: \xef\xbb\xbf2\n", "x.yaml:2:4", "byte order mark"),
        (b"a: x\x00y\n", "x.yaml:1:5", "NUL"),
        (b"a: 1\nb: \x1b[31m\n", "x.yaml:2:4", "U+001B"),
        ("a: é\x07\n".encode(), "x.yaml:1:5", "U+0007"),
        ("a: 1 # left\u2028b: 2\n".encode(), "x.yaml:1:12", "not every reader takes for one (U+2028)"),
        ("a: 1 # left\u2029b: 2\n".encode(), "x.yaml:1:12", "not every reader takes for one (U+2029)"),
        ("a: 'x\x85y'\n".encode(), "x.yaml:1:6", "not every reader takes for one (U+0085)"),
        ("a: \ufffe\n".encode(), "x.yaml:1:4", "U+FFFE"),
        (b"a: 1\nb: \xe9\n", "x.yaml:2:4", "0xe9 is not UTF-8"),
        (b"a: \xed\xa0\x80\n", "x.yaml:1:4", "is not UTF-8"),
        ("a: 1\n".encode("utf-16"), "x.yaml:1:1", "is not UTF-8"),
    ],
)
def test_bytes_that_are_no_printable_utf_8(data: bytes, place: str, says: str) -> None:
    problem = refused(data)
    assert str(problem.place) == place
    assert says in problem.message
    assert problem.hint


def test_an_alias_bomb() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 20):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    problem = refused("\n".join(lines))
    assert f"{MAX_ALIASED:,}" in problem.message
    assert problem.place.line == 4


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "[[{x: "])
def test_nesting_of_a_million(opening: str) -> None:
    problem = refused(opening * 1_000_000)
    assert f"more than {MAX_DEPTH} deep" in problem.message
    assert problem.place.line == 1


def test_aliases_can_not_nest_deeper_either() -> None:
    lines = [f"a0: &a0 {'[' * 20}{']' * 20}", f"a1: &a1 {'[' * 20}*a0{']' * 20}", f"a2: &a2 {'[' * 20}*a1{']' * 20}"]
    problem = refused("\n".join(lines))
    assert f"more than {MAX_DEPTH} deep" in problem.message
    assert str(problem.place) == "x.yaml:3:29"


def test_nested_keys_of_a_million() -> None:
    assert refused("? " * 1_000_000).message == "a key must be text"


def test_nesting_up_to_the_limit_is_read() -> None:
    assert read_document(f"{'[' * MAX_DEPTH}{']' * MAX_DEPTH}".encode(), "x.yaml").value
    assert "deep" in refused(f"{'[' * (MAX_DEPTH + 1)}{']' * (MAX_DEPTH + 1)}").message


def test_a_file_that_is_too_large() -> None:
    assert "larger than" in refused(b"#" * (MAX_BYTES + 1)).message


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize(
    "hostile",
    [b"[" * 5_000_000, b"- " * 2_500_000, b'"' + b"x" * 5_000_000 + b'"', b"\x00" * 5_000_000, b"\xff" * 5_000_000],
)
def test_hostile_files_cost_no_more_than_a_few_times_their_size(hostile: bytes) -> None:
    refused(hostile)
    _, peak = tracemalloc.get_traced_memory()
    assert peak < 20 * len(hostile)


def test_a_repeated_anchor_means_the_last_one() -> None:
    value = read_document(b"- &a 1\n- &a 2\n- *a\n", "x.yaml").value
    assert value == [1, 2, 2]


def test_a_mapping_is_a_dictionary() -> None:
    value = read_document(b"a: 1\n", "x.yaml").value
    assert isinstance(value, Mapping)
    assert isinstance(value, dict)
