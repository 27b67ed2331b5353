"""`check --forge`: what a repository lacks is named, each with its remedy; what nobody may read is not fine."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired import load, pipeline
from tests.conftest import TOKEN, Company, build_company
from tests.forge.conftest import around
from tests.forge.fakes.guarded import PATH, GitHub, GitLab
from tests.workflows.companies import PACKAGE

if TYPE_CHECKING:
    from tests.conftest import Called

    Reconciler = Callable[..., Called]

OWNERS = "* @hr\n/apps/ @identity\n/.github/ @identity\n/.gitlab-ci.yml @identity\n/CODEOWNERS @identity\n"


@pytest.fixture
def files(tmp_path: Path) -> Company:
    made = build_company(tmp_path / "state", gallery="scim")
    made.write("groups/board.yaml", {"displayName": "Board", "sensitive": True, "members": ["grace.hopper"]})
    made.write("CODEOWNERS", OWNERS)
    return made


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    with around(GitHub(), monkeypatch) as fake:
        yield fake


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLab]:
    with around(GitLab(), monkeypatch) as fake:
        yield fake


def found(call: Reconciler, files: Company) -> tuple[int, dict[str, Any]]:
    called = call("check", files.root, "--forge", "--format", "json")
    assert called.out, called.err
    return called.code, called.document


def lacking(call: Reconciler, files: Company) -> list[str]:
    code, document = found(call, files)
    told = [each["what"] for each in document["findings"] if each["ok"] is False]
    assert all(each["hint"] for each in document["findings"] if each["ok"] is False)
    assert (code, document["lacking"]) == (1 if told else 0, len(told))
    return told


def unknown(call: Reconciler, files: Company) -> list[str]:
    return [each["what"] for each in found(call, files)[1]["findings"] if each["ok"] is None]


def test_nothing_is_lacking_on_github(github: GitHub, files: Company, reconciler: Reconciler) -> None:
    assert lacking(reconciler, files) == []
    assert unknown(reconciler, files) == ["who may push can write refs/reconciler/*, the memory: ada, grace"]
    text = reconciler("check", files.root, "--forge")
    assert text.code == 0
    assert "✓ main takes pull requests with a review" in text.out
    assert "0 lacking, 1 to be looked at by hand" in text.out
    assert {line.split()[0] for line in github.requests} == {"GET"}


def rule(kind: str, **parameters: Any) -> Callable[[GitHub], None]:
    def change(fake: GitHub) -> None:
        if parameters:
            next(each for each in fake.rules if each["type"] == kind)["parameters"].update(parameters)
        else:
            fake.rules = [each for each in fake.rules if each["type"] != kind]

    return change


def setting(name: str, where: str, value: Any) -> Callable[[GitHub], None]:
    return lambda fake: fake.environments[name].update({where: value})


PROTECTED = {"protected_branches": True, "custom_branch_policies": False}
ON_GITHUB: dict[str, tuple[Callable[[GitHub], Any], list[str]]] = {
    "no review": (
        rule("pull_request"),
        ["main takes changes without a review", "the owners in CODEOWNERS need not approve",
         "an approval outlives a push that comes after it"],
    ),
    "nobody's review": (
        rule("pull_request", required_approving_review_count=0), ["main takes changes without a review"]
    ),
    "no owners": (
        rule("pull_request", require_code_owner_review=False), ["the owners in CODEOWNERS need not approve"]
    ),
    "stale approvals": (
        rule("pull_request", dismiss_stale_reviews_on_push=False), ["an approval outlives a push that comes after it"]
    ),
    "forced pushes": (rule("non_fast_forward"), ["a forced push can rewrite main"]),
    "deletion": (rule("deletion"), ["main can be deleted"]),
    "somebody passes": (
        lambda fake: fake.bypass.append({"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}),
        ["these may go past the rules: RepositoryRole 5"],
    ),
    "administrators pass": (
        lambda fake: fake.bypass.append({"actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always"}),
        ["these may go past the rules: administrators of the organization"],
    ),
    "an app for which no rule runs": (
        lambda fake: fake.bypass.append({"actor_id": 7, "actor_type": "Integration", "bypass_mode": "exempt"}),
        ["these may go past the rules: Integration 7"],
    ),
    "no environment": (lambda fake: fake.environments.pop("access-read"), ["there is no environment access-read"]),
    "any branch": (
        setting("access-scheduled", "deployment_branch_policy", None),
        ["access-scheduled can be used by jobs of other branches than main"],
    ),
    "protected branches, whichever those are": (
        setting("access-read", "deployment_branch_policy", PROTECTED),
        ["access-read can be used by jobs of other branches than main"],
    ),
    "a pattern of branches": (
        lambda fake: fake.branches["access"].append({"name": "*", "type": "branch"}),
        ["access can be used by jobs of other branches than main"],
    ),
    "a tag of that name": (
        lambda fake: fake.branches.update({"access-read": [{"name": "main", "type": "tag"}]}),
        ["access-read can be used by jobs of other branches than main"],
    ),
    "nobody approves": (
        setting("access", "protection_rules", []),
        ["access waits for nobody's approval", "whoever starts a run can approve it in access"],
    ),
    "administrators don't wait": (
        setting("access", "can_admins_bypass", True), ["administrators need no approval in access"]
    ),
    "workflows write": (
        lambda fake: fake.workflow.update(default_workflow_permissions="write"), ["the token of any workflow may write"]
    ),
    "workflows approve": (
        lambda fake: fake.workflow.update(can_approve_pull_request_reviews=True),
        ["a workflow can approve pull requests"],
    ),
    "the token for everybody": (
        lambda fake: fake.secrets["secrets"].append(TOKEN),
        [f"{TOKEN} is a secret of the repository: a job of any branch can read it"],
    ),
    "the token of the organization": (
        lambda fake: fake.secrets["organization-secrets"].append(TOKEN),
        [f"{TOKEN} is a secret of the organization: a job of any branch can read it"],
    ),
    "an owner who is none": (
        lambda fake: fake.errors.append({"line": 3, "kind": "Unknown owner"}),
        ["GitHub leaves lines of CODEOWNERS out: line 3 (Unknown owner)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ON_GITHUB)
def test_what_github_lacks(github: GitHub, files: Company, reconciler: Reconciler, what: str) -> None:
    change, told = ON_GITHUB[what]
    change(github)
    assert lacking(reconciler, files) == told


def test_branch_protection_will_do_in_place_of_rules(github: GitHub, files: Company, reconciler: Reconciler) -> None:
    github.rules = []
    assert "main takes changes without a review" in lacking(reconciler, files)
    reviews: dict[str, Any] = {
        "required_approving_review_count": 1, "require_code_owner_reviews": True, "dismiss_stale_reviews": True,
    }  # fmt: skip
    github.classic = {
        "required_pull_request_reviews": reviews, "enforce_admins": {"enabled": True},
        "allow_force_pushes": {"enabled": False}, "allow_deletions": {"enabled": False},
    }  # fmt: skip
    assert lacking(reconciler, files) == []
    github.classic["enforce_admins"]["enabled"] = False
    reviews["bypass_pull_request_allowances"] = {"users": [{"login": "eve"}], "teams": [{"slug": "ops"}], "apps": []}
    assert lacking(reconciler, files) == ["these may go past the rules: administrators, user eve, team ops"]


def test_what_the_token_may_not_read_is_not_fine(github: GitHub, files: Company, reconciler: Reconciler) -> None:
    github.admin = False
    assert lacking(reconciler, files) == []
    told = unknown(reconciler, files)
    for part in ("may go past the rules", "the token of any workflow may write", "a secret of the repository"):
        assert any(part in text and "may not read" in text for text in told), told
    github.rules = []
    assert lacking(reconciler, files) == []
    assert any("main takes changes without a review" in text for text in unknown(reconciler, files))


def test_the_secrets_that_are_looked_for_are_those_that_the_workflows_read(
    github: GitHub, files: Company, reconciler: Reconciler
) -> None:
    key = {"certificate": "client.pem", "key": {"env": "CERTIFICATE_KEY"}}
    client = {"tokenUrl": "https://login.example.com/token", "clientId": "reconciler"}
    files.edit_app(auth={"bearer": {"env": TOKEN}, "mutualTls": key})
    for name, credential in (("wiki", "clientSecret"), ("vault", "privateKey")):
        auth = {"clientCredentials": {**client, credential: {"env": f"{name.upper()}_SECRET"}}}
        tenant = f"https://{name}.example.com/scim/v2"
        files.write(f"apps/{name}/app.yaml", {**files.read("apps/app/app.yaml"), "tenantUrl": tenant, "auth": auth})
    texts = pipeline.files("github", apps=list(load(files.root).apps.values()), package=PACKAGE)
    read = set(re.findall(r"secrets\.(\w+)", texts[".github/workflows/apply.yml"]))
    assert read == {"CERTIFICATE_KEY", TOKEN, "VAULT_SECRET", "WIKI_SECRET"}
    github.secrets["secrets"] += [*read, "VAULT_KEY"]
    (told,) = lacking(reconciler, files)
    assert told == f"{', '.join(sorted(read))} is a secret of the repository: a job of any branch can read it"


@pytest.mark.parametrize(
    ("owners", "told"),
    [
        (None, "there is no CODEOWNERS"),
        ("* @hr\n/apps/\n", "CODEOWNERS names no owner of apps/app/app.yaml, apps/app/mappings.yaml"),
        (OWNERS + "/groups/board.yaml\n", "CODEOWNERS names no owner of groups/board.yaml"),
        (OWNERS + "/.github/\n", "names no owner of .github/workflows/new.yml"),
        (OWNERS + "/.github/workflows/docs.yml\n", "names no owner of .github/workflows/docs.yml"),
        (OWNERS + "/CODEOWNERS\n", "CODEOWNERS names no owner of CODEOWNERS"),
    ],
)
def test_files_without_owners(
    github: GitHub, files: Company, reconciler: Reconciler, owners: str | None, told: str
) -> None:
    if owners is None:
        (files.root / "CODEOWNERS").unlink()
    else:
        files.write("CODEOWNERS", owners)
    (text,) = lacking(reconciler, files)
    assert told in text


def test_nothing_is_lacking_on_gitlab(gitlab: GitLab, files: Company, reconciler: Reconciler) -> None:
    assert lacking(reconciler, files) == []
    assert unknown(reconciler, files) == ["who may push can write refs/reconciler/*, the memory: ada"]


def test_what_gitlab_lacks(gitlab: GitLab, files: Company, reconciler: Reconciler) -> None:
    gitlab.branch = {
        "push_access_levels": [{"access_level": 40, "access_level_description": "Maintainers"}],
        "allow_force_push": True, "code_owner_approval_required": False,
    }  # fmt: skip
    gitlab.approvals = {"reset_approvals_on_push": False, "merge_requests_author_approval": True}
    gitlab.rules = []
    gitlab.environments["access-read"]["deploy_access_levels"] = [{"access_level": 30}]
    del gitlab.environments["access-scheduled"]
    gitlab.variables = [{"key": TOKEN, "protected": True, "environment_scope": "*"}]
    assert lacking(reconciler, files) == [
        "main takes pushes without a review: Maintainers",
        "a forced push can rewrite main",
        "the owners in CODEOWNERS need not approve",
        "a merge request needs nobody's approval",
        "an approval outlives a push that comes after it",
        "an author can approve their own merge request",
        "whoever added a commit can approve it",
        "a merge request can change its own approval rules",
        "the environment access-scheduled is not protected",
        "every developer can deploy to access-read",
        f"{TOKEN} is a variable that jobs of other branches or environments can read",
    ]
    gitlab.branch = None
    assert "main is not protected" in lacking(reconciler, files)


def test_what_gitlab_does_not_show_is_not_fine(gitlab: GitLab, files: Company, reconciler: Reconciler) -> None:
    gitlab.admin = False
    assert lacking(reconciler, files) == []
    told = unknown(reconciler, files)
    assert any("main is not protected" in text for text in told)
    assert any("read a token of an application" in text for text in told)


def test_at_a_desk_the_remote_names_the_repository(
    github: GitHub, files: Company, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY")
    refused = reconciler("check", files.root, "--forge")
    assert refused.code == 64
    assert "no repository is named" in refused.err
    assert "add a remote `origin`, or set GITHUB_REPOSITORY" in refused.err
    assert "--repository" not in refused.err
    for address in ("git@github.example.com:contoso/access.git", "https://github.example.com/contoso/access"):
        for command in (["init", "-q"], ["remote", "remove", "origin"], ["remote", "add", "origin", address]):
            subprocess.run(["git", "-C", str(files.root), *command], check=False, capture_output=True, env=os.environ)
        assert lacking(reconciler, files) == []


def test_a_group_s_path_is_shown_as_it_is_written(
    gitlab: GitLab, files: Company, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_PROJECT_ID", PATH)
    code, document = found(reconciler, files)
    assert (code, document["repository"]) == (0, "contoso/it/access")
    assert reconciler("check", files.root, "--forge").out.startswith("contoso/it/access  GitLab\n")
    monkeypatch.setenv("CI_PROJECT_ID", "contoso/it/other")
    refused = reconciler("check", files.root, "--forge")
    assert refused.code == 1
    assert "there is no repository contoso/it/other that this token may see" in refused.err


@pytest.mark.parametrize("content", [{}, {"default_branch": None}, [1, {}], "text", None])
@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_a_repository_of_another_shape_is_an_error(
    request: pytest.FixtureRequest, files: Company, reconciler: Reconciler, forge: str, content: Any
) -> None:
    request.getfixturevalue(forge).fault("GET .*/(repos/[^/]+|projects)/[^/]+", 200, content=content)
    refused = reconciler("check", files.root, "--forge")
    assert refused.code == 1
    assert "an answer of the forge has no 'default_branch'" in refused.err


@pytest.mark.parametrize("content", [[1, {}], "text"])
@pytest.mark.parametrize(
    "path", ["branches/main/protection", "rulesets/5", "environments/access", "actions/permissions/workflow",
             "codeowners/errors"]
)  # fmt: skip
def test_an_answer_of_another_shape_is_an_error(
    github: GitHub, files: Company, reconciler: Reconciler, path: str, content: Any
) -> None:
    github.fault(f"GET .*/{path}", 200, content=content)
    refused = reconciler("check", files.root, "--forge")
    assert refused.code == 1
    assert f"{path}: the answer is no object" in refused.err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [(["--probe"], 64, "one after the other"), (["--app", "nowhere"], 64, "there is no app")],
)
def test_what_says_nothing_together(
    github: GitHub, files: Company, reconciler: Reconciler, options: list[str], code: int, message: str
) -> None:
    refused = reconciler("check", files.root, "--forge", *options)
    assert refused.code == code
    assert message in refused.err


def test_a_repository_that_nobody_sees(
    github: GitHub, files: Company, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "contoso/other")
    refused = reconciler("check", files.root, "--forge")
    assert refused.code == 1
    assert "there is no repository contoso/other that this token may see" in refused.err
    monkeypatch.setenv("GITHUB_TOKEN", "another-token")
    refused = reconciler("check", files.root, "--forge")
    assert refused.code == 1
    assert "another-token" not in refused.out + refused.err


SHAPES = (
    ("branches/main/protection", {
        "required_pull_request_reviews": ["x"], "allow_force_pushes": "no", "allow_deletions": 1, "enforce_admins": [],
    }),
    ("branches/main/protection", {
        "required_pull_request_reviews": {"bypass_pull_request_allowances": {"users": ["x", 7], "teams": "y"}},
    }),
    ("rules/branches/main", ["x", 7, {"type": ["x"], "parameters": "y", "ruleset_id": "z"}, {"type": "pull_request"}]),
    ("rulesets/5", {"bypass_actors": ["x", 7, None]}),
    ("environments/access", {"protection_rules": ["x", {"type": []}], "deployment_branch_policy": "main"}),
    ("environments/access", {"protection_rules": [{"type": "required_reviewers", "reviewers": 7}]}),
    ("environments/access/deployment-branch-policies", {"branch_policies": [7, {"name": [], "type": {}}]}),
    ("codeowners/errors", {"errors": ["x", 7]}),
    ("actions/secrets", {"secrets": [{"name": []}, "x"]}),
    ("collaborators", [{"login": [], "permissions": "push"}, 7]),
)  # fmt: skip


@pytest.mark.parametrize(("path", "content"), SHAPES)
def test_entries_of_another_shape_are_no_fault_of_ours_and_never_fine(
    github: GitHub, files: Company, reconciler: Reconciler, path: str, content: Any
) -> None:
    github.fault(f"GET .*/{path}", 200, content=content)
    called = reconciler("check", files.root, "--forge")
    assert called.code in (0, 1)
    assert "Traceback" not in called.out + called.err
    assert "lacking" in called.out


def test_an_actor_that_nobody_can_read_may_go_past_the_rules(
    github: GitHub, files: Company, reconciler: Reconciler
) -> None:
    github.fault("GET .*/rulesets/5", 200, content={"bypass_actors": ["x"]})
    assert any("may go past the rules" in each for each in lacking(reconciler, files))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("protected_branches/main", {"push_access_levels": ["x", 7]}),
        ("protected_environments/access", {"deploy_access_levels": [["x"]]}),
        ("variables", [{"key": []}, 7]),
        ("members/all", ["x", {"access_level": "y"}]),
        ("approval_rules", ["x", {"approvals_required": []}]),
    ],
)
def test_entries_of_another_shape_on_gitlab(
    gitlab: GitLab, files: Company, reconciler: Reconciler, path: str, content: Any
) -> None:
    gitlab.fault(f"GET .*/{path}", 200, content=content)
    called = reconciler("check", files.root, "--forge")
    assert called.code in (0, 1)
    assert "lacking" in called.out
