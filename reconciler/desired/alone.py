"""What can be had of a desired state while the rest of it is broken: each app's own files, and one person.

For what can't wait until somebody has corrected a file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.desired.apps import read_app, read_settings
from reconciler.desired.document import BadDocument, Entries, read_document
from reconciler.desired.files import Tree
from reconciler.desired.findings import Findings
from reconciler.desired.load import choose
from reconciler.desired.users import People
from reconciler.errors import Place, Problem
from reconciler.model.app import App
from reconciler.model.directory import MULTI_VALUED, Directory, User
from reconciler.model.settings import Settings

_KINDS: Final = ("file", "git")


@dataclass(slots=True)
class AppsAlone:
    root: Path
    settings: Settings
    apps: dict[str, App]
    broken: dict[str, tuple[Problem, ...]]
    """App → what is wrong with its files: it can't be reached."""
    places: dict[str, dict[str, Place]] = field(default_factory=dict)
    state: str | None = None
    """What reconciler.yaml says of `state`; None: it can't be read at all."""

    def directory(self) -> Directory:
        """Nobody, with the attributes that people may have: what mappings are read against."""
        custom = self.settings.attributes
        several = MULTI_VALUED.union(name for name, each in custom.items() if each.multi_valued)
        return Directory({}, {}, attributes={name: each.type for name, each in custom.items()}, multi_valued=several)


def load_apps_alone(root: Path, names: Collection[str] | None = None) -> AppsAlone:
    """The apps in `root`, or those named, each as far as its own files can be used. People and groups are not read.

    Raises UsageError for a name that there is not.
    """
    findings = Findings()
    tree = Tree(root, findings)
    settings, defaults = read_settings(tree)
    found = AppsAlone(root, settings, {}, {}, state=_state_of(root))
    for name in choose(tree.folders("apps"), names):
        findings.problems.clear()
        described = read_app(tree, name, defaults)
        errors = tuple(problem for problem in findings.problems if problem.severity == "error")
        if described is None or described.app is None or errors:
            found.broken[name] = errors
        else:
            found.apps[name] = described.app
            found.places[name] = described.places()
    return found


def settings_alone(root: Path) -> Settings:
    """reconciler.yaml, as far as it can be used; what is wrong in it counts as not written."""
    return read_settings(Tree(root, Findings()))[0]


def find_person(alone: AppsAlone, identity: str) -> User | None:
    """The person, as far as their own file can be used; None if no file is known to describe them.

    The file of this name is looked at first, then all others.
    """
    tree = Tree(alone.root, Findings())
    files = sorted(each.relative_to(alone.root).as_posix() for each in (alone.root / "users").rglob("*.yaml"))
    own = [file for file in files if file.rpartition("/")[2] == f"{identity}.yaml"]
    return _among(tree, own, identity, alone) or _among(tree, files, identity, alone)


def _among(tree: Tree, files: Iterable[str], identity: str, alone: AppsAlone) -> User | None:
    apps = frozenset({*alone.apps, *alone.broken})
    people = People(Findings(), dict(alone.settings.attributes), apps, judges_keys=False)
    for file in files:
        document = tree.read(file)
        if document is not None:
            people.read([document])
        if identity in people.users:
            return people.users[identity]
    return None


def _state_of(root: Path) -> str | None:
    path = root / "reconciler.yaml"
    try:
        value = read_document(path.read_bytes(), path.name).value if path.exists() else None
    except (OSError, BadDocument):
        return None
    written = value.get("state", _KINDS[0]) if isinstance(value, Entries) else _KINDS[0]
    return written if written in _KINDS else None
