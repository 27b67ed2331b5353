"""How a server walks its list of users (RFC 7644 section 3.4.2.4, RFC 9865)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reconciler.errors import NotScim
from reconciler.live.probe.ask import Ask, Row, Said
from reconciler.live.probe.report import Report

_SMALLER: Final = (100, 50, 10)
_LARGE: Final = 1000
_SIZE: Final = frozenset({400, 413, 422})
_BEYOND: Final = 1


@dataclass(slots=True)
class List:
    """The users that were seen, and how a list is asked for so that it answers."""

    rows: list[Row]
    total: int | None
    style: str
    count: int

    @property
    def complete(self) -> bool:
        return self.total is not None and self.total == len(self.rows)

    def params(self, count: int) -> dict[str, str]:
        """Of one page of at most `count`."""
        if self.style == "index":
            return {"startIndex": "1", "count": str(min(count, self.count))}
        return {"count": str(min(count, self.count))} if self.style == "cursor" else {}


def index(start: int, count: int) -> dict[str, str]:
    return {"startIndex": str(start), "count": str(count)}


async def look_at_paging(ask: Ask, report: Report) -> List:
    """Raises what the server refused the list with, if it gives none in any form."""
    path, paging = report.profile.users.endpoint, report.profile.paging
    refused: Said | None = None
    first: Said | None = None
    count = paging.count
    for count in (paging.count, *(size for size in _SMALLER if size < paging.count)):
        said = await ask.get(path, index(1, count))
        if said.rows is not None:
            first = said
            break
        refused = refused or said
        if said.status not in _SIZE:
            break
    plain = await ask.get(path)
    cursor = await ask.get(path, {"cursor": "", "count": "2"})
    follows = await _follows(ask, path, cursor)
    if first is not None:
        if refused is not None:
            report.bad(f"count={paging.count} is refused ({refused.short}); {count} is taken")
            report.seen("paging.count", count, f"count={paging.count} is refused with {refused.status}")
        return await _Walk(ask, report, path, count, first, plain, follows=follows).look()
    assert refused is not None
    report.bad(f"a list with startIndex and count is refused ({refused.short})")
    told = follows is not None or paging.style == "cursor" or "cursor" in refused.said.lower()
    style, given = ("cursor", cursor) if cursor.rows is not None and told else ("none", plain)
    if given.rows is None:
        raise refused.error or NotScim(f"GET {path}: no list comes", hint="is tenantUrl the SCIM address?")
    report.seen("paging.style", style, f"startIndex is refused with {refused.status}")
    report.note(f"lists are read {'by cursor' if style == 'cursor' else 'without any parameter'}")
    return List(given.rows, given.total, style, 100)


async def _follows(ask: Ask, path: str, first: Said) -> bool | None:
    """Whether a next cursor leads to other rows; None if there is none."""
    following = first.body.get("nextCursor") if isinstance(first.body, dict) and first.rows else None
    if not isinstance(following, str) or not following:
        return None
    second = await ask.get(path, {"cursor": following, "count": "2"})
    return bool(second.ids) and not set(second.ids) & set(first.ids)


class _Walk:
    """By index, from the first page on."""

    def __init__(
        self, ask: Ask, report: Report, path: str, count: int, first: Said, plain: Said, *, follows: bool | None
    ) -> None:
        self._ask = ask
        self._report = report
        self._path = path
        self._count = count
        self._first = first
        self._plain = plain
        self._follows = follows
        self._rows = first.rows or []
        self._more: bool | None = None
        """Whether other rows follow a first page that was shorter than asked for and than the total."""
        self._list = List(self._rows, first.total, "index", count)

    async def look(self) -> List:
        report, rows = self._report, self._rows
        if not rows:
            report.note("how lists are paged is unknown: there are no accounts")
            return self._list
        if self._plain.rows == []:
            report.note("a list without startIndex and count is empty: both are always sent")
        await self._cap()
        if len(rows) == 1 and (self._first.total or 1) == 1:
            report.note("how lists are paged is unknown: there is one account")
            return self._list
        size = 2 if len(rows) > 2 or (self._first.total or 0) > 2 else 1
        one = await self._ask.get(self._path, index(1, size))
        again = await self._ask.get(self._path, index(1, size))
        await self._steps(one, size, stable=one.ids == again.ids)
        self._total(one)
        await self._past_the_end()
        if self._follows is not None:
            report.good("cursors work") if self._follows else report.note("a cursor leads to the same rows again")
        return self._list

    async def _cap(self) -> None:
        """How many rows come at most, whatever is asked."""
        report, asked, got = self._report, self._count, len(self._rows)
        large = max(_LARGE, asked)
        many = await self._ask.get(self._path, index(1, large)) if large > asked else self._first
        came = len(many.ids)
        total = self._first.total
        if many.rows is None and many.status:
            report.note(f"count={large} is refused ({many.short}); {asked} is taken")
        elif total is None or total > came:
            report.note(f"count={large} brings {came:,} rows{f' of {total:,}' if total else ''}")
        if got >= asked or total is None or total <= got or came not in (0, got):
            return
        following = await self._ask.get(self._path, index(got + 1, asked))
        self._more = bool(set(following.ids) - set(self._first.ids))
        if self._more:
            report.bad(f"a page has {got} rows at most: count={asked} brings no more, and nothing is said")
            report.seen("paging.count", got, f"count={asked} brought {got} of {total} rows")

    async def _steps(self, one: Said, size: int, *, stable: bool) -> None:
        """What startIndex means."""
        report, came = self._report, one.ids
        if not stable:
            report.bad(
                "the order changes from one request to the next: pages may leave people out",
                "paging: {trusted: false} looks everybody up, where a filter can be trusted",
            )
            return
        two = await self._ask.get(self._path, index(len(came) + 1, size))
        if len(came) > size:
            await self._all_at_once(one, two)
            return
        if two.ids and set(two.ids) <= set(came):
            self._same_page()
            return
        if size == 2:
            overlap = await self._ask.get(self._path, index(2, size))
            if overlap.ids and len(came) == size and not set(overlap.ids) & set(came):
                report.bad("startIndex counts pages, not rows")
                report.seen("paging.advance", "page", "startIndex=2 brought the second page")
                return
        if set(two.ids) & set(came):
            skipped = await self._ask.get(self._path, index(size + 1, size))
            if skipped.ids and not set(skipped.ids) & set(came):
                report.bad("startIndex goes on by count, not by the rows that came")
                report.seen("paging.advance", "count", "pages overlap unless startIndex grows by count")
                return
            report.bad("pages overlap")
            return
        if two.ids:
            report.good("pages by startIndex and count work: the second begins where the first ended")
            if self._report.profile.paging.style != "cursor":
                report.seen("paging.style", "index", "startIndex and count work")
            if self._report.profile.paging.advance == "page" or size == 1:
                return
            report.seen("paging.advance", "received", "startIndex counts rows")
        else:
            report.bad("the second page is empty, though there are more rows")
            self._other_style("startIndex brings no second page")

    async def _all_at_once(self, one: Said, two: Said) -> None:
        """More rows than `count`."""
        report = self._report
        if two.ids and not set(two.ids) & set(one.ids):
            report.note(f"count is ignored: pages have {len(one.ids)} rows; startIndex works")
            return
        report.bad(f"count is ignored: {len(one.ids)} rows came, whatever was asked")
        self._other_style("startIndex and count are ignored")

    def _same_page(self) -> None:
        self._report.bad("startIndex is ignored: the first page comes again and again")
        self._other_style("startIndex is ignored")

    def _other_style(self, why: str) -> None:
        report, plain = self._report, self._plain
        if self._follows:
            report.seen("paging.style", "cursor", f"{why}; cursors work")
            self._list.style = "cursor"
            return
        whole = self._first.total is None or self._first.total == len(plain.ids)
        if plain.ids and len(plain.ids) >= len(self._rows) and whole:
            report.seen("paging.style", "none", f"{why}; everything comes at once")
        else:
            report.bad("no way to read the whole list was found", "no plan can be made: ask the vendor how lists page")

    def _total(self, one: Said) -> None:
        report = self._report
        raw = self._first.body.get("totalResults")
        total = self._first.total
        if total is None:
            report.note("totalResults is missing" if raw is None else "totalResults is no number")
            return
        if isinstance(raw, str):
            report.note("totalResults is text instead of a number")
        if one.total is not None and one.total == len(one.ids) < len(self._rows):
            report.bad("totalResults is the size of the page: a list can't be proven complete")
        elif total < len(self._rows):
            report.bad(f"totalResults says {total}, and {len(self._rows)} rows came")
        elif self._more is False:
            report.bad(f"totalResults says {total:,}, and no more than {len(self._rows):,} rows come")
        else:
            report.good(f"totalResults says {total:,}")

    async def _past_the_end(self) -> None:
        report = self._report
        end = max(self._first.total or 0, len(self._rows))
        beyond = await self._ask.get(self._path, index(end + _BEYOND, self._count))
        if beyond.rows is None:
            report.note(f"a page past the end is refused ({beyond.short})")
        elif set(beyond.ids) & set(self._first.ids):
            report.note("a page past the end is the first page again")
        elif beyond.ids:
            report.bad(f"rows come past the {end:,} that totalResults speaks of")
