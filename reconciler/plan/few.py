"""A desired state cut down to a few people: so that as few of them have to be looked for in the application."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from reconciler.model.desired import Desired, DesiredGroup
from reconciler.model.profile import Profile
from reconciler.model.state import State
from reconciler.model.values import Reference, group_key, user_key


def few(desired: Desired, keys: Collection[str], state: State) -> tuple[Desired, frozenset[str]]:
    """`keys` are people's. Returns what has to be compared, and the keys of everybody who has to be looked for: those
    people, whom they refer to, and the groups that they belong to or, as far as is remembered, belonged to.

    Whoever somebody else put into another group is not seen so.
    """
    wanted = {key[5:] for key in keys}
    asked = [n for n, person in enumerate(desired.people) if person.user.id in wanted]
    referred = {str(v.user) for n in asked for v in desired.people[n].values if isinstance(v, Reference)}
    kept = [n for n, person in enumerate(desired.people) if person.user.id in wanted or person.user.id in referred]
    position = {old: new for new, old in enumerate(kept)}
    groups = [
        _cut(group, position)
        for group in desired.groups
        if not group.members.isdisjoint(asked) or _remembers(state, group_key(group.group.id), wanted)
    ]
    people = [desired.people[n] for n in kept]
    cut = replace(desired, people=people, groups=groups, numbers={p.user.id: n for n, p in enumerate(people)})
    looked_for = {*keys, *(user_key(user) for user in referred), *(group_key(g.group.id) for g in groups)}
    return cut, frozenset(looked_for)


def is_cheaper(desired: Desired, looked_for: Collection[str], keys: Iterable[str], profile: Profile) -> bool:
    """Whether looking for them one by one is possible, and takes fewer requests than listing everything."""
    if not all(key.startswith("user:") for key in keys):
        return False
    names = {name.lower() for name in (*profile.filters.users, *profile.filters.groups)}
    matching = [c.path for c in (*desired.user_columns, *desired.group_columns) if c.matching]
    pages = -(-desired.in_scope // profile.paging.count) + -(-len(desired.groups) // profile.paging.count)
    return len(looked_for) < pages and all(path.lower() in names for path in matching)


def remembered(state: State, looked_for: Collection[str]) -> State:
    """The memory of those who are looked for."""
    return state.model_copy(update={"bindings": {k: b for k, b in state.bindings.items() if k in looked_for}})


def _cut(group: DesiredGroup, position: dict[int, int]) -> DesiredGroup:
    return replace(
        group,
        members={position[n] for n in group.members if n in position},
        via={position[n]: via for n, via in group.via.items() if n in position},
        lines={position[n]: line for n, line in group.lines.items() if n in position},
    )


def _remembers(state: State, group: str, wanted: set[str]) -> bool:
    binding = state.bindings.get(group)
    return binding is not None and not wanted.isdisjoint(binding.get("members", ()))
