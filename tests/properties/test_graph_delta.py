"""Whatever happens at Microsoft: what is kept, with what changed laid over it, is what there is."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.http import in_process
from reconciler.sources.graph import CLOUDS, Kept, Scope, connected, read
from reconciler.sources.graph.fields import GROUP_FIELDS, user_fields
from tests.sources.graph_server import FakeGraph

SCOPE = Scope("global", "contoso.com", "c", user_fields({}), GROUP_FIELDS)
PEOPLE = [f"u{number}" for number in range(5)]
GROUPS = [f"g{number}" for number in range(3)]
EVENTS = st.lists(
    st.tuples(st.sampled_from(["user", "manager", "edit", "leave", "group", "members", "end", "read"]),
              st.sampled_from(PEOPLE), st.sampled_from([*PEOPLE, *GROUPS]), st.sampled_from(GROUPS)),
    max_size=25,
)  # fmt: skip


def happens(fake: FakeGraph, what: str, person: str, other: str, group: str) -> None:
    match what:
        case "user" if person not in fake.users:
            fake.add_user(person, f"{person}@contoso.com", displayName=person)
        case "manager" if person in fake.users:
            fake.edit_user(person, manager=other if other in fake.users else None)
        case "edit" if person in fake.users:
            fake.edit_user(person, department=None if fake.users[person].get("department") else other)
        case "leave" if person in fake.users:
            fake.remove_user(person)
        case "group" if group not in fake.groups:
            fake.add_group(group, group, [each for each in dict.fromkeys((person, other)) if each in fake.users])
        case "members" if group in fake.groups:
            there = other in fake.groups[group]["members"]
            known = other in fake.users or other in fake.groups
            fake.edit_members(group, come=[other] if known and not there else [], gone=[other] if there else [])
        case "end" if group in fake.groups:
            fake.remove_group(group)


def seen(kept: Kept) -> Any:
    people = {key: {name: value for name, value in row.items() if value is not None} for key, row in kept.users.items()}
    return people, {key: sorted(row["members"]) for key, row in kept.groups.items()}


@given(EVENTS, st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_what_is_kept_is_what_there_is(events: list[tuple[str, str, str, str]], page: int) -> None:
    fake = FakeGraph(page=page)

    async def told() -> tuple[Kept, Kept]:
        kept: Kept | None = None
        async with connected(
            CLOUDS["global"], "contoso.com", "c", secret=fake.secret, transport=in_process(fake)
        ) as graph:
            for event in events:
                if event[0] == "read":
                    kept = (await read(graph, SCOPE, kept, None, lambda *_: None)).kept
                else:
                    happens(fake, *event)
            last = await read(graph, SCOPE, kept, None, lambda *_: None)
            whole = await read(graph, SCOPE, None, None, lambda *_: None)
        return last.kept, whole.kept

    kept, whole = asyncio.run(told())
    assert seen(kept) == seen(whole)
    assert sorted(kept.users) == sorted(fake.users)
    assert {key: sorted(row["members"]) for key, row in kept.groups.items()} == {
        key: sorted(row["members"]) for key, row in fake.groups.items()
    }
