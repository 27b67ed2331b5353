"""What the files of one revision give at one moment. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.model.access import Detail, Grant
from reconciler.model.app import App
from reconciler.model.desired import Desired
from reconciler.model.directory import Directory, User
from reconciler.model.profile import Profile
from reconciler.model.values import group_key, user_key
from reconciler.model.window import ALWAYS, Window
from reconciler.project import project


def access_at(directory: Directory, app: App, profile: Profile, moment: datetime) -> dict[Grant, Detail]:
    """Everybody in scope, and their memberships in the app's groups. Raises DesiredStateError."""
    desired = project(directory, app, profile, as_of=moment)
    found: dict[Grant, Detail] = {}
    for person in desired.people:
        if person.wanted:
            user = person.user
            found[Grant(app.name, user_key(user.id), "")] = Detail(
                user.name, until=user.window.until, file=user.file, line=user.line, manager=_manager(user)
            )
    return found | dict(_memberships(desired, app))


def boundaries(directory: Directory, app: App) -> set[datetime]:
    """The moments at which something of these files opens or closes."""
    windows = [user.window for user in directory]
    windows += [entry.window for group in directory.groups.values() for entry in group.members]
    assigned = app.scope.assigned
    for each in (*assigned.users, *assigned.groups) if assigned is not None else ():
        windows.append(each.window(directory.zone))
    return {end for window in windows if window is not ALWAYS for end in _ends(window)}


def _ends(window: Window) -> Iterator[datetime]:
    yield from (end for end in (window.opens, window.closes) if end is not None)


def _memberships(desired: Desired, app: App) -> Iterator[tuple[Grant, Detail]]:
    for each in desired.groups:
        group, key = each.group, group_key(each.group.id)
        reasons = {(entry.user, entry.line): entry.reason for entry in group.members if entry.reason}
        for number in sorted(each.members):
            user = desired.people[number].user
            file, line = each.lines.get(number, (group.file, group.line))
            yield Grant(app.name, user_key(user.id), key), Detail(
                user.name, group.name, tuple(each.via.get(number, ())), each.until.get(number, ""),
                reasons.get((user.id, line), "") if file == group.file else "", file, line, _manager(user),
            )  # fmt: skip


def _manager(user: User) -> str:
    return str(user.attributes.get("manager") or "")
