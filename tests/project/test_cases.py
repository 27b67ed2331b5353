"""Mapping tests as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.gallery import load_profile
from reconciler.model.cases import Case
from reconciler.project import CaseResult, Mismatch, run_case

_SOFT = 'Switch([IsSoftDeleted], , "False", "True", "True", "False")'


def _case(**keys: Any) -> Case:
    return Case.model_validate({"id": "example", **keys})


@pytest.fixture
def run(company: Any) -> Any:
    company.profile = load_profile("hootsuite")
    company.user("ada", mail="ada@contoso.com", givenName="Ada")

    def running(**keys: Any) -> CaseResult:
        return run_case(_case(**keys), company.directory, company.app, company.profile)

    return running


@pytest.mark.parametrize(
    ("expression", "inputs", "expected"),
    [
        (_SOFT, {"IsSoftDeleted": "True"}, "False"),
        ("[a]", {"a": None}, None),
        ("IgnoreFlowIfNullOrEmpty([a])", {}, "__IGNORE_FLOW__"),
        ("RemoveDuplicates([a])", {"a": ["x", "y", "x"]}, ["x", "y"]),
        ("IsPresent([a])", {"a": "x"}, True),
    ],
)
def test_an_expression_that_passes(expression: str, inputs: dict[str, Any], expected: Any) -> None:
    assert run_case(_case(expression=expression, inputs=inputs, expected=expected)).passed


@pytest.mark.parametrize(
    ("expression", "expected", "actual"),
    [
        (_SOFT, "True", "False"),
        ("IsPresent([a])", 1, True),
        ("IsPresent([a])", "True", True),
        ("Count([a])", True, 1),
        ('Split("a,b", ",")', ["b", "a"], ["a", "b"]),
        ("IgnoreFlowIfNullOrEmpty([b])", None, "__IGNORE_FLOW__"),
        ("[b]", "__IGNORE_FLOW__", None),
    ],
)
def test_an_expression_that_fails(expression: str, expected: Any, actual: Any) -> None:
    result = run_case(_case(expression=expression, inputs={"IsSoftDeleted": "True", "a": "x"}, expected=expected))
    assert not result.passed
    assert result.mismatches == (Mismatch("", expected, actual),)


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("Nope()", "no function has the name Nope, at column 1"),
        ("left([a], 1)", "no function has the name left, at column 1 (did you mean Left? Upper and lower case matter)"),
        ("Left([a], [a])", "Left: argument 2 (length) is not a whole number: 'x', at column 11"),
        (
            "Now()",
            "Now needs a time, and this evaluation has none: give a case `now`, or the command --now, at column 1",
        ),
    ],
)
def test_an_expression_without_a_result(expression: str, error: str) -> None:
    result = run_case(_case(expression=expression, inputs={"a": "x"}, expected="x"))
    assert not result.passed
    assert result.error == error


def test_a_whole_person(run: Any) -> None:
    expected = {
        "userName": "ada@contoso.com",
        'emails[TYPE eq "work"].value': "ada@contoso.com",
        "active": True,
        "timezone": "America/Vancouver",
        "preferredLanguage": None,
        "name.familyName": "__IGNORE_FLOW__",
    }
    assert run(user="ada", expected=expected) == CaseResult(_case(user="ada", expected=expected))


def test_inputs_lie_over_the_person_or_stand_alone(run: Any) -> None:
    assert run(user="ada", inputs={"IsSoftDeleted": "True", "surname": "King"}, expected={"active": False}).passed
    alone = run(
        inputs={"userPrincipalName": "x@contoso.com"}, expected={"userName": "x@contoso.com", "displayName": None}
    )
    assert alone.passed


def test_all_that_differs_is_told(run: Any) -> None:
    result = run(user="ada", expected={"userName": "x", "displayName": "Ada", "active": "True", "name.givenName": None})
    assert result.mismatches == (
        Mismatch("userName", "x", "ada@contoso.com"),
        Mismatch("active", "True", True),
        Mismatch("name.givenName", None, "Ada"),
    )


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        ({"user": "nobody", "expected": {}}, "there is nobody with the id nobody"),
        ({"user": "ada", "expected": "x"}, "what is expected of a whole person is target: value"),
        ({"user": "ada", "expected": {"title": "x"}}, "no mapping has the target title (there are: userName, active"),
        ({"user": "ada", "expected": {"a b": "x"}}, "not a SCIM attribute path: 'a b'"),
        ({"inputs": {"displayName": "A"}, "expected": {"displayName": "A"}},
         "displayName of example: 'A' has 1 characters; Hootsuite takes 2 to 100"),
    ],
)  # fmt: skip
def test_a_whole_person_without_a_result(run: Any, keys: dict[str, Any], error: str) -> None:
    result = run(**keys)
    assert not result.passed
    assert result.error.startswith(error)


def test_mappings_that_cannot_be_used_fail_their_tests(company: Any, run: Any) -> None:
    company.map({"target": "title", "source": "nope"})
    assert run(user="ada", expected={"userName": "ada@contoso.com"}).error == "no source attribute has the name nope"


def test_a_whole_person_needs_an_app() -> None:
    assert run_case(_case(user="ada", expected={})).error == "a whole person needs the mappings of an app"
