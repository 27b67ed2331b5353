"""Remarks at lines of files, in the forms that forges read."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator

from reconciler import render
from reconciler.errors import Place, Problem
from reconciler.model.plan import CreateUser, Guardrail, Note, Origin, Plan, RenameUser
from reconciler.render import (
    code_quality,
    figures_of,
    problem_annotations,
    sarif,
    widget,
    workflow_commands,
)
from tests.render.conftest import Make
from tests.render.plans import compared, large, one, pull_request
from tests.render.test_markdown import HOSTILE_MARKUP, full_of

SARIF = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "minItems": 1, "items": {
            "type": "object",
            "required": ["tool", "results"],
            "properties": {
                "tool": {"type": "object", "required": ["driver"], "properties": {"driver": {
                    "type": "object", "required": ["name"],
                    "properties": {"rules": {"type": "array", "items": {"type": "object", "required": ["id"]}}}}}},
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "results": {"type": "array", "items": {
                    "type": "object",
                    "required": ["message", "ruleId", "level", "locations", "partialFingerprints"],
                    "properties": {
                        "level": {"enum": ["none", "note", "warning", "error"]},
                        "message": {"type": "object", "required": ["text"]},
                        "locations": {"type": "array", "items": {
                            "type": "object", "required": ["physicalLocation"],
                            "properties": {"physicalLocation": {
                                "type": "object", "required": ["artifactLocation"],
                                "properties": {
                                    "artifactLocation": {"properties": {
                                        "uri": {"type": "string", "pattern": "^[A-Za-z0-9._~%/-]+$"}}},
                                    "region": {"type": "object", "required": ["startLine"], "properties": {
                                        "startLine": {"type": "integer", "minimum": 1},
                                        "startColumn": {"type": "integer", "minimum": 1}}},
                                }}}}},
                    }}},
            }}},
    },
}  # fmt: skip
"""What of SARIF 2.1.0 (OASIS) a document of ours must keep. The published schema is not in the repository; the golden
files were held against it (rtm.5), without a fault."""


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """As the runner of GitHub reads its log: (command, properties, message)."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(\w+) ?([^:]*)::(.*)", line)
        assert match, line
        pairs = dict(pair.split("=", 1) for pair in match[2].split(",") if pair)
        unescaped = {name: _unescaped(value) for name, value in pairs.items()}
        found.append((match[1], unescaped, _unescaped(match[3])))
    return found


def _unescaped(text: str) -> str:
    for escape, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(escape, character)
    return text


@pytest.mark.parametrize(
    ("name", "make_plan"), [("nothing", lambda t: compared(Make.plan())), ("one", lambda t: one()),
                            ("typical", pull_request), ("large", lambda t: large()),
                            ("hostile", lambda t: full_of(HOSTILE_MARKUP["image"]))],
)  # fmt: skip
def test_golden(name: str, make_plan: Any, typical: Plan, golden: Any) -> None:
    found = render.annotations(make_plan(typical), "desired-state")
    found = found if name != "large" else found[:30]
    golden(f"plan-{name}.annotations", workflow_commands(found))
    golden(f"plan-{name}.codequality.json", code_quality(found).decode())
    golden(f"plan-{name}.sarif", sarif(found).decode())


def test_each_change_of_this_change_is_told_at_its_line_the_worst_first(typical: Plan) -> None:
    found = render.annotations(pull_request(typical), "company/desired-state/")
    assert [each.level for each in found] == sorted((e.level for e in found), key=["error", "warning", "notice"].index)
    at = {(each.kind, each.file, each.line): each for each in found}
    assert ("loses", "company/desired-state/groups/social-media.yaml", 7) in at
    assert at["sensitive", "company/desired-state/groups/admins.yaml", 4].level == "warning"
    assert at["later", "company/desired-state/groups/social.yaml", 9].message.startswith("ada.lovelace gains Social")
    assert at["unusual", "company/desired-state/apps/hootsuite/app.yaml", 1].message == (
        "deprovisionUsers: 20 becomes 400"
    )
    assert not any("kubo.yaml" in each.file for each in found), "drift is not of this change"


def test_a_broken_guardrail_is_an_error_at_the_line_of_what_it_holds(make: Any) -> None:
    rail = Guardrail(name="createUsers", value=2, count=1, of=9, broken=True)
    held = make.held("guardrail:createUsers", "createUsers=2")
    change = CreateUser(key="user:a", name="A", origin=Origin.THIS_CHANGE, held=held,
                        source=make.source("users/a.yaml", 3))  # fmt: skip
    (found,) = render.annotations(compared(make.plan(change, guardrails=(rail,))))
    assert (found.level, found.file, found.line) == ("error", "users/a.yaml", 3)
    assert "createUsers: 2 of 9" in found.message
    assert "Reconciler-Allow: createUsers=2" in found.message
    released = rail.model_copy(update={"released": True})
    assert render.annotations(compared(make.plan(guardrails=(released,)))) == []


def test_no_value_is_in_a_remark(typical: Plan) -> None:
    told = "\n".join(each.message for each in render.annotations(typical))
    assert "Rear Admiral" not in told
    assert "ines@contoso.com" not in told
    assert "ines.moreau userName changes" in told


def test_ten_of_a_kind_the_last_of_which_counts_the_rest(make: Any) -> None:
    changes = [RenameUser(key=f"user:u{n:02}", id=f"{n}", name="U", source=make.source(f"users/u{n:02}.yaml"))
               for n in range(35)]  # fmt: skip
    told = commands(workflow_commands(render.annotations(make.plan(*changes))))
    assert len(told) == 10
    assert told[-1] == ("warning", {"title": "reconciler"}, "and 26 more of this kind")
    ten = commands(workflow_commands(render.annotations(make.plan(*changes[:10]))))
    assert [pairs["file"] for _, pairs, _ in ten] == [f"users/u{n:02}.yaml" for n in range(10)]


@pytest.mark.parametrize("name", HOSTILE_MARKUP.values(), ids=HOSTILE_MARKUP.keys())
def test_a_hostile_name_is_no_command_and_breaks_no_document(name: str) -> None:
    plan = full_of(f"%0A::error::{name}\n::add-mask::x")
    found = render.annotations(plan, "a,b:c%")
    for command, pairs, message in commands(workflow_commands(found)):
        assert command in ("error", "warning", "notice")
        assert set(pairs) <= {"file", "line", "col", "title"}
        assert all(c.isprintable() for c in message.replace("\n", "") + pairs.get("title", ""))
    assert len(orjson.loads(code_quality(found))) == len(found)
    Draft7Validator(SARIF).validate(orjson.loads(sarif(found)))


def test_nothing_climbs_out_of_the_repository(make: Any) -> None:
    plan = make.plan(RenameUser(key="user:a", id="1", name="A", source=make.source("../../etc/passwd", 1)))
    assert [each.file for each in render.annotations(plan, "x")] == [""]


def test_sarif_has_what_the_standard_requires(typical: Plan) -> None:
    document = orjson.loads(sarif(render.annotations(pull_request(typical), "désired state")))
    Draft7Validator(SARIF).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[each["ruleIndex"]] == each["ruleId"] for each in run["results"])
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith(
        "d%C3%A9sired%20state/"
    )


def test_fingerprints_are_of_their_own_and_stay_when_the_line_moves(typical: Plan, make: Any) -> None:
    marks = [each["fingerprint"] for each in orjson.loads(code_quality(render.annotations(typical)))]
    assert len(set(marks)) == len(marks)
    moved = [
        render.annotations(
            make.plan(RenameUser(key="user:a", id="1", name="A", source=make.source("users/a.yaml", line)))
        )
        for line in (3, 9)
    ]
    assert moved[0][0].fingerprint == moved[1][0].fingerprint
    same = [Problem(Place("a.yaml", line), "unknown key") for line in (1, 2)]
    marks = [each["fingerprint"] for each in orjson.loads(code_quality(problem_annotations(same)))]
    assert len(set(marks)) == 2


def test_problems_are_told_at_line_and_column_errors_first() -> None:
    problems = [
        Problem(Place("users/a.yaml", 3, 7), "this is odd", "mend it", "warning"),
        Problem(Place("users/z.yaml", 1), "this is wrong: 50 %", "write it anew"),
        Problem(Place("apps/x"), "is no folder"),
    ]
    told = workflow_commands(problem_annotations(problems, "desired-state/"))
    assert told.splitlines() == [
        "::error file=desired-state/apps/x,title=Desired state::is no folder",
        "::error file=desired-state/users/z.yaml,line=1,title=Desired state::this is wrong: 50 %25%0Awrite it anew",
        "::warning file=desired-state/users/a.yaml,line=3,col=7,title=Desired state::this is odd%0Amend it",
    ]
    issues = orjson.loads(code_quality(problem_annotations(problems)))
    assert [each["severity"] for each in issues] == ["major", "major", "minor"]
    assert issues[0]["location"] == {"path": "apps/x", "lines": {"begin": 1}}


def test_the_widget_counts_who_gains_changes_and_loses(typical: Plan) -> None:
    plan = pull_request(typical)
    told, other = figures_of(plan), figures_of(typical)
    assert orjson.loads(widget([plan, typical])) == {
        "create": told.gain + other.gain,
        "update": told.people + told.groups + other.people + other.groups,
        "delete": told.lose + told.groups_gone + other.lose + other.groups_gone,
    }
    assert orjson.loads(widget([large()])) == {"create": 3_000, "update": 3_991, "delete": 3_000}
    note = Note(code="noState", key="hootsuite", text="x")
    assert orjson.loads(widget([compared(Make.plan(notes=(note,)))])) == {"create": 0, "update": 0, "delete": 0}
