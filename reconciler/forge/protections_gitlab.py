"""Protections of a project on GitLab: its default branch, approvals, environments, variables.

Sources: GitLab's REST API: "Protected branches", "Merge request approval settings", "Protected environments",
"Project-level CI/CD variables", "Members".
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from reconciler.forge.api import Api, needed
from reconciler.forge.protecting import ENVIRONMENTS, Findings, Wanted, entries, judge_refs, listed, number, one

_NOBODY: Final = 0
_DEVELOPER: Final = 30
_BRANCH: Final = "Settings → Repository → Protected branches"
_APPROVALS: Final = "Settings → Merge requests → Merge request approvals"


async def look(api: Api, root: str, wanted: Wanted, findings: Findings) -> None:
    """Appends to `findings`. Raises ForgeError where the project itself can't be read."""
    about = await api.json("GET", root)
    branch = str(needed(about, "default_branch"))
    await _branch(api, root, branch, findings)
    await _approvals(api, root, findings)
    await _environments(api, root, findings)
    await _variables(api, root, wanted, findings)
    await _refs(api, root, findings)


async def _branch(api: Api, root: str, branch: str, findings: Findings) -> None:
    known, found = await one(api, f"{root}/protected_branches/{quote(branch, safe='')}")
    if not found:
        findings.judge(False if known else None, "", f"{branch} is not protected", f"{_BRANCH}: protect {branch}")
        return
    pushers = [level for level in entries(found, "push_access_levels") if level.get("access_level") != _NOBODY]
    who = ", ".join(str(each.get("access_level_description")) for each in pushers)
    findings.judge(
        not pushers, f"nobody pushes to {branch}: it takes merge requests",
        f"{branch} takes pushes without a review: {who}", f"{_BRANCH}: allowed to push and merge: no one",
    )  # fmt: skip
    findings.judge(
        found.get("allow_force_push") is False, f"nobody can force a push to {branch}",
        f"a forced push can rewrite {branch}", f"{_BRANCH}: no forced pushes",
    )  # fmt: skip
    owners = found.get("code_owner_approval_required")
    findings.judge(
        owners is True, "the owners in CODEOWNERS have to approve", "the owners in CODEOWNERS need not approve",
        f"{_BRANCH}: code owner approval (GitLab Premium)",
    )  # fmt: skip


async def _approvals(api: Api, root: str, findings: Findings) -> None:
    known, found = await one(api, f"{root}/approvals")
    rules_known, rules = await listed(api, f"{root}/approval_rules")
    least = max((number(rule, "approvals_required") for rule in rules), default=0)
    findings.judge(
        least > 0 if rules_known else None, "a merge request needs an approval",
        "a merge request needs nobody's approval", f"{_APPROVALS}: a rule with 1 approval or more (GitLab Premium)",
    )  # fmt: skip
    for key, wanted, good, bad, hint in (
        ("reset_approvals_on_push", True, "a push takes approvals away",
         "an approval outlives a push that comes after it", "remove all approvals when a commit is added"),
        ("merge_requests_author_approval", False, "nobody approves their own merge request",
         "an author can approve their own merge request", "prevent approval by the author"),
        ("merge_requests_disable_committers_approval", True, "whoever committed does not approve",
         "whoever added a commit can approve it", "prevent approvals by users who add commits"),
        ("disable_overriding_approvers_per_merge_request", True, "no merge request changes its own approval rules",
         "a merge request can change its own approval rules", "prevent editing approval rules in merge requests"),
    ):  # fmt: skip
        ok: bool | None = None
        if known:
            ok = found is not None and found.get(key) is wanted
        findings.judge(ok, good, bad, f"{_APPROVALS}: {hint}")


async def _environments(api: Api, root: str, findings: Findings) -> None:
    for name in ENVIRONMENTS:
        known, found = await one(api, f"{root}/protected_environments/{name}")
        hint = f"Settings → CI/CD → Protected environments: {name} (GitLab Premium)"
        if not found:
            findings.judge(False if known else None, "", f"the environment {name} is not protected", hint)
            continue
        levels = [level for level in entries(found, "deploy_access_levels") if _is_open(level)]
        findings.judge(not levels, f"{name} is for few", f"every developer can deploy to {name}", hint)


def _is_open(level: dict[str, Any]) -> bool:
    """Also what does not say for whom it is."""
    return level.get("access_level") in (_DEVELOPER, None) and not level.get("user_id") and not level.get("group_id")


async def _variables(api: Api, root: str, wanted: Wanted, findings: Findings) -> None:
    known, rows = await listed(api, f"{root}/variables")
    hint = "Settings → CI/CD → Variables: protected, with the environment access-scheduled or access-read"
    if not known:
        findings.unknown("can a job of any branch read a token of an application", hint)
        return
    tokens = [row for row in rows if str(row.get("key")) in wanted.secrets]
    exposed = sorted({
        str(row.get("key")) for row in tokens
        if row.get("protected") is not True or row.get("environment_scope") not in ENVIRONMENTS
    })  # fmt: skip
    findings.judge(
        not exposed, "no token of an application is a variable that any job can read",
        f"{', '.join(exposed)} is a variable that jobs of other branches or environments can read", hint,
    )  # fmt: skip


async def _refs(api: Api, root: str, findings: Findings) -> None:
    """No rule of GitLab's is about refs beside branches and tags."""
    known, rows = await listed(api, f"{root}/members/all")
    may = [str(row.get("username")) for row in rows if number(row, "access_level") >= _DEVELOPER]
    judge_refs(
        may if known else None,
        findings,
        "no rule of GitLab's guards it: let few be developers, and others work in forks",
    )
