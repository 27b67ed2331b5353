"""What is written reads back as the same; names become ids and files that are never a path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.document import read_document
from reconciler.desired.layout import laid_out
from reconciler.desired.order import shape_of
from reconciler.sources import text as written
from reconciler.sources.naming import file_of, id_of

TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=30) | st.sampled_from([
    "", "yes", "No", "null", "~", "007", "1e3", "0x1f", "1_000", "12:30:45", "2026-11-26", "- a", "# a", "a # b",
    "a: b", "a:", ":a", "*a", "&a", "!a", "[a", "{a", "a, b", "'", '"', "\"'", "\\", "a\nb", " a", "a ", "\u2028",
    "\ufeff", "@a", "`a", "%a", "=cmd|' /C calc'!A0", "..", ".inf", "+49 30 1234", "<<", "Müller", "名前",
])  # fmt: skip
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-(10**9), 10**9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS.filter(bool), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=5))
def test_values_are_read_back_as_they_were_written(values: dict[str, Any]) -> None:
    text = "\n".join((*written.mapping(values), ""))
    assert read_document(text.encode(), "x.yaml").value == values
    assert read_document(f"a: {written.flow(values)}\n".encode(), "x.yaml").value == {"a": values}


@given(st.dictionaries(st.sampled_from(["id", "displayName", "mail", "businessPhones"]), TEXTS, min_size=1))
def test_what_is_written_is_laid_out_already(values: dict[str, str]) -> None:
    shape = shape_of("users/x.yaml")
    ordered = dict(sorted(values.items(), key=lambda each: shape.rank(each[0])))
    text = "\n".join((*written.mapping(ordered), ""))
    assert laid_out(text, shape) == text


@pytest.mark.parametrize("remark", ["a\nkey: value", "a\x1b[31mb", "# x", ""])
def test_a_remark_stays_a_comment(remark: str) -> None:
    lines = written.remarks([remark])
    assert all(line.startswith("#") and line.isprintable() for line in lines)
    assert read_document("\n".join((*lines, "")).encode(), "x.yaml").value is None


def test_a_lone_surrogate_is_written_as_a_replacement() -> None:
    assert read_document(f"a: {written.scalar('x' + chr(0xD800))}\n".encode(), "x").value == {"a": "x\ufffd"}


@given(TEXTS | st.text(max_size=2000))
def test_a_name_is_never_a_path(name: str) -> None:
    identity = id_of(name, "own", ())
    for found in (file_of(identity, ()), file_of(name, ())):
        assert "/" not in found
        assert "\\" not in found
        assert not found.startswith(".")
        assert 0 < len(found.encode()) <= 100
    assert 0 < len(identity) <= 128


@pytest.mark.parametrize(
    ("name", "identity", "file"),
    [
        ("Ada.Lovelace", "ada.lovelace", "ada.lovelace"),
        ("../../etc/passwd", "etc-passwd", "etc-passwd"),
        ("Jürgen Groß", "juergen-gross", "juergen-gross"),
        ("CON", "con", "_con"),
        ("aux.yaml", "aux.yaml", "_aux.yaml"),
        ("名前", "名前", "file-"),
        ("José", "jose", "jose"),
    ],
)
def test_names_are_readable(name: str, identity: str, file: str) -> None:
    assert id_of(name, "own", ()) == identity
    assert file_of(identity, ()).startswith(file)


def test_a_name_that_is_taken_gets_a_mark_of_its_own() -> None:
    first, second = id_of("Ada", "1", {"ada"}), id_of("Ada", "2", {"ada"})
    assert first != second
    assert first == id_of("Ada", "1", {"ada", second})
    assert file_of("Ada", {"ada"}) not in ("ada", "Ada")
