"""What only some commands need, and is installed only where it is wanted."""

from __future__ import annotations

from importlib.util import find_spec

from reconciler.errors import UsageError


def need(extra: str, *modules: str) -> None:
    """Raises UsageError, saying what to install, where a module of an extra is not there."""
    if missing := [name for name in modules if find_spec(name) is None]:
        hint = f"pip install 'reconciler[{extra}]'"
        raise UsageError(f"{', '.join(missing)} is not installed, and this command needs it", hint=hint)
