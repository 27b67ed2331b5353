"""Where the memory of each app lives, as `--state` and reconciler.yaml say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from reconciler.desired.git import is_in_git
from reconciler.errors import StateError, UsageError
from reconciler.state import DEFAULT_REF, FileStates, GitStates, Repository, States, remembered_in_git

FOLDER = ".reconciler"
_DATABASES = ("sqlite", "postgresql", "postgres")


def states_of(
    option: str | None,
    written: str,
    root: Path,
    apps: Iterable[str],
    *,
    only_read: bool = False,
    tell: Callable[[str], None],
) -> States:
    """`option`: what `--state` says; `written`: `state` in reconciler.yaml. `only_read`: in the clone of a fork the
    memory is where that was forked from.

    Raises UsageError for a place that there is not, StateError where git is meant and can't be used, and where a file
    or a database would be a second memory.
    """
    kind, _, where = (option or written).partition(":")
    folder = root / FOLDER
    if option is not None and kind in _DATABASES:
        _must_be_the_only_one(root, apps, tell)
        return _in_a_database(option, folder)
    if kind not in ("file", "git") or (option is not None and not where):
        what = f"{kind}:…" if "://" in (option or "") else option  # a password may stand in the rest
        raise UsageError(
            f"--state {what}: neither file:DIR, git:REF nor the URL of a database",
            hint=f"such as git:{DEFAULT_REF}, or postgresql://HOST/DATABASE",
        )
    if kind == "git":
        states = GitStates(Repository(root, of_the_fork=not only_read), folder, where or DEFAULT_REF)
        _one_ref_an_app(where, apps)
        for note in states.notes:
            tell(f"note: {note}")
        return states
    _must_be_the_only_one(root, apps, tell)
    return FileStates(Path(where) if where else folder)


def _in_a_database(url: str, folder: Path) -> States:
    try:
        from reconciler.state.database import DatabaseStates
    except ModuleNotFoundError as error:
        raise UsageError(
            f"a database needs {error.name}, which is not installed",
            hint="pip install 'reconciler[service,postgresql]'",
        ) from error
    return DatabaseStates(url, folder)


def warn_if_rewritten(root: Path, app: str, commit: str | None, tell: Callable[[str], None]) -> None:
    """The commit last applied should be one that the repository has."""
    if commit is None or not is_in_git(root):
        return
    try:
        repository = Repository(root)
        if repository.has(commit) or repository.shallow:
            return
    except StateError:
        return
    tell(
        f"warning: {app}: the commit last applied, {commit[:12]}, is not in this repository: its history was "
        "rewritten, or this is not the repository that was applied from. What is bound stays bound; "
        "`git fetch`, or go on if that is known"
    )


def _one_ref_an_app(ref: str, apps: Iterable[str]) -> None:
    if ref and "APP" not in ref and len(list(apps)) > 1:
        raise UsageError(
            f"--state git:{ref}: one ref for several apps", hint=f"write APP for the app's name: git:{DEFAULT_REF}"
        )


def _must_be_the_only_one(root: Path, apps: Iterable[str], tell: Callable[[str], None]) -> None:
    """One tenant has one memory and one lock: what git remembers is not remembered in a file too."""
    if not is_in_git(root):
        return
    try:
        repository = Repository(root)
        both = sorted(remembered_in_git(repository) & set(apps))
    except StateError as error:
        tell(f"warning: whether git has a memory of these apps can't be told: {error.message}")
        return
    if both:
        ref = DEFAULT_REF.replace("APP", both[0])
        where = repository.remote or "this clone"
        raise StateError(
            f"the memory of {', '.join(both)} is in git: {where} has {ref}, and this would be a second one",
            hint=f"write `state: git` into reconciler.yaml, or --state git:{DEFAULT_REF}. If that one is given up: "
            f"`{f'git push {repository.remote} :{ref}' if repository.remote else f'git update-ref -d {ref}'}`",
        )
