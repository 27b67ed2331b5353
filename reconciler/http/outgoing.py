"""What may be reached and read at all. In CI the files come from a pull request: what it could abuse is pinned outside.

A pull request could name its own host and send the token there, or a variable, a file, a command that is not its
business. So with `CI` set each of them must be listed by whoever runs the job, by a flag or in the environment.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from reconciler.errors import SecretError, UsageError
from reconciler.http.address import is_loopback

_NOT_CI: Final = frozenset({"", "0", "false"})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The lists, and whether they bind (`pinned`). Every check comes before any secret is read; each raises SecretError
    whose hint is the flag to pass.

    Hosts are without port, lower case, IPv6 without brackets. Loopback hosts need no entry: nothing leaves the machine.
    `commands` are whole command lines, since `sh` alone would allow everything.
    """

    hosts: frozenset[str]
    env: frozenset[str]
    files: frozenset[str]
    commands: frozenset[str]
    pinned: bool

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str],
        *,
        allow_host: Iterable[str] = (),
        allow_env: Iterable[str] = (),
        allow_file: Iterable[str] = (),
        allow_command: Iterable[str] = (),
    ) -> Self:
        """Flags and RECONCILER_ALLOW_HOST, _ENV, _FILE and _COMMAND (separated by commas) together.

        UsageError for a host with a scheme, port or path.
        """
        return cls(
            hosts=frozenset(_host_entry(entry) for entry in _merged(environ, "HOST", allow_host)),
            env=frozenset(_merged(environ, "ENV", allow_env)),
            files=frozenset(_merged(environ, "FILE", allow_file)),
            commands=frozenset(_command_entry(entry) for entry in _merged(environ, "COMMAND", allow_command)),
            pinned=environ.get("CI", "").strip().lower() not in _NOT_CI,
        )

    def check_host(self, url: str) -> None:
        """`url` may be any that a file names: SCIM, token, SMTP, webhook. A bare host will do."""
        host = _host_of(url)
        if self.pinned and host not in self.hosts and not is_loopback(host):
            raise _refused("host", host)

    def check_env(self, name: str) -> None:
        """The environment variable may be read."""
        if self.pinned and name not in self.env:
            raise _refused("env", name)

    def check_file(self, path: str) -> None:
        """The file may be read, by the path that the desired state gives."""
        if self.pinned and path not in self.files:
            raise _refused("file", path)

    def check_command(self, command: Sequence[str]) -> None:
        """The command may be run, with just these arguments."""
        line = shlex.join(command)
        if self.pinned and line not in self.commands:
            raise _refused("command", line)

    def check_keyring(self, entry: str) -> None:
        """The keyring may be read: by who sits at the machine, and in CI by nobody."""
        if self.pinned:
            raise SecretError(
                f"keyring entry {entry} is not read while CI is set",
                hint="use a variable: {env: NAME}, and --allow-env",
            )


_KINDS: Final = {"host": "host", "env": "environment variable", "file": "file", "command": "command"}


def _refused(kind: str, value: str) -> SecretError:
    return SecretError(
        f"{_KINDS[kind]} {value} is not on the list of what may be used while CI is set",
        hint=f"pass --allow-{kind} {shlex.quote(value)} or set RECONCILER_ALLOW_{kind.upper()}",
    )


def _merged(environ: Mapping[str, str], name: str, flags: Iterable[str]) -> list[str]:
    listed = [*flags, *environ.get(f"RECONCILER_ALLOW_{name}", "").split(",")]
    return [entry.strip() for entry in listed if entry.strip()]


def _host_entry(entry: str) -> str:
    host = _without_brackets(entry)
    if "/" in host or "@" in host or host.count(":") == 1:
        raise UsageError(
            f"--allow-host {entry}: not a host", hint="without scheme, port and path, as in scim.example.com"
        )
    return host


def _command_entry(entry: str) -> str:
    try:
        return shlex.join(shlex.split(entry))
    except ValueError as error:
        raise UsageError(f"--allow-command {entry}: a quote is not closed") from error


def _host_of(url: str) -> str:
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname
    except ValueError:
        host = None
    if not host:
        raise SecretError("a URL without a host", hint="it looks like https://host/scim/v2")
    return _without_brackets(host)


def _without_brackets(host: str) -> str:
    return host.strip().lower().removeprefix("[").removesuffix("]").rstrip(".")
