"""What waits for something held is held with it, and released with it."""

from __future__ import annotations

from reconciler.model.plan import Held
from reconciler.plan.context import Context
from reconciler.plan.order import dependencies, given_up, waiters


def hold_what_waits(context: Context) -> None:
    """Whoever takes a name that a held change would free, or is about what a held creation would make."""
    changes = context.changes
    if not any(change.held for change in changes):
        return
    waiting = waiters(dependencies(changes, given_up(context)))
    open_ = [number for number in waiting if changes[number].held]
    while open_:
        giver = open_.pop()
        for number in waiting.get(giver, ()):
            held = _joined(changes[number].held, changes[giver].held)
            if held != changes[number].held:
                changes[number] = changes[number].model_copy(update={"held": held})
                open_.append(number)


def _joined(own: tuple[Held, ...], others: tuple[Held, ...]) -> tuple[Held, ...]:
    return (*own, *(hold for hold in others if hold.release not in {each.release for each in own}))
