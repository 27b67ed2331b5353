"""Rules of groups: read like scoping filters, and refused like them, each with its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.desired import Loaded
from reconciler.errors import Problem
from reconciler.model.app import Clause, Not, Operator

RULES = """\
displayName: Marketing
rules:
  - all:
      - {attribute: department, operator: EQUALS, value: Marketing}
      - not: {attribute: jobTitle, operator: Includes, value: Intern}
  - all: [{attribute: level, operator: Greater_Than, value: 3}]
"""
CUSTOM = "attributes:\n  level: {type: integer}\n  since: {type: date}\n"


def test_rules_are_read(loaded: Callable[..., Loaded]) -> None:
    directory: Any = loaded({"reconciler.yaml": CUSTOM, "groups/x.yaml": RULES}).directory
    first, second = directory.groups["x"].rules
    equals = Clause(attribute="department", operator=Operator.EQUALS, value="Marketing")
    includes = Clause(attribute="jobTitle", operator=Operator.INCLUDES, value="Intern")
    assert first.all == (equals, Not(clause=includes))
    assert (first.line, second.line) == (3, 6)


@pytest.mark.parametrize("text", ["rules: []\n", "rules:\n", "sensitive: true\nrules: []\n"])
def test_no_rules_are_no_rules(loaded: Callable[..., Loaded], text: str) -> None:
    directory: Any = loaded({"groups/x.yaml": text}).directory
    assert directory.groups["x"].rules == ()


def _one(clause: str) -> str:
    return f"rules:\n  - all: [{clause}]\n"


@pytest.mark.parametrize(
    ("text", "place", "says", "hint"),
    [
        ("rules: x\n", "1:8", "`rules` must be a list, this is text", ""),
        ("rules: [x]\n", "1:9", "`rules.0` must be a mapping", ""),
        ("rules:\n  - {}\n", "2:5", "`rules.0.all` is missing", ""),
        ("rules:\n  - any: []\n    all: [{attribute: city, operator: IS NULL}]\n", "2:5", "unknown key `any`", "all"),
        ("rules:\n  - all: []\n", "2:10", "a rule without clauses", "say what must hold"),
        (_one("{attribute: city, operator: EQUAL, value: x}"), "2:39", "can't be `EQUAL`", "did you mean `EQUALS`?"),
        (_one("{attribute: city, operator: EQUALS}"), "2:11", "EQUALS needs a value", ""),
        (_one("{attribute: city, operator: IS NULL, value: x}"), "2:11", "IS NULL takes no value", ""),
        (_one("{atribute: city, operator: IS NULL}"), "2:12", "unknown key `atribute`", "did you mean `attribute`?"),
        (
            _one("{attribute: departmnet, operator: EQUALS, value: x}"),
            "2:23",
            "no attribute of people has the name `departmnet`",
            "did you mean `department`?",
        ),
        (
            _one("not: {attribute: departmnet, operator: EQUALS, value: x}"),
            "2:28",
            "no attribute of people has the name `departmnet`",
            "did you mean `department`?",
        ),
        (
            _one("{attribute: IsSoftDeleted, operator: EQUALS, value: x}"),
            "2:23",
            "`IsSoftDeleted` is computed, so no rule can read it",
            "files",
        ),
        (
            _one("{operator: IS MEMBER OF, value: editors}"),
            "2:22",
            "a rule can't ask for IS MEMBER OF",
            "- group: ID",
        ),
        (_one("{attribute: city, operator: REGEX MATCH, value: '('}"), "2:59", "not a regular expression", ""),
        (_one("{attribute: level, operator: Greater_Than, value: high}"), "2:61", "'high' is no whole number", ""),
        (_one("{attribute: since, operator: EQUALS, value: May}"), "2:55", "'May' is no date", ""),
        (
            _one("{attribute: employeeHireDate, operator: Greater_Than, value: 12}"),
            "2:72",
            "'12' is no date",
            "",
        ),
        (
            f"sensitive: true\n{_one('{attribute: city, operator: IS NULL}')}",
            "2:1",
            "a sensitive group has no rules",
            "name its members one by one",
        ),
    ],
)
def test_what_a_rule_can_get_wrong(
    only_problem: Callable[..., Problem], text: str, place: str, says: str, hint: str
) -> None:
    problem = only_problem({"reconciler.yaml": CUSTOM, "groups/x.yaml": text})
    assert str(problem.place) == f"groups/x.yaml:{place}"
    assert says in problem.message
    assert hint in problem.hint
    assert problem.severity == "error"


def test_attributes_are_not_judged_where_nobody_knows_them(only_problem: Callable[..., Problem]) -> None:
    text = _one("{attribute: costCenter, operator: IS NULL}")
    problem = only_problem({"reconciler.yaml": "a: [\n", "groups/x.yaml": text})
    assert problem.place.file == "reconciler.yaml"
