"""What a change does to an app that moves nobody's access today, and decides on it from then on: with which secret the
application is asked, what it is said to be, by what people are matched and sign in, when days begin, whose
name somebody claims.

A plan shows what is done; of all this nothing is done, and it would be merged unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.app import App
from reconciler.model.desired import Desired
from reconciler.model.directory import Directory, User
from reconciler.model.plan import Note
from reconciler.model.values import UserId, user_key

_KEYS = {"auth", "ca_file", "gallery", "profile", "provisioning", "sso"}
_MOST = 12
"""Notes of one kind: more are counted."""
_NOTHING = "nothing"


def settings_notes(app: App, before: App | None) -> list[Note]:
    """`before`: the app at the revision that the plan is compared with."""
    if before is None:
        return []
    was, now = (_leaves(each.model_dump(by_alias=True, mode="json", include=_KEYS)) for each in (before, app))
    texts = [
        f"{name}: {_shown(was.get(name))} → {_shown(now.get(name))}"
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name) and not name.startswith("auth.expires")
    ]
    matching, matched = _matching(app), _matching(before)
    texts += [
        f"mappings: {name} tells whose an account is, and is made otherwise"
        for name in sorted(matching.keys() | matched.keys())
        if matching.get(name) != matched.get(name)
    ]
    return _notes("settingsChanged", app, texts)


def people_notes(app: App, desired: Desired, before: Desired) -> list[Note]:
    """Who claims to be somebody else from this change on, and whether days begin at another hour."""
    directory, earlier = desired.directory, before.directory
    texts = []
    if str(directory.zone) != str(earlier.zone):
        texts.append(f"timeZone: {earlier.zone} → {directory.zone}: all whole days begin and end at another hour")
    notes = _notes("settingsChanged", app, texts)
    claims = list(_claims(directory, earlier))
    notes += [Note(code="claimed", key=user_key(user), text=text) for user, text in claims[:_MOST]]
    if len(claims) > _MOST:
        text = f"{len(claims) - _MOST:,} more people claim to have been somebody else"
        notes.append(Note(code="claimed", key=app.name, text=text))
    return notes


def _claims(directory: Directory, earlier: Directory) -> Iterator[tuple[UserId, str]]:
    """Of entries under `formerly` that are new, those that are somebody else's, today or before."""
    fresh = [
        (user, entry)
        for user in directory
        if user.formerly
        for entry in user.formerly
        if entry not in (earlier.users[user.id].formerly if user.id in earlier.users else ())
    ]
    if not fresh:
        return
    names = _Names(directory, earlier)
    for user, entry in fresh:
        for attribute, value in entry.items():
            for other in names.others(user, attribute, value):
                yield user.id, f"says to have been {value} ({attribute}), which is {other}'s"


class _Names:
    """Whose a value is, in either version."""

    def __init__(self, *versions: Directory) -> None:
        self._versions = versions
        self._found: dict[str, dict[str, set[UserId]]] = {}

    def others(self, user: User, attribute: str, value: object) -> list[UserId]:
        if attribute == "id":
            other = UserId(str(value))
            return [other] if other != user.id and any(other in each.users for each in self._versions) else []
        known = self._found.get(attribute)
        if known is None:
            known = self._found[attribute] = {}
            for each in (one for version in self._versions for one in version):
                if isinstance(text := each.attributes.get(attribute), str):
                    known.setdefault(text.casefold(), set()).add(each.id)
        return sorted(known.get(str(value).casefold(), set()) - {user.id})


def _matching(app: App) -> Mapping[str, Any]:
    written = {each.target: each.model_dump(mode="json") for each in (*app.mappings.users, *app.mappings.groups)}
    return {target: each for target, each in written.items() if each.get("matching")}


def _notes(code: Any, app: App, texts: list[str]) -> list[Note]:
    if len(texts) > _MOST:
        texts[_MOST:] = [f"{len(texts) - _MOST:,} more settings are others"]
    return [Note(code=code, key=app.name, text=text) for text in texts]


def _leaves(value: Any, name: str = "") -> dict[str, Any]:
    """Dotted name → value, of nested mappings; what is not there is left out."""
    if isinstance(value, dict):
        found = {}
        for key, inner in value.items():
            found.update(_leaves(inner, f"{name}.{key}" if name else str(key)))
        return found
    return {} if value is None or not name else {name: value}


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or _NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    return _NOTHING if value is None else str(value)
