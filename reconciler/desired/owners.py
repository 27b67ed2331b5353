"""Who has to approve which files of a desired state: CODEOWNERS of the work tree, or of a commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from reconciler.desired.codeowners import MAX_BYTES, PLACES, Codeowners, Forge
from reconciler.desired.git import git, is_in_git, prefix_of, run
from reconciler.model.owned import Owned

_RUNS: Final[dict[Forge, tuple[str, ...]]] = {
    "github": (".github/workflows/new.yml", ".github/actions/new/action.yml"),
    "gitlab": (".gitlab-ci.yml",),
}
"""What decides, once it is merged, what runs with the token. Files there that a line gives other owners are added."""
_RUN_IN: Final[dict[Forge, tuple[str, ...]]] = {"github": (".github/workflows", ".github/actions"), "gitlab": ()}
_COMPONENT: Final = "templates/reconciler.yml"
"""What .gitlab-ci.yml includes, where it does not come from another project."""


class Owners:
    """Of the files of one version. Files of the desired state are named relative to it, and all others (`paths`) from
    the top of the repository.
    """

    def __init__(
        self, codeowners: Codeowners, prefix: str, target: Callable[[str], str | None], more_runs: Sequence[str] = ()
    ) -> None:
        self.codeowners = codeowners
        self.prefix = prefix
        owned = (path for folder in _RUN_IN[codeowners.forge] for path in codeowners.samples(folder, (".yml", ".yaml")))
        self.runs = tuple(dict.fromkeys((*_RUNS[codeowners.forge], *more_runs, *owned)))
        """Paths of what decides what runs with the token."""
        self._target = target

    def of(self, path: str) -> Owned:
        return self.codeowners.of(path)

    @property
    def text(self) -> str:
        return self.codeowners.text

    def behind(self, file: str) -> Sequence[str]:
        """The paths by which a file can be changed: its own, and that of the file that it is a link to."""
        target = self._target(file)
        return [self.prefix + file] if target is None else [self.prefix + file, self.prefix + target]

    def samples(self, folder: str) -> Iterator[str]:
        """Paths of files that might be put below a folder, so that each line that owns some there has one."""
        yield f"{self.prefix}{folder}/new.yaml"
        yield from self.codeowners.samples(self.prefix + folder)

    @property
    def rules(self) -> str:
        """The path of CODEOWNERS; where there is none, of the one that would count first."""
        return self.codeowners.file or PLACES[self.codeowners.forge][0]


def owners_here(root: Path, forge: Forge | None = None) -> Owners:
    """As the files lie around `root`. `forge`: None finds it out."""
    top = _top(root)
    chosen = forge or _forge_of(top)
    codeowners = Codeowners(chosen, "", "")
    for place in PLACES[chosen]:
        path = top / place
        if os.path.lexists(path):
            codeowners = _read(chosen, place, _content(path))
            break

    at = os.fspath(root)

    @cache
    def target(file: str) -> str | None:
        path = os.path.join(at, file)  # noqa: PTH118  people are many, and most of the time went into Path
        if not os.path.islink(path):  # noqa: PTH114
            return None
        return Path(os.path.realpath(path)).relative_to(root.resolve()).as_posix()

    component = [_COMPONENT] if chosen == "gitlab" and (top / _COMPONENT).exists() else []
    return Owners(codeowners, prefix_of(root), target, component)


def owners_at(root: Path, commit: str, links: Mapping[str, str], here: Owners) -> Owners:
    """As they were at a commit. `links`: link → the file of the desired state behind it. `here`: as they are."""
    forge = here.codeowners.forge

    def mode(path: str) -> str:
        return (git(root, "ls-tree", "-z", "--full-tree", commit, "--", path) or "").partition(" ")[0]

    codeowners = Codeowners(forge, "", "")
    for place in PLACES[forge]:
        if found := mode(place):
            file = found.startswith("100")
            content = run(root, "cat-file", "blob", f"{commit}:{place}").stdout if file else b""
            codeowners = _read(forge, place, content)
            break
    if codeowners.file and codeowners.text == here.text:
        codeowners = here.codeowners if codeowners.file == here.codeowners.file else codeowners
    component = [_COMPONENT] if forge == "gitlab" and mode(_COMPONENT) else []
    return Owners(codeowners, prefix_of(root), links.get, component)


def _forge_of(top: Path) -> Forge:
    """GitLab where its pipeline or its CODEOWNERS lies, and nothing of GitHub's; else GitHub."""
    if "GITLAB_CI" in os.environ:
        return "gitlab"
    if "GITHUB_ACTIONS" in os.environ or (top / ".github").is_dir():
        return "github"
    return "gitlab" if (top / ".gitlab-ci.yml").exists() or (top / ".gitlab").is_dir() else "github"


def _top(root: Path) -> Path:
    """Of the repository; outside of one, the folder of the desired state is all there is."""
    named = (git(root, "rev-parse", "--show-toplevel") or "").rstrip("\n") if is_in_git(root) else ""
    return Path(named) if named else root


def _content(path: Path) -> bytes:
    """What is no plain file names nobody."""
    if path.is_symlink() or not path.is_file():
        return b""
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _read(forge: Forge, place: str, content: bytes) -> Codeowners:
    """One that is too large is there, and names nobody."""
    text = "" if len(content) > MAX_BYTES else content.decode(errors="replace")
    return Codeowners(forge, place, text)
