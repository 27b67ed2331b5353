"""A plan that is compared with a revision: what this change does, and everything else in one line."""

from __future__ import annotations

from reconciler.model.plan import Change, Origin, Plan, Suspect

CAME = {
    Origin.PENDING: "merged before and not applied yet",
    Origin.CLOCK: "whose time has come",
    Origin.DRIFT: "changed in the application",
}
_WHO = {
    Suspect.JUST_IN_TIME: "signing in, which makes accounts",
    Suspect.OTHER_PROVISIONER: "another provisioner",
    Suspect.ADMINISTRATOR: "an administrator",
    Suspect.SERVER: "the application itself",
}


def apart(plan: Plan) -> tuple[Plan, Plan]:
    """The plan with nothing but this change, and with nothing but the rest."""
    ours = tuple(c for c in plan.changes if c.origin is Origin.THIS_CHANGE)
    others = tuple(c for c in plan.changes if c.origin is not Origin.THIS_CHANGE)
    return plan.model_copy(update={"changes": ours}), plan.model_copy(update={"changes": others})


def came(change: Change) -> str:
    """Where a change comes from, where git did not ask for it just now; "" else."""
    if change.origin is Origin.CLOCK:
        return " (its time has come)"
    perhaps = f"perhaps by {_WHO[change.suspect]}" if change.suspect else ""
    if change.origin is not Origin.DRIFT:
        return f" ({perhaps})" if perhaps else ""
    return f" (changed in the application{', ' if perhaps else ''}{perhaps})"


def suspected(change: Change) -> str:
    """Who did it, as an answer to the question; "" where nothing tells."""
    return f" Perhaps {_WHO[change.suspect]}." if change.suspect else ""
