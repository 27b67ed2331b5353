"""Which column is which attribute: guessed from headings, or said."""

from __future__ import annotations

from collections import defaultdict

import pytest

from reconciler.errors import UsageError
from reconciler.model.directory import GRAPH_ATTRIBUTES
from reconciler.sources.csv import Told, choose, of_file, of_options
from reconciler.sources.csv.columns import NAMES, folded


def guessed(*headings: str, custom: tuple[str, ...] = ()) -> dict[str, str]:
    return {one.attributes[0]: one.heading for one in choose(headings, (), custom).used if one.guessed}


def test_no_heading_means_two_attributes_and_all_attributes_exist() -> None:
    meant = defaultdict(set)
    for attribute, headings in NAMES.items():
        assert attribute in (*GRAPH_ATTRIBUTES, "id")
        for heading in (attribute, *headings.split(", ")):
            meant[folded(heading)].add(attribute)
    assert {heading for heading, attributes in meant.items() if len(attributes) > 1} == set()


@pytest.mark.parametrize(
    ("headings", "meant"),
    [
        (  # Workday
            ["Employee ID", "Legal First Name", "Legal Last Name", "Primary Work Email", "Business Title",
             "Cost Center",
             "Supervisory Organization", "Manager ID", "Hire Date", "Termination Date", "Active Status", "Location"],
            ["employeeId", "givenName", "surname", "mail", "jobTitle", "", "department", "manager", "employeeHireDate",
             "employeeLeaveDateTime", "accountEnabled", "officeLocation"],
        ),
        (  # BambooHR
            ["Employee #", "First Name", "Last Name", "Work Email", "Job Title", "Department", "Reporting to",
             "Status"],
            ["employeeId", "givenName", "surname", "mail", "jobTitle", "department", "manager", "accountEnabled"],
        ),
        (  # Google Workspace
            ["First Name [Required]", "Last Name [Required]", "Email Address [Required]", "Status [READ ONLY]",
             "Employee ID", "Org Unit Path [Required]"],
            ["givenName", "surname", "mail", "accountEnabled", "employeeId", ""],
        ),
        (  # Entra
            ["userPrincipalName", "displayName", "surname", "mail", "givenName", "id", "userType", "accountEnabled"],
            ["userPrincipalName", "displayName", "surname", "mail", "givenName", "id", "", "accountEnabled"],
        ),
        (  # in German and French
            ["Pers.-Nr.", "Vorname", "Nachname", "E-Mail", "Abteilung", "Prénom du chat", "Matricule", "Vorgesetzte/r"],
            ["employeeId", "givenName", "surname", "mail", "department", "", "", "manager"],
        ),
    ],
    ids=["workday", "bamboohr", "google", "entra", "german"],
)  # fmt: skip
def test_headings_of_common_systems_are_known(headings: list[str], meant: list[str]) -> None:
    found = guessed(*headings)
    assert found == {attribute: heading for heading, attribute in zip(headings, meant, strict=True) if attribute}


def test_the_surest_heading_wins_wherever_it_stands() -> None:
    for headings in (["Email", "Work Email", "Personal Email"], ["Personal Email", "Work Email", "Email"]):
        chosen = choose(headings, (), ())
        assert [one.heading for one in chosen.used] == ["Work Email"]
        assert set(chosen.unused) == {"Email", "Personal Email"}


def test_what_is_said_goes_over_what_is_guessed() -> None:
    told = list(of_options(["Email=mail,userPrincipalName", "Work Email=", "A=B=jobTitle"]))
    chosen = choose(["Work Email", "Email", "Title", "A=B"], told, ())
    assert [(one.heading, one.attributes, one.guessed) for one in chosen.used] == [
        ("Email", ("mail", "userPrincipalName"), False),
        ("A=B", ("jobTitle",), False),
    ]
    assert chosen.unused == ("Work Email", "Title")


def test_attributes_of_the_organization_are_found_by_their_names() -> None:
    assert guessed("Cost Center", "Mail", custom=("costCenter",)) == {"costCenter": "Cost Center", "mail": "Mail"}


def test_everything_that_is_wrong_is_said_at_once_with_what_was_meant() -> None:
    told = of_options(["Wrok Email=mail", "Name=displayNmae", "Name=surname", "Title=jobTitle", "Post=jobTitle"])
    with pytest.raises(UsageError) as raised:
        choose(["Work Email", "Name", "Title", "Post"], told, ())
    said = str(raised.value)
    assert "there is no column `Wrok Email`; did you mean `Work Email`?" in said
    assert "there is no attribute `displayNmae`; did you mean `displayName`?" in said
    assert "the column `Name` is named twice" in said
    assert "`jobTitle` comes from `Title` already" in said


def test_of_two_columns_with_one_heading_neither_is_chosen() -> None:
    with pytest.raises(UsageError, match="two columns are called `Mail`"):
        choose(["Mail", "Mail"], (), ())
    with pytest.raises(UsageError, match="two columns are called `Mail`"):
        choose(["Mail", "Mail"], [Told("Mail", ("mail",))], ())
    assert choose(["Mail", "Notes", "Notes", "", ""], (), ()).unused == ("Notes", "Notes")


@pytest.mark.parametrize("option", ["mail", "=mail", " =mail"])
def test_an_option_that_names_no_column_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match="is not HEADING=ATTRIBUTE"):
        list(of_options([option]))


MAP = """\
Work Email: [mail, userPrincipalName]
Pers. Nr.: employeeId
Status:
  attribute: accountEnabled
  active: [On leave, 'yes', 1]
  inactive: Gone
Start: {attribute: employeeHireDate, dates: mdy}
Notes:
"""


def test_a_file_says_the_same_and_more() -> None:
    found = {one.heading: one for one in of_file(MAP.encode(), "map.yaml")}
    assert found["Work Email"].attributes == ("mail", "userPrincipalName")
    assert found["Pers. Nr."].where == "map.yaml:2:1"
    assert sorted(found["Status"].active) == ["1", "onleave", "yes"]
    assert sorted(found["Status"].inactive) == ["gone"]
    assert found["Start"].dates == "mdy"
    assert found["Notes"].attributes == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {attribute: mail, actve: [x]}", "map.yaml:1:22: unknown key `actve`; did you mean `active`?"),
        ("a: {attribute: mail, dates: dym}", "map.yaml:1:29: `dates` can't be `dym`: dmy, mdy or ymd"),
        ("a: {attribute: mail, active: [x], inactive: [X]}", "both active and inactive: x"),
        ("a: 1", "map.yaml:1:4: the name of an attribute"),
        ("a: {attribute: mail, active: {x: 1}}", "`active` is a list of words"),
        ("- a", "map.yaml: no columns"),
        ("", "map.yaml: no columns"),
        ("a: &a [*a]", "map.yaml:1"),
        ("a: x\na: y", "map.yaml:2"),
        ("a: 'x", "map.yaml:1"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        of_file(text.encode(), "map.yaml")
    assert said in str(raised.value)
