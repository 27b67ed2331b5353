from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconciler.cli.validate import validate
from reconciler.errors import UsageError

APP = """\
gallery: {gallery}
tenantUrl: https://scim.example.com/v2
scope: {{assigned: {{users: [ada]}}}}
unmanaged: {{users: report}}
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    def run_validate(*words: str, gallery: str = "hootsuite", **files: str) -> Result:
        root = tmp_path / "state"
        everything = {
            "users/ada.yaml": "userPrincipalName: ada@contoso.com\nmail: ada@contoso.com\ndisplayName: Ada\n",
            "apps/hootsuite/app.yaml": APP.format(gallery=gallery),
            **{name.replace("__", "/") + ".yaml": text for name, text in files.items()},
        }
        for name, text in everything.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return CliRunner().invoke(validate, [str(root), *words])

    return run_validate


def test_valid(run: Callable[..., Result]) -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stdout == "state: 1 person, 0 groups, 1 app: valid\n"
    assert result.stderr == ""


def test_problems_go_to_stderr_and_the_result_to_stdout(run: Callable[..., Result]) -> None:
    result = run(users__x="mial: x\nmanager: nobody\n")
    assert result.exit_code == 1
    assert result.stdout == "state: 1 error, 1 warning\n"
    assert result.stderr.splitlines() == [
        "users/x.yaml:1:1: unknown key `mial` in a person",
        "    did you mean `mail`?",
        "users/x.yaml:2:10: warning: `manager` names `nobody`, who does not exist",
        "    remove the line",
    ]


def test_a_warning_is_an_error_when_strict(run: Callable[..., Result]) -> None:
    files = {"groups__x": "displayName: X\nmembers: [adda]\n"}
    lenient, strict = run(**files), run("--strict", **files)
    assert (lenient.exit_code, strict.exit_code) == (0, 1)
    assert lenient.stdout == "state: 1 person, 1 group, 1 app: valid, 1 warning\n"
    assert strict.stdout == "state: 1 error\n"
    assert "the member `adda` does not exist" in lenient.stderr
    assert "did you mean `ada`?" in strict.stderr


def test_an_unknown_gallery(run: Callable[..., Result]) -> None:
    result = run(gallery="hootsweet")
    assert result.exit_code == 1
    assert "apps/hootsuite/app.yaml:1:10: the gallery has no" in result.stderr


def test_what_shows_only_when_mappings_meet_people(run: Callable[..., Result]) -> None:
    mappings = "users:\n  - {target: title, source: jobTitel}\n"
    result = run(apps__hootsuite__mappings=mappings)
    assert result.exit_code == 1
    assert "apps/hootsuite/mappings.yaml:2:29: " in result.stderr
    assert "jobTitle" in result.stderr


def test_two_people_with_one_user_name(run: Callable[..., Result]) -> None:
    app = APP.format(gallery="hootsuite").replace("[ada]", "[ada, eve]")
    eve = "userPrincipalName: ADA@contoso.com\nmail: eve@contoso.com\ndisplayName: Eve\n"
    result = run(users__eve=eve, apps__hootsuite__app=app)
    assert result.exit_code == 1
    assert "users/eve.yaml:1" in result.stderr
    assert "ada" in result.stderr


def test_json(run: Callable[..., Result]) -> None:
    found = json.loads(run("--format", "json", users__x="manager: nobody\n").stdout)
    assert found == {
        "valid": True,
        "users": 2,
        "groups": 0,
        "apps": ["hootsuite"],
        "problems": [
            {
                "severity": "warning",
                "file": "users/x.yaml",
                "line": 1,
                "column": 10,
                "message": "`manager` names `nobody`, who does not exist",
                "hint": "remove the line",
            }
        ],
    }
    broken = json.loads(run("--format", "json", users__x="[").stdout)
    assert (broken["valid"], broken["users"], len(broken["problems"])) == (False, None, 1)


def test_only_one_app(run: Callable[..., Result]) -> None:
    other = APP.format(gallery="hootsuite").replace("scim.", "other.").replace("[ada]", "[nobody]")
    assert run(apps__other__app=other).exit_code == 1
    assert run("--app", "hootsuite").stdout == "state: 1 person, 0 groups, 1 app: valid\n"
    assert isinstance(run("--app", "hotsuite").exception, UsageError)


def test_names_can_not_steer_the_terminal(run: Callable[..., Result]) -> None:
    result = run(users__x='"\\e[31m\\u202E": x\n')
    assert "\x1b" not in result.stderr
    assert "\u202e" not in result.stderr
    assert "\\u001b[31m\\u202e" in result.stderr


def test_the_folder_is_found_upwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2] / "desired-state" / "apps" / "hootsuite")
    result = CliRunner().invoke(validate, [])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("desired-state: ")
    assert result.stdout.endswith(" 1 app: valid\n")


@pytest.mark.parametrize(
    ("auth", "warned"),
    [
        ("bearer: {env: A}", False),
        ("bearer: {env: A}, mutualTls: {certificate: a.pem, key: {env: B}}", False),
        ("mutualTls: {certificate: a.pem, key: {env: B}}", True),
        ("clientCredentials: {tokenUrl: 'https://a.example/t', clientId: a, clientSecret: {env: B}}", True),
    ],
)
@pytest.mark.parametrize("corrected", [False, True])
def test_a_way_to_log_in_that_the_profile_does_not_know_is_a_warning(
    run: Callable[..., Result], auth: str, warned: bool, corrected: bool
) -> None:
    text = APP.format(gallery="hootsuite") + f"auth: {{{auth}}}\n"
    if corrected:
        text += "profile: {authentication: {methods: [bearer, mutualTls, clientCredentials]}}\n"
    result = run(apps__hootsuite__app=text)
    assert result.exit_code == 0
    assert ("is not what the application takes, by its profile: bearer" in result.stderr) is (warned and not corrected)
    assert ("app.yaml:5:" in result.stderr) is (warned and not corrected)


def test_an_expiry_that_empties_a_group_is_an_error_when_strict(run: Callable[..., Result]) -> None:
    files = {"groups__x": "displayName: X\nmembers:\n  - {user: ada, until: 2099-12-31}\n"}
    lenient, strict = run(**files), run("--strict", **files)
    assert (lenient.exit_code, strict.exit_code) == (0, 1)
    message = "`x` has no members after 2099-12-31: the last one's access ends"
    assert lenient.stderr.splitlines()[0] == f"groups/x.yaml:3: warning: {message}"
    assert strict.stdout == "state: 1 error\n"


def test_a_rule_that_hangs_is_told_once(run: Callable[..., Result]) -> None:
    person = f"userPrincipalName: b@contoso.com\nmail: b@contoso.com\ndisplayName: B\ncity: '{'a' * 40}!'\n"
    rule = "displayName: X\nrules:\n  - all: [{attribute: city, operator: REGEX MATCH, value: '^(a|aa)+$'}]\n"
    result = run(users__b=f"{person}until: 2099-12-31\n", groups__x=rule)
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if "this rule can't be tried" in line]
    assert len(lines) == 1
