"""How much may be asked of one server, in this package's own words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """Of the requests it applies to, at most `count` in any `seconds`.

    `methods` empty: all. `path` is what the path begins with, in whole segments: `/Groups` is also `/Groups/1`, and
    `/Groups/` is that alone. Above 0, `larger_than` counts only bodies of more bytes.
    """

    count: float
    seconds: float
    methods: frozenset[str] = frozenset()
    path: str = ""
    larger_than: int = 0

    def applies(self, method: str, path: str, size: int) -> bool:
        """Whether a request counts, by its method, its path below the base URL and the bytes of its body."""
        if self.methods and method not in self.methods:
            return False
        return (not self.larger_than or size > self.larger_than) and self._leads_to(f"/{path.lstrip('/')}")

    def _leads_to(self, path: str) -> bool:
        if not self.path or path == self.path:
            return True
        return path.startswith(self.path if self.path.endswith("/") else f"{self.path}/")


@dataclass(frozen=True, slots=True)
class Quota:
    """Requests a day: how many there are, and how many the server says are used. None: not known."""

    limit: int | None = None
    used: int | None = None

    @property
    def remaining(self) -> int | None:
        """What is left of the day, if both are known."""
        return None if self.limit is None or self.used is None else max(0, self.limit - self.used)
