"""The fake forges with their settings, which `reconciler check --forge` reads. All begins as it should be.

`admin`: whether the token may read what only administrators may.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tests.forge.fakes import github, gitlab
from tests.forge.fakes.serving import Asked, Refused, Reply

TOKEN = "SCIM_TEST_TOKEN"
PATH = "contoso/it/access"
"""Of the project on GitLab, which also has a number."""


def branch_rules() -> list[dict[str, Any]]:
    review = {
        "required_approving_review_count": 1, "require_code_owner_review": True, "dismiss_stale_reviews_on_push": True,
    }  # fmt: skip
    return [
        {"type": "pull_request", "parameters": review, "ruleset_id": 5},
        {"type": "non_fast_forward", "ruleset_id": 5},
        {"type": "deletion", "ruleset_id": 5},
    ]


def environment(*reviewers: str) -> dict[str, Any]:
    rules: list[dict[str, Any]] = [{"type": "branch_policy"}]
    if reviewers:
        named = [{"type": "User", "reviewer": {"login": each}} for each in reviewers]
        rules.append({"type": "required_reviewers", "reviewers": named, "prevent_self_review": True})
    policy = {"protected_branches": False, "custom_branch_policies": True}
    return {"protection_rules": rules, "deployment_branch_policy": policy, "can_admins_bypass": False}


class GitHub(github.GitHub):
    def __init__(self) -> None:
        super().__init__()
        self.admin = True
        self.rules = branch_rules()
        self.bypass: list[dict[str, Any]] = []
        self.classic: dict[str, Any] | None = None
        self.environments = {
            "access": environment("ada"), "access-scheduled": environment(), "access-read": environment()
        }  # fmt: skip
        self.branches = {name: [{"name": "main", "type": "branch"}] for name in self.environments}
        self.workflow = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False}
        self.secrets: dict[str, list[str]] = {"secrets": ["OTHER"], "organization-secrets": []}
        self.errors: list[dict[str, Any]] = []

    def routes(self) -> dict[tuple[str, str], Callable[..., Reply]]:
        root, name = f"/repos/{re.escape(self.repository)}", r"(?P<name>[^/]+)"
        return {
            **super().routes(),
            ("GET", f"{root}/rules/branches/{name}"): lambda asked, name: self._rows(asked, self.rules),
            ("GET", f"{root}/branches/{name}/protection"): self._classic,
            ("GET", f"{root}/rulesets/(?P<key>\\d+)"): self._ruleset,
            ("GET", f"{root}/environments/{name}"): self._environment,
            ("GET", f"{root}/environments/{name}/deployment-branch-policies"): self._branches,
            ("GET", f"{root}/actions/permissions/workflow"): lambda asked: self._for_admins(asked, self.workflow),
            ("GET", f"{root}/actions/(?P<kind>secrets|organization-secrets)"): self._secrets,
            ("GET", f"{root}/codeowners/errors"): lambda asked: (self._may(asked), (200, {"errors": self.errors}))[1],
            ("GET", f"{root}/collaborators"): self._collaborators,
        }

    def _rows(self, asked: Asked, rows: list[Any], key: str = "") -> Reply:
        self._may(asked)
        part, headers = self.page(asked, rows)
        return 200, {"total_count": len(rows), key: part} if key else part, headers

    def _for_admins(self, asked: Asked, found: Any) -> Reply:
        self._may(asked)
        if not self.admin:
            raise Refused(403, "Resource not accessible by integration")
        return 200, found

    def _classic(self, asked: Asked, name: str) -> Reply:
        self._may(asked)
        if not self.admin:
            raise Refused(404, "Not Found")
        if self.classic is None:
            raise Refused(404, "Branch not protected")
        return 200, self.classic

    def _ruleset(self, asked: Asked, key: str) -> Reply:
        self._may(asked)
        return 200, {"id": int(key), **({"bypass_actors": self.bypass} if self.admin else {})}

    def _environment(self, asked: Asked, name: str) -> Reply:
        self._may(asked)
        if name not in self.environments:
            raise Refused(404, "Not Found")
        return 200, {"name": name, **self.environments[name]}

    def _branches(self, asked: Asked, name: str) -> Reply:
        return self._rows(asked, self.branches[name], "branch_policies")

    def _secrets(self, asked: Asked, kind: str) -> Reply:
        self._for_admins(asked, None)
        return self._rows(asked, [{"name": name} for name in self.secrets[kind]], "secrets")

    def _collaborators(self, asked: Asked) -> Reply:
        self._for_admins(asked, None)
        people = {"ada": True, "grace": True, "eve": False}
        return self._rows(asked, [{"login": name, "permissions": {"push": may}} for name, may in people.items()])


class GitLab(gitlab.GitLab):
    def __init__(self) -> None:
        super().__init__()
        self.admin = True
        self.branch: dict[str, Any] | None = {
            "name": "main", "push_access_levels": [{"access_level": 0, "access_level_description": "No one"}],
            "allow_force_push": False, "code_owner_approval_required": True,
        }  # fmt: skip
        self.approvals: dict[str, Any] | None = {
            "reset_approvals_on_push": True, "merge_requests_author_approval": False,
            "merge_requests_disable_committers_approval": True, "disable_overriding_approvers_per_merge_request": True,
        }  # fmt: skip
        self.rules = [{"approvals_required": 1}]
        few = [{"access_level": 40, "user_id": None, "group_id": None}]
        self.environments: dict[str, dict[str, Any]] = {
            name: {"name": name, "deploy_access_levels": few} for name in ("access", "access-scheduled", "access-read")
        }
        self.variables = [{"key": TOKEN, "protected": True, "environment_scope": "access-scheduled"}]

    def routes(self) -> dict[tuple[str, str], Callable[..., Reply]]:
        root, name = f"/api/v4/projects/(?:7|{quote(PATH, safe='')})", r"(?P<name>[^/]+)"
        return {
            **super().routes(),
            ("GET", root): self._about,
            ("GET", f"{root}/protected_branches/{name}"): lambda asked, name: self._one(self.branch),
            ("GET", f"{root}/approvals"): lambda asked: self._one(self.approvals),
            ("GET", f"{root}/approval_rules"): lambda asked: self._rows(asked, self.rules),
            ("GET", f"{root}/protected_environments/{name}"): lambda asked, name: self._one(
                self.environments.get(name)
            ),
            ("GET", f"{root}/variables"): lambda asked: self._rows(asked, self.variables),
            ("GET", f"{root}/members/all"): lambda asked: self._rows(
                asked, [{"username": "ada", "access_level": 40}, {"username": "eve", "access_level": 20}]
            ),
        }

    def _environment(self, asked: Asked, name: str) -> Reply:
        return self._one(self.environments.get(name))

    def _one(self, found: Any) -> Reply:
        if not self.admin:
            raise Refused(403, "403 Forbidden")
        if found is None:
            raise Refused(404, "404 Not found")
        return 200, found

    def _rows(self, asked: Asked, rows: list[Any]) -> Reply:
        if not self.admin:
            raise Refused(403, "403 Forbidden")
        return 200, *self.page(asked, rows)
