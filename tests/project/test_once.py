"""Values that are drawn, chosen or hidden: what an expression gives before apply, and what comes of it then."""

from __future__ import annotations

import random
import uuid
from typing import Any

import pytest

from reconciler.errors import ExpressionError
from reconciler.model.values import UNSET, Choice, Generated, Redacted, choose
from reconciler.project import Context, compile_expression, draw

_SEEDED = random.Random(7)


def _value(text: str, **source: Any) -> Any:
    return compile_expression(text).evaluate(source)


def test_a_guid_is_drawn_by_apply() -> None:
    generated = _value("Guid()")
    assert generated == Generated("Guid", "Guid()")
    first, second = draw(generated, _SEEDED), draw(generated, _SEEDED)
    assert first != second
    assert uuid.UUID(first).version == 4
    assert uuid.UUID(first).variant == uuid.RFC_4122


def test_what_is_made_of_a_drawn_value_is_drawn_with_it() -> None:
    generated = _value("ToUpper(Append([mail], Left(Guid(), 4)))", mail="ada-", other="x")
    assert generated.inputs == (("mail", "ada-"),)
    drawn = draw(generated, _SEEDED)
    assert drawn.startswith("ADA-")
    assert len(drawn) == 8


def test_branches_without_drawing_need_none() -> None:
    expression = compile_expression("IIF(IsPresent([id]), [id], Guid())")
    assert expression.once == "Guid"
    assert expression.evaluate({"id": "7"}) == "7"
    assert expression.evaluate({}) == Generated("Guid", expression.text, (("id", None),))


@pytest.mark.parametrize("avoid", ["", "0O1lI", "0123456789"])
def test_random_strings_have_what_is_asked_for(avoid: str) -> None:
    digits = 0 if avoid == "0123456789" else 3
    generated = _value(f'RandomString(12, {digits}, 2, 2, 1, "{avoid}")')
    for _ in range(50):
        drawn = draw(generated, _SEEDED)
        assert len(drawn) == 12
        assert sum(c.isdigit() for c in drawn) >= digits
        assert sum(c.isupper() for c in drawn) >= 2
        assert sum(c.islower() for c in drawn) >= 1
        assert sum(not c.isalnum() for c in drawn) >= 2
        assert not set(drawn) & set(avoid)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RandomString([n], 0, 0, 0, 0)", "argument 1 (length) is not a whole number"),
        ("RandomString(5, [minus], 0, 0, 0)", "argument 2 (minimumNumbers) is -1; a count is not negative"),
        ('RandomString(5, 1, 0, 0, 0, "0123456789")', "leaves no character of a kind that is needed"),
    ],
)
def test_a_recipe_that_cannot_be_is_told_before_anything_is_drawn(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        _value(text, n="many", minus="-1")
    assert message in caught.value.message


def test_a_choice_is_left_to_who_knows_what_is_taken() -> None:
    expression = compile_expression('SelectUniqueValue([a], [none], [a], Append([a], "2"))')
    assert expression.once == "SelectUniqueValue"
    choice = expression.evaluate({"a": "ada"})
    assert choice == Choice(("ada", "ada2"))
    assert choose(choice.candidates, {"ada"}.__contains__) == "ada2"
    assert choose(choice.candidates, {"ada", "ada2"}.__contains__) is None
    assert expression.evaluate({}) is None


def test_all_taken_is_an_error() -> None:
    expression = compile_expression('SelectUniqueValue([a], "b")')
    with pytest.raises(ExpressionError, match="SelectUniqueValue finds all of its values taken: x, b, at column 1"):
        expression.evaluate({"a": "x"}, Context(taken=lambda _: True))


def test_a_redacted_value_is_never_shown() -> None:
    result = _value("Append(Redact([secret]), [b])", secret="s3cret", b="!")
    assert result == Redacted("s3cret!")
    assert result != Redacted("other")
    assert f"{result} {result!r} {[result]}" == "[Redact] [Redact] [[Redact]]"


def test_errors_about_redacted_values_do_not_quote_them() -> None:
    with pytest.raises(ExpressionError) as caught:
        _value("Left([a], Redact([secret]))", a="x", secret="s3cret")
    assert str(caught.value) == "fails on a redacted value, at column 11"
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("empty", [None, ""])
def test_nothing_is_not_redacted(empty: Any) -> None:
    assert _value("Redact([a])", a=empty) == empty
    assert _value("IgnoreFlowIfNullOrEmpty(Redact([a]))", a=empty) is UNSET


def test_adding_roles_is_told_from_replacing_them() -> None:
    assert compile_expression("AppRoleAssignmentsComplex([appRoleAssignments])").additive
    assert not compile_expression("AssertiveAppRoleAssignmentsComplex([appRoleAssignments])").additive
