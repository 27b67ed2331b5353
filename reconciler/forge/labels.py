"""Labels say what a pull request does to access, for those who look through a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.forge.nouns import Forge, PullRequest, Seal

ADDS: Final = "access: adds"
REMOVES: Final = "access: removes"
NONE: Final = "access: none"
COLOURS: Final = {ADDS: "0e8a16", REMOVES: "b60205", NONE: "ededed"}
_ROUNDS: Final = 5


def wanted(seals: Sequence[Seal]) -> set[str]:
    """The sum over all apps."""
    found = {label for seal in seals for label, does in ((ADDS, seal.gain), (REMOVES, seal.lose)) if does}
    return found or {NONE}


async def balanced(forge: Forge, pull: PullRequest, own: Sequence[Seal]) -> None:
    """Labels of the sum over all apps of the pull request, also of those that other jobs report at the same time.

    Each job seals before it looks, and looks again after it labelled: whoever labels last has seen all seals. `own`
    count also where they could not be written.
    """
    seen: dict[str, Seal] | None = None
    for _ in range(_ROUNDS):
        sealed = await forge.seals(pull.head, pull.number)
        if sealed == seen:
            return
        seen = sealed
        due = wanted([*{**{seal.app: seal for seal in own}, **sealed}.values()])
        there = await forge.labels(pull.number)
        add = {name: COLOURS[name] for name in sorted(due - there)}
        await forge.label(pull.number, add, sorted((COLOURS.keys() - due) & there))
