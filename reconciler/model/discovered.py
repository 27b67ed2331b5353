"""What a server says of itself, as far as it corrects the profile, and which source decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reconciler.model.path import AttributePath
from reconciler.model.plan import Override
from reconciler.model.profile import Profile, flat

Kind = Literal["User", "Group"]
Attributes = Mapping[str, bool]
"""Lower-case full name (`model.path`) → whether a client may write it; of what an attribute consists, where told."""


@dataclass(frozen=True, slots=True)
class Discovered:
    profile: Profile
    """Corrected, where that is safe."""
    overrides: tuple[Override, ...] = ()
    """What is not as the gallery has it, and who says so."""
    attributes: Mapping[str, Attributes] = field(default_factory=dict)
    """"User" and "Group" → what the server's schemas have; a kind is missing where they say nothing of it."""

    def doubt(self, kind: str, path: AttributePath) -> str:
        """Why a mapped path may not be stored, in words; "": the schemas have it, or there are none."""
        known = self.attributes.get(kind)
        if not known or path.canonical in {"id", "members"}:
            return ""
        whole = f"{path.urn.lower()}:{path.name.lower()}" if path.urn else path.name.lower()
        described = path.sub and any(each.startswith(f"{whole}.") for each in known)
        name = path.full_name if described else whole
        if whole not in known or name not in known:
            return f"{path.text}: the server's schemas have no such attribute"
        if not (known[whole] and known[name]):
            return f"{path.text}: the server's schemas say that it is read-only"
        return ""


def from_app(over: Mapping[str, Any]) -> tuple[Override, ...]:
    """What the app's own `profile:` corrects."""
    return tuple(Override(key=key, value=value, source="app") for key, value in sorted(flat(dict(over)).items()))
