"""Mail servers on this machine, and an app that tells of what happens."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from reconciler.http import Outgoing
from reconciler.model.notify import Notify
from reconciler.service.notify import Event
from tests.http.conftest import certificate, listening, reply, serving

__all__ = ["certificate", "listening", "reply", "serving"]

USER, PASSWORD = "robot", "correct-horse-battery"
ENVIRON = {"SMTP_USER": USER, "SMTP_PASSWORD": PASSWORD, "SECRET": "a-shared-secret-of-some-length"}
AT = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)


@dataclass
class Mailbox:
    """A mail server, and what it took."""

    refuses: set[str] = field(default_factory=set)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[tuple[str, str, bool]] = field(default_factory=list)
    """(user, password, over TLS)."""
    port: int = 0
    tls: list[bool] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return "550 5.1.1 no such <mailbox>"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = cast("bytes", envelope.content)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        self.tls.append(session.ssl is not None)
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        user, password = data.login.decode(), data.password.decode()
        self.logins.append((user, password, session.ssl is not None))
        return AuthResult(success=password == PASSWORD, handled=False)


class _AnyPort(Controller):
    """On a port that the system chooses; the one it would be told to take may be gone by then."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


Start = Callable[..., Mailbox]


@pytest.fixture
def mail_server() -> Iterator[Start]:
    """`mail_server(tls=context, login=True)` listens on a free port of this machine."""
    running: list[Controller] = []

    def start(*, tls: ssl.SSLContext | None = None, login: bool = False, refuses: set[str] | None = None) -> Mailbox:
        box = Mailbox(refuses=refuses or set())
        options: dict[str, Any] = {"tls_context": tls, "require_starttls": tls is not None}
        if login:
            options |= {
                "authenticator": box.authenticate,
                "auth_required": True,
                "auth_require_tls": tls is not None,
            }
        controller = _AnyPort(box, hostname="127.0.0.1", port=0, **options)
        controller.start()
        box.port = controller.port
        running.append(controller)
        return box

    yield start
    for controller in running:
        controller.stop(no_assert=True)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail servers on this machine count as if they were on another."""
    monkeypatch.setattr("reconciler.service.notify.mail.is_loopback", lambda host: False)


def mailing(port: int, *, login: bool = False, to: tuple[str, ...] = ("identity@contoso.com",)) -> Notify:
    smtp: dict[str, Any] = {"host": "127.0.0.1", "port": port}
    if login:
        smtp |= {"user": {"env": "SMTP_USER"}, "password": {"env": "SMTP_PASSWORD"}}
    return Notify.model_validate({"email": {"from": "reconciler@contoso.com", "to": list(to), "smtp": smtp}})


def hooked(form: str = "json") -> Notify:
    return Notify.model_validate({"webhook": {"url": {"env": "HOOK"}, "secret": {"env": "SECRET"}, "form": form}})


def event(**given: Any) -> Event:
    return Event(
        **{
            "kind": "quarantined",
            "app": "hootsuite",
            "at": AT,
            "subject": "2026-11-26/credentials",
            "title": "hootsuite is in quarantine",
            "lines": ("the token was refused",),
            "actions": ("reconciler resume hootsuite",),
            **given,
        }
    )


def open_world(**given: Any) -> Outgoing:
    return Outgoing.from_environment({}, **given)


@dataclass
class Means:
    root: Path
    environ: dict[str, str] = field(default_factory=lambda: dict(ENVIRON))

    def __call__(self, **given: Any) -> dict[str, Any]:
        return {"root": self.root, "environ": self.environ, "outgoing": open_world(), **given}


@pytest.fixture
def means(tmp_path: Path) -> Means:
    """What `send` needs beside an event, with replacements."""
    return Means(tmp_path)
