"""What became of a plan, on stdout."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reconciler.apply import Outcome
    from reconciler.model.plan import Plan
    from reconciler.plan import Narrowed


def tell(outcome: Outcome, seconds: float, journal: Path) -> None:
    import yaml

    from reconciler.apply import Status
    from reconciler.cli.plans import style
    from reconciler.render import Failure, summary

    bad = (Status.FAILED, Status.SKIPPED, Status.NOT_STORED)
    failures = [
        Failure(s.change.action, s.change.key, str(s.status), s.message) for s in outcome.steps if s.status in bad
    ]
    failures += [
        Failure("addMembers", key, "skipped", f"{s.change.key}: {why}")
        for s in outcome.steps
        for key, why in s.skipped_members.items()
        if s.status not in bad
    ]
    names = {
        Status.DONE: "done",
        Status.FAILED: "failed",
        Status.SKIPPED: "skipped",
        Status.NOT_STORED: "not stored",
        Status.HELD: "held",
    }
    counts = {name: outcome.count(status) for status, name in names.items()}
    ends = [
        "interrupted" if outcome.interrupted else "",
        outcome.ended,
        outcome.unverified and f"what was written could not be read again: {outcome.unverified}",
    ]
    click.echo(
        summary(
            counts,
            failures,
            style(),
            requests=outcome.requests,
            seconds=seconds,
            journal=str(journal),
            ended="; ".join(filter(None, ends)),
        ),
        nl=False,
    )
    for sentence in outcome.learned:
        click.echo(sentence)
    if outcome.correction:
        click.echo("If what the application holds is right, put this into app.yaml, for `compare` under `profile`:\n")
        click.echo(yaml.safe_dump({"profile": outcome.correction}, allow_unicode=True, sort_keys=False), nl=False)


def told(narrowed: Narrowed) -> None:
    """What an approved plan and the plan of now do not have in common."""
    from reconciler.cli.plans import style
    from reconciler.render import approval

    moved = [(each.change.action, each.change.key, each.what) for each in narrowed.moved]
    unneeded = [(each.action, each.key) for each in narrowed.unneeded]
    new = [(each.action, each.key) for each in narrowed.new]
    click.echo(approval(moved, unneeded, new, style()), nl=False)


def result(plan: Plan, outcome: Outcome, journal: Path | None, narrowed: Narrowed | None = None) -> dict[str, object]:
    """The outcome for programs: the plan, what became of each change, the exit code."""
    import orjson

    from reconciler.plan import to_json

    return {
        "format": "reconciler.outcome/1",
        "app": plan.app,
        "exitCode": outcome.exit_code,
        "interrupted": outcome.interrupted,
        "approved": _approval(narrowed) if narrowed else None,
        "ended": outcome.ended or None,
        "unverified": outcome.unverified or None,
        "learned": outcome.learned,
        "correction": outcome.correction or None,
        "requests": outcome.requests,
        "journal": str(journal) if journal else None,
        "steps": [
            {
                "action": s.change.action,
                "key": s.change.key,
                "id": s.id,
                "status": s.status,
                "message": s.message or None,
                "code": s.code or None,
                "recommendedAction": s.recommended_action or None,
                "notStored": list(s.paths),
                "skippedMembers": s.skipped_members,
            }
            for s in outcome.steps
        ],
        "plan": orjson.loads(to_json(plan)),
    }


def _approval(narrowed: Narrowed) -> dict[str, object]:
    return {
        "moved": [{"action": m.change.action, "key": m.change.key, "what": list(m.what)} for m in narrowed.moved],
        "unneeded": [{"action": each.action, "key": each.key} for each in narrowed.unneeded],
        "new": [{"action": each.action, "key": each.key} for each in narrowed.new],
    }


def together(codes: Iterable[int]) -> int:
    """The exit code of several apps: the first that fits of 130, 64, 1, 5, 4, 3, 2, 0."""
    codes = set(codes)
    return next((code for code in (130, 64, 1, 5, 4, 3, 2) if code in codes), 0)
