"""What changes really write: the values of the plan, and those that its document only names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import SystemRandom

from reconciler.apply.outcome import Step
from reconciler.errors import ExpressionError, PlanError, ReconcilerError, ScimError
from reconciler.model.path import parse_path
from reconciler.model.plan import Difference
from reconciler.model.profile import Profile
from reconciler.model.values import Generated, Redacted, Reference, Value, user_key
from reconciler.project.conform import Misfit, conformer
from reconciler.project.draw import draw

Check = Callable[[str, bool, str], Value]
"""(path, of a group, what was drawn) → what the target takes; raises Misfit."""


def checked_by(profile: Profile) -> Check:
    """Types and lengths, as for every other value."""
    return lambda path, group, drawn: conformer(parse_path(path), profile, group=group)(drawn)


@dataclass(slots=True)
class Values:
    """`behind`: key → path → Redacted, Generated or Reference, as the planner left it beside the document."""

    behind: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    check: Check = lambda _path, _group, drawn: drawn
    random: SystemRandom = field(default_factory=SystemRandom)

    def hides(self, step: Step) -> bool:
        """Whether something is written that no output shows."""
        behind = self.behind.get(step.change.key, {})
        return any(isinstance(behind.get(path), (Redacted, Generated)) for path in _set(step))

    def of(self, step: Step, ids: Mapping[str, str]) -> dict[str, Value]:
        """Path → value, right before it is written; drawn anew by each call. `ids`: key → id of what was created.

        Raises PlanError for what was drawn and does not fit, and for a reference to nobody.
        """
        behind = self.behind.get(step.change.key, {})
        group = not step.change.action.endswith("User")
        return {
            path: self._real(path, behind.get(path, difference.after), difference, ids, group=group)
            for path, difference in _set(step).items()
        }

    def _real(self, path: str, value: Value, difference: Difference, ids: Mapping[str, str], *, group: bool) -> Value:
        match value:
            case Redacted():
                return value.value
            case Generated():
                return self._drawn(path, value, group=group)
            case Reference():
                id_ = ids.get(user_key(value.user)) or difference.after.get("id")
                if id_ is None:
                    raise PlanError(f"{path}: {value.user} has no account in the application")
                return id_
            case _:
                return value

    def _drawn(self, path: str, generated: Generated, *, group: bool) -> Value:
        try:
            return self.check(path, group, draw(generated, self.random))
        except (Misfit, ExpressionError):
            raise PlanError(
                f"{path}: what {generated.function} drew does not fit the target, and is not shown",
                hint="compare the mapping's lengths with those that the application takes",
            ) from None


def _set(step: Step) -> dict[str, Difference]:
    found: dict[str, Difference] = getattr(step.change, "set", {})
    return found


def told(error: ReconcilerError, *, hides: bool) -> str:
    """An error in one line. With `hides` without a word of the server, which may repeat what it was sent."""
    if not hides or isinstance(error, PlanError):
        return str(error).replace("\n    ", " — ")
    where = str(getattr(error, "request", "")).partition("?")[0]
    status = f" ({error.status})" if isinstance(error, ScimError) and error.status else ""
    what = f"{type(error).__name__}{status}: what was answered may repeat a redacted value and is not shown"
    return f"{where}: {what}" if where else what
