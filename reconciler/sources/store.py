"""What an import decided, into the folder: tried beside it first, then renamed; all files or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.desired.cache import cache_of
from reconciler.desired.load import NOBODY, load
from reconciler.desired.root import PARTS
from reconciler.errors import DesiredStateError, ReconcilerError
from reconciler.model.adoption import Adoption


def write(adoption: Adoption, root: Path) -> None:
    """Raises DesiredStateError if the files would have errors together, ReconcilerError if they can't be written. Then
    the folder is as it was.
    """
    if not adoption.changes:
        return
    made = _folders(root)
    try:
        for folder in made:
            folder.mkdir()
        with _beside(root, adoption) as stage:
            _check(stage, root)
            _take_over(stage, root, adoption)
    except OSError as error:
        _forget(made)
        raise ReconcilerError(
            f"{error.filename or root} can't be written: {error.strerror or error}", hint="no file was changed"
        ) from error
    except BaseException:
        _forget(made)
        raise


def _folders(root: Path) -> list[Path]:
    """Those that are not there yet, the outermost first."""
    return [folder for folder in reversed((root, *root.parents)) if not folder.exists()]


def _forget(made: list[Path]) -> None:
    for folder in reversed(made):
        with suppress(OSError):
            folder.rmdir()


@contextmanager
def _beside(root: Path, adoption: Adoption) -> Iterator[Path]:
    """A copy of the desired state with the changes made, in a hidden folder of it: what is unchanged is linked."""
    stage = Path(tempfile.mkdtemp(prefix=".import-", dir=root))
    try:
        replaced = {*adoption.writes, *adoption.removals}
        for part in PARTS:
            if (root / part).is_dir():
                _copy(root, stage, part, replaced)
            elif (root / part).is_file():
                _link(root / part, stage / part)
        for file, text in adoption.writes.items():
            path = stage / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
            if (root / file).exists():
                shutil.copymode(root / file, path)
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _copy(root: Path, stage: Path, part: str, replaced: set[str]) -> None:
    for folder, _, names in os.walk(root / part):
        relative = Path(folder).relative_to(root)
        (stage / relative).mkdir(parents=True)
        for name in names:
            if (relative / name).as_posix() not in replaced:
                _link(Path(folder, name), stage / relative / name)


def _link(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.write_bytes(source.read_bytes()) if source.is_file() else target.symlink_to(source.readlink())
        return
    try:
        os.link(source, target)
    except OSError:  # not every file system has links
        shutil.copy2(source, target)


def _check(stage: Path, root: Path) -> None:
    try:
        load(stage, cache=cache_of(root))  # what did not change is known of `root`
    except DesiredStateError as error:
        if not is_begun(error):
            raise


def is_begun(error: DesiredStateError) -> bool:
    """Whether all that is wrong is that there are no people yet: an app may come before them."""
    return all(each.message == NOBODY for each in error.problems if each.severity == "error")


def _take_over(stage: Path, root: Path, adoption: Adoption) -> None:
    """One file after the other, each in one step; what was there comes back if one fails."""
    old = stage / "old"
    kept: list[tuple[Path, Path | None]] = []
    made: list[Path] = []
    try:
        for number, file in enumerate((*adoption.removals, *adoption.writes)):
            path = _real(root, file)
            before = None
            if path.exists():
                old.mkdir(exist_ok=True)
                before = old / str(number)
                _link(path, before)
            folders = _folders(path.parent)
            for folder in folders:
                folder.mkdir()
                made.append(folder)
            kept.append((path, before))
            if file in adoption.writes:
                (stage / file).replace(path)
            else:
                path.unlink()
    except BaseException:
        for path, before in reversed(kept):
            if before is not None:
                before.replace(path)
            else:
                path.unlink(missing_ok=True)
        _forget(made)
        raise


def _real(root: Path, file: str) -> Path:
    """A file that is a link stays one: what it leads to changes. Never outside of the folder."""
    path, top = (root / file).resolve(), root.resolve()
    if not path.is_relative_to(top):
        raise ReconcilerError(f"{file} leads out of {root}", hint="no file was changed")
    return path
