"""Protections of a repository on GitHub: rulesets and branch protection, environments, workflows, secrets.

Sources: GitHub's REST API, version 2022-11-28: "Rules", "Branch protection", "Deployment environments", "GitHub Actions
permissions", "GitHub Actions secrets".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from reconciler.forge.api import Api, needed
from reconciler.forge.protecting import (
    ENVIRONMENTS,
    Findings,
    Wanted,
    entries,
    inner,
    judge_refs,
    judge_secrets,
    listed,
    number,
    one,
)

_RULES: Final = "Settings → Rules → Rulesets, for the default branch"
_ACTIONS: Final = "Settings → Actions → General"


@dataclass(slots=True)
class _Branch:
    """What rulesets and branch protection demand together. `known`: all of it could be read."""

    known: bool
    reviews: int = 0
    owners: bool = False
    dismiss: bool = False
    no_force: bool = False
    no_deletion: bool = False
    bypass: list[str] = field(default_factory=list)
    bypass_known: bool = True


async def look(api: Api, root: str, wanted: Wanted, findings: Findings) -> None:
    """Appends to `findings`. Raises ForgeError where the repository itself can't be read."""
    about = await api.json("GET", root)
    branch = str(needed(about, "default_branch"))
    _judge_branch(await _branch(api, root, branch), branch, findings)
    for name in ENVIRONMENTS:
        await _environment(api, root, name, branch, findings)
    await _workflows(api, root, findings)
    await _secrets(api, root, wanted, findings)
    await _owners(api, root, wanted, findings)
    await _refs(api, root, findings)


async def _branch(api: Api, root: str, branch: str) -> _Branch:
    quoted = quote(branch, safe="")
    rules_known, rules = await listed(api, f"{root}/rules/branches/{quoted}")
    known, classic = await one(api, f"{root}/branches/{quoted}/protection", absent="Branch not protected")
    found = _Branch(known and rules_known)
    for rule in rules:
        _add_rule(found, rule)
    for ruleset in sorted({number(rule, "ruleset_id") for rule in rules} - {0}):
        seen, whole = await one(api, f"{root}/rulesets/{ruleset}")
        actors = (whole or {}).get("bypass_actors")
        found.bypass_known = found.bypass_known and seen and isinstance(actors, list)
        found.bypass += [_actor(actor) for actor in entries(whole, "bypass_actors")]
    if classic:
        _add_classic(found, classic)
    return found


def _add_rule(found: _Branch, rule: dict[str, Any]) -> None:
    options = inner(rule, "parameters")
    match rule.get("type"):
        case "pull_request":
            found.reviews = max(found.reviews, number(options, "required_approving_review_count"))
            found.owners |= options.get("require_code_owner_review") is True
            found.dismiss |= options.get("dismiss_stale_reviews_on_push") is True
        case "non_fast_forward":
            found.no_force = True
        case "deletion":
            found.no_deletion = True


def _add_classic(found: _Branch, classic: dict[str, Any]) -> None:
    reviews = inner(classic, "required_pull_request_reviews")
    found.reviews = max(found.reviews, number(reviews, "required_approving_review_count"))
    found.owners |= reviews.get("require_code_owner_reviews") is True
    found.dismiss |= reviews.get("dismiss_stale_reviews") is True
    found.no_force |= inner(classic, "allow_force_pushes").get("enabled") is False
    found.no_deletion |= inner(classic, "allow_deletions").get("enabled") is False
    if inner(classic, "enforce_admins").get("enabled") is not True:
        found.bypass.append("administrators")
    allowances = inner(reviews, "bypass_pull_request_allowances")
    for kind in allowances:
        found.bypass += [f"{kind.removesuffix('s')} {_name(each)}" for each in entries(allowances, kind)]


def _actor(actor: dict[str, Any]) -> str:
    kind = str(actor.get("actor_type") or "somebody")
    if kind == "OrganizationAdmin":
        return "administrators of the organization"
    return f"{kind} {actor.get('actor_id')}"


def _name(each: dict[str, Any]) -> str:
    return str(each.get("login") or each.get("slug") or each.get("id"))


def _judge_branch(found: _Branch, branch: str, findings: Findings) -> None:
    def judge(ok: bool, good: str, bad: str, hint: str) -> None:
        findings.judge(True if ok else False if found.known else None, good, bad, hint)

    judge(found.reviews > 0, f"{branch} takes pull requests with a review", f"{branch} takes changes without a review",
          f"{_RULES}: require a pull request, with 1 approval or more")  # fmt: skip
    judge(found.owners, "the owners in CODEOWNERS have to approve", "the owners in CODEOWNERS need not approve",
          f"{_RULES}: require review from code owners")  # fmt: skip
    judge(found.dismiss, "a push takes approvals away", "an approval outlives a push that comes after it",
          f"{_RULES}: dismiss stale approvals when new commits are pushed")  # fmt: skip
    judge(found.no_force, f"nobody can force a push to {branch}", f"a forced push can rewrite {branch}",
          f"{_RULES}: block force pushes")  # fmt: skip
    judge(found.no_deletion, f"nobody can delete {branch}", f"{branch} can be deleted",
          f"{_RULES}: restrict deletions")  # fmt: skip
    if not (found.reviews or found.no_force):
        return  # there is nothing to go past
    past = ", ".join(dict.fromkeys(found.bypass))
    findings.judge(
        False if past else True if found.bypass_known and found.known else None,
        "nobody can go past these rules", f"these may go past the rules: {past or 'somebody'}",
        "Settings → Rules: an empty bypass list; of branch protection, do not allow bypassing",
    )  # fmt: skip


async def _environment(api: Api, root: str, name: str, branch: str, findings: Findings) -> None:
    path = f"{root}/environments/{name}"
    known, found = await one(api, path)
    where = f"Settings → Environments → {name}"
    if not found:
        findings.judge(False if known else None, "", f"there is no environment {name}", f"make it: {where}")
        return
    rules = {str(rule.get("type")): rule for rule in entries(found, "protection_rules")}
    policy = inner(found, "deployment_branch_policy")
    only: bool | None = False
    if policy.get("custom_branch_policies"):
        seen, branches = await listed(api, f"{path}/deployment-branch-policies", "branch_policies")
        names = {(str(each.get("name")), str(each.get("type", "branch"))) for each in branches}
        only = names == {(branch, "branch")} if seen else None
    findings.judge(
        only, f"{name} is for {branch} alone", f"{name} can be used by jobs of other branches than {branch}",
        f"{where}: deployment branches: selected, {branch}",
    )  # fmt: skip
    if name != "access":
        return
    reviewers = inner(rules, "required_reviewers")
    findings.judge(
        bool(reviewers.get("reviewers")), f"somebody has to approve in {name}", f"{name} waits for nobody's approval",
        f"{where}: required reviewers",
    )  # fmt: skip
    findings.judge(
        reviewers.get("prevent_self_review") is True, f"nobody approves their own run in {name}",
        f"whoever starts a run can approve it in {name}", f"{where}: prevent self-review",
    )  # fmt: skip
    findings.judge(
        found.get("can_admins_bypass") is False if "can_admins_bypass" in found else None,
        f"administrators wait in {name}, too", f"administrators need no approval in {name}",
        f"{where}: do not allow administrators to bypass",
    )  # fmt: skip


async def _workflows(api: Api, root: str, findings: Findings) -> None:
    known, found = await one(api, f"{root}/actions/permissions/workflow")
    found = found or {}
    read = found.get("default_workflow_permissions")
    findings.judge(
        read == "read" if known and read else None, "the token of workflows may only read, unless they say otherwise",
        "the token of any workflow may write", f"{_ACTIONS}: workflow permissions: read",
    )  # fmt: skip
    approve = found.get("can_approve_pull_request_reviews")
    findings.judge(
        approve is False if known and approve is not None else None, "workflows can't approve pull requests",
        "a workflow can approve pull requests", f"{_ACTIONS}: do not allow Actions to approve pull requests",
    )  # fmt: skip


async def _secrets(api: Api, root: str, wanted: Wanted, findings: Findings) -> None:
    hint = "put it into the environments access-scheduled and access-read, and delete it here"
    for path, where in (("secrets", "the repository"), ("organization-secrets", "the organization")):
        known, rows = await listed(api, f"{root}/actions/{path}", "secrets")
        if known:
            judge_secrets((str(row.get("name")) for row in rows), wanted, findings, where, hint)
        else:
            findings.unknown(f"is a token of an application a secret of {where}", hint)


async def _owners(api: Api, root: str, wanted: Wanted, findings: Findings) -> None:
    if not wanted.codeowners:
        return
    known, found = await one(api, f"{root}/codeowners/errors")
    errors = entries(found, "errors")
    lines = ", ".join(f"line {number(each, 'line')} ({each.get('kind')})" for each in errors[:5])
    findings.judge(
        not errors if known else None, "GitHub understands CODEOWNERS, and finds all owners",
        f"GitHub leaves lines of CODEOWNERS out: {lines}" if lines else "does GitHub understand CODEOWNERS",
        "an owner must be able to write to the repository; GitHub shows the errors in the file's page",
    )  # fmt: skip


async def _refs(api: Api, root: str, findings: Findings) -> None:
    """No rule of GitHub's is about refs beside branches and tags."""
    known, rows = await listed(api, f"{root}/collaborators")
    may = [str(row.get("login")) for row in rows if inner(row, "permissions").get("push")]
    judge_refs(
        may if known else None, findings, "no rule of GitHub's guards it: let few push, and others work in forks"
    )
