"""Which application of the gallery a schema is about, by the name that it gives its target directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_CUSTOM: Final = "customappsso"
"""How schemas call applications that Entra's own gallery does not know."""


def likely(target: str, titles: Mapping[str, str]) -> str:
    """`titles`: name in our gallery → what the application is called. "" if none of them is meant."""
    wanted = _letters(target)
    if wanted == _CUSTOM:
        return "scim"
    return next((name for name, title in titles.items() if wanted and wanted in (_letters(name), _letters(title))), "")


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
