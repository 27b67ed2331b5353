"""Whatever the files hold, it is read or refused with places; nothing else escapes, and no time is lost."""

from __future__ import annotations

import json
import string
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.desired import load
from reconciler.desired.document import BadDocument, read_document
from reconciler.desired.findings import Findings, closest
from reconciler.desired.secrets import report_tokens
from reconciler.errors import DesiredStateError

KEYS = [
    "id",
    "kind",
    "owner",
    "accountEnabled",
    "formerly",
    "accounts",
    "mail",
    "manager",
    "otherMails",
    "members",
    "user",
    "group",
    "sensitive",
    "rules",
    "cases",
    "expression",
    "inputs",
    "expected",
    "gallery",
    "tenantUrl",
    "auth",
    "bearer",
    "env",
    "scope",
    "assigned",
    "everyone",
    "groups",
    "users",
    "exclude",
    "filters",
    "attribute",
    "operator",
    "value",
    "unmanaged",
    "guardrails",
    "protected",
    "deprovisionUsers",
    "count",
    "percent",
    "profile",
    "name",
    "mappings",
    "replace",
    "target",
    "source",
    "values",
    "matching",
    "timeZone",
    "soonDays",
    "attributes",
    "type",
    "defaults",
    "state",
    "notify",
    "password",
    "until",
]
FILES = (
    "reconciler.yaml",
    "users/x.yaml",
    "groups/x.yaml",
    "apps/a/app.yaml",
    "apps/a/mappings.yaml",
    "apps/a/tests.yaml",
)

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["ada", "x", "", "person", "EQUALS", "https://a.example.com/b", "https://[", "all", "UTC", "a[b"]),
    st.text(string.printable, max_size=5),
)  # fmt: skip
trees = st.recursive(
    scalars,
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.sampled_from(KEYS), below, max_size=5)),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(FILES), tree=trees)
def test_any_tree_in_any_file(tmp_path: Path, file: str, tree: Any) -> None:
    files = {
        "users/ada.yaml": {"mail": "ada@contoso.com"},
        "apps/a/app.yaml": {
            "tenantUrl": "https://a.example.com", "scope": {"everyone": True}, "unmanaged": {"users": "report"},
        },
        "reconciler.yaml": {}, "users/x.yaml": {}, "groups/x.yaml": {}, "apps/a/mappings.yaml": {},
        "apps/a/tests.yaml": {"cases": []}, file: tree,
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    with suppress(DesiredStateError):
        load(tmp_path)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(" \n\t-:{}[]&*!|>'\"%@`#,?~ab1é\\", max_size=60).map(str.encode))
def test_any_bytes(data: bytes) -> None:
    with suppress(BadDocument):
        read_document(data, "x.yaml")


@settings(max_examples=100, deadline=None)
@given(trees)
def test_json_is_read_as_json(tree: Any) -> None:
    data = json.dumps({"a": tree})
    assert read_document(data.encode(), "x.yaml").value == {"a": tree}


@pytest.mark.parametrize("bait", ["eyJ", "eyJaaaaaaaaaaa.", "-----BEGIN A ", "Bearer ", "xoxb-", "ghp_"])
def test_looking_for_tokens_takes_linear_time(bait: str) -> None:
    """Would take minutes if each beginning were followed to the end of the line."""
    document = read_document(b"# " + bait.encode() * 200_000 + b"\na: 1\n", "x.yaml")
    findings = Findings()
    report_tokens(document, findings)
    assert len(findings.problems) <= 20


def test_suggestions_do_not_look_at_everybody() -> None:
    known = {f"user{number}": None for number in range(200_000)}
    assert closest("usr77", known) in known
    assert closest("x" * 5000, known) == ""


def test_suggestions_end(tmp_path: Path) -> None:
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / "x.yaml").write_text("".join(f"- id: a{n}\n  dispalyName: x\n" for n in range(200)))
    with pytest.raises(DesiredStateError) as caught:
        load(tmp_path)
    hints = [problem.hint for problem in caught.value.problems]
    assert len(hints) == 200
    assert 0 < hints.count("did you mean `displayName`?") < 200
