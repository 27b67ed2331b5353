"""Import, scope and mappings of one person: what is said is what the projection does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import Place
from reconciler.model.explanation import Mapped, Way
from reconciler.model.plan import Source
from reconciler.project.explain import Explained
from reconciler.project.expressions import Context
from reconciler.project.expressions.grammar import parse
from reconciler.project.expressions.steps import Step, trace, written

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
Explain = Callable[[Any, str], Explained]


@pytest.fixture
def explain() -> Explain:
    def explained(company: Any, name: str) -> Explained:
        user = company.users[name]
        return Explained(company.directory, company.app, company.profile, user, places=company.places, as_of=NOW)

    return explained


def _mapped(explained: Explained, target: str) -> Mapped:
    return next(each for each in explained.mappings if each.target == target)


def test_what_is_imported_has_its_lines(company: Any, explain: Explain) -> None:
    company.user("ada", otherMails=("a@x.org", "a@y.org"), enabled=False)
    imported = explain(company, "ada").imported
    assert (imported.file, imported.line, imported.kind) == ("users/ada.yaml", 1, "person")
    assert [(each.name, each.value, each.line) for each in imported.attributes] == [
        ("accountEnabled", False, 0),
        ("userPrincipalName", "ada@contoso.com", 2),
        ("displayName", "Ada", 3),
        ("otherMails", ["a@x.org", "a@y.org"], 4),
    ]


def test_every_way_that_an_assignment_reaches_somebody(company: Any, explain: Explain) -> None:
    company.user("ada")
    company.group("outer", "@middle")
    company.group("middle", "@inner")
    company.group("inner", "ada")
    company.group("other", "ada")
    company.group("without")
    company.places = {"scope.assigned.users.0": Place("apps/chat/app.yaml", 7, 3)}
    company.scope(assigned={"groups": ["outer", "without", {"group": "other", "roles": ["Editor"]}], "users": ["ada"]})
    assert explain(company, "ada").scope.assigned == (
        Way(source=Source(file="apps/chat/app.yaml", line=7)),
        Way(group="outer", through=("middle", "inner"), source=Source(file="groups/outer.yaml", line=4)),
        Way(group="other", source=Source(file="groups/other.yaml", line=4), roles=("Editor",)),
    )


def test_each_clause_has_its_value_and_its_outcome(company: Any, explain: Explain) -> None:
    company.user("ada", department="Sales")
    company.group("outer", "@inner")
    company.group("inner", "ada")
    company.places = {"scope.filters.0.1": Place("apps/chat/app.yaml", 12, 9)}
    clauses = [
        {"attribute": "department", "operator": "EQUALS", "value": "Sales"},
        {"not": {"attribute": "city", "operator": "EQUALS", "value": "Rome"}},
    ]
    company.scope(everyone=True, filters=[clauses, [{"operator": "IS MEMBER OF", "value": "outer"}]])
    scope = explain(company, "ada").scope
    assert [each.holds for each in scope.filters] == [False, True]
    assert [(each.text, each.value, each.holds, each.source.line) for each in scope.filters[0].clauses] == [
        ('department EQUALS "Sales"', "Sales", True, 0),
        ('not city EQUALS "Rome"', None, False, 12),
    ]
    (member,) = scope.filters[1].clauses
    assert (member.text, member.value) == ('IS MEMBER OF "outer"', "in it through inner, groups/outer.yaml:4")
    assert (scope.standing, scope.why) == ("inScope", "")
    company.scope(everyone=True, filters=[[{"operator": "IS MEMBER OF", "value": "inner"}]])
    company.user("tom")
    assert explain(company, "tom").scope.filters[0].clauses[0].value == "not in it"


_NAMES = ["ada", "grace", "linus", "tom"]
_CLAUSE = st.sampled_from(
    [
        {"attribute": "department", "operator": "EQUALS", "value": "Sales"},
        {"attribute": "department", "operator": "NOT EQUALS", "value": "Sales"},
        {"attribute": "department", "operator": "IS NULL"},
        {"operator": "IS MEMBER OF", "value": "outer"},
    ]
)
_CONDITION = st.one_of(_CLAUSE, st.builds(lambda clause: {"not": clause}, _CLAUSE))


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_explained_standing_and_values_are_the_projected_ones(company: Any, explain: Explain, data: Any) -> None:
    company = type(company)()
    for name in _NAMES:
        company.user(
            name,
            department=data.draw(st.sampled_from(["Sales", "Law", None])),
            enabled=data.draw(st.booleans()),
            kind=data.draw(st.sampled_from(["person", "person", "service"])),
        )
    company.group("outer", "@inner", *data.draw(st.lists(st.sampled_from(_NAMES), unique=True)))
    company.group("inner", *data.draw(st.lists(st.sampled_from(_NAMES), unique=True)))
    filters = data.draw(st.lists(st.lists(_CONDITION, min_size=1, max_size=2), max_size=2))
    exclude = data.draw(st.lists(st.sampled_from(_NAMES), unique=True, max_size=2))
    if data.draw(st.booleans()):
        company.scope(everyone=True, filters=filters, exclude=exclude)
    else:
        company.scope(assigned={"groups": ["outer"], "users": ["tom"], "exclude": exclude}, filters=filters)
    desired = company.project(managed=_NAMES)
    for name in _NAMES:
        explained, person = explain(company, name), desired.people[desired.numbers[name]]
        scope = explained.scope
        assert (scope.standing, scope.why) == (person.standing.value, person.why)
        assert explained.matching == tuple(zip(("userName",), person.match, strict=True))
        entitled = not scope.excluded and (not filters or any(each.holds for each in scope.filters))
        entitled = entitled and (company.users[name].kind == "person" if scope.everyone else bool(scope.assigned))
        assert entitled == (scope.standing != "outOfScope")
        flows = {each.path: value for each, value in zip(desired.user_columns, person.values, strict=True)}
        for each in explained.mappings:
            if each.outcome == "flows":
                assert each.value == flows[each.target]
            else:
                assert repr(flows[each.target]) == "UNSET"


@pytest.mark.parametrize(
    ("mapping", "outcome", "value"),
    [
        ({"source": "jobTitle"}, "flows", "Boss"),
        ({"source": "jobTitle", "apply": "onCreate"}, "onCreation", "Boss"),
        ({"source": "city"}, "skipped", None),
        ({"source": "city", "whenNull": "clear"}, "cleared", None),
        ({"source": "city", "default": "Nowhere"}, "default", "Nowhere"),
        ({"constant": "x"}, "flows", "x"),
        ({"expression": 'Error("no")'}, "failed", None),
        ({"expression": "Redact([jobTitle])"}, "flows", {"redacted": True}),
        ({"expression": "Guid()", "apply": "onCreate"}, "onCreation", {"generated": "Guid"}),
        ({"source": "jobTitel"}, "failed", None),
    ],
)
def test_what_a_mapping_comes_to(
    company: Any, explain: Explain, mapping: dict[str, Any], outcome: str, value: Any
) -> None:
    company.user("ada", jobTitle="Boss")
    company.map({"target": "title", **mapping})
    mapped = _mapped(explain(company, "ada"), "title")
    assert (mapped.outcome, mapped.value) == (outcome, value)
    assert bool(mapped.error) == (outcome == "failed")


def test_inputs_steps_result_table_and_place(company: Any, explain: Explain) -> None:
    company.user("ada", preferredLanguage="EN", department="Sales")
    expression = 'IIF([department] = "Sales", ToLower([preferredLanguage]), Error("never"))'
    company.places = {"mappings.users.0": Place("apps/chat/mappings.yaml", 3, 5)}
    company.map({"target": "preferredLanguage", "expression": expression, "values": {"en": "en-GB"}})
    mapped = _mapped(explain(company, "ada"), "preferredLanguage")
    assert mapped.inputs == {"department": "Sales", "preferredLanguage": "EN"}
    assert [(each.text, each.value) for each in mapped.steps] == [
        ('[department] = "Sales"', True),
        ("ToLower([preferredLanguage])", "en"),
    ]
    assert (mapped.result, mapped.table, mapped.value) == ("en", ("en → en-GB",), "en-GB")
    assert mapped.source == Source(file="apps/chat/mappings.yaml", line=3)
    assert mapped.rule == expression


def test_what_is_redacted_shows_nowhere(company: Any, explain: Explain) -> None:
    company.user("ada", employeeId="canary-in-the-mine")
    company.map({"target": "externalId", "expression": 'Join("", Redact([employeeId]), "x")'})
    company.scope(everyone=True, filters=[[{"attribute": "employeeId", "operator": "IS NOT NULL"}]])
    explained = explain(company, "ada")
    assert "canary" not in repr((explained.imported, explained.mappings, explained.scope))
    assert _mapped(explained, "externalId").inputs == {"employeeId": {"redacted": True}}


def test_of_whoever_is_not_in_scope_only_what_reads_soft_deleted_flows(company: Any, explain: Explain) -> None:
    company.user("ada", enabled=False)
    outcomes = {each.target: (each.outcome, each.value) for each in explain(company, "ada").mappings}
    assert outcomes.pop("active") == ("flows", False)
    assert set(outcomes.values()) == {("notNow", None)}


def test_who_is_left_out_altogether(company: Any, explain: Explain) -> None:
    company.user("ada", department="Board")
    company.map(
        {"target": "objectFilter", "expression": 'IIF([department] = "Board", IgnoreObjectFlow, IgnoreAttributeFlow)'}
    )
    explained = explain(company, "ada")
    assert explained.scope.left_out == "the mapping of objectFilter gives IgnoreObjectFlow"
    assert _mapped(explained, "objectFilter").outcome == "leftOut"


def test_roles_are_imported_and_read(company: Any, explain: Explain) -> None:
    company.user("ada")
    company.scope(assigned={"users": [{"user": "ada", "roles": ["Viewer", "Editor"]}]})
    company.map({"target": 'roles[primary eq "True"].value', "expression": 'Join(",", [appRoleAssignments])'})
    explained = explain(company, "ada")
    assert explained.imported.roles == ("Editor", "Viewer")
    assert _mapped(explained, 'roles[primary eq "True"].value').value == "Editor,Viewer"


@pytest.mark.parametrize(
    "text",
    [
        'Switch([a], , "False", "True", "True", "False")',
        r'Replace([a], , "[()\\s\"]", , "", , )',
        'IIF(Left([a], 1) = "x", [a] & "-" & ToUpper([b]), IgnoreAttributeFlow)',
        "CBool([a] >= 10)",
        "BitAnd(&HF, -3)",
    ],
)
def test_an_expression_is_written_as_it_is_read(text: str) -> None:
    again = written(parse(text))
    assert written(parse(again)) == again
    assert [each.text for each in _steps(text)][-1:] == [again]


def _steps(text: str) -> list[Step]:
    steps: list[Step] = []
    trace(text, {"a": "10", "b": "y"}, Context(NOW), steps)
    return steps


def test_steps_are_those_that_were_taken() -> None:
    assert _steps('IIF([a] = "x", Error("never"), Join("", ToUpper([b]), [a] & "!"))')[:-1] == [
        Step('[a] = "x"', False),
        Step("ToUpper([b])", "Y"),
        Step('[a] & "!"', "10!"),
        Step('Join("", ToUpper([b]), [a] & "!")', "Y10!"),
    ]


def test_which_window_lets_somebody_in_or_does_not(company: Any, within: Any, explain: Explain) -> None:
    company.user("ada", window=within("2026-11-01..2026-12-31"))
    company.group("outer", "@inner ..2026-11-30", "@old ..2026-10-31")
    company.group("inner", "ada 2026-11-01..2026-11-25")
    company.group("old", "ada")
    company.group("future", "ada 2027-01-01..")
    company.scope(
        assigned={
            "groups": ["outer", {"group": "old", "until": "2026-11-01"}, "future"],
            "users": [{"user": "ada", "from": "2026-12-01"}],
        }
    )
    scope = explain(company, "ada").scope
    assert (scope.standing, scope.window, scope.inside) == ("inScope", "from 2026-11-01 until 2026-12-31", True)
    assert [(each.group, each.through, each.holds, each.windows) for each in scope.assigned] == [
        (None, (), False, ("assigned from 2026-12-01",)),
        (
            "outer",
            ("inner",),
            True,
            ("inner in outer until 2026-11-30", "ada in inner from 2026-11-01 until 2026-11-25"),
        ),
        ("old", (), False, ("assigned until 2026-11-01",)),
        ("future", (), False, ("ada in future from 2027-01-01",)),
    ]


def test_outside_of_their_own_window(company: Any, within: Any, explain: Explain) -> None:
    company.user("ada", window=within("..2026-11-20"))
    scope = explain(company, "ada").scope
    assert (scope.standing, scope.why, scope.inside) == ("disabled", "until 2026-11-20", False)


def test_a_filter_says_which_window_keeps_somebody_out(company: Any, explain: Explain) -> None:
    company.user("ada")
    company.group("crisis", "ada ..2026-11-20", "@inner")
    company.group("inner", "ada 2026-12-01..")
    company.scope(everyone=True, filters=[[{"operator": "IS MEMBER OF", "value": "crisis"}]])
    (clause,) = explain(company, "ada").scope.filters[0].clauses
    assert not clause.holds
    assert clause.value == "not in it now (ada in crisis until 2026-11-20), groups/crisis.yaml:4"


def test_who_comes_in_by_a_rule_has_no_window_there(company: Any, explain: Explain) -> None:
    company.user("ada", city="Rome")
    clause = {"attribute": "city", "operator": "EQUALS", "value": "Rome"}
    company.group("romans", "ada 2026-11-01..2026-12-01", rules=[[clause]])
    company.scope(assigned={"groups": ["romans"]})
    (way,) = explain(company, "ada").scope.assigned
    assert (way.holds, way.windows) == (True, ())
