"""`--as-of`: a plan, or an explanation, for another day or moment. It says so, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


@pytest.fixture
def firm(company: Callable[..., Company]) -> Company:
    files = company(gallery="scim")
    files.write("reconciler.yaml", {"timeZone": "Pacific/Auckland"})
    files.edit_person("ada.lovelace", **{"from": "2099-12-01"})
    return files


def _created(document: dict[str, object]) -> set[str]:
    changes = document["changes"]
    assert isinstance(changes, list)
    return {each["key"] for each in changes if each["action"] == "createUser"}


@pytest.mark.parametrize(
    ("moment", "as_of", "there"),
    [
        ("2099-11-30", "2099-11-29T11:00:00Z", False),
        ("2099-12-01", "2099-11-30T11:00:00Z", True),
        ("2099-11-30T11:00:00Z", "2099-11-30T11:00:00Z", True),
        ("2099-12-01T00:00:00+14:00", "2099-11-30T10:00:00Z", False),
    ],
)
def test_a_plan_for_another_day(firm: Company, reconciler: Reconciler, moment: str, as_of: str, there: bool) -> None:
    sandbox = Sandbox("scim", rate=0)
    with running(sandbox) as url:
        firm.edit_app(tenantUrl=url)
        document = reconciler("plan", firm.root, "--as-of", moment, "--format", "json").document
        today = reconciler("plan", firm.root, "--format", "json").document
    assert document["asOf"] == as_of
    assert ("user:ada.lovelace" in _created(document)) is there
    assert [note["code"] for note in document["notes"] if note["code"] == "asOf"] == ["asOf"]
    assert "user:ada.lovelace" not in _created(today)
    assert all(note["code"] != "asOf" for note in today["notes"])
    assert {request.method for request in sandbox.requests} == {"GET"}


def test_an_explanation_for_another_day(firm: Company, reconciler: Reconciler) -> None:
    with running(Sandbox("scim", rate=0)) as url:
        firm.edit_app(tenantUrl=url)
        today = reconciler("explain", "user:ada.lovelace", firm.root)
        then = reconciler("explain", "user:ada.lovelace", firm.root, "--as-of", "2099-12-01")
    assert "SCOPE  disabled: from 2099-12-01" in today.out
    assert "✗ access" in today.out
    assert "SCOPE  in scope" in then.out
    assert "as of 2099-11-30 11:00:00 UTC" in then.out
    assert "createUser" in then.out


def test_an_explanation_of_files_with_errors_for_another_day(firm: Company, reconciler: Reconciler) -> None:
    firm.write("apps/app/mappings.yaml", {"users": [{"target": "displayName", "expression": "Now()"}], "groups": []})
    firm.edit_person("alan.turing", userPrincipalName=None)
    called = reconciler("explain", "user:ada.lovelace", firm.root, "--as-of", "2099-12-01")
    assert called.code == 1
    assert "SCOPE  in scope" in called.out
    assert "as of 2099-11-30 11:00:00 UTC" in called.out


@pytest.mark.parametrize("moment", ["tomorrow", "2099-13-01", "2099-12-01T08:00:00"])
@pytest.mark.parametrize("command", [("plan",), ("explain", "user:ada.lovelace")])
def test_what_is_no_moment(firm: Company, reconciler: Reconciler, command: tuple[str, ...], moment: str) -> None:
    called = reconciler(*command, firm.root, "--as-of", moment)
    assert called.code == 64
    assert f"--as-of {moment}: neither a day nor a time with an offset" in called.err
    assert "such as 2026-12-01" in called.err


@pytest.mark.parametrize("moment", ["0001-01-02", "1899-12-31T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_moment_at_the_end_of_all_calendars(firm: Company, reconciler: Reconciler, moment: str) -> None:
    called = reconciler("plan", firm.root, "--as-of", moment)
    assert called.code == 64
    assert f"--as-of {moment}: not between the years 1900 and 9999" in called.err


def test_nothing_is_applied_for_another_day(firm: Company, reconciler: Reconciler) -> None:
    assert reconciler("apply", firm.root, "--as-of", "2099-12-01").code == 64
