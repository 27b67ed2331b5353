from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.desired import Loaded
from reconciler.errors import Place, Problem
from reconciler.model.app import Limit

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def test_an_app_and_its_places(loaded: Callable[..., Loaded]) -> None:
    mappings = 'users:\n  - {target: title, source: jobTitle}\n  - target: displayName\n    expression: "[mail]"\n'
    state = loaded({"apps/hootsuite/mappings.yaml": mappings})
    app = state.apps["hootsuite"]
    assert (app.name, app.gallery, app.tenant_url) == ("hootsuite", "hootsuite", "https://scim.example.com/v2")
    assert [mapping.target for mapping in app.mappings.users] == ["title", "displayName"]
    places = state.places["hootsuite"]
    assert places["gallery"] == Place("apps/hootsuite/app.yaml", 1, 10)
    assert places["scope.assigned.groups.0"] == Place("apps/hootsuite/app.yaml", 7, 14)
    assert places["mappings.users.0.source"] == Place("apps/hootsuite/mappings.yaml", 2, 29)
    assert places["mappings.users.1.expression"] == Place("apps/hootsuite/mappings.yaml", 4, 17)


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("https://X.example.com/scim/v2/", "https://x.example.com/scim/v2"),
        ("HTTPS://x.example.com:443/scim", "https://x.example.com/scim"),
        ("https://x.example.com:8443", "https://x.example.com:8443"),
        ("http://127.0.0.1:8765/scim/v2", "http://127.0.0.1:8765/scim/v2"),
        ("http://localhost/", "http://localhost"),
        ("http://[::1]:80/v2", "http://[::1]/v2"),
    ],
)
def test_one_spelling_for_one_tenant(loaded: Callable[..., Loaded], app_yaml: str, given: str, normal: str) -> None:
    text = app_yaml.replace("https://scim.example.com/v2", given)
    assert loaded({"apps/hootsuite/app.yaml": text}).apps["hootsuite"].tenant_url == normal


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://scim.example.com/v2", "plain http"),
        ("http://localhost.example.com/v2", "plain http"),
        ("ftp://x.example.com", "must be an https URL"),
        ("scim.example.com/v2", "must be an https URL"),
        ("https:///v2", "must be an https URL"),
        ("https://user:hunter2@x.example.com", "a user name or a password"),
        ("https://x.example.com/v2?token=hunter2", "a query or a fragment"),
        ("https://x.example.com/v2#a", "a query or a fragment"),
        ("https://x.example.com:99999/", "is not a URL"),
        ("'https://x.example.com/a b'", "a space"),
    ],
)
def test_addresses_that_are_refused(only_problem: Callable[..., Problem], app_yaml: str, url: str, says: str) -> None:
    problem = only_problem({"apps/hootsuite/app.yaml": app_yaml.replace("https://scim.example.com/v2", url)})
    assert str(problem.place) == "apps/hootsuite/app.yaml:2:12"
    assert says in problem.message
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("line", "place", "says", "hint"),
    [
        ("galery: x", "11:1", "unknown key `galery`", "did you mean `gallery`?"),
        ("tenant_url: x", "11:1", "unknown key `tenant_url`", "did you mean `tenantUrl`?"),
        ("name: x", "11:1", "unknown key `name`", "folder"),
        ("mappings: {}", "11:1", "unknown key `mappings`", "mappings.yaml"),
        ("provisioning: no", "11:15", "`provisioning` must be true or false, this is text", "without quotes"),
        ("provisioning: 'true'", "11:15", "must be true or false", "without quotes"),
        ("groups: assignd", "11:9", "`groups` can't be `assignd`", "did you mean `assigned`?"),
        ("groups: [nobody]", "11:10", "the group `nobody` does not exist", ""),
        ("groups: 12", "11:9", "`groups` must be one of assigned, all, none; this is a number", ""),
        ("groups: [editors, 12]", "11:19", "`groups.1` must be text", 'quote it: "12"'),
        ("order: last", "11:8", "`order` can't be `last`", "leaversLast"),
        ("deprovision: {users: delte}", "11:22", "`deprovision.users` can't be `delte`", "`delete`"),
        ("deprovision: keep", "11:14", "`deprovision` must be a mapping, this is text", ""),
        ("drift: {takenaway: hold}", "11:9", "unknown key `takenaway` in `drift`", "`takenAway`"),
        ("ignore: {users: [{attribute: x, operator: EQUALL, value: y}]}", "11:43", "can't be `EQUALL`", "`EQUALS`"),
        ("ignore: {users: [{attribute: x, operator: IS NULL, value: y}]}", "11:18", "IS NULL takes no value", ""),
        ("ignore: {users: [{attribute: x, operator: EQUALS}]}", "11:18", "EQUALS needs a value", ""),
        ("ignore: {users: [{operator: IS NULL}]}", "11:18", "IS NULL needs an attribute", ""),
        ("ignore: {groups: x}", "11:18", "`ignore.groups` must be a list", ""),
        ("guardrails: {deprovisionUsers: {count: -1}}", "11:40", "must be at least 0", ""),
        ("guardrails: {deprovisionUsers: {percent: 101}}", "11:42", "must be at most 100", ""),
        ("guardrails: {deprovisionUsers: {count: many}}", "11:40", "must be a whole number, this is text", ""),
        ("guardrails: {deprovisionUsers: 5}", "11:32", "must be a mapping, this is a number", ""),
        ("guardrails: {deleteUsers: {}}", "11:14", "unknown key `deleteUsers` in `guardrails`", ""),
        ("guardrails: {protected: {users: [nobody]}}", "11:34", "the user `nobody` does not exist", ""),
        ("guardrails: {protected: {users: [grece]}}", "11:34", "the user `grece` does not exist", "`grace`"),
        ("guardrails: {protected: {groups: [nobody]}}", "11:35", "the group `nobody` does not exist", ""),
        ("guardrails: {protected: {users: [{atribute: a, operator: IS NULL}]}}", "11:35", "unknown key `atribute`", ""),
        ("guardrails: {actsAs: 12}", "11:22", "must be text", 'quote it: "12"'),
        (
            "guardrails: {minimumMembers: {edtors: 1}}",
            "11:39",
            "the group `edtors` does not exist",
            "did you mean `editors`?",
        ),
        ("guardrails: {minimumMembers: {editors: 0}}", "11:40", "must be at least 1", ""),
        ("sharedTenant: true", "11:1", "`sharedTenant` is part of the format but not supported", "take it out"),
        ("caFile: 12", "11:9", "`caFile` must be text", 'quote it: "12"'),
        ("caFile: ''", "11:9", "`caFile`", ""),
        ("profile: {rate: {perSecond: fast}}", "11:29", "`profile.rate.perSecond`", ""),
        ("profile: {users: {updates: put}}", "11:19", "unknown key `updates`", "`update`"),
        ("profile: x", "11:10", "`profile` must be a mapping", ""),
        ("tenantUrl: x", "11:1", "`tenantUrl` is there twice", "line 2"),
    ],
)
def test_what_an_app_can_get_wrong(
    problems: Callable[..., tuple[Problem, ...]], app_yaml: str, line: str, place: str, says: str, hint: str
) -> None:
    found = problems({"apps/hootsuite/app.yaml": f"{app_yaml}{line}\n"})
    problem = next(each for each in found if says in each.message)
    assert str(problem.place) == f"apps/hootsuite/app.yaml:{place}"
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("before", "after", "place", "says"),
    [
        ("groups: [editors]", "groups: [editrs]", "7:14", "the group `editrs` does not exist"),
        ("groups: [editors]", "groups: [{group: editrs}]", "7:22", "the group `editrs` does not exist"),
        ("groups: [editors]", "groups: [12]", "7:14", "`scope.assigned.groups.0` must be a mapping"),
        (
            "groups: [editors]",
            "groups: [{group: editors, roles: A}]",
            "7:38",
            "`scope.assigned.groups.0.roles` must be a list, this is text",
        ),
        ("groups: [editors]", "groups: [{group: editors, roles: [1]}]", "7:39", "must be text, this is a number"),
        ("groups: [editors]", "groups: [{group: editors, roles: [' ']}]", "7:39", "does not have the form"),
        ("groups: [editors]", "groups: [{group: editors, role: [A]}]", "7:31", "unknown key `role`"),
        ("users: [ada]", "users: [adda]", "8:13", "the user `adda` does not exist"),
        ("users: [ada]", "users: [{user: ada, until: 2027-02-30}]", "8:32", "neither a day nor a time"),
        ("users: [ada]", "users: [{user: ada, until: ''}]", "8:32", "neither a day nor a time"),
        ("users: [ada]", "users: [{user: ada, until: }]", "8:32", "must be text, this is nothing"),
        ("users: [ada]", "users: [{user: ada, until: 2027}]", "8:32", "must be text, this is a number"),
        ("users: [ada]", "users: [{user: ada, from: '2027-01-01T08:00:00'}]", "8:31", "neither a day nor a time"),
        (
            "users: [ada]",
            "users: [{user: ada, from: 2027-01-02, until: 2027-01-01}]",
            "8:50",
            "never holds: from 2027-01-02 until 2027-01-01",
        ),
        ("groups: [editors]", "groups: [{group: editors, from: x}]", "7:37", "neither a day nor a time"),
        ("users: [ada]", "exclude: [adda]", "8:15", "the user `adda` does not exist"),
        ("assigned:", "everyone: true\n  assigned:", "6:3", "exactly one of `assigned` and `everyone: true`"),
        ("users: report", "groups: report", "10:3", "`unmanaged.users` is missing"),
        ("unmanaged:\n  users: report\n", "", "1:1", "`unmanaged` is missing"),
        ("tenantUrl: https://scim.example.com/v2\n", "", "1:1", "`tenantUrl` is missing"),
        ("users: report", "users: deprovision", "1:1", "guardrails.actsAs is required"),
        (
            "bearer: {env: HOOTSUITE_SCIM_TOKEN}",
            "clientCredentials: {}",
            "4:22",
            "`auth.clientCredentials.tokenUrl` is",
        ),
        ("bearer: {env: HOOTSUITE_SCIM_TOKEN}", "mutualTls: {}", "4:14", "`auth.mutualTls.certificate` is missing"),
        ("{env: HOOTSUITE_SCIM_TOKEN}", "{keyring: ab}", "4:21", "`auth.bearer.keyring` does not have the form"),
        ("{env: HOOTSUITE_SCIM_TOKEN}", "{env: A, file: b}", "4:11", "exactly one of env, file, command, keyring"),
        ("{env: HOOTSUITE_SCIM_TOKEN}", "{command: []}", "4:11", "exactly one of env, file, command, keyring"),
        ("{env: HOOTSUITE_SCIM_TOKEN}", "{command: vault read}", "4:21", "must be a list"),
        ("bearer:", "expires: 2027\n  bearer:", "4:12", "`auth.expires` must be text"),
        ("bearer:", "expires: soon\n  bearer:", "4:12", "`auth.expires`"),
        ("bearer:", "barer:", "4:3", "unknown key `barer` in `auth`"),
    ],
)
def test_what_scope_and_auth_can_get_wrong(
    problems: Callable[..., tuple[Problem, ...]], app_yaml: str, before: str, after: str, place: str, says: str
) -> None:
    assert before in app_yaml
    found = problems({"apps/hootsuite/app.yaml": app_yaml.replace(before, after, 1)})
    problem = next(each for each in found if says in each.message)
    assert str(problem.place) == f"apps/hootsuite/app.yaml:{place}".replace(":1:1", ":1:1")


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("users:\n  - {target: a, source: b, constant: c}\n", "2:5", "exactly one of source, constant"),
        ("users:\n  - {target: 'a[b', source: c}\n", "2:14", "not a SCIM attribute path"),
        ("users:\n  - {source: c}\n", "2:5", "`users.0.target` is missing"),
        ("users:\n  - {target: a, source: b, whenNull: empty}\n", "2:38", "`users.0.whenNull` can't be `empty`"),
        ("users:\n  - {target: a, source: b, when_null: skip}\n", "2:28", "unknown key `when_null`"),
        ("users:\n  - {target: a, source: b, matching: 0}\n", "2:38", "must be at least 1"),
        ("users:\n  - {target: a, source: b, values: {x: [1]}}\n", "2:40", "must be text, this is a list"),
        ("users:\n  - {target: a, expression: 12}\n", "2:29", "must be text"),
        (
            "users:\n  - {target: Title, source: b}\n  - {target: title, source: c}\n",
            "3:14",
            "`title` is mapped twice, first in line 2",
        ),
        ("replac: true\n", "1:1", "unknown key `replac`"),
        ("users: {}\n", "1:8", "`users` must be a list, this is a mapping"),
        ("- a\n", "1:1", "mappings.yaml must be a mapping, this is a list"),
        ("", "1:1", "mappings.yaml must be a mapping, this is nothing"),
    ],
)
def test_what_mappings_can_get_wrong(only_problem: Callable[..., Problem], text: str, place: str, says: str) -> None:
    problem = only_problem({"apps/hootsuite/mappings.yaml": text})
    assert str(problem.place) == f"apps/hootsuite/mappings.yaml:{place}"
    assert says in problem.message


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("active", "urn:ietf:params:scim:schemas:core:2.0:User:active"),
        ("roles[primary eq true].value", 'Roles[Primary eq "True"].value'),
        ('emails[type eq "work"].value', 'emails[type eq "Work"].VALUE'),
        (f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value"),
    ],
)
def test_two_spellings_of_one_target(only_problem: Callable[..., Problem], first: str, second: str) -> None:
    text = f"users:\n  - {{target: '{first}', source: b}}\n  - {{target: '{second}', source: c}}\n"
    problem = only_problem({"apps/hootsuite/mappings.yaml": text})
    assert str(problem.place) == "apps/hootsuite/mappings.yaml:3:14"
    assert problem.message == f"`{second}` is mapped twice, first in line 2"
    assert problem.hint == "one mapping a target: join them in an expression, or remove one"


def test_a_guardrail_keeps_what_it_does_not_say(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    limits = "{deprovisionUsers: {count: 3}, removeMembers: {count: 9}, createUsers: {count: 7}}"
    text = f"{app_yaml}guardrails: {limits}\n"
    guardrails = loaded({"apps/hootsuite/app.yaml": text}).apps["hootsuite"].guardrails
    assert guardrails.deprovision_users == Limit(count=3, percent=10, ignore_below=5)
    assert guardrails.remove_members == Limit(count=9, percent=40, ignore_below=3)
    assert guardrails.create_users == Limit(count=7)
    assert guardrails.update_users == Limit(percent=30, ignore_below=20)


def test_defaults_lie_under_every_app(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    defaults = """\
defaults:
  gallery: scim
  auth: {bearer: {file: token}, expires: 2027-06-30}
  scope: {everyone: true}
  guardrails: {deprovisionUsers: {count: 3}, deleteGroups: {count: 0}}
"""
    own = app_yaml + "guardrails: {deprovisionUsers: {percent: 50}}\n"
    state = loaded({"reconciler.yaml": defaults, "apps/hootsuite/app.yaml": own})
    app = state.apps["hootsuite"]
    assert app.gallery == "hootsuite"
    assert app.auth is not None
    assert app.auth.bearer is not None
    assert app.auth.bearer.env == "HOOTSUITE_SCIM_TOKEN"
    assert app.auth.bearer.file is None
    assert app.auth.expires == "2027-06-30"
    assert not app.scope.everyone
    assert app.guardrails.deprovision_users == Limit(count=3, percent=50, ignore_below=5)
    assert app.guardrails.delete_groups == Limit(count=0)
    assert str(state.places["hootsuite"]["auth.expires"]) == "reconciler.yaml:3:42"


def test_a_mistake_in_the_defaults_is_told_where_it_is(only_problem: Callable[..., Problem]) -> None:
    problem = only_problem({"reconciler.yaml": "defaults:\n  order: first\n"})
    assert str(problem.place) == "reconciler.yaml:2:10"


def test_a_mistake_in_the_defaults_is_told_once(only_problem: Callable[..., Problem], app_yaml: str) -> None:
    second = app_yaml.replace("scim.example.com", "other.example.com")
    problem = only_problem({"reconciler.yaml": "defaults:\n  sharedTenant: true\n", "apps/second/app.yaml": second})
    assert str(problem.place) == "reconciler.yaml:2:3"


def test_custom_attributes_are_not_judged_by_a_broken_file(only_problem: Callable[..., Problem]) -> None:
    problem = only_problem({"reconciler.yaml": "attributes: [\n", "users/x.yaml": "costCenter: a\n"})
    assert problem.place.file == "reconciler.yaml"


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("timeZone: Europe/Berln\n", "1:11", "not a time zone"),
        ("soonDays: x\n", "1:11", "`soonDays` must be a whole number"),
        ("soonDays: -1\n", "1:11", "`soonDays` must be at least 0"),
        ("state: gitt\n", "1:8", "`state` can't be `gitt`"),
        ("default: {}\n", "1:1", "unknown key `default`"),
        ("attributes: {x: {type: text}}\n", "1:24", "`attributes.x.type` can't be `text`"),
        ("attributes: {mail: {type: string}}\n", "1:13", "already an attribute of every person: mail"),
        ("defaults: 1\n", "1:11", "`defaults` must be a mapping"),
        ("- a\n", "1:1", "must be a mapping"),
    ],
)
def test_what_reconciler_yaml_can_get_wrong(
    only_problem: Callable[..., Problem], text: str, place: str, says: str
) -> None:
    problem = only_problem({"reconciler.yaml": text})
    assert str(problem.place) == f"reconciler.yaml:{place}"
    assert says in problem.message


def test_settings(loaded: Callable[..., Loaded]) -> None:
    settings = loaded({"reconciler.yaml": "timeZone: Europe/Berlin\nsoonDays: 14\n"}).settings
    assert (settings.state, settings.time_zone, settings.soon_days) == ("file", "Europe/Berlin", 14)


def test_two_apps_on_one_tenant(only_problem: Callable[..., Problem], app_yaml: str) -> None:
    problem = only_problem({"apps/second/app.yaml": app_yaml.replace("example.com/v2", "Example.com/v2/")})
    assert str(problem.place) == "apps/second/app.yaml:2:12"
    assert "`hootsuite` (apps/hootsuite/app.yaml:2:12) and `second` have one tenantUrl" in problem.message


@pytest.mark.parametrize(
    ("name", "says", "hint"),
    [
        ("apps/empty/notes.txt", "there is no such file", "app.yaml"),
        ("apps/second.yaml", "an app is a folder", "apps/second/app.yaml"),
        ("apps/hootsuite/mapping.yaml", "no file of this name is read", "`mappings.yaml`"),
        ("apps/a b/app.yaml", "an app's folder is named", ""),
    ],
)
def test_files_in_the_wrong_place(only_problem: Callable[..., Problem], name: str, says: str, hint: str) -> None:
    problem = only_problem({name: "x: 1\n"})
    assert says in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("{env: HOOTSUITE_SCIM_TOKEN}", "hunter2hunter2", "4:11"),
        ("bearer: {env: HOOTSUITE_SCIM_TOKEN}", "token: hunter2hunter2", "4:10"),
        ("auth:\n  bearer: {env: HOOTSUITE_SCIM_TOKEN}", "auth: hunter2hunter2", "3:7"),
        ("{env: HOOTSUITE_SCIM_TOKEN}", "{env: hunter2-hunter2}", "4:17"),
        ("{env: HOOTSUITE_SCIM_TOKEN}", "{env: Hunter2Hunter2Hunter2Hunter2}", "4:17"),
        ("bearer: {env: HOOTSUITE_SCIM_TOKEN}", "bearer: 1234567", "4:11"),
        ("unmanaged:", "notify: {email: {smtp: {password: hunter2}}}\nunmanaged:", "9:35"),
        ("unmanaged:", "profile: {x: {clientSecret: hunter2}}\nunmanaged:", "9:29"),
    ],
)
def test_a_literal_secret_is_refused_and_not_repeated(
    problems: Callable[..., tuple[Problem, ...]], app_yaml: str, before: str, after: str, place: str
) -> None:
    found = problems({"apps/hootsuite/app.yaml": app_yaml.replace(before, after)})
    assert any(str(each.place) == f"apps/hootsuite/app.yaml:{place}" for each in found)
    told = "\n".join(map(str, found)).lower()
    assert "hunter2" not in told
    assert "1234567" not in told
    assert "is missing" not in told


@pytest.mark.parametrize(
    "token",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJyZWNvbmNpbGVyIn0.c2lnbmF0dXJl",
        "ghp_" + "a1B2" * 9,
        "glpat-" + "a1B2" * 5,
        "xoxb-" + "12345-" * 3,
        "AKIA" + "ABCD" * 4,
        "Bearer " + "a1B2" * 8,
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_token_is_refused_anywhere(problems: Callable[..., tuple[Problem, ...]], token: str) -> None:
    found = problems({"users/x.yaml": f'mail: x\njobTitle: "{token}"\n'})
    assert any(str(each.place) == "users/x.yaml:2:12" for each in found)
    assert all(token not in str(each) for each in found)


def test_cases(loaded: Callable[..., Loaded]) -> None:
    tests = """\
cases:
  - id: a
    user: ada
    expected: {userName: x}
  - {id: b, expression: '[x]', inputs: {x: ~}, expected: ~}
"""
    first, second = loaded({"apps/hootsuite/tests.yaml": tests}).cases["hootsuite"]
    assert (first.id, first.user, first.expected, str(first.place)) == (
        "a", "ada", {"userName": "x"}, "apps/hootsuite/tests.yaml:2:5",
    )  # fmt: skip
    assert (second.expression, second.inputs, second.expected) == ("[x]", {"x": None}, None)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("- id: a\n", "1:1", "mapping tests stand under `cases:`"),
        ("cases: []\ncase: []\n", "2:1", "unknown key `case` in mapping tests"),
        ("cases: {}\n", "1:8", "`cases` must be a list"),
        ("cases:\n  - a\n", "2:5", "a case must be a mapping"),
        ("cases:\n  - {id: a, expression: x}\n", "2:5", "`expected` is missing"),
        ("cases:\n  - {id: 1, expression: x, expected: y}\n", "2:10", "`id` must be text"),
        ("cases:\n  - {id: a, expected: y}\n", "2:5", "an `expression`, or a whole person"),
        ("cases:\n  - {id: a, expression: x, user: ada, expected: y}\n", "2:5", "an `expression`, or a whole person"),
        ("cases:\n  - {id: a, expresion: x, expected: y}\n", "2:13", "unknown key `expresion`"),
        (
            "cases:\n  - {id: a, user: ada, expected: y}\n  - {id: a, user: ada, expected: y}\n",
            "3:10",
            "two cases have the id `a`",
        ),
    ],
)
def test_what_cases_can_get_wrong(only_problem: Callable[..., Problem], text: str, place: str, says: str) -> None:
    problem = only_problem({"apps/hootsuite/tests.yaml": text})
    assert str(problem.place) == f"apps/hootsuite/tests.yaml:{place}"
    assert says in problem.message


def test_a_case_about_a_leaver_is_a_warning(loaded: Callable[..., Loaded]) -> None:
    """Their removal must not wait for somebody to edit an example; `reconciler test` fails on it."""
    tests = "cases:\n  - {id: a, user: adda, expected: y}\n"
    (warning,) = loaded({"apps/hootsuite/tests.yaml": tests}).warnings
    assert str(warning.place) == "apps/hootsuite/tests.yaml:2:5"
    assert "about `adda`, who does not exist" in warning.message


def test_roles_are_read(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    text = app_yaml.replace("[editors]", "[{group: editors, roles: [Editor, Viewer]}]")
    assigned = loaded({"apps/hootsuite/app.yaml": text.replace("[ada]", "[{user: ada, roles: [Owner]}, grace]")})
    scope = assigned.apps["hootsuite"].scope.assigned
    assert scope is not None
    assert [each.roles for each in scope.groups] == [("Editor", "Viewer")]
    assert [(each.user, each.roles) for each in scope.users] == [("ada", ("Owner",)), ("grace", ())]


@pytest.mark.parametrize(
    ("clause", "place", "says", "hint"),
    [
        ("{operator: IS MEMBER OF, value: editrs}", "9:46", "the group `editrs` does not exist", "`editors`"),
        ("{not: {operator: IS MEMBER OF, value: editrs}}", "9:52", "the group `editrs` does not exist", "`editors`"),
        ("{operator: IS MEMBER OF}", "9:14", "IS MEMBER OF needs the id of a group", ""),
        ("{operator: IS MEMBER OF, value: 7}", "9:14", "IS MEMBER OF needs the id of a group", ""),
        ("{attribute: mail, operator: IS MEMBER OF, value: editors}", "9:14", "IS MEMBER OF takes no attribute", ""),
        ("{operator: EQUALS, value: x}", "9:14", "EQUALS needs an attribute", ""),
        ("{not: {operator: EQUALS, value: x}}", "9:20", "EQUALS needs an attribute", ""),
        ("{not: {attribute: mail, operator: EQUALS}}", "9:20", "EQUALS needs a value", ""),
        ("{not: {attribute: mail, operator: EQUALL, value: x}}", "9:48", "can't be `EQUALL`", "`EQUALS`"),
        ("{not: {atribute: mail, operator: EQUALS, value: x}}", "9:21", "unknown key `atribute`", "`attribute`"),
        ("{not: {not: {attribute: mail, operator: IS NULL}}}", "9:21", "unknown key `not`", ""),
        ("{not: [x]}", "9:20", "must be a mapping, this is a list", ""),
        ("{not: {attribute: mail, operator: IS NULL}, attribute: x}", "9:58", "unknown key `attribute`", ""),
        ("{attribute: mail}", "9:14", "`scope.filters.0.0.operator` is missing", ""),
        ("x", "9:14", "must be a mapping, this is text", ""),
    ],
)
def test_what_a_clause_can_get_wrong(
    problems: Callable[..., tuple[Problem, ...]], app_yaml: str, clause: str, place: str, says: str, hint: str
) -> None:
    text = app_yaml.replace("unmanaged:", f"  filters: [[{clause}]]\nunmanaged:")
    found = problems({"apps/hootsuite/app.yaml": text})
    problem = next(each for each in found if says in each.message)
    assert str(problem.place) == f"apps/hootsuite/app.yaml:{place}"
    assert hint in problem.hint
