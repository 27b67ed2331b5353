"""What a probe found: sentences for a person, and the lines of a profile that would say the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import yaml
from pydantic import ValidationError

from reconciler.model.profile import Profile

Key: TypeAlias = tuple[str, ...]
"""Where in a profile, as people write it: ("paging", "count")."""

_ADDED: Final = frozenset({("compare", "ignore"), ("answers", "created"), ("answers", "deleted"),
                           ("answers", "notFound")})  # fmt: skip
"""Lists of which a probe sees only some elements."""
_AS_SETS: Final = frozenset({("filters", "users"), ("filters", "groups"), ("users", "required")})
_WIDTH: Final = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok`: as it should be (True), not so (False), or neither, unknown included (None)."""

    ok: bool | None
    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of a profile that would be truer than what it says now."""

    key: Key
    value: Any
    why: str


@dataclass(slots=True)
class Report:
    """Filled while a probe runs, so that an interrupted one can tell what it saw."""

    profile: Profile
    findings: list[Finding] = field(default_factory=list)
    _seen: dict[Key, tuple[Any, str]] = field(default_factory=dict)

    def good(self, what: str, hint: str = "") -> None:
        self.findings.append(Finding(True, what, hint))

    def bad(self, what: str, hint: str = "") -> None:
        self.findings.append(Finding(False, what, hint))

    def note(self, what: str, hint: str = "") -> None:
        self.findings.append(Finding(None, what, hint))

    def seen(self, dotted: str | Key, value: Any, why: str) -> None:
        """The server was seen to be so. A later look at the same key counts."""
        key = tuple(dotted.split(".")) if isinstance(dotted, str) else dotted
        if key in _ADDED and key in self._seen:
            before, reason = self._seen[key]
            if value not in before:
                self._seen[key] = ([*before, value], f"{reason}; {why}")
        else:
            self._seen[key] = ([value] if key in _ADDED else value, why)

    def differences(self) -> list[Difference]:
        """What was seen and the profile does not say, in the order of the profile."""
        document = self.profile.model_dump(by_alias=True, mode="json")
        found = []
        for key, (value, why) in self._seen.items():
            now = _at(document, key)
            if key in _ADDED:
                missing = [each for each in value if each not in (now or [])]
                if missing:
                    found.append(Difference(key, [*(now or []), *missing], why))
            elif not _says(key, now, value):
                found.append(Difference(key, value, why))
        order = list(document)
        return sorted(found, key=lambda each: order.index(each.key[0]))

    def current(self) -> Profile:
        """The profile as it would be with what was seen until now, if that makes one."""
        try:
            return self.profile.corrected(self.block())
        except ValidationError:
            return self.profile

    def block(self) -> dict[str, Any]:
        """What belongs under `profile:`; nothing in it if nothing differs."""
        block: dict[str, Any] = {}
        for each in self.differences():
            node = block
            for step in each.key[:-1]:
                node = node.setdefault(step, {})
            node[each.key[-1]] = each.value
        return block

    def text(self) -> str:
        """`block` as YAML, each value with the reason for it. Empty if nothing differs."""
        return "\n".join(_lines([(each.key, each) for each in self.differences()], ""))


def _says(key: Key, now: Any, value: Any) -> bool:
    """Whether the profile says it already: any sentence about what can't be done is as good as another."""
    if key[0] == "cannot":
        return now is not None
    if key == ("bulk",):
        return (now is None) == (value is None)
    if key in _AS_SETS:
        return set(now) == set(value)
    return bool(now == value) and isinstance(now, bool) == isinstance(value, bool)


def _at(document: Any, key: Key) -> Any:
    for step in key:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _lines(entries: list[tuple[Key, Difference]], indent: str) -> Iterable[str]:
    heads: dict[str, list[tuple[Key, Difference]]] = {}
    for key, each in entries:
        heads.setdefault(key[0], []).append((key[1:], each))
    for head, below in heads.items():
        name = f"{indent}{_flow(head)}:"
        if below[0][0]:
            yield name
            yield from _lines(below, f"{indent}  ")
            continue
        each = below[0][1]
        line = f"{name} {_flow(each.value)}"
        if len(line) + len(each.why) + 4 <= _WIDTH:
            yield f"{line}  # {each.why}"
        else:
            yield f"{indent}# {each.why}"
            yield line


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")
