from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.desired import Loaded
from reconciler.errors import Problem
from reconciler.model.directory import User
from reconciler.model.values import UserId

RECONCILER = """\
attributes:
  costCenter: {type: string}
  onCall: {type: boolean}
  floor: {type: integer}
  badgeUntil: {type: date}
  mentor: {type: reference}
  skills: {type: string, multiValued: true}
  deputies: {type: reference, multiValued: true}
"""


def test_a_person_alone_in_a_file(loaded: Callable[..., Loaded]) -> None:
    people: dict[Any, User] = loaded({}).directory.users
    ada = people["ada"]
    assert ada.attributes == {"userPrincipalName": "ada@contoso.com", "displayName": "Ada Lovelace", "manager": "grace"}
    assert (ada.file, ada.line, ada.lines["displayName"]) == ("users/ada.yaml", 1, 2)
    assert (ada.kind, ada.enabled, ada.name) == ("person", True, "Ada Lovelace")


def test_people_in_a_list_and_in_folders(loaded: Callable[..., Loaded]) -> None:
    text = "- id: zoe\n  mail: zoe@example.com\n\n- mail: max@example.com\n  id: max\n"
    people: dict[Any, User] = loaded({"users/agencies/north/list.yaml": text}).directory.users
    assert list(people) == ["ada", "grace", "max", "zoe"]
    assert (people["max"].file, people["max"].line, people["max"].lines["id"]) == (
        "users/agencies/north/list.yaml",
        4,
        5,
    )


def test_everything_a_person_can_have(loaded: Callable[..., Loaded]) -> None:
    text = """\
id: e42
kind: person
userPrincipalName: x@contoso.com
accountEnabled: false
otherMails: [a@example.com, b@example.com]
businessPhones: ["+49301234"]
department:
mail: ""
costCenter: "0042"
onCall: true
floor: -1
badgeUntil: 2027-01-31
mentor: ada
skills: [python]
deputies: [ada, grace]
formerly:
  - userPrincipalName: y@contoso.com
    costCenter: "0041"
  - id: e41
accounts: {hootsuite: "16494879"}
"""
    state = loaded({"reconciler.yaml": RECONCILER, "users/x.yaml": text})
    user = state.directory.users[UserId("e42")]
    assert user.attributes == {
        "userPrincipalName": "x@contoso.com",
        "otherMails": ("a@example.com", "b@example.com"),
        "businessPhones": ("+49301234",),
        "mail": "",
        "costCenter": "0042",
        "onCall": True,
        "floor": -1,
        "badgeUntil": "2027-01-31",
        "mentor": "ada",
        "skills": ("python",),
        "deputies": ("ada", "grace"),
    }
    assert not user.enabled
    assert user.formerly == ({"userPrincipalName": "y@contoso.com", "costCenter": "0041"}, {"id": "e41"})
    assert user.accounts == {"hootsuite": "16494879"}
    assert state.directory.attributes["floor"] == "integer"


def test_services_have_owners(loaded: Callable[..., Loaded]) -> None:
    people: dict[Any, User] = loaded({"users/bot.yaml": "kind: service\nowner: ada\n"}).directory.users
    assert (people["bot"].kind, people["bot"].owner) == ("service", "ada")


@pytest.mark.parametrize(
    ("text", "place", "says", "hint"),
    [
        ("mail: 007123\n", "users/x.yaml:1:7", "`mail` must be text, this is a number", 'quote it: "007123"'),
        ("mobilePhone: +49301234\n", "users/x.yaml:1:14", "must be text", 'quote it: "+49301234"'),
        ("jobTitle: true\n", "users/x.yaml:1:11", "this is true or false", 'quote it: "true"'),
        ("city: [Berlin]\n", "users/x.yaml:1:7", "`city` must be text, this is a list", ""),
        ("displayname: X\n", "users/x.yaml:1:1", "unknown key `displayname`", "did you mean `displayName`?"),
        ("role: X\n", "users/x.yaml:1:1", "unknown key `role` in a person", ""),
        ("accountEnabled: no\n", "users/x.yaml:1:17", "must be true or false, this is text", "write `false`"),
        ("accountEnabled: 0\n", "users/x.yaml:1:17", "must be true or false, this is a number", ""),
        ("otherMails: a@b\n", "users/x.yaml:1:13", "must be a list", "`otherMails: [a@b]`"),
        ("otherMails: [12]\n", "users/x.yaml:1:14", "must be text", 'quote it: "12"'),
        ("kind: servcie\nowner: ada\n", "users/x.yaml:1:7", "`kind` can't be `servcie`", "did you mean `service`?"),
        ("kind: shared\n", "users/x.yaml:1:7", "needs an `owner`", "owner:"),
        ("owner: ada\n", "users/x.yaml:1:1", "a person has no `owner`", "service"),
        ("kind: service\nowner: adda\n", "users/x.yaml:2:8", "the owner `adda` does not exist", "did you mean `ada`?"),
        ("formerly: {mail: x}\n", "users/x.yaml:1:11", "`formerly` must be a list", "- "),
        ("formerly:\n  - {}\n", "users/x.yaml:2:5", "must be a mapping", "userPrincipalName"),
        ("formerly:\n  - userPrincipleName: x\n", "users/x.yaml:2:5", "unknown key", "`userPrincipalName`"),
        ("formerly:\n  - mail: 12\n", "users/x.yaml:2:11", "must be text", 'quote it: "12"'),
        ("accounts: {hootsuit: '1'}\n", "users/x.yaml:1:12", "there is no app `hootsuit`", "did you mean `hootsuite`?"),
        ("accounts: {hootsuite: 123}\n", "users/x.yaml:1:23", "must be text", 'quote it: "123"'),
        ("accounts: {hootsuite: ''}\n", "users/x.yaml:1:23", "is empty", "remove the line"),
        ("accounts: x\n", "users/x.yaml:1:11", "`accounts` must be a mapping", "hootsuite"),
        ("id: 'a b'\n", "users/x.yaml:1:5", "`id` can't be `a b`", "letters, digits"),
        ("id: user:a\n", "users/x.yaml:1:5", "`id` can't be `user:a`", "letters, digits"),
        ("id: a/../b\n", "users/x.yaml:1:5", "`id` can't be", "letters, digits"),
        ('id: "a\\tb"\n', "users/x.yaml:1:5", "`id` can't be `a\\tb`", "letters, digits"),
        ("id: 007\n", "users/x.yaml:1:5", "`id` must be text", 'quote it: "007"'),
        ("id:\n", "users/x.yaml:1:4", "`id` is empty", ""),
        ("- mail: x\n", "users/x.yaml:1:3", "a person in a list needs an `id`", ""),
        ("- text\n", "users/x.yaml:1:3", "a person must be a mapping, this is text", ""),
        ("text\n", "users/x.yaml:1:1", "a person must be a mapping, this is text", ""),
        ("", "users/x.yaml", "an empty file", "remove the file"),
        (
            "id: ada\n",
            "users/x.yaml:1:5",
            "two people have the id `ada`: here and users/ada.yaml:1",
            "give one of them",
        ),
        ("a: [\n", "users/x.yaml:2:1", "not YAML", "bracket"),
    ],
)
def test_what_a_person_can_get_wrong(
    only_problem: Callable[..., Problem], text: str, place: str, says: str, hint: str
) -> None:
    problem = only_problem({"users/x.yaml": text})
    assert str(problem.place) == place
    assert says in problem.message
    assert hint in problem.hint
    assert problem.severity == "error"


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("costCenter: 42\n", "users/x.yaml:1:13", "`costCenter` must be text"),
        ("onCall: maybe\n", "users/x.yaml:1:9", "`onCall` must be true or false"),
        ("floor: 1.5\n", "users/x.yaml:1:8", "`floor` must be a whole number"),
        ("floor: true\n", "users/x.yaml:1:8", "`floor` must be a whole number"),
        ("badgeUntil: 31.1.2027\n", "users/x.yaml:1:13", "`badgeUntil` must be a date"),
        ("badgeUntil: 2027-02-30\n", "users/x.yaml:1:13", "`badgeUntil` must be a date"),
        ("skills: python\n", "users/x.yaml:1:9", "`skills` must be a list"),
        ("costcenter: x\n", "users/x.yaml:1:1", "unknown key `costcenter`"),
    ],
)
def test_custom_attributes_have_types(only_problem: Callable[..., Problem], text: str, place: str, says: str) -> None:
    problem = only_problem({"reconciler.yaml": RECONCILER, "users/x.yaml": text})
    assert str(problem.place) == place
    assert says in problem.message


def test_a_file_whose_name_gives_no_id(only_problem: Callable[..., Problem]) -> None:
    problem = only_problem({"users/Ada Byron.yaml": "mail: x\n"})
    assert "Ada Byron" in problem.message
    assert "add an `id`" in problem.hint


def test_the_same_name_on_every_file_system(loaded: Callable[..., Loaded]) -> None:
    decomposed, composed = "jose\u0301", "jos\u00e9"
    assert composed in loaded({f"users/{decomposed}.yaml": "mail: x\n"}).directory.users


def test_an_owner_is_a_person(only_problem: Callable[..., Problem]) -> None:
    problem = only_problem({
        "users/a.yaml": "kind: service\nowner: ada\n", "users/b.yaml": "kind: service\nowner: a\n",
    })  # fmt: skip
    assert str(problem.place) == "users/b.yaml:2:8"
    assert "of kind service" in problem.message


def test_two_people_on_one_account(only_problem: Callable[..., Problem]) -> None:
    pin = 'mail: x\naccounts: {hootsuite: "1"}\n'
    problem = only_problem({"users/x.yaml": pin, "users/y.yaml": pin})
    assert problem.message == "two people are pinned to one account in `hootsuite`: x and y"
    assert str(problem.place) == "users/y.yaml:2"


def test_two_people_with_one_past(only_problem: Callable[..., Problem]) -> None:
    past = "formerly:\n  - id: w\n"
    problem = only_problem({"users/x.yaml": past, "users/y.yaml": past})
    assert "two people were formerly `w`: x and y" in problem.message


def test_a_past_that_is_still_there_is_told(loaded: Callable[..., Loaded]) -> None:
    (warning,) = loaded({"users/x.yaml": "formerly:\n  - id: ada\n"}).warnings
    assert "formerly `ada`, who is still there" in warning.message


def test_a_manager_who_is_gone_is_a_warning(loaded: Callable[..., Loaded]) -> None:
    (warning,) = loaded({"users/x.yaml": "mail: x\nmanager: grece\n"}).warnings
    assert str(warning.place) == "users/x.yaml:2:10"
    assert "`manager` names `grece`, who does not exist" in warning.message
    assert warning.hint == "did you mean `grace`?"


def test_a_mistake_in_the_custom_attributes_is_told_once(
    only_problem: Callable[..., Problem],
) -> None:
    text = RECONCILER.replace("{type: string}", "{type: text}", 1)
    problem = only_problem({"reconciler.yaml": text, "users/x.yaml": "costCenter: a\n"})
    assert problem.place.file == "reconciler.yaml"
