"""Plans that were approved: loaded for the apps that are applied, and refused where they are not about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.saved import plan_files, read_saved, require_signature
from reconciler.desired import Revision, load_revision
from reconciler.errors import Place, PlanError, UsageError
from reconciler.model.plan import Plan

if TYPE_CHECKING:
    from reconciler.session import Opened

_AGAIN = "make the plan again, and have it approved"


def approved_plans(
    path: Path,
    opened: Sequence[Opened],
    *,
    only: Sequence[str] = (),
    signed_by: Path | None = None,
    of_files: bool = False,
) -> dict[str, Plan]:
    """App → approved plan, from a file or from a folder of APP.json. `only`: apps that the command line names;
    `signed_by`: the public key that every plan has to be signed for. `of_files`: plans that were made of files alone
    will do.

    Raises PlanError for a plan of another app or tenant, for one that was made for another moment or of files alone,
    and for a signature that is missing or does not fit.
    """
    plans = {plan.app: (plan, file) for file in plan_files(path) for plan in read_saved(file)}
    if signed_by is not None:
        require_signature([plan for plan, _ in plans.values()], signed_by)
    apps = {one.app.name: one for one in opened}
    for name in only:
        if name not in plans:
            raise UsageError(f"{path} holds no plan of {name}", hint="name the file that has it, or leave --app out")
    for name, (plan, file) in plans.items():
        place = Place(str(file))
        if name not in apps and only:
            continue
        if name not in apps:
            raise PlanError(f"is a plan of {name}, which is no app of this desired state", place=place, hint=_AGAIN)
        tenant = apps[name].app.tenant_url
        if plan.tenant_url != tenant:
            raise PlanError(
                f"is a plan for {plan.tenant_url}, and tenantUrl of {name} is {tenant} now", place=place, hint=_AGAIN
            )
        if any(note.code == "asOf" for note in plan.notes):
            raise PlanError(
                f"was made with --as-of, for {plan.as_of}: it shows that moment, and can't be applied",
                place=place,
                hint="make the plan again without --as-of",
            )
        if plan.live.source == "files" and not of_files:
            raise PlanError(
                "was made of files alone: it shows what they change, and can't be applied",
                place=place,
                hint="make the plan again without --offline; with --snapshot state, once something was kept there",
            )
    return {name: plan for name, (plan, _) in plans.items() if name in apps}


def compare_as_approved(plans: Mapping[str, Plan], opened: Sequence[Opened]) -> None:
    """Whoever is only known from the revision that a plan was compared with (`--base`) leaves by that plan, and that
    revision's guardrails hold. Raises UsageError for a revision that git does not know.
    """
    loaded: dict[str, Revision] = {}
    for one in opened:
        plan = plans.get(one.app.name)
        base = plan.desired.base if plan is not None else None
        if base is not None:
            if base not in loaded:
                loaded[base] = load_revision(one.root, base, plans)
            one.revision = loaded[base]
