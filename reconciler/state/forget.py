"""Memory that is given up, whole or in part. What was revoked stays revoked: only its release ends that."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.state import State


def without_anything(state: State) -> State:
    """A fresh memory: whose account is whose is asked again. A release that was used stays used."""
    return State(app=state.app, tenant_url=state.tenant_url, revocations=state.revocations, used=state.used, fresh=True)


def without(state: State, keys: Iterable[str]) -> State:
    """Without these bindings and what was known of them."""
    left = state.model_copy(update={"bindings": dict(state.bindings), "not_kept": dict(state.not_kept)})
    for key in keys:
        left.bindings.pop(key, None)
        left.not_kept.pop(key, None)
        user = key.removeprefix("user:") if key.startswith("user:") else None
        for other, binding in left.bindings.items() if user else ():
            if user in binding.get("members", ()):
                members = [member for member in binding["members"] if member != user]
                left.bindings[other] = {**binding, "members": members}
    return left
