"""The revisions that there were, each with what it gave: git and the projection, for the walk back through them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from reconciler.desired import Loaded
from reconciler.desired.replay import Replay
from reconciler.desired.timeline import timeline
from reconciler.errors import DesiredStateError, UsageError
from reconciler.evidence.grants import access_at, boundaries
from reconciler.gallery import load_profile
from reconciler.model.access import Decision, Detail, Grant
from reconciler.model.values import UserId

Told = Callable[[str, int, int | None], None]
"""Called with (what, done, total)."""


@dataclass(slots=True)
class Held:
    """One revision's files, as long as they held. See `walk.State`."""

    decision: Decision
    loaded: Loaded | None
    """None: no desired state yet."""
    apps: Collection[str]
    oldest: bool = False
    _known: dict[datetime, dict[Grant, Detail]] = field(default_factory=dict)

    def at(self, moment: datetime) -> dict[Grant, Detail]:
        if moment not in self._known:
            self._known[moment] = {} if self.loaded is None else self._access(self.loaded, moment)
        return self._known[moment]

    def boundaries(self) -> set[datetime]:
        if self.loaded is None:
            return set()
        chosen = (self.loaded.apps[name] for name in self._there(self.loaded))
        return {end for app in chosen for end in boundaries(self.loaded.directory, app)}

    def usable(self) -> bool:
        """Whether there is an answer at all: files of then may have been wrong, and nothing was done with them."""
        try:
            self.at(self.decision.merged_at)
        except DesiredStateError:
            return False
        return True

    def _access(self, loaded: Loaded, moment: datetime) -> dict[Grant, Detail]:
        found: dict[Grant, Detail] = {}
        for name in self._there(loaded):
            app = loaded.apps[name]
            profile = load_profile(app.gallery).corrected(app.profile)
            found |= access_at(loaded.directory, app, profile, moment)
        return found

    def _there(self, loaded: Loaded) -> list[str]:
        return [name for name in loaded.apps if name in self.apps]


class Past:
    """A context manager. Raises UsageError outside of git, and where there is no desired state at HEAD."""

    def __init__(
        self, root: Path, apps: Collection[str] | None, told: Told | None = None, *, person: UserId | None = None
    ) -> None:
        """`person`: the only one who is asked about: revisions that can't concern them are not read."""
        self.decisions, self.shallow = timeline(root)
        if not self.decisions:
            raise UsageError(f"nothing in {root} is committed yet", hint="commit it: access is what git says")
        self.unusable: list[Decision] = []
        """Whose files could not be used: what stood before them held."""
        self._replay = Replay(root, apps)
        self._told = told or (lambda _what, _done, _total: None)
        self._apps = apps
        self._person = person

    def __enter__(self) -> Self:
        self._replay.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._replay.__exit__(None, None, None)

    def states(self) -> Iterator[Held]:
        """Newest first. Whose files could not be used is left out; neighbours that differ in nothing that could concern
        the person who is asked about count as one, that began with the oldest of them.
        """
        pending: Held | None = None
        alike: list[tuple[Decision, bool]] = []
        before: dict[str, str] = {}
        for number, decision in enumerate(self.decisions):
            self._told("revisions", number, len(self.decisions))
            files = self._replay.files(decision.commit)
            oldest = self.shallow and number == len(self.decisions) - 1
            if pending is not None and not self._concerns(pending, before, files):
                alike.append((decision, oldest))
                before = files
                continue
            held = self._held(decision, files, oldest=oldest)
            if held is None:
                self.unusable.append(decision)
                continue
            if pending is not None:
                yield self._begun(pending, alike)
            pending, alike, before = held, [], files
        if pending is not None:
            yield self._begun(pending, alike)

    def _concerns(self, newer: Held, before: Mapping[str, str], files: Mapping[str, str]) -> bool:
        """Whether what differs between two revisions could change what the person has. Rules and filters look at
        nobody's attributes but their own.
        """
        if self._person is None or newer.loaded is None or not files:
            return True
        user = newer.loaded.directory.users.get(self._person)
        changed = (file for file in before.keys() | files.keys() if before.get(file) != files.get(file))
        return any(user is None or file == user.file or not file.startswith("users/") for file in changed)

    def _begun(self, held: Held, alike: list[tuple[Decision, bool]]) -> Held:
        """From the oldest revision on that is alike and whose files could be used."""
        while alike:
            decision, oldest = alike.pop()
            if self._held(decision, self._replay.files(decision.commit), oldest=oldest) is not None:
                return replace(held, decision=decision, oldest=oldest)
            self.unusable.append(decision)
        return held

    def _held(self, decision: Decision, files: Mapping[str, str], *, oldest: bool) -> Held | None:
        if not files:
            return Held(decision, None, (), oldest)
        loaded = self._replay.at(decision.commit)
        if loaded is None:
            return None
        held = Held(decision, loaded, self._apps if self._apps is not None else list(loaded.apps), oldest)
        return held if held.usable() else None
