"""Promise 12: exit code and summary never hide a failed or held change. And answers that a real socket loses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


@pytest.mark.parametrize(
    ("fails", "holds", "code"), [(False, False, 0), (False, True, 3), (True, False, 4), (True, True, 4)]
)
def test_what_failed_and_what_is_held_is_told(
    company: Callable[..., Company], reconciler: Reconciler, fails: bool, holds: bool, code: int
) -> None:
    sandbox = Sandbox("hootsuite", rate=0)
    with running(sandbox) as url:
        files = company(gallery="hootsuite", tenant=url)
        assert reconciler("apply", files.root, "--yes").code == 0
        files.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
        if holds:
            sandbox.edit_user(sandbox.user_id("ada@contoso.com"), active=False)
        if fails:
            files.person("emmy.noether", "Emmy", "Noether")
            files.edit_group("research", members=["alan.turing", "mary.somerville", "ada.lovelace", "emmy.noether"])
            sandbox.faults.set("failCreate=emmy@contoso.com")
        planned = reconciler("plan", files.root, "--detailed-exitcode")
        assert planned.code == (3 if holds else 2)
        text = reconciler("apply", files.root, "--yes")
        assert text.code == code
        assert ("1 failed" in text.out) == fails
        assert ("user:emmy.noether" in text.out or "emmy.noether" in text.out) == fails
        assert ("HELD" in text.out) == ("1 held" in text.out) == holds
        assert ("--allow takenAwayInApp:user:ada.lovelace" in text.out) == holds
        data = reconciler("apply", files.root, "--yes", "--format", "json")
        assert data.code == code
        assert data.document["exitCode"] == code
        found = {(s["key"], s["status"]) for s in data.document["steps"]}
        assert (("user:emmy.noether", "failed") in found) == fails
        assert (("user:ada.lovelace", "held") in found) == holds
        assert reconciler("drift", files.root).code == (3 if holds else 2 if fails else 0)


@pytest.mark.parametrize("number", [2, 8, 11])
@pytest.mark.parametrize("fault", ["loseAnswer", "loseRequest"])
@pytest.mark.parametrize("gallery", ["hootsuite", "scim"])
def test_a_connection_that_breaks_under_a_write(
    company: Callable[..., Company], reconciler: Reconciler, fault: str, gallery: str, number: int
) -> None:
    """A write of each stage, the people's, the groups', the members', ends without an answer: all is done, once."""
    sandbox = Sandbox(gallery, rate=0, faults=[f"{fault}={number}"])
    with running(sandbox) as url:
        files = company(gallery=gallery, tenant=url)
        called = reconciler("apply", files.root, "--yes")
        assert called.code == 0, called.out + called.err
        assert any(r.status == 0 for r in sandbox.requests)
        assert len(sandbox.users) == 7
        assert sorted(g["displayName"] for g in sandbox.groups.values()) == ["Agencies", "Research", "Social Media"]
        sandbox.faults.clear()
        assert reconciler("plan", files.root, "--detailed-exitcode").code == 0


def test_without_a_memory_what_unmanaged_would_remove_waits_for_its_release(
    company: Callable[..., Company], reconciler: Reconciler
) -> None:
    """On every run, not only on the first: by then there is a memory, and still nobody has answered."""
    sandbox = Sandbox("scim", rate=0)
    for number in range(3):
        sandbox.add_user(f"stranger{number}@elsewhere.example")
    with running(sandbox) as url:
        files = company(gallery="scim", tenant=url)
        files.edit_app(unmanaged={"users": "deprovision"}, guardrails={"actsAs": "provisioning@contoso.com"})
        for _ in range(3):
            called = reconciler("apply", files.root, "--yes")
            assert called.code == 3
            assert "--allow deprovisionUsers=3" in called.out
            assert all(u["active"] for u in sandbox.users.values())
        assert reconciler("apply", files.root, "--yes", "--allow", "deprovisionUsers=3").code == 0
        assert sum(not u["active"] for u in sandbox.users.values()) == 3
        assert reconciler("plan", files.root, "--detailed-exitcode").code == 0
