"""Ctrl-C and SIGTERM: both end a command, whatever it is doing."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from reconciler.errors import UsageError

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def terminate_like_interrupt() -> None:
    """SIGTERM does what Ctrl-C does, from now on: locks are given back, the terminal is as it was.

    Where Ctrl-C is ignored, as by a job in the background of a script, only SIGTERM ends a command.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGTERM, signal.default_int_handler if ignored else _interrupt)


def _interrupt(_number: int, _frame: object) -> None:
    signal.raise_signal(signal.SIGINT)


@contextmanager
def handled(handle: Callable[[int, Any], Any]) -> Iterator[None]:
    """While it lasts both signals are for `handle`; afterwards, for whoever had them before."""
    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def confirm(question: str, hint: str) -> None:
    """Asks on the terminal; anything but yes ends the command. Raises UsageError if nobody is there.

    In a running event loop Ctrl-C waits for the loop's turn, which comes after the answer. Here it ends the question.
    """
    if sys.stdin is None or not sys.stdin.isatty():  # None: it is closed
        raise UsageError("nobody is there to confirm it", hint=hint)
    with handled(signal.default_int_handler):
        click.confirm(question, abort=True, err=True)
