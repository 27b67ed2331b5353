"""Ctrl-C, SIGTERM, a closed stdin and a full disk before anything is written: while it is read, asked, and shown."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Company

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
SIGNALS = [signal.SIGINT, signal.SIGTERM]


class Terminal:
    """`reconciler` with a person before it."""

    def __init__(self, *arguments: object) -> None:
        self.fd, theirs = pty.openpty()
        command = [sys.executable, "-m", "reconciler", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"},
        )  # fmt: skip
        os.close(theirs)
        self.shown = b""
        self._watch = threading.Timer(30, self.process.kill)
        self._watch.start()

    def until(self, text: bytes) -> None:
        """Reads until that is shown, or nothing more comes."""
        while text not in self.shown:
            try:
                more = os.read(self.fd, 65536)
            except OSError:  # the other end is closed
                return
            self.shown += more

    def end(self) -> int:
        self.until(b"what is never shown")
        code = self.process.wait()
        self._watch.cancel()
        os.close(self.fd)
        return code


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("command", ["apply", "state"])
def test_at_the_question_nothing_is_waited_for(company: Callable[..., Company], number: int, command: str) -> None:
    sandbox = Sandbox("scim", rate=0)
    with running(sandbox) as url:
        site = company(gallery="scim", tenant=url)
        if command == "apply":
            terminal = Terminal("apply", site.root)
        else:
            terminal = Terminal("state", "rebuild", site.root)
            sandbox.add_user("ada@contoso.com", name={"givenName": "Ada", "familyName": "Lovelace"})
        terminal.until(b"[y/N]: ")
        time.sleep(0.5)  # Python shows the question a moment before it waits for the answer
        terminal.process.send_signal(number)
        assert terminal.end() == 130, terminal.shown
        assert b"interrupted" in terminal.shown
        assert not [r for r in sandbox.requests if r.method != "GET"]
        assert not site.state_file.exists()


@pytest.mark.parametrize("number", SIGNALS)
def test_while_it_is_read_the_first_one_ends_it(company: Callable[..., Company], number: int) -> None:
    """And the terminal has its cursor back."""
    sandbox = Sandbox("scim", rate=0, latency=0.5)
    with running(sandbox) as url:
        site = company(gallery="scim", tenant=url)
        terminal = Terminal("apply", site.root, "--yes")
        terminal.until(b"users")
        terminal.process.send_signal(number)
        assert terminal.end() == 130, terminal.shown
        assert terminal.shown.rfind(b"\x1b[?25h") > terminal.shown.rfind(b"\x1b[?25l")
        assert not [r for r in sandbox.requests if r.method != "GET"]


@pytest.mark.parametrize("closed", ["stdin", "full"])
def test_without_a_terminal_or_a_place_for_what_is_said(company: Callable[..., Company], closed: str) -> None:
    if closed == "full" and not Path("/dev/full").is_char_device():
        pytest.skip("no /dev/full here")
    sandbox = Sandbox("scim", rate=0)
    with running(sandbox) as url:
        site = company(gallery="scim", tenant=url)
        words = f"{sys.executable} -m reconciler apply {site.root}"
        words += " <&-" if closed == "stdin" else " --yes > /dev/full"
        done = subprocess.run(["sh", "-c", words], capture_output=True, text=True, timeout=60, check=False)
        assert "Traceback" not in done.stderr
        assert done.returncode == (64 if closed == "stdin" else 1)
        said = "nobody is there to confirm it" if closed == "stdin" else "the output can't be written"
        assert said in done.stderr
        assert not [r for r in sandbox.requests if r.method != "GET"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name here")
def test_sigterm_ends_what_ignores_ctrl_c(tmp_path: Path) -> None:
    """As a shell without a terminal starts what it puts into the background."""
    pipe = tmp_path / "plan.json"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "show", pipe],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    writing = -1
    try:
        while writing < 0:
            assert process.poll() is None
            with contextlib.suppress(OSError):  # until somebody reads
                writing = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)
    finally:
        process.kill()
        if writing >= 0:
            os.close(writing)
    assert process.returncode == 130
    assert err.split() == ["interrupted"]
