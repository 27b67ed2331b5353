"""The plan that was approved for a commit, as far as it can be proved.

commit → the pull request that it merged → the seals of its newest commit, which only our own app can write → the run
that each names → the plan in its artifacts, if it has the digest that was sealed. A comment is never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.errors import NotApproved, PlanError
from reconciler.forge.nouns import APP, Forge, PullRequest, Seal
from reconciler.model.plan import Plan

Read = Callable[[bytes, str], Sequence[Plan]]
"""The plans in the bytes of a file, whose name is for messages. Raises PlanError for what is no whole plan."""
_PAST = "`reconciler apply` on the schedule does what is merged and not held; or merge a pull request that was planned"
_AGAIN = "run the plan of the pull request again, let its report be written, and run this job again"


@dataclass(frozen=True, slots=True)
class Approved:
    """`content` is the file as the run had it."""

    plan: Plan
    content: bytes
    pull: PullRequest


async def approved(forge: Forge, commit: str, apps: Sequence[str], read: Read) -> list[Approved]:
    """The plans for a commit of the default branch, one for each of `apps`; empty: for each that was sealed.

    Raises NotApproved if one can't be proved, and then gives none.
    """
    pull = await forge.merged_by(commit)
    if pull is None:
        raise NotApproved(f"commit {commit[:12]} is not the merge of a pull request: nobody reviewed it", hint=_PAST)
    seals = await forge.seals(pull.head, pull.number)
    if missing := sorted(set(apps) - seals.keys()):
        raise NotApproved(f"pull request {pull.number} has no report about {', '.join(missing)}", hint=_PAST)
    if not seals:
        raise NotApproved(f"pull request {pull.number} has no report", hint=_PAST)
    return [await _proved(forge, pull, seals[app], read) for app in sorted(apps or seals)]


async def _proved(forge: Forge, pull: PullRequest, seal: Seal, read: Read) -> Approved:
    assert APP.fullmatch(seal.app)
    if not await forge.planned(seal.run, pull):
        raise NotApproved(
            f"run {seal.run} was not for commit {pull.head[:12]} of pull request {pull.number} into {pull.target}",
            hint=_AGAIN,
        )
    others = ""
    async for content in forge.documents(seal.run, (f"{seal.app}.json", f"{seal.app}.plan.json")):
        try:
            plans = read(content, f"{seal.app}.json")
        except PlanError as error:
            others = f": {error.message}"
            continue
        for plan in plans:
            if plan.app == seal.app and plan.changes_digest == seal.digest and len(plans) == 1:
                return Approved(plan, content, pull)
        others = ": what is there is about other changes"
    raise NotApproved(
        f"run {seal.run} has no plan of {seal.app} with the changes that were reported, {seal.digest}{others}",
        hint=_AGAIN,
    )
