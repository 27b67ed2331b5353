"""A sandbox that stands in for an application: its habits, and what it holds, under the same ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from reconciler.gallery import load_profile, names
from reconciler.model.path import AttributePath, parse_path
from reconciler.model.profile import Profile
from reconciler.sandbox.habits import Habits, KindName, habits_named, habits_of
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.schema import kinds
from reconciler.sandbox.store import Resource

_STAND_INS: Final = {"timezone": "Europe/London", "preferredlanguage": "en"}
_STAND_IN: Final = "unknown"


@dataclass(slots=True)
class Held:
    """One resource as it was read: `data` has SCIM's names, `members` are ids."""

    id: str
    data: dict[str, Any]
    members: Sequence[str] = ()


class Copy:
    """The stand-in. `paths` are those that users are written at; `doubts` says in what it may differ."""

    def __init__(
        self, profile: Profile, paths: Iterable[str], users: Sequence[Held], groups: Sequence[Held], base_url: str
    ) -> None:
        self.doubts: list[str] = []
        habits = _as_found(profile)
        self.sandbox = Sandbox(self._knowing(habits, paths), acts_as=None)
        store = self.sandbox.store
        store.move(base_url)
        self._fill_required(store.habits, users)
        kind: KindName
        for kind, held in (("User", users), ("Group", groups)):
            for each in held:
                store.created += 1
                moment = store.moment()
                store.put_back(Resource(each.id, kind, each.data, moment, moment, store.created))
        for each in groups:
            store.join_all(store.tables["Group"][each.id], each.members)
        taken = [int(each.id) for each in (*users, *groups) if each.id.isdecimal() and len(each.id) < 16]
        store.created = max([1_000_000, *taken]) + 1  # no id is given twice

    def _knowing(self, habits: Habits, paths: Iterable[str]) -> Habits:
        """With the attributes that the application seems to have and the sandbox does not."""
        kind, own = kinds(habits)["User"], []
        for path in map(parse_path, paths):
            table = kind.extensions.get(path.urn.lower(), ("", {}))[1] if path.urn and path.urn != kind.urn else None
            if path.name.lower() in (kind.attributes if table is None else table) or habits.small_user:
                continue
            if path.sub:
                self.doubts.append(f"{path.text} is unknown to the sandbox, which keeps nothing there")
                continue
            own.append((path.place, "string", False, False))
            self.doubts.append(f"{path.text} is unknown to the sandbox, which takes any text there")
        return replace(habits, attributes=(*habits.attributes, *dict.fromkeys(own)))

    def _fill_required(self, habits: Habits, users: Sequence[Held]) -> None:
        """Attributes that must be there, and that nobody reads, get some value in the accounts that are there."""
        for path in map(parse_path, habits.required_user):
            lacking = [each for each in users if path.read(each.data) in (None, "")]
            for each in lacking:
                _set(
                    each.data, path, dict(habits.defaults).get(path.text, _STAND_INS.get(path.name.lower(), _STAND_IN))
                )
            if lacking:
                why = f"must be there and was not read of {len(lacking):,} accounts: their copies hold a stand-in"
                self.doubts.append(f"{path.text} {why}")
        for each in users if habits.email_primary else ():
            for number, email in enumerate(each.data.get("emails", ())):
                email.setdefault("primary", number == 0)


def _set(data: dict[str, Any], path: AttributePath, value: Any) -> None:
    if path.key:
        data.setdefault(path.name, []).append({path.key: path.literal, path.sub or "value": value})
    elif path.sub:
        data.setdefault(path.name, {})[path.sub] = value
    else:
        data[path.name] = value


def _as_found(profile: Profile) -> Habits:
    """The gallery's, with what app.yaml and discovery corrected; nothing has to be waited for."""
    base = habits_named(profile.name) if profile.name in names() else habits_of(profile)
    gallery = habits_of(load_profile(profile.name)) if profile.name in names() else base
    now = habits_of(profile)
    corrected = {
        each.name: getattr(now, each.name)
        for each in fields(Habits)
        if getattr(now, each.name) != getattr(gallery, each.name)
    }
    return replace(base, **{**corrected, **_WITHOUT_LIMITS})


_WITHOUT_LIMITS: Final[Mapping[str, Any]] = {
    "per_second": 0,
    "per_day": 0,
    "buckets": (),
    "tells_quota": False,
    "leaves_out": False,
}
