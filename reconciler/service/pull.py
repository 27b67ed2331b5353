"""Git, as a runner uses it: what is new is fetched, believed or not, and taken over; nobody is ever asked for anything.

Fetching and taking over are two steps: a revision that is not trusted never gets into the work tree.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.desired.git import environment, git
from reconciler.errors import CheckoutError, UsageError
from reconciler.render.safe import safe

FETCH_SECONDS: Final = 120.0
_SECONDS: Final = 60.0
"""For what happens on this machine."""
_TOLD: Final = 300
"""Characters of what git says that are told."""


def check_repository(root: Path) -> None:
    """Raises UsageError where there is no work tree of git: nothing can be pulled, and no commit trusted."""
    if (git(root, "rev-parse", "--is-inside-work-tree") or "").strip() != "true":
        hint = "keep the desired state in git, and clone it here"
        raise UsageError(f"{root} is in no git work tree", hint=hint)


async def pull(root: Path, *, signed: bool, seconds: float = FETCH_SECONDS) -> None:
    """Fetches what the current branch follows, and moves the work tree there if that is only forward.

    `signed`: only to a commit whose signature is trusted. Raises CheckoutError for whatever went wrong, Untrusted
    among it; the work tree is then where it was.
    """
    upstream = await _ask(root, "rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}")
    if upstream is None:
        hint = "`git branch --set-upstream-to=origin/main`, or leave out --pull"
        raise CheckoutError("there is nothing to pull from: the current branch follows none", hint=hint)
    await _do(root, "fetch", "--quiet", "--no-recurse-submodules", seconds=seconds)
    head, there = await _ask(root, "rev-parse", "HEAD"), await _ask(root, "rev-parse", f"{upstream}^{{commit}}")
    if there is None or head == there:
        return
    if signed:
        await check_signed(root, there)
    hooks = ("-c", f"core.hooksPath={os.devnull}")
    merging = asyncio.ensure_future(_do(root, *hooks, "merge", "--ff-only", "--quiet", there, seconds=_SECONDS))
    try:
        await asyncio.shield(merging)
    except asyncio.CancelledError:
        await merging  # half of a work tree helps nobody
        raise


async def check_signed(root: Path, commit: str) -> None:
    """Raises Untrusted for a commit without a good signature by a key that this machine trusts: GPG's keyring, or the
    allowed signers of SSH, as git is set up here. UsageError where a commit could change whom is trusted.
    """
    signers = await _ask(root, "config", "--type=path", "--get", "gpg.ssh.allowedSignersFile")
    if signers is not None:
        top = await _ask(root, "rev-parse", "--show-toplevel") or str(root)
        place = _inside(Path(top), signers)
        if place is not None:
            hint = "keep that file outside of the repository, and name it in gpg.ssh.allowedSignersFile"
            raise UsageError(f"{place} names whom to trust, and any commit could change it", hint=hint)
    code, said = await _git(root, "verify-commit", commit, seconds=_SECONDS)
    if code:
        raise Untrusted(commit, said)


def _inside(top: Path, file: str) -> Path | None:
    """Where that leads, if it is in the repository."""
    place = (top / file).resolve()
    return place if place.is_relative_to(top.resolve()) else None


class Untrusted(CheckoutError):
    """A revision whose signature is missing, wrong, or not trusted here."""

    def __init__(self, commit: str, said: str) -> None:
        why = _last_line(said) or "it has no signature"
        hint = "sign it (`git commit -S`, `git merge -S`) with a key that is trusted here, or trust that key"
        super().__init__(f"the signature of {commit[:12]} is not trusted: {why}", hint=hint)
        self.commit = commit


async def _do(root: Path, *arguments: str, seconds: float) -> None:
    code, said = await _git(root, *arguments, seconds=seconds)
    if code:
        verb = next(each for each in arguments if not each.startswith("-") and "=" not in each)
        raise CheckoutError(f"git {verb} failed: {_last_line(said) or f'exit code {code}'}")


async def _ask(root: Path, *arguments: str) -> str | None:
    """What git answers, without blanks around it; None if it refuses."""
    code, said = await _git(root, *arguments, seconds=_SECONDS, answer=True)
    return None if code else said.strip()


async def _git(root: Path, *arguments: str, seconds: float, answer: bool = False) -> tuple[int, str]:
    """Exit code, and what git said: on stdout if that is the `answer`, else on stderr. In a session of its own: it has
    no terminal to ask at, hears no Ctrl-C, and ends with all that it started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            "git", "-C", str(root), *arguments, env=_silent(environment()), start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        raise UsageError("git can't be run", hint="install it") from error
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise CheckoutError(f"git {arguments[0]} took more than {seconds:g} s") from error
    finally:
        if process.returncode is None:
            await _end(process)
    assert process.returncode is not None
    return process.returncode, (out if answer else err).decode(errors="replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    await process.wait()


def _silent(environ: Mapping[str, str]) -> dict[str, str]:
    """What gives credentials without a question stays; whoever would open a window is not called."""
    return {"GIT_ASKPASS": "", **environ, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C", "GCM_INTERACTIVE": "never"}


def _last_line(said: str) -> str:
    """The end of what git says is why; the lines before tell where it was."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("hint:")]
    wrong = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return safe((wrong or lines)[-1], _TOLD) if lines else ""
