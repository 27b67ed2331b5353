"""What plans are made on: the application, what was read of it earlier, or the files of another revision alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import Place, SnapshotError, UsageError
from reconciler.model.discovered import Discovered
from reconciler.model.state import State
from reconciler.model.values import Key, group_key, user_key
from reconciler.plan import Supposed, age_note, lacking_notes, offline_note, telling_paths, widened
from reconciler.session.collecting import bulk
from reconciler.session.connection import profile_of
from reconciler.session.earlier import earlier_of
from reconciler.session.opened import projected
from reconciler.state.kept import MAX_SNAPSHOT_BYTES, Kept, memory_of, read_kept

if TYPE_CHECKING:
    from reconciler.model.app import App
    from reconciler.model.profile import Profile
    from reconciler.plan import Proposal
    from reconciler.session.opened import Opened, Progress
    from reconciler.session.settings import Settings

BESIDE = "state"
"""What `--snapshot` calls the place of the memory."""


def check_reading(settings: Settings) -> None:
    """Raises UsageError for options that say nothing together."""
    if not settings.offline:
        return
    if settings.snapshot is not None:
        raise UsageError("--offline reads nothing, so no --snapshot either", hint="leave one of them out")
    if settings.base is None:
        raise UsageError("--offline compares two revisions of the files", hint="name the other one: --base REV")


async def proposed(opened: Opened, progress: Progress) -> Proposal:
    """The plan of one app, on what the command line names. Of all that is kept no secret is read, and nothing sent."""
    if opened.settings.offline:
        with bulk():
            return await on_files(opened, "--offline")
    if opened.settings.snapshot is not None:
        return await _on_kept(opened, opened.settings.snapshot)
    async with opened.connect() as client:
        return await opened.propose(client, progress)


async def _on_kept(opened: Opened, where: str) -> Proposal:
    app = opened.app
    with bulk():
        kept = kept_of(opened, where)
        if kept is None or kept.snapshot.tenant_url != app.tenant_url:
            why = "nothing was read yet that was kept"
            if kept is not None:
                why = f"what was read is of {kept.snapshot.tenant_url}, and tenantUrl is {app.tenant_url}"
            return await _without(opened, why)

        def discovered(one: App) -> Discovered:
            return Discovered.of(profile_of(one), kept.discovered, one.profile, kept.attributes)

        async def corrected(one: App) -> Profile:
            return discovered(one).profile

        opened.discovered = discovered(app)
        opened.profile = opened.discovered.profile
        base = None if opened.revision is None else await earlier_of(opened.revision, opened, corrected)
        stricter = (*opened.stricter, *(base.guardrails if base is not None else ()))
        telling = telling_paths(opened.desired, app, stricter)
        snapshot = widened(kept.snapshot, opened.needed(base), telling)
        moved = kept.memory != memory_of(opened.state) and where == BESIDE
        notes = [age_note(app.name, snapshot, opened.as_of, moved=moved)]
        notes += lacking_notes(app.name, snapshot, opened.desired, telling)
        return opened.proposed(snapshot, base, notes=notes)


async def _without(opened: Opened, why: str) -> Proposal:
    if opened.revision is None:
        raise SnapshotError(
            f"{opened.app.name}: {why}",
            hint="`reconciler snapshot`, drift and apply keep what they read; or compare files alone, with --base REV",
        )
    return await on_files(opened, why)


async def on_files(opened: Opened, why: str) -> Proposal:
    """What the files change against those at the base, as if all of those were applied."""
    app, revision = opened.app, opened.revision
    assert revision is not None

    async def corrected(one: App) -> Profile:
        return profile_of(one)

    opened.state = State(app=app.name, tenant_url=app.tenant_url)
    base = await earlier_of(revision, opened, corrected)
    before = None if base.version is None else base.version.desired
    supposed = Supposed(app.name, app.tenant_url, before, _pins(opened))
    opened.state = supposed.memory(opened.as_of)
    directory = opened.desired.directory
    desired = opened.desired = projected(directory, app, opened.profile, opened.state, opened.places, opened.as_of)
    mapped = [c.path for c in desired.user_columns], [c.path for c in desired.group_columns]
    tokens = [rails.acts_as for rails in (app.guardrails, *base.guardrails) if rails.acts_as]
    snapshot = supposed.snapshot(opened.needed(base), mapped, tokens, opened.as_of)
    return opened.proposed(
        snapshot, base, notes=[offline_note(app.name, revision.commit if before is not None else None, why)]
    )


def _pins(opened: Opened) -> dict[Key, str]:
    name, directory = opened.app.name, opened.desired.directory
    users = {user_key(each.id): each.accounts[name] for each in directory if name in each.accounts}
    groups = {group_key(g.id): g.accounts[name] for g in directory.groups.values() if name in g.accounts}
    return {**users, **groups}


def kept_of(opened: Opened, where: str) -> Kept | None:
    """What was kept of an app: beside the memory, in a file, or in a folder of APP.snapshot.json. None: nothing.

    Raises SnapshotError for what can't be used, and for a file that is named and is not there.
    """
    name = opened.app.name
    if where == BESIDE:
        content = opened.states.kept(name)
        place = Place(f"the snapshot beside {opened.states.where(name)}")
        return None if content is None else read_kept(content, name, place)
    path = Path(where)
    if path.is_dir():
        path = path / snapshot_name(name)
        if not path.exists():
            return None
    return read_kept(_content(path), name, Place(str(path)))


def snapshot_name(app: str) -> str:
    """Of a file in a folder of several."""
    return f"{app}.snapshot.json"


def _content(path: Path) -> bytes:
    hint = "`reconciler snapshot --out FILE` writes one"
    try:
        with path.open("rb") as stream:
            found = stream.read(MAX_SNAPSHOT_BYTES + 1)
    except OSError as error:
        raise SnapshotError(f"can't be read: {error.strerror}", place=Place(str(path)), hint=hint) from error
    if len(found) > MAX_SNAPSHOT_BYTES:
        raise SnapshotError("is larger than any snapshot that was written", place=Place(str(path)), hint=hint)
    return found
