"""Walking a list to its end, believing nothing that was not received.

By index (RFC 7644 section 3.4.2.4) the walk advances by the rows that came, unless the profile knows better; ids that
came before are dropped; a page without a new id ends it. Once the first page told the total, the remaining ranges are
fetched side by side. By cursor see `cursors`. A list is complete when as many distinct ids came as every page said
there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias, TypeVar

from reconciler.errors import IncompleteRead, NotScim, ScimError
from reconciler.http import Client
from reconciler.live import cursors
from reconciler.live.page import Page, parse
from reconciler.live.ways import REFUSED, Ways
from reconciler.model.profile import Meaning, Paging

T = TypeVar("T")
Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called after each page with: what is read, how many so far, of how many (None: unknown)."""
Fetch: TypeAlias = Callable[[str], Coroutine[Any, Any, dict[str, Any] | None]]
"""One resource by id; None if there is none."""

_SIDE_BY_SIDE: Final = 8
_AT_LEAST: Final = 2
_IN_FLIGHT: Final = 16_000_000  # bytes of pages that are out side by side, about: groups may have many members
_MOST: Final = 2_000_000  # rows; a list without an end must not fill the memory
_PASSES: Final = 3
_DOUBTFUL: Final = 1000  # ids fetched one by one, at most
_PARTIAL: Final = "no plan is made of a partial list; look at paging.count and paging.style in the app's profile"
_IGNORED: Final = (
    "the server seems to ignore startIndex; in the app's profile, paging.style: none asks once for all, and "
    "paging.trusted: false looks everybody up one by one"
)


@dataclass(slots=True)
class Walk(Generic[T]):
    """One pass over a list: what came, and what was said."""

    found: dict[str, T] = field(default_factory=dict)
    totals: set[int] = field(default_factory=set)
    last: Page | None = None
    pages: int = 0
    uneven: bool = False
    """Some page was shorter than the first one promised: ranges planned from that may not fit."""
    repeats: bool = False
    """The walk ended because a full page brought nothing new."""

    @property
    def total(self) -> int | None:
        return self.last.total if self.last else None

    @property
    def fits(self) -> bool:
        """As many distinct ids as every page said."""
        return not self.totals or self.totals == {len(self.found)}


class Listing(Generic[T]):
    """All resources at one path, each turned by `convert` into what is kept of it (None: nothing)."""

    def __init__(
        self,
        client: Client,
        path: str,
        paging: Paging,
        convert: Callable[[str, dict[str, Any]], T | None],
        *,
        params: Mapping[str, str] | None = None,
        meanings: Sequence[Meaning] = (),
        concurrency: int = _SIDE_BY_SIDE,
        progress: Progress | None = None,
        ways: Ways | None = None,
    ) -> None:
        self._client = client
        self._path = path
        self._ways = ways or Ways(paging)
        self._style, self._count = self._ways.first
        self._advance = paging.advance
        self._meanings = meanings
        self._convert = convert
        self._params = dict(params or {})
        self._width = max(1, min(concurrency, _SIDE_BY_SIDE))
        self._progress = progress
        self._lean: Mapping[str, str] = {}
        self._leaner: Callable[[int], bool] = lambda _: False
        self.base = ""
        """The base URL that the list was read from, once it was."""
        self.ids: frozenset[str] = frozenset()
        """What was found, once it was read."""

    def thin(self, params: Mapping[str, str], *, when: Callable[[int], bool]) -> None:
        """Asks for less from the second page on, if `when` says so of the total that the first one told."""
        self._lean, self._leaner = params, when

    async def read(self, fetch: Fetch) -> dict[str, T | None]:
        """Everything, by id. `fetch` gets one resource: it settles the ids in doubt while a list keeps moving.

        Raises IncompleteRead if what came is not what was said, NotScim and ScimError for answers that are no list.
        """
        found = await self._read(fetch)
        self.ids = frozenset(found)
        return found

    async def begin(self) -> None:
        """The first page alone: whether there is a list at all. Raises what `read` raises."""
        await self._first(Walk())

    async def _read(self, fetch: Fetch) -> dict[str, T | None]:
        passes: list[Walk[T | None]] = []
        for _ in range(_PASSES):
            walk = await self._pass()
            if walk.fits:
                return walk.found
            if len(walk.totals) == 1:
                raise self._incomplete(walk)
            passes.append(walk)
        return await self._settle(passes, fetch)

    async def _pass(self) -> Walk[T | None]:
        walk: Walk[T | None] = Walk()
        first = await self._first(walk)
        if self._style == "cursor":
            return await self._by_cursor(walk, first)
        if self._style == "none":
            if first.next_cursor or (first.total is None and not self._ways.all_at_once):
                raise self._incomplete(walk, more=True)
            return walk
        if not first.rows:
            return walk
        size = len(first.rows)
        if self._lean and first.total is not None and self._leaner(first.total):
            self._params |= self._lean  # from here on, in later passes too
        if first.total is None:
            await self._walk_on(walk, self._after(1, size))
            if walk.repeats and size == self._count:
                raise self._incomplete(walk)
        elif len(walk.found) < first.total and self._advance != "received":
            await self._walk_on(walk, self._after(1, size))
        elif len(walk.found) < first.total:
            await self._side_by_side(walk, first.total, size)
            if not walk.fits and walk.uneven and len(walk.totals) == 1:
                walk = Walk()
                again = await self._first(walk)
                await self._walk_on(walk, len(again.rows) + 1)
        if walk.fits and first.total and first.total % size == 0 and self._advance != "page":
            await self._beyond(walk, first.total + 1)
        return walk

    async def _by_cursor(self, walk: Walk[T | None], first: Page) -> Walk[T | None]:
        """All pages, of which the first has come."""
        walks, pages = [walk], [first]

        async def page(cursor: str) -> Page:
            return pages.pop() if pages and not cursor else await self._page(cursor, self._count)

        def begin() -> None:
            walks.append(Walk())

        try:
            await cursors.walk(page, lambda found: self._take(walks[-1], found), begin)
        except cursors.Endless:
            walks[-1].repeats = True
            raise self._incomplete(walks[-1]) from None
        return walks[-1]

    async def _first(self, walk: Walk[T | None]) -> Page:
        """The first page. A refused page size is tried again with smaller ones; paging that is refused, in the other
        style, and then not at all (RFC 7644 section 3.4.2.4: all of its parameters are optional).
        """
        refused: ScimError | None = None
        ways = list(self._ways.all())
        for style, size in ways:
            self._style, self._count = style, size
            try:
                page = await self._page("" if style == "cursor" else 1, size, attempts=None if refused is None else 1)
            except ScimError as error:
                refused = refused or error
                if refused is error and error.status not in REFUSED:
                    raise
                continue
            except NotScim:
                if refused is None:
                    raise
                continue
            if style == "cursor" != ways[0][0] and page.total is None and page.next_cursor is None:
                continue  # it may not know cursors either, and this be any part of the list
            if "filter" not in self._params:
                self._ways.remember(style, size)
            if style != "cursor":
                self._take(walk, page)
            return page
        assert refused is not None
        raise refused

    async def _walk_on(self, walk: Walk[T | None], start: int) -> None:
        """One page after the other, until the total is reached or a page brings nothing new."""
        while walk.total is None or len(walk.found) < walk.total:
            page = await self._page(start, self._count)
            if not self._take(walk, page):
                walk.repeats = len(page.rows) > 0
                return
            start = self._after(start, len(page.rows))

    def _after(self, start: int, rows: int) -> int:
        """The startIndex behind a page."""
        match self._advance:
            case "received":
                return start + rows
            case "count":
                return start + self._count
            case "page":
                return start + 1

    async def _beyond(self, walk: Walk[T | None], start: int) -> None:
        """Where the last page was full: whether the total is the truth, or the size of a page, or too small."""
        try:
            page = await self._page(start, self._count)
        except ScimError as error:
            if error.status not in {400, 404, 416, 422}:
                raise
            return
        self._take(walk, page)

    async def _side_by_side(self, walk: Walk[T | None], total: int, size: int) -> None:
        """The ranges after the first page, `size` rows each, a few at a time."""
        ranges = iter(range(size + 1, total + 1, size))
        stop = asyncio.Event()

        async def work() -> None:
            for start in ranges:
                await self._range(walk, start, min(start + size, total + 1), stop)
                if stop.is_set():
                    return

        assert walk.last is not None
        width = min(self._width, max(_AT_LEAST, _IN_FLIGHT // len(walk.last.answer.body)))
        await together(work() for _ in range(min(width, -(-total // size))))

    async def _range(self, walk: Walk[T | None], start: int, end: int, stop: asyncio.Event) -> None:
        """[start, end), in as many pages as the server makes of it."""
        while start < end and not stop.is_set():
            page = await self._page(start, self._count)  # never fewer: the last page shows rows beyond the total
            new = self._take(walk, page)
            walk.uneven |= len(page.rows) != end - start
            if not new:
                walk.repeats = len(page.rows) > 0
                stop.set()
                return
            start += len(page.rows)

    async def _page(self, start: int | str, count: int, *, attempts: int | None = None) -> Page:
        """A page from an index, or behind a cursor."""
        match self._style:
            case "index":
                paging = {"startIndex": str(start), "count": str(count)}
            case "cursor":
                paging = {"cursor": str(start), "count": str(count)}
            case "none":
                paging = {}
        answer = await self._client.send("GET", self._path, params={**self._params, **paging}, attempts=attempts)
        page = parse(answer, self._meanings)
        self.base = page.answer.request.partition(" ")[2].split("?")[0].removesuffix(self._path)
        return page

    def _take(self, walk: Walk[T | None], page: Page) -> bool:
        """Keep what is new; whether something was."""
        before = len(walk.found)
        found, convert = walk.found, self._convert
        for resource in page.rows:
            key = resource["id"]
            if key not in found:
                found[key] = convert(key, resource)
        if page.total is not None:
            walk.totals.add(page.total)
        walk.last = Page([], page.total, page.answer)
        walk.pages += 1
        if len(found) > _MOST:
            raise self._incomplete(walk)
        if self._progress and (len(found) > before or walk.pages == 1):
            self._progress(self._path.strip("/").lower(), len(found), page.total)
        return len(found) > before

    async def _settle(self, passes: list[Walk[T | None]], fetch: Fetch) -> dict[str, T | None]:
        """The list moved in every pass: what all passes saw is there, what only some saw is asked for."""
        final = passes[-1]
        sure = set.intersection(*(set(walk.found) for walk in passes))
        doubtful = sorted(set().union(*(walk.found for walk in passes)) - sure)
        if len(doubtful) > _DOUBTFUL:
            raise self._incomplete(final)
        settled = {key: final.found[key] for key in sure}
        for key in doubtful:
            resource = await fetch(key)
            if resource is not None:
                settled[key] = self._convert(key, resource)
        if len(settled) != final.total:
            raise self._incomplete(final, got=len(settled))
        return settled

    def _incomplete(self, walk: Walk[T | None], *, got: int | None = None, more: bool = False) -> IncompleteRead:
        """`more`: one answer that can't be known to hold everything."""
        assert walk.last is not None
        got = len(walk.found) if got is None else got
        asked = f"{walk.last.answer.request.split('?')[0]} (count={self._count}, {_pages(walk.pages)})"
        if self._style == "cursor" and walk.repeats:
            hint = "the server's cursors do not end; paging.style: index in the app's profile asks by startIndex"
            return IncompleteRead(f"{asked}: {got} resources came, and the cursors go round in a circle", hint=hint)
        if more:
            said = "neither how many there are nor how to get the next page"
            hint = "paging.style in the app's profile: cursor, or none where one answer holds everything"
        elif len(walk.totals) > 1:
            said = f"a total between {min(walk.totals)} and {max(walk.totals)}, in each of {_PASSES} readings"
            hint = "the application is changing while it is read: try again when it is quiet"
        else:
            said, hint = f"there are {min(walk.totals)}" if walk.totals else "no total, and did not end", _PARTIAL
            if walk.repeats:
                said = said if walk.totals else "no total, and repeated its first page"
                hint = _IGNORED
        return IncompleteRead(f"{asked}: {got} resources came, and the server said {said}", hint=hint)


def _pages(number: int) -> str:
    return f"{number} page{'' if number == 1 else 's'}"


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run coroutines side by side; the first failure ends the others and is raised as it is."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
