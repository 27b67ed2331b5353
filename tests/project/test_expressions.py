"""The language itself: what can be read, where it is wrong, what is evaluated when."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import ExpressionError, Place
from reconciler.model.values import UNSET
from reconciler.project import compile_expression


def _value(text: str, **source: Any) -> Any:
    return compile_expression(text).evaluate(source)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"plain"', "plain"),
        ("[mail]", "ada@contoso.com"),
        (" [ mail ] ", "ada@contoso.com"),
        ("12", 12),
        ("-1.5", -1.5),
        ("&HfF", 255),
        ('"say \\"hi\\" \\\\ \\d"', 'say "hi" \\ \\d'),
        ('"a, b (c) [d]"', "a, b (c) [d]"),
        ('[mail] & "!" & 1', "ada@contoso.com!1"),
        ('[none] & "!"', "!"),
        ('IIF([mail] = "x", 1, 2)', 2),
        ('Left(("abc"), 2)', "ab"),
        ('Append(\n  [mail],\n  ".test"\n)', "ada@contoso.com.test"),
        ("IgnoreAttributeFlow", UNSET),
        ('InStr("ABC", "b", 1, vbTextCompare)', 2),
        ('InStr("ABC", "b", , vbBinaryCompare)', 0),
    ],
)
def test_reads(text: str, value: Any) -> None:
    assert _value(text, mail="ada@contoso.com") == value


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "the expression is empty"),
        ('Join(" ", [a],', 15, "the expression ends too early"),
        ('Append([a] "b")', 12, '"b" is not expected here'),
        ('Append([a], "b"))', 17, ") is not expected here"),
        ('Append([a], "b', 13, "never closed"),
        ("Append('a', [b])", 8, 'only " does'),
        ("Append(“a”, [b])", 8, 'only " does'),
        ("Append([a, [b])", 8, "never closed"),
        ("Append([ ], [b])", 8, "without a name"),
        ("Left([a]; 2)", 9, "';' means nothing here"),
        ("Lefft([a], 2)", 1, "no function has the name Lefft"),
        ('Append([a], left("b", 1))', 13, "no function has the name left"),
        ("ToLower", 1, "no constant has the name ToLower"),
        ('Append(mail, "x")', 8, "no constant has the name mail"),
        ("Left([a])", 1, "Left needs 2 arguments, not 1"),
        ("Trim()", 1, "Trim needs 1 argument, not 0"),
        ("Trim([a], [b])", 1, "Trim needs 1 argument, not 2"),
        ("Join()", 1, "Join needs at least 1 argument, not 0"),
        ("InStr([a], [b], 1, 0, 1)", 1, "InStr needs at most 4 arguments, not 5"),
        ('Switch([a], , "x", "y", "z")', 1, "Switch has a key without a value"),
        ("Switch([a], [b])", 1, "Switch needs at least 4 arguments"),
        ('[a] = "x"', 5, "= stands only in the condition of IIF and in CBool"),
        ('Append([a] = "x", "y")', 12, "= stands only in the condition"),
        ('DateAdd("w", 1, [a])', 9, "argument 1 (interval) is none of yyyy, m, ww, d, h, n, s: 'w'"),
        ('FormatDateTime([a], , "x", "yyyy")', 23, "argument 3 (inputFormat) is no format: 'x'"),
        ('FormatDateTime([a], "yyyy", "Q")', 29, "argument 3 (outputFormat) is no format: 'Q'"),
        ('FormatDateTime([a], "Nice", "d", "D")', 21, "argument 2 (dateTimeStyles) is no style"),
        ("RandomString(300, 1, 1, 1, 1)", 14, "argument 1 (length) is 300; 1 to 256 are possible"),
        ("RandomString(3, 1, 1, 1, 1)", 14, "the minimums together are more"),
        ('Append(SelectUniqueValue([a], "b"), "c")', 8, "SelectUniqueValue must be the outermost function"),
        ('SelectUniqueValue([a], SelectUniqueValue([b], "c"))', 24, "can't stand in itself"),
        ('SelectUniqueValue([a], Redact("b"))', 24, "SelectUniqueValue can't be combined with Redact"),
        ("SelectUniqueValue([a], Guid())", 24, "SelectUniqueValue can't be combined with Guid"),
        ('Replace([a], , "(", , "x", , )', 16, "argument 3 (regexPattern) is not a regular expression"),
        ('Replace([a], , "(?<x>a)", "y", "x", , )', 27, "names a group that the pattern does not have: 'y'"),
        ("Trim(" * 101 + "[a]" + ")" * 101, 505, "more than 100 calls"),
        ('"' + "x" * 10_000 + '"', 10_001, "10000 are allowed"),
    ],
)
def test_what_cannot_be_read_says_where(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert message in caught.value.message
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('switch([a], , "x", "y")', "did you mean Switch? Upper and lower case matter"),
        ("Lefft([a], 2)", "did you mean Left?"),
        ("ToLower", "ToLower is a function: it needs parentheses"),
        ('Append(mail, "x")', "attributes in [brackets]"),
        ("Left([a])", "Left(text, length)"),
        ("InStr([a], [b], 1, vbtextcompare)", "did you mean vbTextCompare?"),
        ('Append([a] "b")', "a comma"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(text: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert hint in caught.value.hint


def test_the_place_in_the_file_is_told_too() -> None:
    place = Place("apps/chat/mappings.yaml", 4, 33)
    with pytest.raises(ExpressionError) as caught:
        compile_expression("Nope()", place=place)
    assert str(caught.value).startswith("apps/chat/mappings.yaml:4:33: no function has the name Nope, at column 1")


def test_failing_names_function_argument_and_column() -> None:
    with pytest.raises(ExpressionError) as caught:
        _value('Append("x", Left([a], [b]))', a="abc", b="two")
    assert caught.value.message == "Left: argument 2 (length) is not a whole number: 'two', at column 23"
    assert caught.value.column == 23


def test_what_is_read_is_known_with_its_column() -> None:
    expression = compile_expression('Join(" ", [b], [a], [b])')
    assert expression.reads == ("b", "a")
    assert expression.readings == (("b", 11), ("a", 16))


def test_long_chains_of_concatenation_are_no_deep_ones() -> None:
    assert _value(" & ".join(["[a]"] * 1500), a="x") == "x" * 1500


def test_deep_calls_are_evaluated() -> None:
    assert _value("Trim(" * 100 + "[a]" + ")" * 100, a=" x ") == "x"


def test_deep_conditions_are_evaluated() -> None:
    text = "[a]"
    for _ in range(99):
        text = f'IIF({text} = "x", "x", "y")'
    assert _value(text, a="x") == "x"


def test_commas_at_the_end_promise_nothing() -> None:
    assert _value('Replace([a], "x", , , "y", , , )', a="axb") == "ayb"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('[a] = "x"', True),
        ('[a] = "X"', False),
        ('[a] <> "y"', True),
        ('[a] <> ""', True),
        ('[none] = "x"', False),
        ('[none] <> "x"', False),
        ('[empty] <> "x"', False),
        ('[none] = ""', False),
        ('InStr([a], "x") > 0', True),
        ('InStr([a], "z") = 0', True),
        ("[n] > 9", True),
        ("[n] >= 10", True),
        ("[n] < 9", False),
        ("[n] <= 10", True),
        ('[n] > "9"', False),
        ("[a] > 9", True),
        ("IsPresent([a])", True),
        ("IsPresent([none])", False),
        ('IsPresent([a]) = "True"', True),
        ("[yes]", True),
        ("[none]", False),
        ("0", False),
        ('"false"', False),
    ],
)  # fmt: skip
def test_conditions(condition: str, holds: bool) -> None:
    source = {"a": "x", "n": "10", "empty": "", "yes": "True"}
    assert _value(f'IIF({condition}, "yes", "no")', **source) == ("yes" if holds else "no")


def test_a_condition_that_is_none() -> None:
    with pytest.raises(
        ExpressionError, match=r"IIF: argument 1 \(condition\) is neither true nor false: 'x', at column 5"
    ):
        _value("IIF([a], 1, 2)", a="x")


def test_only_the_branch_taken_is_evaluated() -> None:
    failing = "Left([a], [a])"
    assert _value(f'IIF([a] = "x", "fine", {failing})', a="x") == "fine"
    assert _value(f'Switch([a], {failing}, "x", "fine", "y", {failing})', a="x") == "fine"
    with pytest.raises(ExpressionError):
        _value(f'IIF([a] = "y", "fine", {failing})', a="x")


def test_switch_compares_with_keys_that_are_worked_out() -> None:
    assert _value('Switch([a], "none", ToUpper([b]), "by b", "x", "by x")', a="X", b="x") == "by b"
    assert _value('Switch([a], "none", ToUpper([b]), "by b", "x", "by x")', a="x", b="x") == "by x"
    assert _value('Switch([a], "none", [b], "by b")', a=None, b=None) == "by b"


def test_of_equal_keys_the_first_counts() -> None:
    assert _value('Switch([a], , "x", 1, "x", 2)', a="x") == 1


def test_a_default_left_out_is_null() -> None:
    assert _value('Switch([a], , "x", 1)', a="z") is None
    assert _value('IIF([a] = "x", , 1)', a="x") is None


def test_soft_deletion_as_the_gallery_has_it() -> None:
    expression = compile_expression('Switch([IsSoftDeleted], , "False", "True", "True", "False")')
    assert expression.evaluate({"IsSoftDeleted": "False"}) == "True"
    assert expression.evaluate({"IsSoftDeleted": "True"}) == "False"
    assert expression.evaluate({"IsSoftDeleted": True}) == "False"
