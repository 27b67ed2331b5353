"""An application that is to be described: read once, compared with what the files say, and bound afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from reconciler import desired as files
from reconciler.apply.rebuild import Rebuilt, rebuild
from reconciler.desired.root import FOLDERS, PARTS
from reconciler.errors import DesiredStateError
from reconciler.model.app import App
from reconciler.model.described import Described, Way
from reconciler.model.directory import Directory
from reconciler.model.interest import Interest
from reconciler.model.plan import Plan
from reconciler.model.snapshot import Snapshot
from reconciler.plan import telling_paths, widened
from reconciler.session.collecting import bulk
from reconciler.session.connection import profile_of
from reconciler.session.inverting import described, forwards
from reconciler.session.memory import FOLDER, states_of
from reconciler.session.opened import Opened, Progress, open_apps, projected
from reconciler.session.settings import Settings
from reconciler.state import FileStates, States

_NOBODY = "nobody is described"


def open_described(settings: Settings, name: str) -> Opened:
    """An app that has files, which may be there before anybody is. Raises DesiredStateError."""
    try:
        (opened,) = open_apps(replace(settings, apps=(name,)))
    except DesiredStateError as error:
        _must_be_nobody(error)
    else:
        return opened
    root = _root(settings)
    alone = files.load_apps_alone(root, (name,))
    if name not in alone.apps:
        raise DesiredStateError([each for found in alone.broken.values() for each in found])
    return _opened(settings, alone.apps[name], alone.directory(), alone.state or "file")


def open_new(settings: Settings, app: App) -> Opened:
    """An app that has no files yet, in a folder that may be no desired state yet. Raises DesiredStateError."""
    root = _root(settings)
    if not any((root / part).exists() for part in PARTS):
        return _opened(settings, app, Directory({}, {}), "file")
    if any((root / part).is_dir() for part in FOLDERS):
        try:
            loaded = files.load(root, cache=files.cache_of(root))
        except DesiredStateError as error:
            _must_be_nobody(error)
        else:
            return _opened(settings, app, loaded.directory, loaded.settings.state)
    alone = files.load_apps_alone(root) if (root / "apps").is_dir() else None
    if alone is None:
        return _opened(settings, app, Directory({}, {}), "file")
    return _opened(settings, app, alone.directory(), alone.state or "file")


def _root(settings: Settings) -> Path:
    if settings.directory is None:
        message = "an import is told its folder"
        raise ValueError(message)
    return settings.directory


def _must_be_nobody(error: DesiredStateError) -> None:
    """Files that lack nothing but people are fit to get some. Raises `error` otherwise."""
    if any(each.severity == "error" and each.message != _NOBODY for each in error.problems):
        raise error


def _opened(settings: Settings, app: App, directory: Directory, memory: str) -> Opened:
    root = _root(settings)
    states: States = FileStates(root / FOLDER)
    if root.is_dir() or settings.state is not None:
        states = states_of(settings.state, memory, root, [app.name], tell=settings.tell)
    state = states.load(app.name, app.tenant_url)
    profile = profile_of(app)
    as_of = datetime.now(UTC).replace(microsecond=0)
    desired = projected(directory, app, profile, state, {}, as_of)
    return Opened(app, profile, desired, state, states, root, settings, as_of=as_of)


async def read(opened: Opened, progress: Progress) -> tuple[Snapshot, list[Way], list[Way]]:
    """Everything that the lists show, of all that mappings write, and the mappings."""
    from reconciler.live import Reader

    async with opened.connect() as client:
        await opened.discover(client)
        users, groups = forwards(opened.app, opened.profile, opened.desired.directory)
        needed = opened.needed(None, ([way.path.text for way in users], [way.path.text for way in groups]))
        profile = opened.profile
        if not profile.paging.trusted:  # what the lists show is what there is to begin with
            profile = profile.model_copy(update={"paging": profile.paging.model_copy(update={"trusted": True})})
        with bulk():
            snapshot = await Reader(client, profile).read(
                *needed,
                interest=Interest(every_group=True),
                members=opened.desired.maps_members,
                progress=progress,
            )
    snapshot.tenant_url = opened.app.tenant_url
    return snapshot, users, groups


def known(opened: Opened, snapshot: Snapshot) -> Described:
    """Whose is what by the files and the memory, as a plan says it."""
    return described(opened.proposed(snapshot, None))


def bind(before: Opened, snapshot: Snapshot, root: Path) -> tuple[Rebuilt, Plan]:
    """The memory of what was read, by the files that are there now, and what a plan has left to do then.

    Raises Locked, StateError, and DesiredStateError for files that can't be planned.
    """
    (opened,) = open_apps(replace(before.settings, directory=root, apps=(before.app.name,)))
    opened.discovered, opened.profile = before.discovered, before.profile
    telling = telling_paths(opened.desired, opened.app, opened.stricter)
    with opened.states.hold(opened.app.name, opened.app.tenant_url):
        proposal = opened.proposed(widened(snapshot, opened.needed(None), telling), None)
        rebuilt = rebuild(proposal, opened.state, datetime.now(UTC))
        if rebuilt.bound:
            opened.states.save(rebuilt.state)
    opened.state = rebuilt.state
    return rebuilt, opened.proposed(proposal.context.snapshot, None).plan
