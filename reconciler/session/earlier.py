"""What a plan is compared with: the files at another revision, and today's files at the time of the last apply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.desired import Owners, Revision
from reconciler.errors import DesiredStateError, ReconcilerError
from reconciler.model.app import App
from reconciler.model.desired import Desired
from reconciler.model.plan import Note
from reconciler.model.profile import Profile
from reconciler.plan import Earlier, Version, windows_moved
from reconciler.project import Granting, Side, widened

if TYPE_CHECKING:
    from reconciler.session.opened import Opened


async def earlier_of(revision: Revision, opened: Opened, corrected: Callable[[App], Awaitable[Profile]]) -> Earlier:
    """The app as it was at a revision; whatever was wrong with it then stops nothing now. `corrected` gives the
    profile of an app by what the server says of itself.
    """
    from reconciler.session.opened import projected

    commit, loaded = revision.commit, revision.loaded
    app = loaded.apps.get(opened.app.name) if loaded is not None else None
    if loaded is None or app is None:
        others = {} if loaded is None else loaded.apps
        was = next((each for each in others.values() if each.tenant_url == opened.app.tenant_url), None)
        why = f"there was no app {opened.app.name} at {commit[:7]}"
        if was is not None:
            why = f"the app was called {was.name} at {commit[:7]}, and only that name is remembered"
        return Earlier(commit, None, revision.why or why, was)
    if app.tenant_url != opened.app.tenant_url:
        return Earlier(commit, None, f"the app was for {app.tenant_url} at {commit[:7]}", app)
    try:
        same = (app.gallery, app.profile) == (opened.app.gallery, opened.app.profile)
        profile = opened.profile if same else await corrected(app)
        places = loaded.places[app.name]
        desired = projected(loaded.directory, app, profile, opened.state, places, opened.as_of)
    except DesiredStateError as error:
        first = error.problems[0]
        why = f"{error.message}, the first: {first.place}: {first.message}"
        return Earlier(commit, None, f"the desired state at {commit[:7]} can't be used: {why}", app)
    except ReconcilerError as error:
        return Earlier(commit, None, f"the desired state at {commit[:7]} can't be used: {error.message}", app)
    return Earlier(commit, Version(app, profile, desired))


def at_last_apply(opened: Opened) -> Desired | None:
    """What today's files asked for then; None where no window has opened or closed since, or nothing was applied."""
    from reconciler.session.opened import projected

    app, directory, state = opened.app, opened.desired.directory, opened.state
    if state.applied_at is None:
        return None
    then = datetime.fromisoformat(state.applied_at)
    if not windows_moved(directory, app, then, opened.as_of):
        return None
    try:
        return projected(directory, app, opened.profile, state, opened.places, then)
    except DesiredStateError:
        return None


def wider_notes(opened: Opened, base: Earlier | None) -> list[Note]:
    """Who can give an access by merging something from this change on. Without any CODEOWNERS whoever may merge could,
    and still can.
    """
    revision, version = opened.revision, None if base is None else base.version
    if revision is None or version is None:
        return []
    here, then = revision.owners
    if not then.codeowners.file:
        return []
    return widened(_side(opened.desired, here, opened.app), _side(version.desired, then, version.app))


def _side(desired: Desired, owners: Owners, app: App) -> Side:
    groups = desired.reach.groups if desired.reach is not None else frozenset()
    return Side(Granting(desired.directory, owners), app, groups)
