"""A repository with this one's workflows and its example company, and what people do in it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from reconciler.sandbox import Answer, Call, Sandbox
from tests.workflows.hub import Hub
from tests.workflows.runner import REPOSITORY, Actions, Environment, Run, git

HOST: Final = "platform.hootsuite.com"
TENANT: Final = f"https://{HOST}/scim/v2"
TOKEN: Final = "HOOTSUITE_SCIM_TOKEN"
WRITES, READS = "token-that-writes", "token-that-only-reads"


class Tenant(Sandbox):
    """Knows two tokens, and by which of them it was asked: one of them may only read."""

    def __init__(self, state: Path | None = None) -> None:
        super().__init__("hootsuite", rate=0, state=state)
        self.store.move(TENANT)
        self.tokens: set[str] = set()

    def answer(self, call: Call) -> Answer:
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        self.tokens.add(token)
        if token != WRITES and (call.is_write or token != READS):
            return Answer(403, b"{}")
        return super().answer(call)


class Site:
    """`work` is somebody's clone, on a branch of theirs or on main."""

    def __init__(
        self, folder: Path, address: str, sandbox: Tenant, hub: Hub | None = None, *, like: Path | None = None
    ) -> None:
        """`like`: the folder of another site, which goes on here."""
        self.sandbox = sandbox
        self.remote, self.work = folder / "remote.git", folder / "work"
        if like is None:
            self._begin()
        else:
            shutil.copytree(like / "remote.git", self.remote)
            shutil.copytree(like / "work", self.work)
            git(self.work, "remote", "set-url", "origin", str(self.remote))
        self.asked = 0
        """How often somebody had to approve."""
        self.approves = True
        self.environments = {
            "access": Environment(approves=self._approve),
            "access-scheduled": Environment({TOKEN: WRITES}),
            "access-read": Environment({TOKEN: READS}),
        }
        self.actions = Actions(
            self.remote, folder / "jobs", environments=self.environments, network={HOST: address}, api=hub
        )
        self.hub = hub
        self._heads: dict[int, str] = {}

    def _begin(self) -> None:
        git(self.remote.parent, "init", "-q", "--bare", "-b", "main", str(self.remote))
        git(self.remote.parent, "init", "-q", "-b", "main", str(self.work))
        git(self.work, "remote", "add", "origin", str(self.remote))
        shutil.copytree(REPOSITORY / ".github", self.work / ".github", ignore=shutil.ignore_patterns("ci.yml"))
        shutil.copytree(REPOSITORY / "desired-state", self.state, ignore=shutil.ignore_patterns(".reconciler", "*.bak"))
        with (self.state / "apps/hootsuite/app.yaml").open("a", encoding="utf-8") as app:
            app.write("\nprofile: {rate: {perSecond: 1000}}\n")  # the suite has no time for the real pace
        self.commit("as it is")
        git(self.work, "push", "-q", "origin", "main", MAY_PUSH="yes")

    @property
    def state(self) -> Path:
        return self.work / "desired-state"

    def _approve(self) -> bool:
        self.asked += 1
        return self.approves

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        file = self.state / path
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        after = change(before)
        assert after != before, path
        file.write_text(after, encoding="utf-8")

    def commit(self, message: str) -> str:
        git(self.work, "add", "-A")
        git(self.work, "commit", "-q", "--allow-empty", "-m", message)
        return git(self.work, "rev-parse", "HEAD")

    def branch(self, name: str) -> None:
        git(self.work, "switch", "-q", "-c", name, "main")

    def open(self, *, fork: bool = False, base: str = "main") -> tuple[int, list[Run]]:
        """A pull request of what is checked out."""
        assert self.hub is not None
        head = git(self.work, "rev-parse", "HEAD")
        files = git(self.work, "diff", "--name-only", f"{base}...HEAD").splitlines()
        number = self.hub.opened(head, base, files, fork=fork)
        return number, self._planned(number, head, base, fork=fork)

    def push_again(self, number: int, *, fork: bool = False) -> list[Run]:
        """What is checked out now is what the pull request is about."""
        assert self.hub is not None
        head = git(self.work, "rev-parse", "HEAD")
        self.hub.push(number, head)
        return self._planned(number, head, "main", fork=fork)

    def _planned(self, number: int, head: str, base: str, *, fork: bool) -> list[Run]:
        merge = self._merged(head, f"Merge {head} into {base}", base)
        git(self.work, "push", "-q", "-f", "origin", f"{head}:refs/pull/{number}/head",
            f"{merge}:refs/pull/{number}/merge", MAY_PUSH="yes")  # fmt: skip
        self._heads[number] = head
        return self.actions.pull_request(number, merge=merge, head=head, base=base, fork=fork)

    def merge(self, number: int) -> Run:
        """The button on the pull request, and the run of `apply` that follows."""
        assert self.hub is not None
        before, after = self.merged(self._heads[number])
        self.hub.merged(number, after)
        (run,) = self.actions.push(before, after)
        return run

    def merged(self, head: str) -> tuple[str, str]:
        """What main was, and what it is. Nothing runs."""
        before = git(self.work, "rev-parse", "main")
        after = self._merged(head, f"Merge {head}", "main")
        self._onto_main(after)
        return before, after

    def _onto_main(self, commit: str) -> None:
        git(self.work, "switch", "-q", "main")
        git(self.work, "reset", "-q", "--hard", commit)
        git(self.work, "push", "-q", "origin", "main", MAY_PUSH="yes")

    def pushed(self, before: str, after: str) -> Run:
        """Onto main; and the run of `apply` that follows."""
        self._onto_main(after)
        (run,) = self.actions.push(before, after)
        return run

    def _merged(self, head: str, message: str, base: str) -> str:
        """A commit with both, made beside the work tree."""
        onto = git(self.work, "rev-parse", base)
        tree = git(self.work, "merge-tree", "--write-tree", onto, head).splitlines()[0]
        return git(self.work, "commit-tree", tree, "-p", onto, "-p", head, "-m", message)

    # -- what is there

    def refs(self) -> list[str]:
        return re.findall(r"refs/reconciler/\S+", git(self.work, "ls-remote", "origin"))

    def user(self, name: str) -> dict[str, Any]:
        return self.sandbox.users[self.sandbox.user_id(name)]

    def members(self, group: str) -> set[str]:
        users = self.sandbox.users
        return {users[m]["userName"] for m in self.sandbox.members(self.sandbox.group_id(group))}
