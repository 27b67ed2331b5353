"""What differs between .NET's regular expressions and those of the regex package."""

from __future__ import annotations

import pytest

from reconciler.errors import ClauseError
from reconciler.model.clauses import compile_pattern
from reconciler.model.pattern import from_dotnet


@pytest.mark.parametrize(
    ("pattern", "matches", "fails"),
    [
        ("^[a-z-[aeiou]]+$", "xyz", "xaz"),
        ("^[a-z-[b-y-[m]]]+$", "amz", "abz"),
        ("^[^a-c-[x]]+$", "def", "dxf"),
        ("^[[(]+$", "[([", "a"),
        ("^[]a]+$", "]a", "b"),
        (r"^[\]\-[]+$", "]-[", "a"),
        ("^[a-]+$", "a-", "b"),
        (r"a\z", "a", "a\n"),
        (r"a\Z", "a\n", "a\nb"),
        (r"\e", "\x1b", "e"),
        (r"^(?'x'a)\k<x>$", "aa", "ab"),
        (r"^(?<x>a|b)\k'x'$", "bb", "ab"),
        (r"\[a-[b]\]", "[a-b]", "[a-]"),
        (r"^[()\s-]+$", "( -)", "a"),
    ],
)  # fmt: skip
def test_means_the_same(pattern: str, matches: str, fails: str) -> None:
    compiled = compile_pattern(pattern)
    assert compiled.search(matches)
    assert not compiled.search(fails)


@pytest.mark.parametrize("pattern", [".*\\@domain.com", "(?<a>x)", "[a-z]+", "", "\\\\", "(?i)x", "a{2,3}?", "[^\\s]"])
def test_what_is_alike_stays(pattern: str) -> None:
    assert from_dotnet(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "column"), [("[a-z-[b]c]", 9), ("[a", 3), ("[a-[", 5), ("(", 2), ("[a-z-[aeiou]", 13)]
)
def test_what_is_no_pattern_says_where(pattern: str, column: int) -> None:
    with pytest.raises(ClauseError) as caught:
        compile_pattern(pattern)
    assert caught.value.column == column
