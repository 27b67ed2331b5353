"""What there is on GitHub and on GitLab, in one set of words; and what both must be able to do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

from reconciler.model.plan import Plan
from reconciler.render import Annotation, figures_of

APP: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What an app can be called. Plans come from artifacts: a name becomes part of a marker, and of a file's name."""
_SEAL: Final = re.compile(
    r"(?P<digest>sha256:[0-9a-f]{64}) run=(?P<run>\d{1,19}) pull=(?P<pull>\d{1,19}) "
    r"gain=(?P<gain>[01]) lose=(?P<lose>[01])"
)


@dataclass(frozen=True, slots=True)
class PullRequest:
    """`head` is its newest commit, in `source`, which of a fork is another repository. `merged`: the commit that
    merging made on the branch `target`, "" if it is not merged."""

    number: int
    head: str
    source: str
    target: str
    merged: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """`on`: the pull request's number; `author` as the forge names accounts; `node`: what GitHub's GraphQL calls it."""

    on: int
    id: int
    author: str
    body: str
    url: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    number: int
    author: str
    body: str


@dataclass(frozen=True, slots=True)
class Seal:
    """What a commit is bound to: the digest of the changes that were reported for it, the run that has the plan, and
    whether somebody gains and loses by it. Only an app of the forge can write it, and nobody can edit it.
    """

    app: str
    digest: str
    run: int
    pull: int
    gain: bool
    lose: bool

    @classmethod
    def of(cls, plan: Plan, *, run: int, pull: int) -> Self:
        told = figures_of(plan)
        gain = bool(told.gain or plan.later)  # whatever comes later is more access than there was
        return cls(plan.app, plan.changes_digest, run, pull, gain=gain, lose=bool(told.lose or told.groups_gone))

    @classmethod
    def read(cls, app: str, text: str) -> Self | None:
        """None for what is none."""
        found = _SEAL.fullmatch(text)
        if not found or not APP.fullmatch(app):
            return None
        return cls(app, found["digest"], int(found["run"]), int(found["pull"]),
                   gain=found["gain"] == "1", lose=found["lose"] == "1")  # fmt: skip

    def __str__(self) -> str:
        return f"{self.digest} run={self.run} pull={self.pull} gain={self.gain:d} lose={self.lose:d}"


@dataclass(frozen=True, slots=True)
class Sealing:
    """A seal, with what people see of it."""

    seal: Seal
    title: str
    summary: str
    asks: bool
    """Something waits for an answer."""
    remarks: Sequence[Annotation] = ()
    url: str = ""


class Forge(Protocol):
    """Raises ForgeError for every refusal, and TransportError for what got no answer."""

    async def viewer(self) -> str:
        """Whose token it is, as comments name their authors."""

    async def pull_request(self, number: int) -> PullRequest: ...

    async def open_at(self, head: str, source: str) -> list[PullRequest]:
        """Open ones whose newest commit is `head`; `source` "": in whatever repository."""

    async def merged_by(self, commit: str) -> PullRequest | None:
        """The one whose merge made this very commit on the default branch."""

    async def touched(self, number: int) -> list[str]:
        """The paths that it changes, old names of renamed files too."""

    async def comments(self, number: int) -> list[Comment]:
        """All, the oldest first."""

    async def add_comment(self, number: int, body: str) -> Comment: ...

    async def edit_comment(self, comment: Comment, body: str) -> None: ...

    async def hide(self, comment: Comment) -> None:
        """Folded away as outdated, where the forge can."""

    async def seals(self, head: str, pull: int) -> dict[str, Seal]:
        """App → its newest seal, of those that the owner of this token made for this pull request."""

    async def put_seal(self, head: str, sealing: Sealing) -> None: ...

    async def labels(self, number: int) -> set[str]: ...

    async def label(self, number: int, add: Mapping[str, str], remove: Sequence[str]) -> None:
        """`add`: name → colour (six hexadecimal digits); those that don't exist are created."""

    async def issues(self, author: str) -> list[Issue]:
        """Open ones that `author` opened; pull requests are none."""

    async def open_issue(self, title: str, body: str) -> int: ...

    async def edit_issue(self, number: int, title: str, body: str) -> None: ...

    async def close_issue(self, number: int, why: str) -> None: ...

    async def planned(self, run: int, pull: PullRequest) -> bool:
        """Whether a run was for this pull request as it is: its newest commit, from its source, into its target."""

    def documents(self, run: int, names: Collection[str]) -> AsyncIterator[bytes]:
        """Files of these names in the artifacts of a run that may hold plans."""
