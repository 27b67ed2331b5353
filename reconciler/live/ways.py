"""Which paging and which page size a server takes: found out with one list, remembered for those after it."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from reconciler.model.profile import Paging

Style: TypeAlias = Literal["index", "cursor", "none"]

REFUSED: Final = frozenset({400, 405, 413, 422, 500, 501})
"""What servers say of paging that they do not like; some crash."""
_SMALLER: Final = (100, 50, 10)


class Ways:
    def __init__(self, paging: Paging) -> None:
        self._told = paging
        self.first: tuple[Style, int] = (paging.style, paging.count)
        """Paging style and page size that worked last, or that the profile names."""

    @property
    def all_at_once(self) -> bool:
        """The profile says that one answer holds everything."""
        return self._told.style == "none"

    def all(self) -> list[tuple[Style, int]]:
        """Paging style and page size, in the order in which they are tried."""
        style, asked = self._told.style, self._told.count
        if style == "none":
            return [(style, asked)]
        sizes = [asked, *(size for size in _SMALLER if size < asked)]
        other: Style = "index" if style == "cursor" else "cursor"
        ways: list[tuple[Style, int]] = [*((style, size) for size in sizes), (other, asked), ("none", asked)]
        return [self.first, *(way for way in ways if way != self.first)]

    def remember(self, style: Style, count: int) -> None:
        self.first = style, count

    def page_of(self, count: int) -> dict[str, str]:
        """The parameters of one page, where one is enough."""
        style, most = self.first
        match style:
            case "index":
                return {"startIndex": "1", "count": str(min(count, most))}
            case "cursor":
                return {"cursor": "", "count": str(min(count, most))}
            case "none":
                return {}
