"""Plans that were kept are read again only if they are whole, unaltered and understood."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from reconciler.errors import PlanError
from reconciler.model.plan import Plan
from reconciler.plan import digest_of, read_plans, signed, to_json
from reconciler.plan import saved as module


@pytest.fixture
def plan(world: Any) -> Plan:
    """A creation, an update, members and a question."""
    world.settled(5)
    world.ours("1", "ada", displayName="Old")
    world.ours("3", "eve", active=False)
    world.user("söphie")
    world.group("editors", "ada", "söphie")
    made: Plan = world.plan()
    return made


def refused(data: bytes) -> PlanError:
    with pytest.raises(PlanError) as caught:
        read_plans(data, "p.json")
    assert caught.value.exit_code == 1
    assert caught.value.hint
    assert str(caught.value).startswith("p.json: ")
    return caught.value


def resealed(plan: Plan, **keys: Any) -> bytes:
    """As somebody writes it who knows how digests are made."""
    document = {**orjson.loads(to_json(plan)), **keys}
    return orjson.dumps({**document, "digest": digest_of(document)})


def test_a_plan_comes_back_as_it_was(plan: Plan) -> None:
    assert read_plans(to_json(plan), "p.json") == [plan]
    assert to_json(read_plans(to_json(plan), "p.json")[0]) == to_json(plan)


def test_a_list_of_plans_comes_back_in_order(plan: Plan) -> None:
    other = signed(plan.model_copy(update={"app": "wiki"}))
    data = b"[" + to_json(plan) + b"," + to_json(other) + b"]"
    assert read_plans(data, "p.json") == [plan, other]


def test_another_layout_of_the_same_document_is_the_same_plan(plan: Plan) -> None:
    assert read_plans(orjson.dumps(orjson.loads(to_json(plan)), option=orjson.OPT_SORT_KEYS), "p.json") == [plan]


def test_a_plan_that_was_cut_anywhere_is_refused_as_cut(plan: Plan) -> None:
    data = to_json(plan).rstrip()
    assert len(data) > 1000
    for end in range(1, len(data)):
        assert "ends too early" in str(refused(data[:end])), data[:end][-40:]


@pytest.mark.parametrize("data", [b"", b" \n"])
def test_an_empty_file(data: bytes) -> None:
    assert "is empty" in str(refused(data))


@pytest.mark.parametrize("data", [b"users:\n- ada\n", b"{'a': 1}", b"\xff\xfe{\x00", b'{"a": 1e999}', b"\x89PNG\r\n"])
def test_what_is_no_json(data: bytes) -> None:
    assert "is no JSON" in str(refused(data))


@pytest.mark.parametrize(
    "data",
    [b"{}", b"null", b"7", b'"reconciler.plan/1"', b'[{"format": 1}]', b"[[]]", b'{"format": "reconciler.state/1"}',
     b'{"format_version":"1.2","planned_values":{}}'],
)  # fmt: skip
def test_foreign_json(data: bytes) -> None:
    assert "no plan of this program" in str(refused(data))


def test_a_list_without_a_plan() -> None:
    assert "holds no plan" in str(refused(b"[]"))


@pytest.mark.parametrize("version", ["reconciler.plan/2", "reconciler.plan/10", "reconciler.plan/" + "9" * 5000])
def test_a_newer_format_says_to_update(plan: Plan, version: str) -> None:
    error = refused(resealed(plan, format=version))
    assert "reads reconciler.plan/1" in error.message
    assert error.hint.startswith("update reconciler")
    assert len(error.message) < 200


@pytest.mark.parametrize("version", ["reconciler.plan/0", "reconciler.plan/", "reconciler.plan/x"])
def test_another_format_is_made_again(plan: Plan, version: str) -> None:
    error = refused(resealed(plan, format=version))
    assert "has the format" in error.message
    assert error.hint.startswith("make the plan again")


def test_a_newer_program_says_what_this_one_does_not_know(plan: Plan) -> None:
    error = refused(resealed(plan, toolVersion="7.0.0", weather="fine"))
    assert "written by reconciler '7.0.0'" in error.message
    assert error.hint.startswith("update reconciler")


def test_a_newer_program_whose_plan_is_understood_is_read(plan: Plan) -> None:
    (read,) = read_plans(resealed(plan, toolVersion="7.0.0"), "p.json")
    assert read.changes == plan.changes


def test_unknown_keys_of_no_newer_program(plan: Plan) -> None:
    assert "weather" in str(refused(resealed(plan, weather="fine")))


def _walk(value: Any, path: tuple[Any, ...] = ()) -> Any:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, (*path, key))
    elif isinstance(value, list):
        for key, inner in enumerate(value):
            yield from _walk(inner, (*path, key))
    else:
        yield path, value


def test_a_plan_that_was_altered_anywhere_is_refused(plan: Plan) -> None:
    leaves = list(_walk(orjson.loads(to_json(plan))))
    assert len(leaves) > 50
    for path, value in leaves:
        document = orjson.loads(to_json(plan))
        inner = document
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = f"{value}x" if isinstance(value, str) else not value if isinstance(value, bool) else 77
        assert path == ("format",) or "was altered" in str(refused(orjson.dumps(document))), path


def test_a_change_that_is_taken_out_or_put_in_is_refused(plan: Plan) -> None:
    document = orjson.loads(to_json(plan))
    for changes in (document["changes"][1:], [*document["changes"], document["changes"][0]]):
        assert "its digest does not fit" in str(refused(orjson.dumps({**document, "changes": changes})))


def test_other_changes_than_those_that_are_named(plan: Plan) -> None:
    changes = orjson.loads(to_json(plan))["changes"][1:]
    assert "changesDigest does not fit" in str(refused(resealed(plan, changes=changes)))


@pytest.mark.parametrize("key", ["digest", "changesDigest"])
def test_a_plan_without_a_digest(plan: Plan, key: str) -> None:
    document = orjson.loads(to_json(plan))
    del document[key]
    assert "altered" in str(refused(orjson.dumps(document)))


def test_a_key_that_stands_twice_is_refused(plan: Plan) -> None:
    data = to_json(plan).replace(b'"app":', b'"app": "another",\n  "app":', 1)
    assert "'app' stands twice" in str(refused(data))


def test_two_plans_for_one_app_are_refused(plan: Plan) -> None:
    assert "more than one plan for chat" in str(refused(b"[" + to_json(plan) + b"," + to_json(plan) + b"]"))


@pytest.mark.parametrize("depth", [41, 900, 1_000_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_what_is_nested_deeply_is_refused_and_crashes_nothing(depth: int, opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    message = str(refused(opening * depth + b"1" + closing * depth))
    assert "deep" in message or "depth" in message


def test_a_deep_value_under_a_key_that_stands_twice(plan: Plan) -> None:
    deep = b'"app": ' + b"[" * 900 + b"]" * 900 + b', "app":'
    assert "stands twice" in str(refused(to_json(plan).replace(b'"app":', deep, 1)))


def test_what_is_too_big_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    assert "larger than" in str(refused(b" " * 10 + b"x"))


def test_messages_stay_short_and_printable_whatever_the_file_holds(plan: Plan) -> None:
    rude = "\x1b[2J\n" + "x" * 10_000
    for data in (
        resealed(plan, toolVersion=f"9.{rude}", weather=1),
        resealed(plan, format=f"reconciler.plan/{rude}"),
        resealed(plan, **{rude: 1}),
    ):
        error = refused(data)
        assert len(error.message) < 500
        assert "\x1b" not in error.message
        assert "\n" not in error.message
