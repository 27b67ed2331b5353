"""What keeps a change of access from coming past its review, and a token from the hands of a pull request: what of it a
repository lacks.

What the token may not read is told as not known. It is never taken for fine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.errors import ForgeError
from reconciler.forge.api import Api
from reconciler.render import safe

ENVIRONMENTS: Final = ("access", "access-scheduled", "access-read")
"""Whose approval an apply waits for; whose token applies; whose token only reads."""
_HIDDEN: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok`: None where it can't be told."""

    ok: bool | None
    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files need of their repository."""

    secrets: frozenset[str]
    """Variables that files name for secrets."""
    unowned: tuple[str, ...]
    """Files that decide on access and have no owner."""
    codeowners: str
    """Where it lies; "" where there is none."""


@dataclass(slots=True)
class Findings:
    """In the order in which they were looked for."""

    all: list[Finding] = field(default_factory=list)

    def judge(self, ok: bool | None, good: str, bad: str, hint: str) -> None:
        """`good` is said where it is so, `bad` where it is not; of what is not known, `bad` as a question."""
        if ok is None:
            self.unknown(bad, hint)
        else:
            self.all.append(Finding(ok, good if ok else bad, "" if ok else hint))

    def unknown(self, bad: str, hint: str) -> None:
        self.all.append(Finding(None, f"not known, since this token may not read it: {bad}?", hint))


async def one(api: Api, path: str, absent: str = "") -> tuple[bool, dict[str, Any] | None]:
    """(whether it is known, what the forge says). What is not there is known: None; with `absent` only where the forge
    says these words, since it also hides by 404. Raises ForgeError for all but refusals of permission.
    """
    known, found = await _asked(api.json("GET", path), absent)
    if found is not None and not isinstance(found, dict):
        raise ForgeError(f"GET {path}: the answer is no object", hint="is the API's address right?")
    return known, found


async def _asked(answer: Awaitable[Any], absent: str = "") -> tuple[bool, Any]:
    try:
        return True, await answer
    except ForgeError as error:
        if error.status in _HIDDEN:
            return False, None
        if error.status == 404:
            return absent in error.message, None
        raise


async def listed(api: Api, path: str, key: str | None = None) -> tuple[bool, list[dict[str, Any]]]:
    """The same of a list, over all its pages."""

    async def rows() -> list[dict[str, Any]]:
        return [row async for row in api.pages(path, key=key)]

    known, found = await _asked(rows())
    return known, found or []


def judge_files(wanted: Wanted, findings: Findings) -> None:
    """What CODEOWNERS says, wherever the repository is."""
    where = wanted.codeowners
    hint = "`reconciler who-can-grant` shows what that means"
    if not where:
        findings.judge(False, "", "there is no CODEOWNERS: whoever may merge can give access", hint)
        return
    shown = ", ".join(safe(path, 100) for path in wanted.unowned[:5])
    more = f" and {len(wanted.unowned) - 5:,} more" if len(wanted.unowned) > 5 else ""
    good = f"{safe(where)} names owners of apps, sensitive groups, workflows and of itself"
    findings.judge(not wanted.unowned, good, f"{safe(where)} names no owner of {shown}{more}", hint)


def judge_secrets(names: Iterable[str], wanted: Wanted, findings: Findings, where: str, hint: str) -> None:
    """Secrets that jobs of any branch could read."""
    exposed = sorted(wanted.secrets & set(names))
    bad = f"{', '.join(map(safe, exposed))} is a secret of {where}: a job of any branch can read it"
    findings.judge(not exposed, f"no token of an application is a secret of {where}", bad, hint)


def judge_refs(may_push: Sequence[str] | None, findings: Findings, hint: str) -> None:
    """Who can write the memory: a question for people, since no forge has a rule for such refs. None: not known."""
    if may_push is None:
        findings.unknown("who may write refs/reconciler/*, the memory", "whoever may push may")
        return
    shown = ", ".join(map(safe, may_push[:5])) + (f" and {len(may_push) - 5:,} more" if len(may_push) > 5 else "")
    told = f"who may push can write refs/reconciler/*, the memory: {shown or 'nobody'}"
    findings.all.append(Finding(None, told, hint))


def inner(found: Any, key: str) -> dict[str, Any]:
    """An object inside of an answer; an empty one where there is none, or something else stands there."""
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, dict) else {}


def entries(found: Any, key: str) -> list[dict[str, Any]]:
    """A list of objects inside of an answer. What is no object counts as an empty one: an entry that nobody can read
    is an entry all the same.
    """
    value = found.get(key) if isinstance(found, dict) else None
    return [each if isinstance(each, dict) else {} for each in value] if isinstance(value, list) else []


def number(found: Mapping[str, Any], key: str) -> int:
    """0 for what is none."""
    value = found.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
