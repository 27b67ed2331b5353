"""Whether a filter filters (RFC 7644 section 3.4.2.2)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Final

from reconciler.live.probe.ask import Ask, Row, Said
from reconciler.live.probe.paging import List
from reconciler.live.probe.report import Report
from reconciler.model.path import parse_path

_ROWS: Final = 10
_BLIND: Final = "a value that is there finds nobody"


class Filters:
    """Filters of one kind of resource."""

    def __init__(self, ask: Ask, report: Report, kind: str, endpoint: str, listed: List) -> None:
        self._ask = ask
        self._report = report
        self._kind = kind
        self._endpoint = endpoint
        self._list = listed
        self.works: set[str] = set()
        """Attributes whose filter was seen to work."""

    async def look(self, matching: Iterable[str], trusted: Sequence[str]) -> None:
        """Each attribute, and what a list of those that can be trusted would be."""
        kept: list[str] = []
        reasons: list[str] = []
        candidates = [name for name in dict.fromkeys((*trusted, *matching)) if not parse_path(name).key]
        answers = {name: await self._one(name) for name in candidates}
        blind = any(reason == _BLIND for _, reason in answers.values())
        if blind:
            others = (False, "filters by other attributes find nobody")
            answers = {name: others if verdict is None else (verdict, why) for name, (verdict, why) in answers.items()}
        for name, (verdict, reason) in answers.items():
            if verdict is None:
                self._report.note(f"whether {self._kind} can be filtered by {name} is unknown: {reason}")
            elif verdict:
                self.works.add(name)
                self._report.good(f"{self._kind} can be filtered by {name}")
            else:
                self._report.bad(f"{self._kind} can't be filtered by {name}: {reason}")
            if verdict or (verdict is None and name in trusted):
                kept.append(name)
            if (name in kept) != (name in trusted):
                reasons.append(f"{name}: {reason}")
        kept += [name for name in trusted if name not in candidates]
        self._report.seen(("filters", self._kind), kept, "; ".join(reasons) or "as seen")

    async def _one(self, name: str) -> tuple[bool | None, str]:
        """True, False, or None for what can't be known; and why."""
        nobody = await self.ask(name, f"nobody-{uuid.uuid4().hex}")
        if nobody.rows is None:
            return False, f"refused ({nobody.short})"
        if nobody.rows:
            return False, "a value that nobody has finds somebody"
        value = _sample(name, self._list.rows)
        if value is None:
            return None, "no row that was seen has a value there"
        there = await self.ask(name, value)
        if there.rows is None:
            return False, f"refused ({there.short})"
        if not there.rows:
            return False, _BLIND
        if any(not _holds(row, name, value) for row in there.rows):
            return False, "others are found too"
        return True, "a value finds those who have it, and nobody else"

    async def details(self, name: str) -> None:
        """Upper and lower case, quotes, `and`: of one attribute, if it can be filtered by."""
        value = _sample(name, self._list.rows)
        if value is None or name not in self.works:
            return
        if value.swapcase() != value:
            other = await self.ask(name, value.swapcase())
            if any(_holds(row, name, value) for row in other.rows or ()):
                self._report.good(f"a filter by {name} does not mind upper and lower case")
            else:
                self._report.note(
                    f"a filter by {name} minds upper and lower case",
                    "people are found by listing; write addresses in the case that the application has",
                )
        quoted = await self.ask(name, f'no"body-{uuid.uuid4().hex}')
        if quoted.rows is None:
            self._report.note(f"a quote inside of a filter's value is not understood ({quoted.short})")
        nobody = json.dumps(f"nobody-{uuid.uuid4().hex}")
        both = await self._send(f"{name} eq {json.dumps(value)} and {name} eq {nobody}")
        if both.rows is None:
            self._report.note(f"`and` in a filter is refused ({both.short}); it is never sent")
        elif both.rows:
            self._report.note("`and` in a filter looks at one side alone; it is never sent")

    async def ask(self, name: str, value: str) -> Said:
        return await self._send(f"{name} eq {json.dumps(value, ensure_ascii=False)}")

    async def _send(self, text: str) -> Said:
        return await self._ask.get(self._endpoint, {"filter": text, **self._list.params(_ROWS)})


def _sample(name: str, rows: Iterable[Row]) -> str | None:
    """A value that somebody has: the last one's, since broken servers like to answer with the first."""
    path = parse_path(name)
    values = [value for row in rows if isinstance(value := path.read(row), str) and value]
    return values[-1] if values else None


def _holds(row: Row, name: str, value: str) -> bool:
    return str(parse_path(name).read(row) or "").casefold() == value.casefold()
