"""Reading a secret by its reference: an environment variable, a file, a command or the system's keyring.

What may be read at all is for `Outgoing` to say, and is checked first. No message ever holds the value, or what a
command printed.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from threading import Event, Timer
from typing import Final

from reconciler.errors import SecretError
from reconciler.http.outgoing import Outgoing

_LONGEST: Final = 64 * 1024  # bytes of a secret
_PATIENCE: Final = 30.0  # seconds for a command

Run = Callable[[Sequence[str], Path, Mapping[str, str]], bytes]
"""Runs a command in a folder with an environment; gives its stdout, or raises SecretError."""


def resolve_secret(
    env: str | None = None,
    file: str | None = None,
    command: Sequence[str] | None = None,
    keyring: str | None = None,
    *,
    root: Path,
    environ: Mapping[str, str],
    outgoing: Outgoing,
    run: Run | None = None,
    pem: bool = False,
) -> str:
    """The value behind exactly one of `env`, `file`, `command` and `keyring` (service/name). `root` is the folder of
    the desired state.

    A file lies inside of `root` after links are resolved; one outside (a mounted /run/secrets/token) is read only if
    it is itself on the list of `--allow-file`, in CI or not, since then whoever runs the program has named it, not the
    desired state. A command runs without a shell, in `root`, for 30 seconds at most; in CI a program inside of `root`
    is not run even if listed, because a pull request could change what it does.
    One line end at the end of a file or of a command's output is taken off. The value must be printable, without
    blanks at its ends; with `pem` it is a private key in PEM form instead. Raises SecretError.
    """
    if sum(reference is not None for reference in (env, file, command, keyring)) != 1:
        raise SecretError("a secret reference needs exactly one of env, file, command and keyring")
    if env is not None:
        outgoing.check_env(env)
        value, where = _from_environment(env, environ), f"environment variable {env}"
    elif file is not None:
        value, where = read_file(file, root=root, outgoing=outgoing), f"file {file}"
    elif command is not None:
        value, where = _from_command(command, root, environ, outgoing, run or run_command), f"command {command[0]}"
    else:
        assert keyring is not None
        outgoing.check_keyring(keyring)
        value, where = _from_keyring(keyring), f"keyring entry {keyring}"
    return _checked_key(value, where) if pem else _checked(value, where)


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise SecretError(f"environment variable {name} is not set", hint=f"export {name}=… before running this")
    return environ[name]


def _from_keyring(entry: str) -> str:
    service, _, name = entry.rpartition("/")
    if not service or not name:
        raise SecretError(f"keyring entry {entry} is not service/name", hint="as in {keyring: reconciler/hootsuite}")
    try:
        keyring = import_module("keyring")
    except ImportError as error:
        raise SecretError(
            "the system's keyring needs a library to be read", hint="pip install 'reconciler[keyring]'"
        ) from error
    try:
        value = keyring.get_password(service, name)
    except Exception as error:  # each of its many backends has errors of its own, whose words may be anything
        raise SecretError("the system's keyring can't be read", hint="is it unlocked, and is there one?") from error
    if not isinstance(value, str):
        raise SecretError(f"the keyring has no entry {entry}", hint=f"keyring set {service} {name}")
    return value


def read_file(file: str, *, root: Path, outgoing: Outgoing, longest: int = _LONGEST) -> str:
    """The text of a file that the desired state names; where it may lie, `resolve_secret` says. Raises SecretError."""
    place = root.resolve()
    written = Path(os.path.normpath(place / file))
    try:
        target = written.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise SecretError(f"file {file} can't be found") from error
    if target.is_relative_to(place):
        outgoing.check_file(file)
    elif not _named_outside(file, written, target, place, outgoing):
        raise SecretError(
            f"file {file} is outside of the desired state",
            hint=f"if that is meant, pass --allow-file {target} or set RECONCILER_ALLOW_FILE",
        )
    return _text(_read(target, file, longest), f"file {file}")


def _named_outside(file: str, written: Path, target: Path, root: Path, outgoing: Outgoing) -> bool:
    """Whether the operator's list names this file. A path inside of `root` that is a link out of it does not count:
    where it leads is the desired state's word."""
    if str(target) in outgoing.files:
        return True
    return not written.is_relative_to(root) and (file in outgoing.files or str(written) in outgoing.files)


def _read(target: Path, file: str, longest: int) -> bytes:
    if not target.is_file():
        missing = "is not a file" if target.exists() else "does not exist"
        raise SecretError(f"file {file} {missing}", hint="relative paths start at the folder of the desired state")
    try:
        with target.open("rb") as stream:
            content = stream.read(longest + 1)
    except OSError as error:
        raise SecretError(f"file {file} can't be read: {error.strerror}", hint="may this user read it?") from error
    if len(content) > longest:
        raise SecretError(f"file {file} is too large for a secret", hint="it should hold the secret and nothing else")
    return content


def _from_command(command: Sequence[str], root: Path, environ: Mapping[str, str], outgoing: Outgoing, run: Run) -> str:
    if not command or not command[0]:
        raise SecretError("the command of a secret reference is empty", hint="as in {command: [program, argument]}")
    outgoing.check_command(command)
    place = root.resolve()
    inside = os.sep in command[0] and (place / command[0]).resolve().is_relative_to(place)
    if inside and outgoing.pinned:
        raise SecretError(
            f"command {command[0]} is part of the desired state, which a pull request can change",
            hint="use a program outside of it",
        )
    return _text(run(command, place, environ), f"command {command[0]}")


def run_command(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], *, patience: float = _PATIENCE
) -> bytes:
    """stdout of a command that ends with 0 within `patience` seconds, without a shell, a terminal or its stderr.

    Ends with all of its children if it takes longer. Raises SecretError.
    """
    name = command[0]
    by_hand = "run it by hand to see why"
    late = Event()
    try:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "its arguments can't be passed on"
        raise SecretError(f"command {name} can't be run: {why}", hint="is it installed, and in PATH?") from error

    def stop() -> None:
        late.set()
        _end(process)

    timer = Timer(patience, stop)
    timer.start()
    try:
        assert process.stdout is not None
        with process.stdout as stream:
            printed: bytes = stream.read(_LONGEST + 1)
        if len(printed) > _LONGEST:
            _end(process)
        code = process.wait()
    finally:
        timer.cancel()
        timer.join()
        _end(process)
    if late.is_set():
        raise SecretError(
            f"command {name} took longer than {patience:g} s", hint="does it wait for somebody? " + by_hand
        )
    if len(printed) > _LONGEST:
        raise SecretError(f"command {name} printed too much for a secret", hint="it should print the secret alone")
    if code:
        raise SecretError(f"command {name} failed with exit code {code}", hint=by_hand)
    return printed


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a command that still runs, and whatever it started."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _text(content: bytes, where: str) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SecretError(f"{where} does not give text in UTF-8") from error
    return text.removesuffix("\n").removesuffix("\r")


def _checked(value: str, where: str) -> str:
    if not value:
        raise SecretError(f"{where} is empty", hint="put the secret there")
    if value != value.strip():
        raise SecretError(f"{where} has blanks or line ends around the secret", hint="take them off")
    if not value.isprintable():
        raise SecretError(
            f"{where} has line ends, control or invisible characters in the secret", hint="copy it again, on one line"
        )
    return value


def _checked_key(value: str, where: str) -> str:
    if not re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", value):
        raise SecretError(f"{where} holds no private key", hint="text in PEM form: it begins with -----BEGIN")
    return value
