"""The filter language on plain JSON."""

from __future__ import annotations

from typing import Any

import pytest
from scim2_models import EnterpriseUser, User
from scim2_models.path import ScimFilter

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


CASES: list[tuple[str, list[str]]] = [
    ('userName eq "CLEO"', ["Cleo"]),
    ('USERNAME EQ "cleo"', ["Cleo"]),
    ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada"', ["ada"]),
    ('userName ne "ada"', ["bob", "Cleo"]),
    ('userName co "o"', ["bob", "Cleo"]),
    ('userName sw "C"', ["Cleo"]),
    ('displayName ew "l"', ["ada"]),
    ('userName gt "ada"', ["bob", "Cleo"]),
    ('userName ge "ada" and userName lt "c"', ["ada", "bob"]),
    ('userName le "ada"', ["ada"]),
    ("title pr", ["ada"]),
    ("not (title pr)", ["bob", "Cleo"]),
    ("title eq null", ["bob", "Cleo"]),
    ("title ne null", ["ada"]),
    ('title ne "Countess"', ["bob", "Cleo"]),
    ("active eq false", ["bob"]),
    ("active ne true", ["bob"]),
    ('name.familyName eq "lovelace"', ["ada"]),
    ('externalId eq "X1"', ["ada"]),
    ('externalId eq "x1"', []),
    ('emails eq "ADA@contoso.com"', ["ada"]),
    ('emails.type eq "home"', ["ada", "Cleo"]),
    ('emails[type eq "home" and value co "contoso"]', ["Cleo"]),
    ('emails.type eq "home" and emails.value co "contoso"', ["ada", "Cleo"]),
    ('emails[type eq "work"].value eq "ada@contoso.com"', ["ada"]),
    ("emails[primary eq true]", ["ada"]),
    ("emails[not (primary pr)]", ["ada", "Cleo"]),
    (f'{ENTERPRISE}:department eq "engines"', ["ada"]),
    (f'{ENTERPRISE}:manager.value eq "7"', ["ada"]),
    ('groups.display eq "team"', ["ada"]),
    ('meta.created gt "2000-01-01T00:00:00Z"', ["ada", "bob", "Cleo"]),
    ('meta.created lt "2000-01-01T00:00:00Z"', []),
    ('meta.resourceType eq "User"', ["ada", "bob", "Cleo"]),
    ('userName eq "ada" or userName eq "bob" and active eq true', ["ada"]),
    ('(userName eq "ada" or userName eq "bob") and active eq false', ["bob"]),
    (r'displayName eq "c \"quoted\" \\ o"', ["Cleo"]),
    ('id eq "nobody"', []),
]
FILTERS = [text for text, _ in CASES]


@pytest.fixture
def people(scim: Any) -> Any:
    box = scim.sandbox
    box.add_user("ada", displayName="Ada L", title="Countess", externalId="X1", name={"familyName": "Lovelace"},
                 emails=[{"type": "work", "value": "ada@contoso.com", "primary": True},
                         {"type": "home", "value": "ada@home.example"}],
                 **{ENTERPRISE: {"department": "Engines", "manager": {"value": "7"}}})  # fmt: skip
    box.add_user("bob", displayName="Bob", active=False, emails=None)
    box.add_user("Cleo", displayName='C "quoted" \\ O', emails=[{"type": "home", "value": "cleo@contoso.com"}])
    box.add_group("Team", [box.user_id("ada")])
    return scim


@pytest.mark.parametrize(("text", "names"), CASES)
def test_what_a_filter_finds(people: Any, text: str, names: list[str]) -> None:
    assert people.found("Users", text) == names


def test_groups_are_found_by_their_members(people: Any) -> None:
    ada = people.sandbox.user_id("ada")
    assert people.found("Groups", f'members[value eq "{ada}"]') == ["Team"]
    assert people.found("Groups", f'members.value eq "{ada}"') == ["Team"]
    assert people.found("Users", f'id eq "{ada}"') == ["ada"]


@pytest.mark.parametrize(
    "text",
    ["userName", "userName eq", 'shoeSize eq "9"', "active gt true", "active eq 1",
     "userName eq true", "userName co 7", 'name.shoe eq "x"',
     'emails[shoe eq "x"]', 'urn:x:y:z:a eq "1"', "(" * 40 + "title pr" + ")" * 39],
)  # fmt: skip
def test_filters_that_are_refused(people: Any, text: str) -> None:
    reply = people.ask("POST", "/Users/.search", {"filter": text})
    assert (reply.status, reply.json["scimType"]) == (400, "invalidFilter")


@pytest.mark.parametrize("text", FILTERS)
def test_another_implementation_finds_the_same(people: Any, text: str) -> None:
    """scim2-models evaluates filters on its own models; it lent us only the grammar."""
    oracle = ScimFilter[User[EnterpriseUser]](text)
    model = User[EnterpriseUser]
    expected = [row["userName"] for row in people.sandbox.users.values() if oracle.match(model.model_validate(row))]
    assert people.found("Users", text) == expected
