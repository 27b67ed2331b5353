"""The reader of Entra's schema: what it accepts, and how it refuses what is broken, hostile or about something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ReconcilerError
from reconciler.sources.entra.document import read_schema
from reconciler.sources.entra.tree import LARGEST

HOOTSUITE = Path(__file__).parents[1] / "data" / "entra" / "hootsuite.json"


def schema(**over: Any) -> dict[str, Any]:
    """The smallest schema, with one attribute mapping; `over` replaces keys of its object mapping."""
    mapping = {
        "source": {"type": "Attribute", "name": "userPrincipalName"},
        "targetAttributeName": "userName",
        "matchingPriority": 1,
    }
    objects = {"sourceObjectName": "User", "targetObjectName": "User", "attributeMappings": [mapping]}
    return {"synchronizationRules": [{"objectMappings": [objects | over]}]}


def raw(document: Any) -> bytes:
    return json.dumps(document).encode()


def refusal(data: bytes) -> str:
    with pytest.raises(ReconcilerError) as caught:
        read_schema(data)
    return str(caught.value)


def test_the_documented_form_is_read() -> None:
    found = read_schema(HOOTSUITE.read_bytes())
    assert found.target == "Hootsuite"
    assert [(each.kind, len(each.flows)) for each in found.objects] == [("groups", 3), ("users", 8)]
    first = found.objects[1].flows[0]
    assert (first.target, first.matching, first.flow_type) == ("userName", 1, "Always")
    assert found.ignored == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_every_encoding_that_json_and_powershell_write_is_read(encoding: str) -> None:
    text = HOOTSUITE.read_text(encoding="utf-8")
    assert read_schema(text.encode(encoding)) == read_schema(HOOTSUITE.read_bytes())


def test_keys_compare_without_case_as_powershell_spells_them() -> None:
    text = HOOTSUITE.read_text(encoding="utf-8")
    for key in ("synchronizationRules", "objectMappings", "attributeMappings", "targetAttributeName", "source"):
        text = text.replace(f'"{key}":', f'"{key[0].upper()}{key[1:]}":')
    assert read_schema(text.encode()) == read_schema(HOOTSUITE.read_bytes())


@pytest.mark.parametrize("wrap", [lambda it: {"schema": it}, lambda it: {"value": [{"schema": it}]}, lambda it: [it]])
def test_a_template_or_a_list_of_one_holds_the_schema(wrap: Any) -> None:
    assert len(read_schema(raw(wrap(schema()))).objects) == 1


def test_whatever_is_cut_off_is_refused_or_says_less_than_nothing() -> None:
    data = raw(schema())
    for end in range(len(data)):
        assert "written" in refusal(data[:end]) or "once more" in refusal(data[:end])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it is empty"),
        (b"  \n", "it is empty"),
        (b"{", "it ends too early, in line 1, column 2"),
        (b'{"a": 1,, "b": 2}', "it is no JSON"),
        (b"<html></html>", "it is no JSON"),
        ('{"name": "Müller"}'.encode("cp1252"), "it is no UTF-8 text, at byte 12"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": 1, "A": 2}', "the key 'A' twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number in it is too long"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[]", "a list of 0"),
        (b"[{}, {}]", "a list of 2"),
        (b'"text"', "a JSON object"),
        (b"{}", "no synchronizationRules"),
        (b'{"synchronizationRules": "System.Collections.Hashtable"}', "give it -Depth 20"),
        (b'{"synchronizationRules": [3]}', "synchronizationRules[0]: an object is meant, this is a number"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_reason(data: bytes, says: str) -> None:
    assert says in refusal(data)


def test_what_is_too_large_is_refused_unread() -> None:
    assert "more than 33,554,432 bytes" in refusal(b" " * (LARGEST + 1))


def test_all_that_is_wrong_is_told_at_once_with_its_path() -> None:
    mapping = {"source": {"type": "Magic", "name": 3.5}, "targetAttributeName": None, "matchingPriority": "first"}
    group: dict[str, Any] = {"clauses": []}
    told = refusal(
        raw(
            schema(
                enabled="perhaps",
                flowTypes="Add, Divide",
                attributeMappings=[mapping, {"targetAttributeName": "a"}, {"targetAttributeName": "A"}],
                scope={"groups": [group]},
            )
        )
    )
    where = "synchronizationRules[0].objectMappings[0]"
    for line in (
        f"{where}.flowTypes: Add, Update and Delete are known, not 'divide'",
        f"{where}.enabled: true or false is meant, this is the text 'perhaps'",
        f"{where}.attributeMappings[0].source.type: Attribute, Constant and Function are known, not 'magic'",
        f"{where}.attributeMappings[0].source.name: text is meant, this is a number",
        f"{where}.attributeMappings[0].targetAttributeName: it does not say which attribute it writes",
        f"{where}.attributeMappings[0].matchingPriority: a whole number is meant, this is the text 'first'",
        f"{where}.attributeMappings[2]: A is mapped twice, first at {where}.attributeMappings[1]",
        f"{where}.scope.groups[0]: a filter without clauses lets everybody through",
    ):
        assert line in told
    assert "nothing was written" in told


def test_one_target_in_two_spellings_is_mapped_twice() -> None:
    two = ["title", "urn:ietf:params:scim:schemas:core:2.0:User:Title"]
    assert "is mapped twice" in refusal(raw(schema(attributeMappings=[{"targetAttributeName": each} for each in two])))


def test_a_thousand_problems_are_counted() -> None:
    told = refusal(raw(schema(attributeMappings=[{"targetAttributeName": None}] * 1000)))
    assert "and 950 more" in told
    assert len(told.splitlines()) < 60


def test_half_characters_are_refused() -> None:
    assert "unpaired surrogate" in refusal(rb'{"synchronizationRules": [{"sourceDirectoryName": "\ud800"}]}')


def test_functions_inside_of_functions_have_an_end() -> None:
    source: dict[str, Any] = {"type": "Attribute", "name": "mail"}
    for _ in range(150):
        source = {"type": "Function", "name": "Trim", "parameters": [{"key": "source", "value": source}]}
    told = refusal(raw(schema(attributeMappings=[{"source": source, "targetAttributeName": "userName"}])))
    assert "more than 100 functions inside one another" in told


def test_rules_about_something_else_are_named_and_not_taken() -> None:
    inbound = {"sourceDirectoryName": "Workday", "targetDirectoryName": "Active Directory", "objectMappings": [{}]}
    back = {"sourceDirectoryName": "Azure Active Directory", "targetDirectoryName": "Microsoft Entra ID"}
    document = schema()
    document["synchronizationRules"][0]["objectMappings"].append({"sourceObjectName": "Device"})
    document["synchronizationRules"] += [inbound, back]
    found = read_schema(raw(document))
    assert [each.kind for each in found.objects] == ["users"]
    assert [why for _, why in found.ignored] == [
        "it is about Device",
        "it goes from Workday to Active Directory, not to an application",
        "it goes from Azure Active Directory to Microsoft Entra ID, not to an application",
    ]
    told = refusal(raw({"synchronizationRules": [inbound]}))
    assert "no rule in it takes people or groups to an application" in told
    assert "from Workday" in told


def test_rules_are_taken_in_the_order_of_their_priorities() -> None:
    document = schema()
    first = schema(attributeMappings=[{"targetAttributeName": "displayName", "defaultValue": "x"}])
    document["synchronizationRules"][0]["priority"] = 2
    document["synchronizationRules"] += [{**first["synchronizationRules"][0], "priority": 1}]
    assert [each.flows[0].target for each in read_schema(raw(document)).objects] == ["displayName", "userName"]
