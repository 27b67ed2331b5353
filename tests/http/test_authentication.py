from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from reconciler.errors import SecretError
from reconciler.http import Outgoing, read_file, resolve_secret
from reconciler.http.authentication import run_command

OPEN = Outgoing.from_environment({})


def _resolve(root: Path, outgoing: Outgoing = OPEN, environ: Mapping[str, str] | None = None, **reference: Any) -> str:
    return resolve_secret(**reference, root=root, environ=environ or {}, outgoing=outgoing)


def _pinned(**lists: Sequence[str]) -> Outgoing:
    return Outgoing.from_environment({"CI": "true"}, **lists)


def test_exactly_one_reference(tmp_path: Path) -> None:
    references: list[dict[str, Any]] = [{}, {"env": "A", "file": "b"}]
    for reference in references:
        with pytest.raises(SecretError, match="exactly one"):
            _resolve(tmp_path, **reference)


def test_a_variable(tmp_path: Path) -> None:
    assert _resolve(tmp_path, environ={"TOKEN": "s3cret"}, env="TOKEN") == "s3cret"


def test_a_missing_variable_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="TOKEN is not set") as caught:
        _resolve(tmp_path, env="TOKEN")
    assert "export TOKEN" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "is empty"),
        (" s3cret", "blanks or line ends around"),
        ("s3cret ", "blanks or line ends around"),
        ("s3cret\n", "blanks or line ends around"),
        ("s3\ncret", "invisible"),
        ("s3\rcret", "invisible"),
        ("s3\x00cret", "invisible"),
        ("s3\x1b[31mcret", "invisible"),
        ("s3\u200bcret", "invisible"),
    ],
)
def test_a_value_that_can_be_no_secret_is_not_repeated(tmp_path: Path, value: str, says: str) -> None:
    with pytest.raises(SecretError, match=says) as caught:
        _resolve(tmp_path, environ={"TOKEN": value}, env="TOKEN")
    assert caught.value.hint
    assert "s3" not in str(caught.value)
    assert "cret" not in str(caught.value).replace("the secret", "").replace("in the", "")


@pytest.mark.parametrize("content", [b"s3cret", b"s3cret\n", b"s3cret\r\n"])
def test_a_file_with_or_without_its_line_end(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    assert _resolve(tmp_path, file="token") == "s3cret"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"s3cret\n\n", "line ends"),
        (b"s3cret\nmore\n", "invisible"),
        (b"\xff\xfe", "UTF-8"),
        (b"\xef\xbb\xbfs3cret", "invisible"),
        (b"x" * 70_000, "too large"),
    ],
)
def test_a_file_that_can_be_no_secret(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(SecretError, match=says) as caught:
        _resolve(tmp_path, file="token")
    assert "s3cret" not in str(caught.value)
    assert "file token" in caught.value.message


def test_a_file_that_is_not_there_or_is_none(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, says in (("nothing", "does not exist"), ("folder", "is not a file"), ("pipe", "is not a file")):
        with pytest.raises(SecretError, match=says) as caught:
            _resolve(tmp_path, file=name)
        assert "desired state" in caught.value.hint


def test_a_file_that_this_user_may_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "token").write_text("s3cret")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SecretError, match="token can't be read: Permission denied"):
        _resolve(tmp_path, file="token")


@pytest.fixture
def outside(tmp_path: Path) -> tuple[Path, Path]:
    """A desired state, and a secret beside it."""
    root = tmp_path / "desired-state"
    root.mkdir()
    (tmp_path / "token").write_text("s3cret\n")
    return root, tmp_path / "token"


def test_a_file_outside_is_refused_however_it_is_written(outside: tuple[Path, Path]) -> None:
    root, token = outside
    (root / "link").symlink_to(token)
    (root / "folder").symlink_to(token.parent)
    for file in ("../token", str(token), "link", "folder/token", "folder/../../token"):
        with pytest.raises(SecretError, match="outside of the desired state") as caught:
            _resolve(root, file=file)
        assert f"--allow-file {token}" in caught.value.hint


def test_a_file_outside_is_read_if_whoever_runs_this_named_it(outside: tuple[Path, Path]) -> None:
    root, token = outside
    for environ in ({}, {"CI": "true"}):
        outgoing = Outgoing.from_environment(environ, allow_file=[str(token)])
        assert _resolve(root, outgoing, file=str(token)) == "s3cret"
        assert _resolve(root, outgoing, file="../token") == "s3cret"


def test_a_mounted_secret_that_is_a_link_itself_is_read_by_its_name(outside: tuple[Path, Path]) -> None:
    root, token = outside
    mounted = token.parent / "mounted"
    mounted.symlink_to(token)
    assert _resolve(root, _pinned(allow_file=[str(mounted)]), file=str(mounted)) == "s3cret"


def test_a_listed_name_inside_does_not_let_a_link_lead_outside(outside: tuple[Path, Path]) -> None:
    root, token = outside
    (root / "token").symlink_to(token)
    for file in ("token", str(root / "token")):
        with pytest.raises(SecretError, match="outside of the desired state"):
            _resolve(root, _pinned(allow_file=[file]), file=file)


def test_a_link_that_stays_inside_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("s3cret")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert _resolve(tmp_path, file="link") == "s3cret"


def test_links_in_a_circle_are_an_error_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(SecretError):
        _resolve(tmp_path, file="a")


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_command_runs_in_the_desired_state_with_the_environment_and_without_a_shell(tmp_path: Path) -> None:
    code = "import os, sys; print(os.path.basename(os.getcwd()), os.environ['WHO'], sys.argv[1], sep='/')"
    found = _resolve(tmp_path, environ={"WHO": "ada"}, command=[*_python(code), "$WHO;*"])
    assert found == f"{tmp_path.name}/ada/$WHO;*"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; print('s3cret'); print('s3cret', file=sys.stderr); sys.exit(3)", "failed with exit code 3"),
        ("pass", "is empty"),
        ("print('s3cret'); print('s3cret')", "invisible"),
        ("print('s3cret' * 20_000)", "too much"),
    ],
)
def test_a_command_that_gives_no_secret(tmp_path: Path, capfd: Any, code: str, says: str) -> None:
    with pytest.raises(SecretError, match=says) as caught:
        _resolve(tmp_path, environ=dict(os.environ), command=_python(code))
    assert "s3cret" not in "".join([str(caught.value).replace(code, ""), *capfd.readouterr()])


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="can't be run: No such file") as caught:
        _resolve(tmp_path, command=["no-such-program-at-all"])
    assert "PATH" in caught.value.hint
    for command in ([], [""], ["a\x00b"]):
        with pytest.raises(SecretError):
            _resolve(tmp_path, command=command)


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "import os, time; os.close(1); time.sleep(60)",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])",
    ],
    ids=["silent", "closed", "child"],
)
def test_a_command_that_takes_too_long_ends_with_its_children(tmp_path: Path, code: str) -> None:
    start = time.monotonic()
    with pytest.raises(SecretError, match=r"took longer than 0\.3 s"):
        run_command(_python(code), tmp_path, os.environ, patience=0.3)
    assert time.monotonic() - start < 30


def test_a_command_that_never_stops_printing_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="too much"):
        run_command(_python("while True: print('y' * 1000)"), tmp_path, os.environ)


def test_in_ci_nothing_is_read_that_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret")
    (tmp_path / "ran").mkdir()
    touch = _python("open('ran/it', 'w')")
    for reference, flag in (
        ({"env": "TOKEN"}, "--allow-env TOKEN"),
        ({"file": "token"}, "--allow-file token"),
        ({"command": touch}, "--allow-command"),
    ):
        with pytest.raises(SecretError, match="while CI is set") as caught:
            _resolve(tmp_path, _pinned(), {"TOKEN": "s3cret"}, **reference)
        assert flag in caught.value.hint
        assert "s3cret" not in str(caught.value)
    assert list((tmp_path / "ran").iterdir()) == []


def test_in_ci_what_is_listed_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret")
    assert _resolve(tmp_path, _pinned(allow_env=["TOKEN"]), {"TOKEN": "s3cret"}, env="TOKEN") == "s3cret"
    assert _resolve(tmp_path, _pinned(allow_file=["token"]), file="token") == "s3cret"
    listed = _pinned(allow_command=["vault read app"])
    found = resolve_secret(
        command=["vault", "read", "app"], root=tmp_path, environ={}, outgoing=listed, run=lambda *_: b"s3cret\n"
    )
    assert found == "s3cret"


def test_in_ci_a_program_of_the_desired_state_is_not_run_even_if_listed(tmp_path: Path) -> None:
    program = tmp_path / "token.sh"
    program.write_text("#!/bin/sh\necho s3cret\n")
    program.chmod(0o755)
    assert _resolve(tmp_path, environ=dict(os.environ), command=["./token.sh"]) == "s3cret"
    for name in ("./token.sh", str(program)):
        with pytest.raises(SecretError, match="a pull request can change"):
            _resolve(tmp_path, _pinned(allow_command=[name]), command=[name])


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Any]:
    """What the system's keyring holds, in place of one."""
    entries: dict[tuple[str, str], Any] = {("team/reconciler", "hootsuite"): "s3cret"}

    def get_password(service: str, name: str) -> Any:
        found = entries.get((service, name))
        if isinstance(found, Exception):
            raise found
        return found

    module = ModuleType("keyring")
    module.get_password = get_password  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    return entries


def test_an_entry_of_the_keyring(tmp_path: Path, keyring: dict[tuple[str, str], Any]) -> None:
    assert _resolve(tmp_path, keyring="team/reconciler/hootsuite") == "s3cret"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("a/locked", "can't be read"),
        ("a/nothing", "has no entry a/nothing"),
        ("a", "not service/name"),
        ("/a", "not service/name"),
        ("a/", "not service/name"),
        ("a/blank", "has blanks"),
    ],
)
def test_a_keyring_that_gives_nothing_says_why(
    tmp_path: Path, keyring: dict[tuple[str, str], Any], entry: str, says: str
) -> None:
    keyring |= {("a", "locked"): RuntimeError("s3cret"), ("a", "blank"): "s3cret "}
    with pytest.raises(SecretError, match=says) as caught:
        _resolve(tmp_path, keyring=entry)
    assert "s3cret" not in str(caught.value)


def test_without_its_library_the_keyring_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretError) as caught:
        _resolve(tmp_path, keyring="a/b")
    assert "pip install 'reconciler[keyring]'" in caught.value.hint


def test_in_ci_no_keyring_is_read(tmp_path: Path, keyring: dict[tuple[str, str], Any]) -> None:
    with pytest.raises(SecretError, match="not read while CI is set"):
        _resolve(tmp_path, _pinned(), keyring="team/reconciler/hootsuite")


KEY = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"


def test_a_private_key_has_several_lines(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(f"{KEY}\n")
    assert _resolve(tmp_path, file="key.pem", pem=True) == KEY
    assert _resolve(tmp_path, environ={"KEY": KEY}, env="KEY", pem=True) == KEY
    with pytest.raises(SecretError, match="line ends"):
        _resolve(tmp_path, file="key.pem")


@pytest.mark.parametrize("value", ["", "s3cret", KEY.replace("PRIVATE", "PUBLIC")])
def test_what_is_no_private_key_is_not_repeated(tmp_path: Path, value: str) -> None:
    with pytest.raises(SecretError, match="holds no private key") as caught:
        _resolve(tmp_path, environ={"KEY": value}, env="KEY", pem=True)
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_no_secret_lies_where_secrets_may(tmp_path: Path) -> None:
    root = tmp_path / "state"
    root.mkdir()
    (root / "ca.pem").write_text("certificates")
    (tmp_path / "outside.pem").write_text("certificates")
    (root / "link.pem").symlink_to(tmp_path / "outside.pem")
    assert read_file("ca.pem", root=root, outgoing=OPEN) == "certificates"
    for file in ("../outside.pem", "link.pem"):
        with pytest.raises(SecretError, match="outside of the desired state"):
            read_file(file, root=root, outgoing=OPEN)
    with pytest.raises(SecretError, match="not on the list"):
        read_file("ca.pem", root=root, outgoing=_pinned())
    assert read_file("ca.pem", root=root, outgoing=_pinned(allow_file=["ca.pem"])) == "certificates"
