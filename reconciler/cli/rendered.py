"""Plans in the forms that a reader, a program or a forge takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from reconciler.errors import ReconcilerError
from reconciler.gallery import load_profile
from reconciler.model.plan import Plan, ProfileFacts
from reconciler.model.profile import Profile, nested
from reconciler.plan import to_json

if TYPE_CHECKING:
    from reconciler.render import Annotation, Report


@dataclass(frozen=True, slots=True)
class Named:
    """A plan, with what people call the application, and what a deactivation does there."""

    plan: Plan
    title: str
    effect: str

    @classmethod
    def of(cls, plan: Plan, profile: Profile | None) -> Named:
        """`profile`: None where this version knows no such."""
        if profile is None:
            return cls(plan, "", "deactivated")
        title = "" if profile.name == "scim" else profile.title  # people call such an app by its own name
        return cls(plan, title, profile.users.effect)

    @classmethod
    def saved(cls, plan: Plan) -> Named:
        return cls.of(plan, _profile(plan.profile))

    def report(self, prefix: str) -> Report:
        """`prefix`: where the desired state lies in its repository."""
        from reconciler.render import Report

        return Report(self.plan, self.title, self.effect, prefix)


def _profile(facts: ProfileFacts) -> Profile | None:
    """The gallery's, as far as a reader needs it; None where this version knows no such profile."""
    over = {each.key: each.value for each in facts.overrides if each.key in ("title", "users.effect")}
    try:
        return load_profile(facts.name).corrected(nested(over))
    except (ReconcilerError, ValueError):
        return None


def rendered(named: Sequence[Named], form: str, *, values: bool = False, prefix: str = "") -> bytes:
    """All forms but text. `prefix`: where the desired state lies in its repository. `values` are for markdown: JSON and
    HTML always have them, remarks at lines never.
    """
    import reconciler.render as to

    plans = [each.plan for each in named]
    match form:
        case "json":
            return documents(plans)
        case "markdown":
            return to.bodies([each.report(prefix) for each in named], values=values).encode()
        case "html":
            titles, effects = ({n.plan.app: n.title for n in named}, {n.plan.app: n.effect for n in named})
            return to.page(plans, titles=titles, effects=effects, prefix=prefix).encode()
        case "widget":
            return to.widget(plans)
        case _:
            found = [remark for plan in plans for remark in to.annotations(plan, prefix)]
            return remarks(found, form)


def remarks(found: Sequence[Annotation], form: str) -> bytes:
    """Remarks at lines of files, the worst first, as annotations, codequality or sarif."""
    import reconciler.render as to

    every = sorted(found, key=to.worst)
    match form:
        case "annotations":
            return to.workflow_commands(every).encode()
        case "codequality":
            return to.code_quality(every)
        case "sarif":
            return to.sarif(every)
        case _:
            raise ValueError(form)


def documents(plans: Sequence[Plan]) -> bytes:
    """One document for one app, a list for several."""
    if len(plans) == 1:
        return to_json(plans[0])
    return orjson.dumps([orjson.loads(to_json(p)) for p in plans], option=orjson.OPT_INDENT_2) + b"\n"
