"""The example company, and a real organization at two dates."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.desired import Loaded, load

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT.parent / "shared" / "data" / "kubernetes"


@pytest.fixture(scope="module")
def company() -> Loaded:
    return load(ROOT / "desired-state")


def test_the_example_has_something_of_everything(company: Loaded) -> None:
    people, groups = company.directory.users.values(), company.directory.groups.values()
    assert not company.warnings
    assert 40 <= len(people) <= 50
    assert 8 <= len(groups) <= 10
    assert len({user.attributes.get("department") for user in people}) >= 6
    assert any(user.kind == "service" for user in people)
    assert any(not user.enabled for user in people)
    assert any(user.formerly for user in people)
    assert any(group.formerly for group in groups)
    assert any(group.sensitive for group in groups)
    assert any(member.group for group in groups for member in group.members)
    assert len([user for user in people if user.file == "users/agencies.yaml"]) >= 2


def test_the_example_uses_invented_addresses(company: Loaded) -> None:
    addresses = [user.attributes[name] for user in company.directory for name in ("userPrincipalName", "mail")]
    assert all(address.endswith(("@contoso.com", ".example.com")) for address in addresses)
    assert len(set(addresses)) == len(company.directory.users)


def test_the_app_of_the_example(company: Loaded) -> None:
    app = company.apps["hootsuite"]
    assert app.auth is not None
    assert app.auth.bearer is not None
    assert (app.gallery, app.auth.bearer.env) == ("hootsuite", "HOOTSUITE_SCIM_TOKEN")
    assert app.guardrails.acts_as == "provisioning@contoso.com"
    assert 4 <= len(company.cases["hootsuite"]) <= 6


@pytest.mark.skipif(not KUBERNETES.is_dir(), reason="the data of the Kubernetes project is not here")
@pytest.mark.parametrize(
    ("date", "people", "groups", "nested"), [("2025-06", 1564, 731, 59), ("2026-08", 1509, 773, 56)]
)
def test_a_real_organization(date: str, people: int, groups: int, nested: int) -> None:
    state = load(KUBERNETES / date)
    assert not state.warnings
    assert (len(state.directory.users), len(state.directory.groups)) == (people, groups)
    members = [member for group in state.directory.groups.values() for member in group.members]
    assert sum(member.group is not None for member in members) == nested
