"""What a server says of itself, as far as it corrects the profile, and which source decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reconciler.model.path import AttributePath
from reconciler.model.plan import Override
from reconciler.model.profile import Profile, flat, nested

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

    @classmethod
    def of(
        cls,
        profile: Profile,
        found: Mapping[str, Any],
        over: Mapping[str, Any],
        attributes: Mapping[str, Attributes] = {},
    ) -> Discovered:
        """`found`: dotted key of the profile → what the server says of it. `over` is the app's own `profile:`, whose
        word stands unless it asks for larger pages than the server has.
        """
        said = flat(dict(over))
        found = {
            key: value
            for key, value in found.items()
            if (value < profile.paging.count if key == "paging.count" else not _is_said(key, said))
        }
        overrides = {each.key: each for each in from_app(over)}
        overrides |= {key: Override(key=key, value=value, source="discovery") for key, value in found.items()}
        return cls(profile.corrected(nested(found)), tuple(overrides[key] for key in sorted(overrides)), attributes)

    @property
    def found(self) -> dict[str, Any]:
        """What the server said, as far as it corrects the profile."""
        return {each.key: each.value for each in self.overrides if each.source == "discovery"}

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


def _is_said(key: str, said: Mapping[str, Any]) -> bool:
    """The app's own word is about this key, or about something inside it."""
    return any(each == key or each.startswith(f"{key}.") for each in said)


def from_app(over: Mapping[str, Any]) -> tuple[Override, ...]:
    """What the app's own `profile:` corrects."""
    return tuple(Override(key=key, value=value, source="app") for key, value in sorted(flat(dict(over)).items()))
