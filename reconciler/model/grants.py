"""The ways in which somebody could be given an access by merging something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from reconciler.model.owned import Owned
from reconciler.model.values import GroupId

What: TypeAlias = Literal["member", "nested", "rule", "everyone", "nobodyYet", "person", "app", "pipeline", "owners"]
"""`member`: of the group itself; `nested`: of a group inside; `rule`: an attribute that a rule reads; `everyone`: all
people have it; `nobodyYet`: a member without a file; `person`: whose account a member is; `app`: what the app does with
it; `pipeline`: what runs with the token; `owners`: CODEOWNERS itself.
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way, for files that are alike in it and have the same owners."""

    what: What
    does: str
    """What somebody changes there, in words: "adds a member"."""
    owned: Owned
    paths: tuple[str, ...]
    """From the top of the repository, what is there before what could be; at most MOST_PATHS of them."""
    count: int = 1
    """How many there are."""
    line: int | None = None
    """In the file, where there is one, and one place in it."""
    through: tuple[GroupId, ...] = ()
    """The groups on the way, from the one that was asked about to the one that is changed."""
    app: str | None = None


MOST_PATHS = 20


class Owning(Protocol):
    """Who has to approve which files; implemented where files are read."""

    def of(self, path: str) -> Owned: ...

    @property
    def text(self) -> str:
        """Of CODEOWNERS: two that have the same say the same of each path."""

    def behind(self, file: str) -> Sequence[str]:
        """The paths by which a file of the desired state can be changed."""

    def samples(self, folder: str) -> Iterator[str]:
        """Paths of files that might be put below a folder, so that each line that owns some there has one."""

    @property
    def runs(self) -> tuple[str, ...]:
        """Paths of what decides what runs with the token."""

    @property
    def rules(self) -> str:
        """The path of CODEOWNERS."""


@dataclass(frozen=True, slots=True)
class Grants:
    """Who could give one access, and how."""

    key: str
    """`group:ID` or `app:NAME`."""
    name: str
    sensitive: bool
    apps: tuple[str, ...]
    """Those in which it is access to something."""
    codeowners: str
    """The path of CODEOWNERS; "" without one: whoever may merge."""
    ways: tuple[Way, ...]
