"""All files of a desired state into a Directory and Apps, or all that is wrong with them."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from reconciler.desired.apps import Described, read_app, read_settings, tenant_of
from reconciler.desired.attached import Attached, attached, check_sign_on
from reconciler.desired.document import BadDocument, read_document
from reconciler.desired.files import Tree
from reconciler.desired.findings import Findings, closest
from reconciler.desired.groups import Groups
from reconciler.desired.parsed import Parsed
from reconciler.desired.references import (
    Everybody,
    check_app,
    check_cases,
    check_groups,
    check_people,
    check_tenants,
    check_windows,
)
from reconciler.desired.root import check_root, misnamed
from reconciler.desired.users import People
from reconciler.errors import Place, Problem, UsageError
from reconciler.model.app import App
from reconciler.model.cases import Case
from reconciler.model.directory import MULTI_VALUED, Directory, Group, User
from reconciler.model.settings import Settings
from reconciler.model.values import GroupId, UserId

NOBODY: Final = "nobody is described"
"""The error of a desired state without people."""


@dataclass(slots=True)
class Loaded:
    """A desired state without errors."""

    root: Path
    directory: Directory
    apps: dict[str, App]
    """By name. `App.mappings` are the file's own, not yet laid over the gallery's."""
    cases: dict[str, tuple[Case, ...]]
    """App → its mapping tests."""
    settings: Settings
    places: dict[str, dict[str, Place]]
    """App → dotted key (`scope.filters.0.1.value`, `mappings.users.2.expression`) → place of the value."""
    warnings: tuple[Problem, ...]
    attached: dict[str, Attached] = field(default_factory=dict)
    """App → the files that its `sso` names."""
    parsed: Parsed | None = None
    """For another reading of nearly the same files, if it was asked for."""


def load(
    root: Path,
    *,
    commit: str | None = None,
    apps: Collection[str] | None = None,
    keep: bool = False,
    like: Parsed | None = None,
    earlier: bool = False,
) -> Loaded:
    """Reads the desired state in `root`, with all apps or only `apps`. `commit` is what it is known to be at.

    People, groups and apps come sorted by id, whatever files they are in. `keep`: what was parsed stays, as `parsed`,
    for another reading, which takes from it, as `like`, what both have in common: the result is the same. `earlier`:
    the files are of another revision, without those that `sso` names.

    Raises DesiredStateError with every problem of all files, UsageError if `root` is no desired state or an app is not
    in it.
    """
    check_root(root)
    findings = Findings()
    tree = Tree(root, findings)
    names = tree.folders("apps")
    chosen = choose(names, apps)
    _report_misnamed(tree)
    with _collector_paused():
        settings, defaults = read_settings(tree)
        known = "reconciler.yaml" not in tree.unreadable
        zone = zone_of(settings)
        people = People(findings, dict(settings.attributes), frozenset(names), zone, judges_keys=known)
        if like is not None and not (known and like.fits(settings, names)):
            like = None
        people.read(tree.documents("users", None if like is None else partial(like.give_people, into=people)))
        groups = Groups(findings, people.users, frozenset(names), settings.attributes, zone, judges_keys=known)
        groups.read(tree.documents("groups", None if like is None else partial(like.give_groups, into=groups)))
        if not people.users and not findings.problems:
            findings.error(Place("users"), NOBODY, "put people into users/, one file each")
        everybody = Everybody(people.users, complete=people.complete and "users" not in tree.unreadable)
        every_group = Everybody(groups.groups, complete=groups.complete and "groups" not in tree.unreadable)
        check_people(people, everybody, findings)
        check_groups(groups, everybody, every_group, findings)
        described = {name: app for name in chosen if (app := read_app(tree, name, defaults))}
        for app in described.values():
            check_app(app.sheet, everybody, every_group, findings)
            check_windows(app.app, app.sheet, zone, findings)
            check_sign_on(app.app, app.sheet, frozenset(settings.attributes), findings)
            check_cases(app.cases, everybody, findings)
        files = (
            {}
            if earlier
            else {
                name: found
                for name, one in described.items()
                if one.app and (found := attached(tree, one.app, one.sheet))
            }
        )
        check_tenants(list(_tenants(tree, names, described)), findings)
        findings.raise_errors()
        directory = _directory(people, groups, settings, tree.digest(), commit)
    return Loaded(
        root=root,
        directory=directory,
        apps={name: one.app for name, one in described.items() if one.app},
        cases={name: one.cases for name, one in described.items()},
        settings=settings,
        places={name: one.places() for name, one in described.items()},
        warnings=findings.warnings,
        attached=files,
        parsed=Parsed(settings, names, tree.hashes, people, groups, findings.problems) if keep else None,
    )


def zone_of(settings: Settings) -> tzinfo:
    """Where the machine knows no time zones at all: UTC for all of them would be wrong. Raises UsageError."""
    if settings.time_zone == "UTC":
        return UTC
    try:
        return ZoneInfo(settings.time_zone)
    except (KeyError, OSError, ValueError) as error:
        hint = "install the system's time zones, or the Python package tzdata"
        raise UsageError(f"this machine knows no time zone {settings.time_zone}", hint=hint) from error


def choose(names: list[str], apps: Collection[str] | None) -> list[str]:
    """Those of `names` that are asked for; all for None. Raises UsageError for one that there is not."""
    for app in sorted(apps or ()):
        if app not in names:
            near = closest(app, names)
            hint = f"did you mean `{near}`?" if near else f"there are: {', '.join(names) or 'none'}"
            raise UsageError(f"there is no app `{app}`", hint=hint)
    return names if apps is None else [name for name in names if name in apps]


def _report_misnamed(tree: Tree) -> None:
    for name in tree.names("."):
        if meant := misnamed(name):
            tree.findings.error(Place(name), "nothing of this name is read", f"rename it to {meant}")


def _tenants(tree: Tree, names: list[str], described: dict[str, Described]) -> Iterator[tuple[str, str, Place]]:
    """Of all apps, also of those that were not asked for."""
    for name in names:
        if one := described.get(name):
            if isinstance(url := one.sheet.tree.get("tenantUrl"), str):
                yield name, url, one.sheet.place("tenantUrl")
            continue
        file = f"apps/{name}/app.yaml"
        try:
            url = tenant_of(read_document((tree.root / file).read_bytes(), file))
        except (OSError, BadDocument):
            continue
        if url:
            yield name, url, Place(file)


def _directory(people: People, groups: Groups, settings: Settings, digest: str, commit: str | None) -> Directory:
    users: dict[UserId, User] = {UserId(one): people.users[one] for one in sorted(people.users)}
    ordered: dict[GroupId, Group] = {GroupId(one): groups.groups[one] for one in sorted(groups.groups)}
    types: dict[str, str] = {name: custom.type for name, custom in sorted(settings.attributes.items())}
    several = MULTI_VALUED.union(name for name, custom in settings.attributes.items() if custom.multi_valued)
    return Directory(users, ordered, digest, commit, types, several, zone_of(settings), settings.soon_days)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Nothing that is built here is garbage, and looking for some costs more than the reading."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
