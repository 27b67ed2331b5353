"""Can everybody sign in: what is sent of them, beside what accounts hold once the plan is carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.plan import Plan
from reconciler.model.sso import Finding, SignOn
from reconciler.plan import propose

if TYPE_CHECKING:
    from tests.plan.conftest import World

SAML = {"metadata": "idp.xml", "nameId": "userPrincipalName"}


@pytest.fixture
def office(world: World) -> World:
    world.app(sso=SAML)
    world.settled(3)
    return world


def told(plan: Plan) -> dict[str, str]:
    """Code → text, of the notes about signing in; each once."""
    found = [(n.code, n.text) for n in plan.notes if n.code.startswith("sso")]
    assert len(dict(found)) == len(found)
    return dict(found)


def test_everybody_can(office: World) -> None:
    assert told(office.plan()) == {}


def test_nothing_is_said_of_an_app_without_it(world: World) -> None:
    world.ours("1", "ada", userName="other@contoso.com")
    world.account("2", "nobody")
    assert told(world.plan()) == {}


def test_what_the_plan_corrects_is_no_matter(office: World) -> None:
    office.ours("1", "ada", userName="wrong@contoso.com")
    plan = office.plan()
    assert [c.action for c in plan.pending] == ["renameUser"]
    assert told(plan) == {}


def test_who_sends_another_name_than_the_account_has(office: World) -> None:
    office.app(sso={"metadata": "idp.xml", "nameId": "mail"})
    office.ours("1", "ada", mail="ada.lovelace@contoso.com")
    office.user("ada", mail="ada.lovelace@contoso.com")
    found = told(office.plan())
    assert found == {
        "ssoNameId": "1 person can't sign in: the NameID is not what the account has as userName: "
        "user:ada (ada.lovelace@contoso.com; the account has ada@contoso.com)"
    }


def test_many_are_one_line(office: World) -> None:
    office.app(sso={"metadata": "idp.xml", "nameId": "mailNickname"})
    for n in range(50):
        office.ours(f"x{n}", f"x{n:02}")
        office.user(f"x{n:02}", mailNickname=f"nick{n:02}")
    notes = [n for n in office.plan().notes if n.code == "ssoNameId"]
    assert len(notes) == 2  # and the three without any
    assert any(n.text.startswith("50 people can't sign in") and n.text.endswith("and 47 more") for n in notes)
    assert any(n.text.startswith("3 people can't sign in: no mailNickname") for n in notes)
    assert all(len(n.text) < 300 for n in notes)


def test_the_mapping_made_of_the_same_attribute_is_the_one_to_compare(office: World) -> None:
    office.map(
        {"target": "externalId", "source": "employeeId", "matching": 1},
        {"target": "userName", "source": "userPrincipalName", "matching": 2},
    )
    office.ours("1", "ada", externalId="7")
    office.user("ada", employeeId="7")
    assert "ssoNameId" not in told(office.plan())
    office.app(sso={"metadata": "idp.xml", "nameId": "mail"})  # made of neither: the first counts
    assert "what the account has as externalId" in " ".join(n.text for n in office.plan().notes)


def test_case_is_told_apart(office: World) -> None:
    office.ours("1", "ada", userName="Ada@Contoso.com")
    found = told(office.plan())
    assert set(found) == {"ssoCase"}
    assert "1 person may not be able to sign in" in found["ssoCase"]
    office.app(profile={"compare": {"case": {"userName": "exact"}}})  # there it is a difference, and corrected
    assert told(office.plan()) == {}


def test_the_worst_is_to_be_let_in_as_somebody_else(office: World) -> None:
    office.app(sso={"metadata": "idp.xml", "nameId": "mail"})
    office.ours("1", "ada")
    office.ours("2", "grace")
    office.user("ada", mail="grace@contoso.com")
    office.user("grace", mail="other@contoso.com")
    office.account("3", "old")
    office.ours("4", "alan")
    office.user("alan", mail="old@contoso.com")
    texts = [n.text for n in office.plan().notes if n.code == "ssoNameId"]
    assert (
        "2 people would be signed in to somebody else's account: user:ada to that of user:grace, "
        "user:alan to that of account:3"
    ) in texts
    assert any(text.startswith("1 person can't sign in") and "user:grace" in text for text in texts)


def test_two_who_send_the_same(office: World) -> None:
    office.app(sso={"metadata": "idp.xml", "nameId": "department"})
    office.ours("1", "ada")
    office.ours("2", "grace")
    for name in ("ada", "grace"):
        office.user(name, department="Sales")
    texts = [n.text for n in office.plan().notes if n.code == "ssoNameId"]
    assert "one value is sent as NameID by more than one person: user:ada and user:grace" in texts


def test_who_is_in_scope_and_gets_no_account(office: World) -> None:
    office.user("ada")
    office.account("1", "ada")
    office.account("2", "ada", displayName="Another Ada")
    plan = office.plan()
    assert plan.held
    found = told(plan)
    assert found["ssoNoAccount"] == (
        "1 person could sign in, without an account here, and this plan makes none: user:ada"
    )


def test_accounts_that_nobody_can_sign_in_to(office: World) -> None:
    office.account("1", "old")
    office.account("2", "older", active=False)
    office.account("3", "robot")
    office.account("4", "token")
    office.app(
        ignore={"users": [{"attribute": "userName", "operator": "EQUALS", "value": "robot@contoso.com"}]},
        guardrails={"actsAs": "token@contoso.com"},
    )
    assert told(office.plan()) == {"ssoNobody": "nobody in scope can sign in to 1 active account: old@contoso.com"}
    for n in range(10):
        office.account(f"x{n}", f"x{n}")
    assert told(office.plan())["ssoNobody"].startswith("nobody in scope can sign in to 11 active accounts: old@")


def test_leavers_are_not_among_them_and_held_ones_are(office: World) -> None:
    office.ours("1", "ada")
    office.leave("ada")
    assert told(office.plan()) == {}
    office.app(guardrails={"deprovisionUsers": {"count": 0, "ignoreBelow": 0}})
    assert told(office.plan()) == {"ssoNobody": "nobody in scope can sign in to 1 active account: ada@contoso.com"}


def test_new_accounts_after_the_first_sign_in_could_have_been(office: World) -> None:
    office.people("ada", "grace")
    office.user("alan", employeeHireDate="2026-12-01")  # who has not begun yet
    found = told(office.plan())
    assert set(found) == {"ssoFirstSignIn"}
    assert found["ssoFirstSignIn"].startswith("2 people get their account now, and may have signed in before")
    assert found["ssoFirstSignIn"].endswith(": user:ada, user:grace")


def test_new_in_this_change_nobody_has_signed_in_yet(office: World) -> None:
    from reconciler.plan import Earlier, Version

    before = Version(office.the_app, office.profile, office.desired)
    office.user("ada")
    plan = office.propose(base=Earlier("c" * 40, before)).plan
    assert [c.key for c in plan.pending] == ["user:ada"]
    assert told(plan) == {}


def test_who_is_new_is_compared_too(office: World) -> None:
    office.app(sso={"metadata": "idp.xml", "nameId": "mail"})
    office.user("ada", mail="lovelace@contoso.com", employeeHireDate="2027-01-01")
    assert "user:ada (lovelace@contoso.com; the account has ada@contoso.com)" in told(office.plan())["ssoNameId"]


def test_an_issuer_has_a_claim(office: World) -> None:
    office.app(sso={"issuer": "https://idp.contoso.com", "subject": "id"})
    texts = [n.text for n in office.plan().notes if n.code == "ssoNameId"]
    assert texts[0].startswith(
        "3 people can't sign in: the claim sub is not what the account has as userName: user:p0 (p0;"
    )


def test_where_a_mapping_redacts_no_values_are_shown(office: World) -> None:
    office.map({"target": "nickName", "expression": "Redact([mail])"})
    office.app(sso={"metadata": "idp.xml", "nameId": "mail"})
    office.ours("1", "ada")
    office.user("ada", mail="secret@contoso.com")
    text = " ".join(n.text for n in office.plan().notes)
    assert "user:ada" in text
    assert "secret@" not in text


def test_what_is_known_of_the_identity_provider(office: World) -> None:
    office.user("ada", userPrincipalName="ada", employeeHireDate="2027-01-01")
    desired, app = office.desired, office.the_app
    findings = (Finding(True, "fine"), Finding(False, "expired", "renew it"), Finding(None, "ends soon"))
    sign_on = SignOn(findings, email=True)
    state = office.state.model_copy(update={"fresh": False})
    made = propose(app, office.profile, desired, office.snapshot(desired), state, as_of=office.now, sign_on=sign_on)
    notes = [(n.code, n.text) for n in made.plan.notes if n.code.startswith("sso")]
    assert ("ssoMetadata", "expired (renew it)") in notes
    assert ("ssoMetadata", "ends soon") in notes
    assert not any("fine" in text for _, text in notes)
    what = "what is sent is no e-mail address, and the identity provider says that it sends one"
    assert ("ssoNameId", f"1 person can't sign in: {what}: user:ada") in notes


def test_nothing_of_it_is_a_change(office: World) -> None:
    office.account("1", "old")
    with_it = office.plan()
    office.app_keys.pop("sso")
    without = office.plan()
    assert with_it.changes == without.changes
    assert with_it.changes_digest == without.changes_digest
    assert with_it.empty


def test_a_change_of_it_is_told(office: World) -> None:
    from reconciler.plan import Earlier, Version

    before = Version(office.the_app, office.profile, office.desired)
    office.app(sso={"metadata": "idp.xml", "nameId": "mail"})
    plan = office.propose(base=Earlier("c" * 40, before)).plan
    assert "sso.nameId: userPrincipalName → mail" in [n.text for n in plan.notes if n.code == "settingsChanged"]
