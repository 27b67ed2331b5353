"""The workflows that plan, review, apply and watch a desired state, for a repository on GitHub or on GitLab.

Who may be reached and which secrets are read stands in them, and nowhere in the desired state: a pull request of access
can't change it. So they are written anew when an app comes, goes or moves.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler.desired.codeowners import Forge
from reconciler.desired.findings import shown
from reconciler.desired.template import environment
from reconciler.errors import UsageError
from reconciler.model.app import App, references
from reconciler.model.secret import SecretReference

if TYPE_CHECKING:
    from jinja2 import Environment

_PATHS: Final[Mapping[str, Mapping[str, str]]] = {
    "github": {
        ".github/actions/reconciler/action.yml": "action.yml",
        **{f".github/workflows/{name}.yml": f"{name}.yml" for name in ("plan", "comment", "apply", "drift", "revoke")},
        ".github/CODEOWNERS": "CODEOWNERS",
    },
    "gitlab": {
        ".gitlab-ci.yml": "gitlab-ci.yml",
        "templates/reconciler.yml": "reconciler.yml",
        "CODEOWNERS": "CODEOWNERS",
    },
}
"""Forge → path in a repository → template."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]*\Z")
"""What may stand in YAML, in an expression and in a shell alike without meaning anything there."""
_PACKAGE: Final = re.compile(
    r"(?:git\+https://[A-Za-z0-9][A-Za-z0-9.:/_~-]*@[0-9a-f]{40}"
    r"|https://[A-Za-z0-9][A-Za-z0-9.:/_~-]*\.whl#sha256=[0-9a-f]{64})\Z"
)
"""What pip gets reconciler from, so that it can't become something else. By its name alone it would get a stranger's
program, with the token in its hands: on PyPI the name is another project's.
"""
_OWNER: Final = re.compile(r"@[A-Za-z0-9][A-Za-z0-9._/-]*\Z")


@dataclass(frozen=True, slots=True)
class _Pinned:
    """What jobs of one app may reach and read."""

    name: str
    hosts: tuple[str, ...]
    variables: tuple[str, ...]
    files: tuple[str, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Variable:
    name: str
    secret: str
    """As an expression of GitHub's: the secret, for the apps alone that name it."""


def files(
    forge: Forge,
    *,
    apps: Sequence[App],
    branch: str = "main",
    owner: str = "",
    folder: str = "desired-state",
    source: bool = False,
    package: str = "",
) -> dict[str, str]:
    """Path in the repository → text.

    `owner`: who has to approve changes of apps and workflows, such as @contoso/identity; without one there is no
    CODEOWNERS. `folder`: the desired state, from the repository's top. `source`: the repository holds reconciler
    itself, and runs what it holds. `package`: where jobs get it from otherwise.

    Raises UsageError for what can't stand in a workflow as it is: a branch or folder with blanks or quotes, an owner
    that is none, a package that is not pinned, a secret in the system's keyring, which no runner has.
    """
    for what, value in (("branch", branch), ("folder", folder)):
        if not _PLAIN.match(value) or ".." in value:
            raise UsageError(
                f"the {what} {shown(value)} can't stand in a workflow",
                hint="letters, digits, dots, dashes, underscores and slashes can",
            )
    if owner and not _OWNER.match(owner):
        raise UsageError(f"{shown(owner)} owns nothing", hint="such as @contoso/identity")
    if not source and not _PACKAGE.match(package):
        raise UsageError(
            f"jobs can't get reconciler from {shown(package)}" if package else "--package is missing: jobs need it",
            hint="git+https://HOST/PATH@COMMIT with the whole id of the commit, or https://….whl#sha256=…",
        )
    pinned = [_pinned(app) for app in apps]
    names = _merged(each.variables for each in pinned)
    given: dict[str, object] = {
        "apps": pinned,
        "branch": branch,
        "folder": folder.rstrip("/"),
        "owner": owner,
        "source": source,
        "package": package,
        "hosts": _merged(each.hosts for each in pinned),
        "names": names,
        "files": _merged(each.files for each in pinned),
        "commands": _merged(each.commands for each in pinned),
        "variables": [_Variable(name, _secret(name, pinned)) for name in names],
    }
    return {
        path: _environment(forge).get_template(template).render(given)
        for path, template in _PATHS[forge].items()
        if owner or template != "CODEOWNERS"
    }


def _pinned(app: App) -> _Pinned:
    auth = app.auth
    urls, paths = [app.tenant_url], [app.ca_file]
    if auth is not None:
        if auth.client_credentials is not None:
            urls.append(auth.client_credentials.token_url)
        if auth.mutual_tls is not None:
            paths.append(auth.mutual_tls.certificate)
    return _pins(app.name, urls, list(references(auth)), paths)


def _pins(name: str, urls: Sequence[str], secrets: Sequence[SecretReference], paths: Sequence[str | None]) -> _Pinned:
    if any(each.keyring for each in secrets):
        raise UsageError(
            f"{name}: a secret is in a keyring, and a runner has none", hint="name a variable: {env: NAME}"
        )
    return _Pinned(
        name,
        _merged([[urlsplit(url).hostname or "" for url in urls]]),
        _merged([[each.env for each in secrets if each.env]]),
        _merged([[path for path in (*paths, *(each.file for each in secrets)) if path]]),
        _merged([[shlex.join(each.command) for each in secrets if each.command]]),
    )


def _merged(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for some in lists for each in some if each))


def _secret(name: str, apps: Sequence[_Pinned]) -> str:
    using = [each.name for each in apps if name in each.variables]
    if len(using) == len(apps):
        return f"${{{{ secrets.{name} }}}}"
    which = " || ".join(f"matrix.app == '{app}'" for app in using)
    which = f"({which})" if len(using) > 1 else which
    return f"${{{{ {which} && secrets.{name} || '' }}}}"


def _quoted(values: Iterable[str]) -> str:
    """As one YAML scalar, with commas between."""
    return json.dumps(",".join(values), ensure_ascii=False)


@cache
def _environment(forge: Forge) -> Environment:
    """`<< >>` and `<% %>`: GitHub's own expressions have braces."""
    made = environment(
        forge,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    made.filters["quoted"] = _quoted
    return made
