"""What the commands have in common: the files, the memory and the connection of each app, wired together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from reconciler import desired as files
from reconciler.errors import DesiredStateError, IncompleteRead, Place, Problem, UsageError
from reconciler.model.app import App, Guardrails
from reconciler.model.desired import Desired
from reconciler.model.directory import Directory
from reconciler.model.discovered import Discovered
from reconciler.model.plan import Note
from reconciler.model.profile import Profile
from reconciler.model.snapshot import Snapshot
from reconciler.model.sso import SignOn
from reconciler.model.state import State
from reconciler.model.trailer import Trailer
from reconciler.model.values import UserId
from reconciler.plan import (
    Earlier,
    Proposal,
    Releases,
    Version,
    check_keys,
    few,
    in_force,
    interest_of,
    is_cheaper,
    joint_interest,
    only,
    propose,
    read_paths,
    released,
    remembered,
    revoked_people,
)
from reconciler.project import project
from reconciler.session.collecting import bulk
from reconciler.session.connection import connected, profile_of
from reconciler.session.memory import FOLDER, states_of, warn_if_rewritten
from reconciler.session.settings import Settings, load
from reconciler.session.sign_on import sign_on_of
from reconciler.state import FileStates, States

if TYPE_CHECKING:
    from reconciler.http import Client

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with (what, done, total); a total of None is not known yet."""


@dataclass(slots=True)
class Opened:
    """One app, ready to be planned."""

    app: App
    profile: Profile
    desired: Desired
    state: State
    states: States
    root: Path
    settings: Settings
    elsewhere: str | None = None
    """The other tenantUrl that this app's memory is about."""
    releases: Releases = field(default_factory=Releases)
    """Those of the command line, and of the commits since the last apply."""
    trailers: Sequence[Trailer] = ()
    """Those commits' releases."""
    trailer_notes: Sequence[Note] = ()
    as_of: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    """The moment for which the app is projected and planned."""
    as_of_given: bool = False
    """Somebody asked for that moment: nothing may be applied."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Dotted key of the app's files → place of the value."""
    used_today: int | None = None
    """Requests that the application says were made today, once it was read."""
    discovered: Discovered | None = None
    """What the server said of itself, once it was asked."""
    revision: files.Revision | None = None
    """What the plan is compared with."""
    earlier: Earlier | None = None
    """The app as it was then, once there is a plan."""
    sign_on: SignOn | None = None
    """What the files say of the identity provider; None: the app has no `sso`."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Client]:
        """The client for the app's tenant. Hosts and references are checked before any secret is read."""
        async with connected(self.app, self.profile, self.root, self.settings) as client:
            yield client

    async def propose(
        self,
        client: Client,
        progress: Progress,
        *,
        also: tuple[Sequence[str], Sequence[str]] = ((), ()),
        tells_base: bool = False,
    ) -> Proposal:
        """Reads the application completely and plans. Nothing here can write. `also`: paths of users and of groups
        that are read beside those that the plan needs. `tells_base`: as of `plan.propose`.
        """
        from reconciler.session.earlier import earlier_of

        await self.discover(client)
        base = None if self.revision is None else await earlier_of(self.revision, self, lambda app: _asked(client, app))
        self.earlier = base
        users, groups = self.needed(base, also)
        with bulk():
            before = None if base is None else base.version
            snapshot, desired, looked_for = await self._read(client, (users, groups), before, progress)
            snapshot.tenant_url = self.app.tenant_url
            self.used_today = client.quota.used
            return self.proposed(snapshot, base, desired, looked_for, tells_base=tells_base)

    async def read(self, client: Client, progress: Progress) -> Snapshot:
        """All that the application holds of what is mapped, whomever a plan would be about."""
        from reconciler.live import Reader

        await self.discover(client)
        interest = replace(interest_of(self.desired, self.app, self.state), every_group=True)
        with bulk():
            reader = Reader(client, self.profile)
            snapshot = await reader.read(
                *self.needed(None), interest=interest, members=self.desired.maps_members, progress=progress
            )
        snapshot.tenant_url = self.app.tenant_url
        return snapshot

    def needed(
        self, base: Earlier | None, also: tuple[Sequence[str], Sequence[str]] = ((), ())
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Paths of users and of groups that a plan reads, for today's files and for those at the base."""
        stricter = (*self.stricter, *(base.guardrails if base is not None else ()))
        needed = [read_paths(self.desired, self.app, self.profile, stricter), also]
        before = None if base is None else base.version
        if before is not None:
            needed.append(read_paths(before.desired, before.app, before.profile, (before.app.guardrails,)))
        users, groups = (tuple(dict.fromkeys(path for each in needed for path in each[side])) for side in (0, 1))
        return users, groups

    def proposed(
        self,
        snapshot: Snapshot,
        base: Earlier | None,
        desired: Desired | None = None,
        looked_for: frozenset[str] | None = None,
        notes: Sequence[Note] = (),
        *,
        tells_base: bool = False,
    ) -> Proposal:
        """The plan on what was read. `desired`: the part of it that was looked for."""
        from reconciler.session.earlier import at_last_apply, wider_notes

        keys = self.settings.only
        proposal = propose(
            self.app,
            self.profile,
            desired or self.desired,
            snapshot,
            self.state,
            as_of=self.as_of,
            as_of_given=self.as_of_given,
            releases=self.releases,
            discovered=self.discovered,
            stricter=self.stricter,
            notes=(*self.trailer_notes, *notes, *wider_notes(self, base)),
            trailers=self.trailers,
            looked_for=looked_for,
            base=base,
            then=at_last_apply(self) if looked_for is None else None,
            sign_on=self.sign_on,
            tells_base=tells_base,
        )
        return proposal.reduced(only(proposal.plan, keys)) if keys else proposal

    async def _read(
        self,
        client: Client,
        paths: tuple[tuple[str, ...], tuple[str, ...]],
        before: Version | None,
        progress: Progress,
    ) -> tuple[Snapshot, Desired, frozenset[str] | None]:
        """The application, and what it is compared with; for few keys those people alone, if that costs less, and
        nothing `before` needs more.
        """
        from reconciler.live import Reader

        keys = self.settings.only
        reader = Reader(client, self.profile)
        members = self.desired.maps_members
        if keys and before is None:
            cut, looked_for = few(self.desired, keys, self.state)
            if is_cheaper(self.desired, looked_for, keys, self.profile):
                interest = interest_of(cut, self.app, remembered(self.state, looked_for))
                with suppress(IncompleteRead):  # filters that can't be trusted after all: everything is read
                    snapshot = await reader.read(
                        *paths, interest=interest, members=members, narrowly=True, progress=progress
                    )
                    return snapshot, cut, looked_for
        interest = interest_of(self.desired, self.app, self.state)
        if before is not None:
            interest = joint_interest(interest, interest_of(before.desired, before.app, self.state))
            members = members or before.desired.maps_members
        snapshot = await reader.read(*paths, interest=interest, members=members, progress=progress)
        return snapshot, self.desired, None

    @property
    def stricter(self) -> tuple[Guardrails, ...]:
        """Guardrails of other revisions, which hold beside today's: those of the last complete apply."""
        return () if self.state.guardrails is None else (self.state.guardrails,)

    async def discover(self, client: Client) -> Discovered:
        """What the server says of itself, once; from then on `profile` is corrected by it, where that is safe."""
        from reconciler.live import discover

        if self.discovered is None:
            self.discovered = await discover(client, self.profile, self.app.profile)
            self.profile = self.discovered.profile
        return self.discovered


async def _asked(client: Client, app: App) -> Profile:
    """The profile of an app, corrected by what the server says of itself."""
    from reconciler.live import discover

    return (await discover(client, profile_of(app), app.profile)).profile


def projected(
    directory: Directory, app: App, profile: Profile, state: State, places: Mapping[str, Place], as_of: datetime
) -> Desired:
    """What the app should hold, given whom the memory knows."""
    managed = [UserId(key[5:]) for key in state.bindings if key.startswith("user:")]
    revoked = revoked_people(state, directory, app.name, as_of)
    return project(directory, app, profile, managed=[*managed, *revoked], revoked=revoked, places=places, as_of=as_of)


def open_apps(settings: Settings) -> list[Opened]:
    """All apps that the command line asks for, projected. Every problem of every app is reported at once."""
    with bulk():
        loaded = load(settings)
        for warning in loaded.warnings:
            settings.tell(f"warning: {warning}")
        if not loaded.apps:
            raise UsageError(f"{loaded.root} describes no app", hint="add apps/NAME/app.yaml")
        revision = None
        states = memories(settings, loaded)
        if settings.base is not None:
            revision = files.load_revision(loaded.root, settings.base, loaded.apps, loaded.parsed)
            loaded.parsed = None
        problems: list[Problem] = []
        opened = []
        for name in loaded.apps:
            try:
                opened.append(open_app(loaded, name, states, settings, revision))
            except DesiredStateError as error:
                problems += error.problems
    if problems:
        raise DesiredStateError(problems)
    if settings.only:
        check_keys(settings.only, loaded.directory, {key for one in opened for key in one.state.bindings})
    return opened


def memories(settings: Settings, loaded: files.Loaded) -> States:
    """Where the apps' memories are. Offline nothing is asked, and nothing remembered."""
    if settings.offline:
        return FileStates(loaded.root / FOLDER)
    only_read = settings.snapshot == "state"
    return states_of(
        settings.state, loaded.settings.state, loaded.root, loaded.apps, only_read=only_read, tell=settings.tell
    )


def open_app(
    loaded: files.Loaded, name: str, states: States, settings: Settings, revision: files.Revision | None = None
) -> Opened:
    """One app of what was loaded, projected for this moment. Raises DesiredStateError."""
    app, places = loaded.apps[name], loaded.places[name]
    state = State(app=name, tenant_url=app.tenant_url)
    if not settings.offline:
        state = states.load(name, app.tenant_url)
    warn_if_rewritten(loaded.root, name, state.commit, settings.tell)
    profile = profile_of(app)
    since = revision.commit if settings.offline and revision is not None else state.commit
    trailers = in_force(files.trailers_since(loaded.root, since, loaded.directory.commit or "HEAD"), state.used)
    from_commits, trailer_notes = released(trailers, name)
    as_of = files.moment_of(settings.as_of, loaded.directory.zone)
    desired = projected(loaded.directory, app, profile, state, places, as_of)
    return Opened(
        app,
        profile,
        desired,
        state,
        states,
        loaded.root,
        settings,
        states.foreign(name, app.tenant_url) if state.fresh else None,
        Releases.parse(settings.allow) | from_commits,
        trailers,
        trailer_notes,
        as_of,
        settings.as_of is not None,
        places,
        revision=revision,
        sign_on=sign_on_of(app, loaded.attached.get(name), places, as_of),
    )
