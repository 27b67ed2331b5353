"""What is known of each application: one YAML file, read as a `model.profile.Profile`."""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib import resources

import yaml

from reconciler.errors import ReconcilerError
from reconciler.model.profile import Profile

__all__ = ["load_profile", "names"]

_SUFFIX = ".yaml"


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The applications that the gallery knows, in alphabetical order."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(file.removesuffix(_SUFFIX) for file in files if file.endswith(_SUFFIX)))


@lru_cache
def load_profile(name: str) -> Profile:
    """The profile of one application. Raises ReconcilerError for a name that the gallery does not know."""
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=1)
        guess = f"did you mean {close[0]}? " if close else ""
        raise ReconcilerError(f"the gallery has no {name!r}", hint=f"{guess}it knows: {', '.join(names())}")
    text = (resources.files(__name__) / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    return Profile.model_validate(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506
