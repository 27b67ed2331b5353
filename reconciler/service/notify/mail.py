"""Handing a mail to a mail server (RFC 5321), with one deadline for all of it.

smtplib in a thread, not aiosmtplib: the process that may write to the application gets no library more, and neither has
a deadline for the whole exchange, only one for each answer. It is kept from outside: by breaking the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import IO, Any, Final

from reconciler.errors import NotDelivered
from reconciler.http.address import is_loopback
from reconciler.render.safe import safe

DEADLINE: Final = 30.0
"""Seconds, from looking the host up to its last answer."""
_TLS_AT_ONCE: Final = 465  # RFC 8314 section 3.3
_MOST_SAID: Final = 256 * 1024  # bytes of all answers


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server, and who we are there. Without TLS nothing is sent but to this machine."""

    host: str
    port: int
    tls: Callable[[], ssl.SSLContext]
    user: str | None = None
    password: str | None = None


async def deliver(message: EmailMessage, server: Server, *, deadline: float = DEADLINE) -> dict[str, str]:
    """Hand a mail over. Returns the recipients that the server refused, with why, if it took others.

    Raises NotDelivered, in whose words neither user nor password stands.
    """
    line = _Line(server, deadline)
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[dict[str, str]] = loop.create_future()

    def settle(refused: dict[str, str] | None, error: BaseException | None) -> None:
        if ended.done():
            return
        if error is not None:
            ended.set_exception(error)
        else:
            ended.set_result(refused or {})

    def run() -> None:
        refused, failed = None, None
        try:
            refused = _hand_over(message, server, line)
        except BaseException as error:  # every one of them is raised again, where somebody waits for it
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop may be gone by now
            loop.call_soon_threadsafe(settle, refused, failed)

    # a thread of its own: one that hangs in the look-up of a name would keep the program from ending
    threading.Thread(target=run, name="mail", daemon=True).start()
    try:
        async with asyncio.timeout(deadline):
            return await ended
    except NotDelivered:
        raise
    except Exception as error:
        raise _told(error, server, deadline) from error
    finally:
        line.give_up()


class _Line:
    """The connection, which can be broken from outside whatever is going on in it."""

    def __init__(self, server: Server, deadline: float) -> None:
        self._server = server
        self._deadline = deadline
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._given_up = False

    def open(self) -> socket.socket:
        connection = socket.create_connection((self._server.host, self._server.port), timeout=self._deadline)
        try:
            with self._lock:
                if self._given_up:
                    raise TimeoutError
                self._handle = connection.dup()  # TLS takes the first one away
            if self._server.port == _TLS_AT_ONCE:
                return self._server.tls().wrap_socket(connection, server_hostname=self._server.host)
        except BaseException:
            connection.close()
            raise
        return connection

    def give_up(self) -> None:
        with self._lock:
            self._given_up = True
            if self._handle is not None:
                with contextlib.suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)
                self._handle.close()
                self._handle = None


class _Bounded:
    """What a server says, up to a limit."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = _MOST_SAID

    def readline(self, size: int) -> bytes:
        said = self._stream.readline(size)
        self._left -= len(said)
        if self._left < 0:
            raise OSError("the server says too much")
        return said

    def close(self) -> None:
        self._stream.close()


class _Session(smtplib.SMTP):
    def __init__(self, server: Server, line: _Line) -> None:
        self._line = line
        name = socket.gethostname()
        # never looked up: that may take longer than all the rest (RFC 5321 section 4.1.4 takes an address instead)
        super().__init__(local_hostname=name if "." in name and name.isascii() else "[127.0.0.1]")
        self._host = server.host  # what STARTTLS compares the certificate with

    def _get_socket(self, *_: object) -> socket.socket:
        return self._line.open()

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        return super().getreply()

    file: Any


def _hand_over(message: EmailMessage, server: Server, line: _Line) -> dict[str, str]:
    session = _Session(server, line)
    try:
        code, said = session.connect(server.host, server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        session.ehlo()
        _secure(session, server)
        if server.user is not None and server.password is not None:
            if not session.has_extn("auth"):
                raise NotDelivered(
                    f"the mail server {server.host} takes no user and password here",
                    hint="leave `user` and `password` out, or use the port where it does",
                )
            session.login(server.user, server.password)
        refused: Mapping[str, tuple[int, bytes]] = session.send_message(message)
        with contextlib.suppress(smtplib.SMTPException, OSError):  # it has the mail
            session.quit()
    finally:
        session.close()
    return {address: _said(server, *answer) for address, answer in refused.items()}


def _secure(session: smtplib.SMTP, server: Server) -> None:
    """STARTTLS, everywhere but on this machine. There it is used where a password goes and the server can: a local
    relay often offers it with a certificate that nobody could trust.
    """
    if server.port == _TLS_AT_ONCE:
        return
    offered = session.has_extn("starttls")
    if is_loopback(server.host) and (not offered or server.user is None):
        return
    if not offered:
        raise NotDelivered(
            f"the mail server {server.host} offers no STARTTLS, and names would travel in clear text",
            hint="is the port right? 587 is usual; 465 is for TLS from the start",
        )
    session.starttls(context=server.tls())
    session.ehlo()


def _said(server: Server, code: int, said: bytes | str) -> str:
    """An answer of the server's, harmless, without what we told it."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    for secret in _secrets(server):
        text = text.replace(secret, "…")
    return f"{code} {safe(' '.join(text.split()), 160)}".strip()


def _secrets(server: Server) -> list[str]:
    """As they are, and as logins send them (RFC 4616, RFC 4954); the longest first."""
    user, password = server.user or "", server.password or ""
    plain = [password, user] if password else []
    sent = [b64encode(each.encode()).decode() for each in (f"\0{user}\0{password}", *plain)] if password else []
    return sorted((each for each in (*sent, *plain) if each), key=len, reverse=True)


def _told(error: Exception, server: Server, deadline: float) -> NotDelivered:
    """In our own words. The order matters: an SSLError is an OSError, and a refused login a refused answer."""
    where = f"the mail server {server.host}"
    match error:
        case TimeoutError():
            return NotDelivered(
                f"{where} did not take the mail within {deadline:g} s", hint="may this machine reach it?"
            )
        case socket.gaierror():
            return NotDelivered(f"the name of {where} can't be resolved", hint="is `host` right?")
        case ConnectionRefusedError():
            return NotDelivered(f"{where} refused the connection on port {server.port}", hint="is `port` right?")
        case ssl.SSLCertVerificationError():
            return NotDelivered(
                f"the certificate of {where} is not trusted: {error.verify_message}",
                hint="`caFile` names authorities to trust beside the usual ones; `host` is what the certificate says",
            )
        case ssl.SSLError():
            return NotDelivered(
                f"TLS with {where} failed", hint="port 465 is for TLS from the start, every other for STARTTLS"
            )
        case smtplib.SMTPAuthenticationError():
            return NotDelivered(
                f"{where} refused user and password: {_said(server, error.smtp_code, error.smtp_error)}",
                hint="are both what it expects? some want a password made for programs",
            )
        case smtplib.SMTPSenderRefused():
            return NotDelivered(
                f"{where} refused the sender: {_said(server, error.smtp_code, error.smtp_error)}",
                hint="may this user send as `from`?",
            )
        case smtplib.SMTPRecipientsRefused():
            some = next(iter(error.recipients.values()), (0, b""))
            return NotDelivered(f"{where} refused every recipient: {_said(server, *some)}", hint="is `to` right?")
        case smtplib.SMTPServerDisconnected():
            return NotDelivered(f"{where} closed the connection", hint="is the port right? try again later")
        case smtplib.SMTPResponseException():
            said = _said(server, error.smtp_code, error.smtp_error)
            return NotDelivered(f"{where} refused the mail: {said}", hint="its own words say why")
        case UnicodeError():
            return NotDelivered(f"{where} takes no user or password beyond ASCII", hint="use one in ASCII")
        case smtplib.SMTPException():
            return NotDelivered(f"{where} speaks in a way that is not understood", hint="is this a mail server?")
        case OSError():
            return NotDelivered(f"{where} can't be reached: {error.strerror or type(error).__name__}")
    return NotDelivered(f"the mail could not be sent: {type(error).__name__}", hint="please report this")
