"""People found one by one, where lists can't be trusted: by id, and by the filters of matching attributes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from reconciler.errors import IncompleteRead
from reconciler.live.paging import Progress, together
from reconciler.model.interest import Interest
from reconciler.model.values import Value

T = TypeVar("T")
Resource: TypeAlias = dict[str, Any]
Find: TypeAlias = Callable[[str, Value], Awaitable[Sequence[Resource] | None]]
"""The accounts that hold a value at a path, by a filter that was honoured; None: it was not, or can't be trusted."""
Get: TypeAlias = Callable[[str], Awaitable[Resource | None]]


async def look_up(
    interest: Interest, get: Get, find: Find, *, width: int, progress: Progress | None = None
) -> Mapping[str, Resource]:
    """Id → account, of everybody whom a plan is about. Who is not in it has no account.

    Raises IncompleteRead if somebody can't be looked for at all: who is not found would be made a second time.
    """
    found: dict[str, Resource] = {}
    done, total = 0, len(interest.accounts) + len(interest.people)

    def count() -> None:
        nonlocal done
        done += 1
        if progress:
            progress("users", done, total)

    async def by_id(key: str) -> None:
        account = await get(key)
        if account is not None:
            found[str(account["id"])] = account
        count()

    async def by_name(names: Sequence[tuple[str, Value]]) -> None:
        asked = False
        for path, value in names:
            rows = await find(path, value)
            asked = asked or rows is not None
            for account in rows or ():
                found[str(account["id"])] = account
        if not asked:
            paths = ", ".join(dict.fromkeys(path for path, _ in names))
            raise IncompleteRead(
                f"lists of this application can't be trusted, and nobody can be looked up by {paths}",
                hint="filters.users in the app's profile names attributes whose filter works; one of them has to match",
            )
        count()

    await each(sorted(interest.accounts), by_id, width)
    await each(interest.people, by_name, width)
    return found


async def each(work: Iterable[T], do: Callable[[T], Awaitable[None]], width: int) -> None:
    """`do` everything, `width` at a time; the first failure ends it and is raised."""
    queue = iter(work)

    async def one() -> None:
        for item in queue:
            await do(item)

    await together(one() for _ in range(max(1, width)))
