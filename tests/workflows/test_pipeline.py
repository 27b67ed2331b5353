"""The workflows that a repository is given: what is pinned in them, and what can't be."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.desired.codeowners import Forge
from reconciler.desired.pipeline import files
from reconciler.errors import UsageError
from reconciler.forge.publish import suspicious
from reconciler.model.app import Auth
from reconciler.model.secret import SecretReference
from tests.workflows.companies import PACKAGE, app, several
from tests.workflows.expressions import filled
from tests.workflows.runner import read_yaml


def given(**options: Any) -> dict[str, Any]:
    """Path → document, of three apps on GitHub."""
    texts = files("github", **{"apps": several(), "package": PACKAGE, **options})
    return {path: read_yaml(text) for path, text in texts.items() if path.endswith(".yml")}


def workflow(name: str, **options: Any) -> Any:
    return given(**options)[f".github/workflows/{name}.yml"]


def step(job: dict[str, Any], name: str) -> Any:
    (found,) = [each for each in job["steps"] if each.get("name") == name]
    return found


@pytest.mark.parametrize("name", ["apply", "drift"])
def test_each_app_may_reach_its_own_hosts_and_read_its_own_secrets(name: str) -> None:
    job = workflow(name)["jobs"][name]
    assert job["strategy"]["matrix"]["include"] == [
        {"app": "chat", "hosts": "chat.example.com", "variables": "SHARED_SECRET"},
        {"app": "wiki", "hosts": "wiki.example.com,login.example.com", "variables": "SHARED_SECRET"},
        {
            "app": "vault",
            "hosts": "vault.example.com",
            "variables": "VAULT_KEY",
            "files": "vault.pem",
            "commands": "vault read 'a b'",
        },
    ]
    environment = step(job, name.capitalize())["env"]
    assert environment["RECONCILER_ALLOW_HOST"] == "${{ matrix.hosts }}"
    assert environment["RECONCILER_ALLOW_COMMAND"] == "${{ matrix.commands }}"
    assert environment["SHARED_SECRET"] == (
        "${{ (matrix.app == 'chat' || matrix.app == 'wiki') && secrets.SHARED_SECRET || '' }}"
    )
    assert environment["VAULT_KEY"] == "${{ matrix.app == 'vault' && secrets.VAULT_KEY || '' }}"


@pytest.mark.parametrize("name", ["apply", "drift"])
def test_the_job_of_one_app_has_no_secret_of_another(name: str) -> None:
    job = workflow(name)["jobs"][name]
    secrets = {"SHARED_SECRET": "s", "VAULT_KEY": "k"}
    given = {}
    for entry in job["strategy"]["matrix"]["include"]:
        contexts = {"matrix": entry, "secrets": secrets, "inputs": {}}
        environment = filled(step(job, name.capitalize())["env"], contexts)
        given[entry["app"]] = {key: environment[key] for key in secrets}
    assert given == {
        "chat": {"SHARED_SECRET": "s", "VAULT_KEY": ""},
        "wiki": {"SHARED_SECRET": "s", "VAULT_KEY": ""},
        "vault": {"SHARED_SECRET": "", "VAULT_KEY": "k"},
    }


def test_a_revocation_reaches_all_of_them() -> None:
    environment = step(workflow("revoke")["jobs"]["revoke"], "Revoke")["env"]
    hosts = "chat.example.com,wiki.example.com,login.example.com,vault.example.com"
    assert environment["RECONCILER_ALLOW_HOST"] == hosts
    assert environment["RECONCILER_ALLOW_ENV"] == "SHARED_SECRET,VAULT_KEY"
    assert environment["VAULT_KEY"] == "${{ secrets.VAULT_KEY }}"


def test_branch_and_folder_are_the_repositorys() -> None:
    documents = given(branch="trunk", folder="access/state")
    apply = documents[".github/workflows/apply.yml"]
    assert apply["on"]["push"] == {"branches": ["trunk"], "paths": ["access/state/**"]}
    assert "--branch trunk" in step(apply["jobs"]["apply"], "Apply")["run"]
    texts = files("github", apps=several(), branch="trunk", folder="access/state", package=PACKAGE)
    assert not [path for path, text in texts.items() if "main" in text or "desired-state" in text]


def test_others_install_what_they_pinned_and_we_what_we_hold() -> None:
    action = ".github/actions/reconciler/action.yml"
    install = given()[action]["runs"]["steps"][1]["run"]
    assert install.endswith(f'"reconciler${{EXTRAS}} @ {PACKAGE}"')
    assert given(source=True)[action]["runs"]["steps"][1]["run"].endswith('"${FOLDER}${EXTRAS}"')


def test_owners_approve_apps_and_workflows() -> None:
    owned = files("github", apps=several(), owner="@contoso/identity", folder="access", package=PACKAGE)
    lines = owned[".github/CODEOWNERS"].splitlines()
    assert "/access/apps/ @contoso/identity" in lines
    assert "/.github/ @contoso/identity" in lines
    assert ".github/CODEOWNERS" not in files("github", apps=several(), package=PACKAGE)


@pytest.mark.parametrize(
    "options",
    [
        {"branch": "a b"}, {"branch": "$(id)"}, {"branch": "x'y"}, {"branch": ""}, {"branch": "-x"},
        {"folder": "../up"}, {"folder": "/etc"}, {"folder": "a${{x}}"},
        {"package": ""}, {"package": "reconciler==0.1.0"}, {"package": "git+https://git.example.com/reconciler@main"},
        {"package": f"{PACKAGE}b"}, {"package": f"{PACKAGE}\n"}, {"package": f"git+http://x@{'a' * 40}"},
        {"package": f"git+https://$(id)@{'a' * 40}"}, {"package": "https://example.com/reconciler-1-py3-none-any.whl"},
        {"owner": "nobody"}, {"owner": "@a @b\n* @evil"},
    ],
    ids=str,
)  # fmt: skip
def test_what_would_mean_something_else_in_a_workflow_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        files("github", **{"apps": several(), "package": PACKAGE, **options})  # type: ignore[arg-type]
    assert caught.value.hint


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_a_pull_request_that_changes_one_of_them_is_suspicious(forge: Forge) -> None:
    made = files(forge, apps=several(), owner="@contoso/identity", package=PACKAGE)
    assert [path for path in made if not suspicious([path])] == []


def test_no_runner_has_a_keyring() -> None:
    secret = app("chat", "chat.example.com", Auth(bearer=SecretReference(keyring="chat/token")))
    with pytest.raises(UsageError, match="chat: a secret is in a keyring"):
        files("github", apps=[secret], package=PACKAGE)
