"""Resources found one by one, where lists can't be trusted: by id, and by the filters of matching attributes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from reconciler.errors import IncompleteRead
from reconciler.live.paging import together
from reconciler.model.interest import Names
from reconciler.model.values import Value

T = TypeVar("T")
Resource: TypeAlias = dict[str, Any]
Find: TypeAlias = Callable[[str, Value], Awaitable[Sequence[Resource] | str]]
"""Those that hold a value at a path, by a filter that was honoured; or in words why nobody can tell."""
Get: TypeAlias = Callable[[str], Awaitable[Resource | None]]


async def look_up(
    ids: Iterable[str],
    named: Sequence[Names],
    get: Get,
    find: Find,
    *,
    width: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Mapping[str, Resource]:
    """Id → resource, of everything that a plan is about: `ids` are remembered, `named` are not. What is not in it is
    not there.

    Raises IncompleteRead if something can't be looked for at all: what is not found would be made a second time.
    """
    found: dict[str, Resource] = {}
    ids = sorted(ids)
    done, total = 0, len(ids) + len(named)

    def count() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    async def by_id(key: str) -> None:
        resource = await get(key)
        if resource is not None:
            found[str(resource["id"])] = resource
        count()

    async def by_name(names: Names) -> None:
        asked, why = False, []
        for path, value in names:
            rows = await find(path, value)
            if isinstance(rows, str):
                why.append(rows)
            else:
                asked = True
                found.update({str(resource["id"]): resource for resource in rows})
        if not asked:
            raise IncompleteRead(
                f"lists of this application can't be trusted, and nothing can be looked up: "
                f"{'; '.join(dict.fromkeys(why))}",
                hint="`filters` in the app's profile names what can be filtered by; one of it has to match",
            )
        count()

    await each(ids, by_id, width)
    await each(named, by_name, width)
    return found


async def each(work: Iterable[T], do: Callable[[T], Awaitable[None]], width: int) -> None:
    """`do` everything, `width` at a time; the first failure ends it and is raised."""
    queue = iter(work)

    async def one() -> None:
        for item in queue:
            await do(item)

    await together(one() for _ in range(max(1, width)))
