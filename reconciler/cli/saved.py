"""Plans in files: kept whole or not at all, and read again."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from reconciler.errors import Place, PlanError, SecretError, UsageError
from reconciler.model.plan import Plan
from reconciler.plan import MAX_PLAN_BYTES, check_signature, private_key, read_plans, sign, to_json

_LARGEST_KEY = 64 * 1024  # bytes
_READ = ("users", "groups", "apps")


def read_saved(path: Path) -> list[Plan]:
    """The plan in a file, or the list of them; of a folder, those in all of its files that end in .json. Raises
    PlanError for whatever is no whole and unaltered plan.
    """
    place = Place(str(path))
    try:
        if path.is_dir():
            return [plan for file in plan_files(path) for plan in read_saved(file)]
        with path.open("rb") as stream:
            data = stream.read(MAX_PLAN_BYTES + 1)
    except FileNotFoundError as error:
        hint = "`reconciler plan --out FILE` writes one"
        raise PlanError("there is no such file", hint=hint, place=place) from error
    except OSError as error:
        hint = "name a file that can be read"
        raise PlanError(f"can't be read: {error.strerror}", hint=hint, place=place) from error
    return read_plans(data, str(path))


def plan_files(path: Path) -> list[Path]:
    """The file; of a folder those in it that end in .json. Raises PlanError if there is none."""
    if not path.is_dir():
        return [path]
    files = sorted(each for each in path.glob("*.json") if each.is_file())
    if not files:
        raise PlanError("holds no plan", place=Place(str(path)), hint="name what `reconciler plan --out` wrote")
    return files


def read_key(path: Path) -> bytes:
    """The bytes of a key, private or public. Raises SecretError for what can't be read, or is too large to be one."""
    place = Place(str(path))
    try:
        with path.open("rb") as stream:
            key = stream.read(_LARGEST_KEY + 1)
    except OSError as error:
        raise SecretError(f"can't be read: {error.strerror}", hint="name the file of a key", place=place) from error
    if len(key) > _LARGEST_KEY:
        raise SecretError("is too large to be a key", hint="name the file of a key", place=place)
    return key


def write_whole(path: Path, content: bytes) -> None:
    """Written beside and renamed, so that nobody ever finds half of it. Only its owner may read it: it names people.
    Raises OSError.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


class Signer:
    """Signs with the private key in a file. Raises SecretError at once for what is no such key."""

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self.private = private_key(read_key(path), self.file)

    def sign(self, plan: Plan) -> Plan:
        return sign(plan, self.private)


def require_signature(plans: Sequence[Plan], public_key: Path) -> None:
    """Passes if every plan was signed with the private key that belongs to this public one. Raises PlanError."""
    key = read_key(public_key)
    for plan in plans:
        check_signature(plan, key, str(public_key))


class Destination:
    """Where `--out` puts plans: a file for one app, a folder with APP.json for several, or where it is one already.

    Raises UsageError at once, before anything was read, if nothing could be written there.
    """

    def __init__(self, out: Path, apps: Sequence[str], root: Path, what: str = "plans") -> None:
        is_folder = os.path.isdir(out)  # noqa: PTH112 -- false, rather than an error, for what can't be one
        self.folder = out if len(apps) > 1 or is_folder else None
        self.out = out
        if self.folder is not None and out.exists() and not is_folder:
            raise UsageError(f"--out {out} is a file, and these are {len(apps)} {what}", hint="name a folder")
        if not is_folder and out.exists() and not out.is_file():
            hint = "name a file, or let `--format json` write to stdout"
            raise UsageError(f"--out {out} is a device or a pipe: nothing is kept there", hint=hint)
        if not out.parent.is_dir():
            raise UsageError(f"--out {out}: there is no folder {out.parent}", hint="make it first")
        for part in _READ:
            if out.resolve().is_relative_to((root / part).resolve()):
                hint = "name a file outside of users/, groups/ and apps/: what is in them is read as the desired state"
                raise UsageError(f"--out {out} is inside of {root / part}", hint=hint)

    def keep(self, plan: Plan) -> Path:
        """A plan. Raises PlanError if that can't be written."""
        return self.put(to_json(plan), f"{plan.app}.json")

    def put(self, content: bytes, name: str) -> Path:
        """`name`: in a folder. Raises PlanError."""
        path = self.out
        try:
            if self.folder is not None:
                self.folder.mkdir(exist_ok=True)
                path = self.folder / name
            write_whole(path, content)
        except OSError as error:
            hint = "name a file in a folder that can be written"
            raise PlanError(f"can't be written: {error.strerror}", hint=hint, place=Place(str(path))) from error
        return path
