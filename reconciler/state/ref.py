"""States in a git ref of their own, `refs/reconciler/APP`: one memory and one lock for all runners and clones.

The ref's tree holds the files. Its commits have no parent: the memory would else grow with every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from reconciler.errors import StateError, UsageError
from reconciler.state.git import GitFailed, Repository
from reconciler.state.shared import LOCK, SNAPSHOT, STATE, TRIES, Head, SharedStates

DEFAULT_REF: Final = "refs/reconciler/APP"


def remembered_in_git(repository: Repository) -> frozenset[str]:
    """The apps whose memory is in a ref. Raises StateError where the remote can't be asked."""
    prefix = DEFAULT_REF.removesuffix("APP")
    return frozenset(ref.removeprefix(prefix) for ref in repository.refs(f"{prefix}*"))


class GitStates(SharedStates):
    """`ref` names the place, with APP for the app's name. `folder`: where journals go."""

    def __init__(
        self,
        repository: Repository,
        folder: Path,
        ref: str = DEFAULT_REF,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(folder, clock)
        self.repository = repository
        if repository.remote is None:
            self.notes.append("git has no remote here: the memory and its lock hold for this clone alone")
        self._pattern = ref

    def where(self, app: str) -> str:
        return f"{self._ref(app)} in {self.repository.remote or 'this clone'}"

    def _ref(self, app: str) -> str:
        ref = self._pattern.replace("APP", app)
        if not ref.startswith("refs/"):
            raise UsageError(f"git:{self._pattern}: not a ref", hint=f"such as git:{DEFAULT_REF}")
        try:
            self.repository.git("check-ref-format", ref)
        except GitFailed as error:
            raise UsageError(
                f"git takes no ref {ref}", hint=f"name another with --state git:REF, such as git:{DEFAULT_REF}"
            ) from error
        return ref

    def _look(self, app: str) -> Head:
        ref, repository = self._ref(app), self.repository
        for _ in range(TRIES):
            found = repository.refs(ref).get(ref)
            if found is None:
                return Head()
            files = repository.tree(found)
            if files is None:
                repository.fetch(ref)
                files = repository.tree(found)
            if files is None and repository.refs(ref).get(ref) != found:
                continue  # it moved in between, and what it was is not to be had any more
            if files is None or not files.keys() & {STATE, LOCK, SNAPSHOT}:
                raise StateError(f"{ref} is no memory of an app", place=self._place(app), hint=self._removal(app))
            return Head(found, files)
        raise self._contended(app)

    def _swap(self, app: str, head: Head, files: Mapping[str, str], message: str) -> Head | None:
        new = self.repository.commit(files, message) if files else None
        return Head(new, files) if self.repository.swap(self._ref(app), head.object, new) else None

    def _blob(self, app: str, name: str) -> bytes:  # noqa: ARG002
        return self.repository.blob(name)

    def _store(self, content: bytes) -> str:
        return self.repository.store(content)

    def _removal(self, app: str) -> str:
        remote, ref = self.repository.remote, self._ref(app)
        command = f"git update-ref -d {ref}" if remote is None else f"git push {remote} :{ref}"
        return f"look at it with `git show`, or remove it with `{command}`"

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What can't be done on this machine, in words."""
        try:
            yield
        except OSError as error:
            raise StateError(f"the folder for journals can't be made: {error.strerror or error}") from error
        except GitFailed as error:
            raise StateError(
                f"git failed: {error}", hint="is the disk full, or the repository damaged? `git fsck`"
            ) from error
