"""`--only`: some people and groups, with what they depend on, and as few requests as that takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox
from reconciler.sandbox.faults import Faults

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


@pytest.fixture(params=["few", "all"])
def paged(request: pytest.FixtureRequest, site: Company) -> str:
    """Small pages, so that looking for somebody costs less than listing all; or one page for everybody."""
    if request.param == "few":
        site.edit_app(profile={"rate": {"perSecond": None}, "paging": {"count": 1}})
    return str(request.param)


def lists(sandbox: Sandbox) -> int:
    """Pages of users that were listed without a filter."""
    return sum(
        r.path.endswith("/Users") and r.method == "GET" and "filter" not in str(r.query) for r in sandbox.requests
    )


def changes(called: Called) -> set[tuple[str, str]]:
    return {(change["action"], change["key"]) for change in called.document["changes"]}


def names(sandbox: Sandbox) -> set[str]:
    return {user["userName"].partition("@")[0] for user in sandbox.users.values()} - {"provisioning"}


def test_one_person_with_the_groups_they_need(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, paged: str
) -> None:
    called = reconciler("plan", site.root, "--only", "user:alan.turing", "--format", "json")
    assert called.code == 0, called.err
    assert called.document["partial"] is True
    assert changes(called) == {
        ("createUser", "user:alan.turing"), ("createGroup", "group:research"), ("addMembers", "group:research"),
    }  # fmt: skip
    (added,) = [c["members"] for c in called.document["changes"] if c["action"] == "addMembers"]
    assert [member["key"] for member in added] == ["user:alan.turing"]
    assert [n["code"] for n in called.document["notes"] if n["code"] == "partial"] == ["partial"]
    assert reconciler("apply", site.root, "--yes", "--only", "user:alan.turing").code == 0
    assert names(sandbox) == {"alan"}
    assert site.state["appliedAt"] is None, "the commit is not applied"
    assert set(site.state["bindings"]) == {"user:alan.turing", "group:research"}
    assert reconciler("apply", site.root, "--yes").code == 0
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 0


def test_a_group_with_all_its_members(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    assert reconciler("apply", site.root, "--yes", "--only", "group:research").code == 0
    assert names(sandbox) == {"alan", "mary", "ada"}
    assert {group["displayName"] for group in sandbox.groups.values()} == {"Research"}


def test_several_keys(site: Company, sandbox: Sandbox, reconciler: Reconciler, paged: str) -> None:
    assert (
        reconciler("apply", site.root, "--yes", "--only", "user:alan.turing", "--only", "user:ada.lovelace").code == 0
    )
    assert names(sandbox) == {"alan", "ada"}


def test_somebody_leaves_alone(site: Company, sandbox: Sandbox, reconciler: Reconciler, paged: str) -> None:
    """With them their memberships; nobody else who should go or come does, and nobody is forgotten."""
    assert reconciler("apply", site.root, "--yes").code == 0
    before = site.state
    site.remove_person("ada.lovelace")
    site.remove_person("grace.hopper")
    site.person("emmy.noether", "Emmy", "Noether")
    called = reconciler("apply", site.root, "--yes", "--only", "user:ada.lovelace")
    assert called.code == 0, called.out
    assert not sandbox.users[sandbox.user_id("ada@contoso.com")]["active"]
    assert sandbox.users[sandbox.user_id("grace@contoso.com")]["active"]
    assert "emmy" not in names(sandbox)
    assert sandbox.user_id("ada@contoso.com") not in sandbox.members(sandbox.group_id("Research"))
    assert sandbox.user_id("mary@contoso.com") in sandbox.members(sandbox.group_id("Research"))
    after = site.state
    assert after["bindings"].keys() == before["bindings"].keys()
    left = after["bindings"]["group:research"]["members"]
    assert left == [user for user in before["bindings"]["group:research"]["members"] if user != "ada.lovelace"]
    assert after["commit"] == before["commit"]
    assert after["appliedAt"] == before["appliedAt"]
    assert reconciler("apply", site.root, "--yes").code == 0
    assert not sandbox.users[sandbox.user_id("grace@contoso.com")]["active"]
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 0


def test_nothing_to_do_for_somebody(site: Company, reconciler: Reconciler, paged: str) -> None:
    assert reconciler("apply", site.root, "--yes").code == 0
    site.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    assert reconciler("plan", site.root, "--only", "user:ada.lovelace", "--detailed-exitcode").code == 0
    assert reconciler("plan", site.root, "--only", "user:grace.hopper", "--detailed-exitcode").code == 2


def test_an_account_of_somebody_else_is_not_taken(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, paged: str
) -> None:
    """The name of a bound account, claimed by somebody who alone is looked for."""
    assert reconciler("apply", site.root, "--yes").code == 0
    site.person("eve", "Ada", "Lovelace", userPrincipalName="ada@contoso.com", mail="ada@contoso.com")
    site.edit_person("ada.lovelace", userPrincipalName="lovelace@contoso.com", mail="lovelace@contoso.com")
    called = reconciler("apply", site.root, "--yes", "--only", "user:eve")
    assert called.code in (0, 3, 4)
    assert site.state["bindings"]["user:ada.lovelace"]["id"] != site.state["bindings"].get("user:eve", {}).get("id")


def test_requests_go_with_the_keys(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    for number in range(60):
        site.person(f"p{number}", "Given", f"Surname{number}")
    site.edit_app(profile={"rate": {"perSecond": None}, "paging": {"count": 3}})
    assert reconciler("apply", site.root, "--yes").code == 0
    sandbox.requests.clear()
    assert reconciler("plan", site.root, "--only", "user:p7", "--only", "user:p8").code == 0
    assert len(sandbox.requests) <= 2 + 2 + 3, "both, what the server says of itself, and their groups: none"
    assert lists(sandbox) == 0


def test_filters_that_lie_are_found_out(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    """A filter that finds nobody would make everybody a second time."""
    for number in range(30):
        site.person(f"p{number}", "Given", f"Surname{number}")
    site.edit_app(profile={"rate": {"perSecond": None}, "paging": {"count": 3}})
    assert reconciler("apply", site.root, "--yes").code == 0
    site.state_file.unlink()
    sandbox.faults = sandbox.store.faults = Faults(["blindFilter"])
    sandbox.requests.clear()
    called = reconciler("plan", site.root, "--only", "user:p7", "--format", "json")
    assert called.code == 0
    assert not [action for action, _ in changes(called) if action == "createUser"]
    assert lists(sandbox) > 10, "so everything was read"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("user:ada.lovelase", "did you mean `user:ada.lovelace`?"),
        ("group:reserch", "did you mean `group:research`?"),
        ("ada.lovelace", "did you mean `user:ada.lovelace`?"),
        ("person:ada", "user:ID, group:ID"),
        ("user:zzz", "neither the files nor the memory has it"),
    ],
)
def test_a_key_of_nobody(site: Company, sandbox: Sandbox, reconciler: Reconciler, key: str, says: str) -> None:
    for command in ("plan", "apply"):
        called = reconciler(command, site.root, "--only", key)
        assert called.code == 64
        assert says in called.err
    assert not sandbox.requests


def test_guardrails_protect_as_a_whole(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    """Percentages are of everybody, not of the few who are looked at."""
    for number in range(30):
        site.person(f"p{number}", "Given", f"Surname{number}")
    site.edit_app(
        profile={"rate": {"perSecond": None}, "paging": {"count": 3}},
        guardrails={"deprovisionUsers": {"percent": 10, "count": 100, "ignoreBelow": 0}},
    )
    assert reconciler("apply", site.root, "--yes").code == 0
    site.edit_person("p3", accountEnabled=False)
    called = reconciler("plan", site.root, "--only", "user:p3", "--format", "json")
    (rail,) = [rail for rail in called.document["guardrails"] if rail["name"] == "deprovisionUsers"]
    assert (rail["value"], rail["of"], rail["broken"]) == (1, 35, False)
