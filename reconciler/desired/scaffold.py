"""A new desired state: files for one application of the gallery, with one person and one group to be replaced.

What comes out validates, passes its own tests, is laid out as `fmt` does it, and writes to no application until
`provisioning` is set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.desired.findings import shown
from reconciler.desired.template import environment
from reconciler.desired.tenant import BadTenant, normal_url
from reconciler.errors import ReconcilerError, UsageError
from reconciler.model.app import App
from reconciler.model.mapping import Mapping as AttributeMapping
from reconciler.model.profile import Profile

if TYPE_CHECKING:
    from jinja2 import Environment

PERSON: Final[Mapping[str, str]] = {
    "userPrincipalName": "ada.example@example.com", "mail": "ada.example@example.com", "givenName": "Ada",
    "surname": "Example", "displayName": "Ada Example", "employeeId": "0001", "preferredLanguage": "en-US",
    "timeZone": "Europe/London", "department": "Marketing", "jobTitle": "Editor",
}  # fmt: skip
"""Somebody who does not exist."""
_FILES: Final[Mapping[str, str]] = {
    "reconciler.yaml": "reconciler.yaml",
    ".gitignore": "gitignore",
    "users/ada.example.yaml": "user.yaml",
    "groups/example-team.yaml": "group.yaml",
    "apps/{}/app.yaml": "app.yaml",
    "apps/{}/mappings.yaml": "mappings.yaml",
    "apps/{}/tests.yaml": "tests.yaml",
}
"""File, with the app's name to be put in → template."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 @./_~%+-]*(?::[A-Za-z0-9@./_~%+-]+)*\Z")
"""What is text in YAML without quotes, wherever it stands; what may be a number aside."""
_LEAVER: Final = 'Switch([IsSoftDeleted], , "False", "True", "True", "False")'


@dataclass(frozen=True, slots=True)
class Start:
    """What a new desired state is made for. `tenant_url` in its one spelling."""

    gallery: str
    profile: Profile
    tenant_url: str
    in_git: bool
    """The memory is kept in git, as workflows need it."""

    @property
    def variable(self) -> str:
        """Where the token is looked for: a name that shells take."""
        name = re.sub(r"[^A-Z0-9]+", "_", self.gallery.upper())
        return f"{'APP_' if name[:1].isdigit() else ''}{name}_SCIM_TOKEN"

    @property
    def app(self) -> App:
        """As far as workflows need to know it."""
        return App.model_validate({
            "name": self.gallery, "gallery": self.gallery, "tenantUrl": self.tenant_url, "scope": {"assigned": {}},
            "auth": {"bearer": {"env": self.variable}}, "unmanaged": {"users": "report"},
        })  # fmt: skip


def own_part(profile: Profile) -> str:
    """The form of the address, if it has a part that is the tenant's own; "" if there is one address for all."""
    return profile.tenant_url or "https://…" if "{" in (profile.tenant_url or "{") else ""


def address(url: str) -> str:
    """In its one spelling. Raises UsageError for what is none."""
    try:
        found = normal_url(url)
    except BadTenant as bad:
        raise UsageError(f"the tenant URL {bad}", hint=bad.hint) from bad
    if "{" in found or "}" in found:
        raise UsageError("the tenant URL has braces in it", hint="put the tenant's own part in their place")
    return found


def state_files(start: Start, schemas: Mapping[str, str]) -> dict[str, str]:
    """File, relative to the desired state → text. `schemas`: name → JSON Schema, for editors."""
    given: dict[str, Any] = {
        "start": start,
        "profile": start.profile,
        "person": PERSON,
        "inherited": [(kind, _told(each)) for kind, each in _inherited(start.profile)],
        "expected": dict(_expected(start.profile)),
        "leaver": _LEAVER if any(each.expression == _LEAVER for each in start.profile.mappings.users) else "",
        "cannot": list(start.profile.cannot.items()),
    }
    made = {
        file.format(start.gallery): _environment().get_template(name).render(given) for file, name in _FILES.items()
    }
    return made | {f".schemas/{name}.json": text for name, text in schemas.items()}


def top_of(directory: Path, here: Path) -> Path:
    """The top of the repository that `directory` is a folder in: workflows stand there.

    Without a repository yet, `here` becomes its top. Raises UsageError if the directory is no folder below it.
    """
    real = directory.resolve()
    above = next((folder for folder in (real, *real.parents) if (folder / ".git").exists()), here.resolve())
    if real == above or not real.is_relative_to(above):
        raise UsageError(
            f"{directory} is no folder in a repository, and workflows stand at the top of one",
            hint="go to the top, and name a folder there, such as desired-state",
        )
    return above


def create(files: Mapping[Path, str], within: Path) -> None:
    """Writes all of them, or none. Raises UsageError if any of them exists, with the names of all that do."""
    root = within.resolve()
    outside = [path for path in files if not path.parent.resolve().is_relative_to(root)]
    if outside:
        raise UsageError(
            f"{shown(str(outside[0]))} would be written outside of {shown(str(within))}",
            hint="there is a link on the way",
        )
    taken = [path for path in files if os.path.lexists(path)]
    if taken:
        names = "".join(f"\n    {shown(str(path))}" for path in sorted(taken))
        raise UsageError(f"these exist already:{names}", hint="nothing was written: name another folder, or move them")
    done: list[Path] = []
    try:
        for path, text in files.items():
            for folder in reversed([each for each in path.parents if not each.exists()]):
                folder.mkdir()
                done.append(folder)
            with path.open("x", encoding="utf-8", newline="\n") as stream:
                done.append(path)
                stream.write(text)
    except OSError as error:
        for made in reversed(done):
            with suppress(OSError):  # somebody else has put something there
                made.rmdir() if made.is_dir() else made.unlink()
        reason = error.strerror or str(error)
        raise ReconcilerError(f"{shown(str(path))} can't be written: {reason}", hint="nothing was written") from error


def _inherited(profile: Profile) -> Iterator[tuple[str, AttributeMapping]]:
    yield from (("users", each) for each in profile.mappings.users)
    yield from (("groups", each) for each in profile.mappings.groups)


def _told(mapping: AttributeMapping) -> str:
    """One mapping on one line, for readers."""
    origin = mapping.source or mapping.expression or f"always {mapping.constant}"
    notes = [f"matching {mapping.matching}"] if mapping.matching else []
    notes += ["on creation alone"] if mapping.apply == "onCreate" else []
    notes += [f"{mapping.default} if there is none"] if mapping.default is not None else []
    notes += ["by a table of values"] if mapping.values else []
    remark = f"   ({', '.join(notes)})" if notes else ""
    return f"{mapping.target} ← {' '.join(origin.split())}{remark}"


def _expected(profile: Profile) -> Iterator[tuple[str, str]]:
    """Of the person: what the gallery's mappings take over as it is."""
    for mapping in profile.mappings.users:
        value = PERSON.get(mapping.source or "")
        if value is not None and not mapping.values:
            yield mapping.target, value


def _scalar(text: str) -> str:
    """As YAML has it: plain where that is text, else in quotes, single ones around double ones."""
    if _PLAIN.match(text) and not text.endswith(" ") and not text[0].isdigit():
        return text
    if '"' in text and "'" not in text:
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@cache
def _environment() -> Environment:
    made = environment("start")
    made.filters["scalar"] = _scalar
    return made
