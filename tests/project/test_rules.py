"""Rules of groups: who matches any of them is a member, whatever the index does to find them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import ClauseError, Place
from reconciler.model.app import Clause, Not, Operator
from reconciler.model.clauses import compile_condition, kinds_of
from reconciler.model.directory import Directory, Group, Rule, User
from reconciler.model.values import GroupId, UserId
from reconciler.project import emptied
from reconciler.project.rules import Rules, Values


def _equals(attribute: str, value: Any) -> dict[str, Any]:
    return {"attribute": attribute, "operator": "EQUALS", "value": value}


@pytest.fixture
def firm(company: Any) -> Any:
    company.user("ada", department="Marketing", city="Berlin", otherMails=("ada@x.org", "a@y.org"))
    company.user("grace", department="Marketing", city="Rome")
    company.user("tom", department="Sales", city="Rome", enabled=False)
    company.user("eve", city="Rome")
    company.user("robot", kind="service", department="Marketing")
    return company


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([[_equals("department", "Marketing")]], {"ada", "grace"}),
        ([[_equals("department", "marketing")]], set()),
        ([[_equals("department", "Marketing"), _equals("city", "Rome")]], {"grace"}),
        ([[_equals("department", "Marketing")], [_equals("city", "Rome")]], {"ada", "grace", "eve"}),
        ([[{"not": _equals("department", "Sales")}]], {"ada", "grace"}),
        ([[{"attribute": "department", "operator": "IS NULL"}]], {"eve"}),
        ([[{"attribute": "city", "operator": "ENDS_WITH", "value": "e"}]], {"grace", "eve"}),
        ([[_equals("otherMails", "a@y.org")]], {"ada"}),
        ([[{"attribute": "accountEnabled", "operator": "IS TRUE"}, _equals("city", "Berlin")]], {"ada"}),
        ([[_equals("accountEnabled", "true"), _equals("city", "Rome")]], {"grace", "eve"}),
        ([[]], set()),
        ([], set()),
    ],
)
def test_who_matches_any_rule_is_a_member(firm: Any, members: Any, rules: Any, expected: set[str]) -> None:
    """Of those described, only who is in scope counts in the app: neither the disabled nor the robot."""
    firm.group("all", rules=rules)
    assert members(firm.project()) == {"all": expected}


def test_entries_rules_and_nesting_come_together_and_each_has_its_line(firm: Any, members: Any, groups: Any) -> None:
    firm.group("outer", "eve", "@inner", rules=[[_equals("city", "Berlin")]])
    firm.group("inner", "ada", rules=[[_equals("department", "Marketing")]])
    desired = firm.project()
    outer = groups(desired)["outer"]
    assert members(desired)["outer"] == {"eve", "ada", "grace"}
    number = desired.numbers
    assert outer.lines[number["eve"]] == ("groups/outer.yaml", 4)
    assert outer.lines[number["ada"]] == ("groups/outer.yaml", 50)
    assert outer.lines[number["grace"]] == ("groups/outer.yaml", 5)
    assert outer.via.get(number["ada"], ()) == ()
    assert outer.via[number["grace"]] == ("inner",)


def test_a_rule_gives_scope(firm: Any) -> None:
    firm.group("marketing", rules=[[_equals("department", "Marketing")]])
    firm.scope(assigned={"groups": ["marketing"]})
    assert {person.user.id for person in firm.project().people} == {"ada", "grace", "robot"}


def test_a_nested_group_with_rules_in_a_window(firm: Any, groups: Any) -> None:
    firm.now = datetime(2026, 11, 23, tzinfo=UTC)
    firm.group("outer", "@inner ..2026-11-30")
    firm.group("inner", rules=[[_equals("city", "Berlin")]])
    desired = firm.project()
    outer = groups(desired)["outer"]
    assert outer.members == {desired.numbers["ada"]}
    assert dict(outer.until) == {desired.numbers["ada"]: "2026-11-30"}


def test_a_rule_that_hangs_is_an_error_with_its_place(firm: Any) -> None:
    firm.user("long", city="a" * 40 + "!")
    pattern = {"attribute": "city", "operator": "REGEX MATCH", "value": "^(a|aa)+$"}
    firm.group("all", rules=[[_equals("city", "x")], [pattern]])
    firm.group("same", rules=[[pattern]])
    problem = firm.problem()
    assert problem.place == Place("groups/all.yaml", 51)
    assert "takes too long" in problem.message
    assert emptied(firm.directory) == []


def test_without_anybody_to_tell_a_hanging_rule_raises(firm: Any) -> None:
    firm.user("long", city="a" * 40 + "!")
    group = firm.group("all", rules=[[{"attribute": "city", "operator": "REGEX MATCH", "value": "^(a|aa)+$"}]])
    with pytest.raises(ClauseError, match="takes too long"):
        list(Rules(firm.directory).people(group))


def test_equal_values_of_another_kind_are_other_rules(company: Any) -> None:
    company.custom = {"level": "integer", "flag": "boolean"}
    company.user("one", level=1)
    company.user("true", level=True)
    group = company.group("all", rules=[[_equals("level", 1)], [_equals("level", True)], [_equals("level", "1")]])
    found = [people for _, people in Rules(company.directory).people(group)]
    assert found == [("one",), ("true",), ("one",)]


# -- against an oracle that tries everybody

_VALUES: dict[str, Any] = {
    "department": st.sampled_from([None, "", "Sales", "sales", "Law", "True"]),
    "level": st.sampled_from([None, 1, 2, 10]),
    "onCall": st.sampled_from([None, True, False]),
    "since": st.sampled_from([None, "2026-01-01", "2026-06-30", "2026-06-30T00:00:00Z"]),
    "otherMails": st.sampled_from([None, (), ("a",), ("a", "b"), ("A", "a")]),
}
_CUSTOM = {"level": "integer", "onCall": "boolean", "since": "date"}
_OPERANDS: dict[str, list[Any]] = {
    "department": ["Sales", "sales", "Law", "true", "True", "a"],
    "level": [1, 2, "10"],
    "onCall": ["true", True, False],
    "since": ["2026-06-30", "2026-01-01"],
    "otherMails": ["a", "A", "b"],
}


@st.composite
def _conditions(draw: st.DrawFn) -> Clause | Not:
    attribute = draw(st.sampled_from(sorted(_VALUES)))
    operators = [Operator.EQUALS, Operator.EQUALS, Operator.NOT_EQUALS, Operator.IS_NULL, Operator.IS_NOT_NULL]
    if attribute in ("level", "since"):
        operators.append(Operator.GREATER_THAN)
    else:
        operators.append(Operator.INCLUDES)
    operator = draw(st.sampled_from(operators))
    unary = operator in (Operator.IS_NULL, Operator.IS_NOT_NULL)
    value = None if unary else draw(st.sampled_from(_OPERANDS[attribute]))
    clause = Clause(attribute=attribute, operator=operator, value=value)
    return Not(clause=clause) if draw(st.booleans()) else clause


@given(
    st.lists(st.fixed_dictionaries(_VALUES), max_size=8),
    st.lists(st.lists(_conditions(), min_size=1, max_size=3), min_size=1, max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_the_index_finds_exactly_those_who_pass(people: list[dict[str, Any]], rules: list[list[Any]]) -> None:
    users = {}
    for number, values in enumerate(people):
        given_values = {name: value for name, value in values.items() if value is not None}
        users[UserId(f"u{number}")] = User(UserId(f"u{number}"), given_values, "users/all.yaml", 1, {})
    written = tuple(Rule(tuple(each), line) for line, each in enumerate(rules))
    group = Group(GroupId("g"), {}, (), "groups/g.yaml", 1, {}, rules=written)
    kinds = kinds_of(_CUSTOM)
    for rule, found in Rules(Directory(users, {group.id: group}, attributes=_CUSTOM)).people(group):
        tests = []
        for condition in rule.all:
            clause = condition if isinstance(condition, Clause) else condition.clause
            tests.append((clause.attribute, compile_condition(condition, kinds.get(clause.attribute, ""))))
        expected = [user.id for user in users.values() if all(test(user.attributes.get(n)) for n, test in tests)]
        assert list(found) == expected


def test_many_rules_over_many_people_are_not_tried_on_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 groups, 5,000 people: everybody is read once for each attribute, and tried where EQUALS finds them."""
    reads: Counter[str] = Counter()
    read = Values.read

    def counting(self: Values, user: User) -> Any:
        reads[self._attribute] += 1
        return read(self, user)

    monkeypatch.setattr(Values, "read", counting)
    count, size = 5_000, 2_000
    users = {
        UserId(f"u{n}"): User(UserId(f"u{n}"), {"department": f"d{n % size}", "companyName": "Contoso"}, "u", 1, {})
        for n in range(count)
    }
    operator = Operator.EQUALS
    company = Clause(attribute="companyName", operator=operator, value="Contoso")
    enabled = Clause(attribute="accountEnabled", operator=Operator.IS_TRUE)
    groups = {}
    for n in range(size):
        department = Clause(attribute="department", operator=operator, value=f"d{n}")
        rule = Rule((company, enabled, department), 2)
        groups[GroupId(f"g{n}")] = Group(GroupId(f"g{n}"), {}, (), "g", 1, {}, rules=(rule,))
    rules = Rules(Directory(users, groups))
    found = sum(len(people) for group in groups.values() for _, people in rules.people(group))
    assert found == count
    assert reads["department"] == 2 * count
    assert reads["companyName"] == 2 * count
    assert reads["accountEnabled"] == count
