"""Releases: what a person answered to a question of an earlier plan. `NAME[:KEY][=N]`, each one `--allow`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.errors import UsageError

COUNTED = frozenset(
    {
        "deprovisionUsers",
        "deleteGroups",
        "removeMembers",
        "renameUsers",
        "updateUsers",
        "clearAttributes",
        "createUsers",
        "minimumMembers",
    }
)
"""Guardrails: released with the exact figure that was reviewed."""
GROUPS = frozenset({"removeMembers", "minimumMembers"})
"""Of these those that are about one group each."""
KEYED = frozenset({"whoIsThis", "takenAwayInApp", "givenInApp", "protected"})
"""Questions about one person or group."""
BARE = frozenset({"emptyApp", "emptyScope"})
_FORM = re.compile(r"(?P<name>[A-Za-z]+)(?::(?P<key>[^=]+))?(?:=(?P<figure>0|[1-9][0-9]*))?\Z")


@dataclass(frozen=True)
class Releases:
    """What may run although something holds it."""

    figures: dict[str, frozenset[int]] = field(default_factory=dict)
    """Guardrail, with its key if it has one → the figures."""
    names: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Releases:
        """Raises UsageError, naming what is allowed."""
        figures: dict[str, frozenset[int]] = {}
        names: set[str] = set()
        for text in texts:
            found = _FORM.match(text)
            name = found["name"] if found else ""
            if found and name in COUNTED and found["figure"] and bool(found["key"]) == (name in GROUPS):
                guardrail = text.partition("=")[0]
                figures[guardrail] = figures.get(guardrail, frozenset()) | {int(found["figure"])}
            elif (
                found
                and not found["figure"]
                and ((name in KEYED and found["key"]) or (name in BARE and not found["key"]))
            ):
                names.add(text)
            else:
                raise UsageError(
                    f"--allow {text}: not a release",
                    hint="as the plan prints it: deprovisionUsers=37, removeMembers:editors=12, whoIsThis:user:ID, "
                    "takenAwayInApp:user:ID, protected:user:ID, emptyApp, emptyScope",
                )
        return cls(figures, frozenset(names))

    def figure(self, guardrail: str, value: int) -> bool:
        """True if `guardrail` was released with exactly this figure."""
        return value in self.figures.get(guardrail, ())

    def __or__(self, other: Releases) -> Releases:
        names = {*self.figures, *other.figures}
        nothing: frozenset[int] = frozenset()
        figures = {name: self.figures.get(name, nothing) | other.figures.get(name, nothing) for name in names}
        return Releases(figures, self.names | other.names)

    def __contains__(self, release: str) -> bool:
        return release in self.names
