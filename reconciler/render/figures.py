"""How many people and groups a plan is about: the counts that no form of a report ever cuts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from reconciler.model.plan import DeleteGroup, EmptyGroup, Plan
from reconciler.render.lines import Sections


@dataclass(frozen=True, slots=True)
class Figures:
    """Of what runs; people who gain and lose are counted once each."""

    changes: int
    """Writes."""
    gain: int
    lose: int
    people: int
    """Who change otherwise."""
    groups: int
    """New, or changed otherwise."""
    groups_gone: int
    held: int
    blocked: int
    unchanged: int
    unmanaged: int

    @property
    def parts(self) -> list[tuple[str, str]]:
        """(what it means: gain, lose or change; in words), without what is nothing."""
        found = [
            ("gain", self.gain, "person gains access", "people gain access"),
            ("lose", self.lose, "person loses access", "people lose access"),
            ("change", self.people, "person changes", "people change"),
            ("change", self.groups, "group changes", "groups change"),
            ("lose", self.groups_gone, "group goes", "groups go"),
        ]
        return [(kind, f"{count:,} {plural(count, one, many)}") for kind, count, one, many in found if count]


def figures(plan: Plan, found: Sections) -> Figures:
    """`found`: the lines of what runs."""
    going = {key for key in found.loses if _is_group(key)}
    with_group = {m.key for c in plan.pending if isinstance(c, (EmptyGroup, DeleteGroup)) for m in c.members}
    changing = found.changes.keys() | found.renames.keys()
    groups = sum(1 for key in changing if _is_group(key))
    touched = {c.id for c in plan.changes if c.id and c.action.endswith("User")}
    counts = Counter(n.code for n in plan.notes)
    unmanaged = counts["unmanagedUser"]
    return Figures(
        changes=len(plan.pending),
        gain=len(found.gains.keys() | found.sensitive.keys()),
        lose=len((found.loses.keys() - going) | with_group),
        people=len(changing) - groups,
        groups=groups,
        groups_gone=len(going),
        held=len(plan.held),
        blocked=len(plan.blocked),
        unchanged=max(plan.live.users - len(touched) - unmanaged - counts["ignored"], 0),
        unmanaged=unmanaged,
    )


def _is_group(key: str) -> bool:
    return key.startswith(("group:", "appGroup:"))


def plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
