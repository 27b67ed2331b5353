"""Mails, handed to a real mail server on this machine."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.http import Outgoing
from reconciler.model.history import Notice
from reconciler.service.notify import send
from tests.service.notify.conftest import PASSWORD, USER, Means, Start, event, mailing

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

NAUGHTY = 'Eve\r\nBcc: all@contoso.com <script>alert(1)</script> & "co" \u202egnp'


def sent(*given: Any, **options: Any) -> list[Notice]:
    return asyncio.run(send(*given, **options))


def test_a_mail_arrives_as_text_and_as_html_and_says_whose_it_is(mail_server: Start, means: Means) -> None:
    box = mail_server()
    notices = sent(mailing(box.port, to=("a@contoso.com", "b@contoso.com")), event(), **means())
    assert [(n.app, n.event, n.subject, n.channel, n.error) for n in notices] == [
        ("hootsuite", "quarantined", "2026-11-26/credentials", "email", "")
    ]
    (mail,) = box.mails
    assert box.recipients == [["a@contoso.com", "b@contoso.com"]]
    assert mail["Subject"] == "[reconciler] hootsuite is in quarantine"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@contoso.com>")
    assert mail["References"] is None
    text, html = (part.get_content() for part in mail.iter_parts())
    for body in (text, html):
        assert "the token was refused" in body
        assert "reconciler resume hootsuite" in body
        assert "2026-11-26 18:00 UTC" in body


@pytest.mark.parametrize("name", ["Ada", "Ädå", "阿达"])
def test_a_long_subject_begins_on_its_own_line(mail_server: Start, means: Means, name: str) -> None:
    box = mail_server()
    title = f"the accounts of {name} are held: " + "waiting for an answer " * 4
    sent(mailing(box.port), event(title=title), **means())
    assert box.mails[0]["Subject"].strip() == f"[reconciler] {title}".strip()
    assert box.mails[0]["Subject"].startswith("[reconciler]")


def test_mails_of_one_quarantine_share_a_thread_and_no_id(mail_server: Start, means: Means) -> None:
    box = mail_server()
    for kind, thread in (("quarantined", "q1"), ("recovered", "q1"), ("quarantined", "q2")):
        sent(mailing(box.port), event(kind=kind, subject=f"{kind}{thread}", thread=thread), **means())
    first, second, other = box.mails
    assert first["References"] == second["References"] == first["In-Reply-To"] != other["References"]
    assert len({mail["Message-ID"] for mail in box.mails}) == 3


def test_hostile_names_break_out_of_no_header_and_no_markup(mail_server: Start, means: Means) -> None:
    box = mail_server()
    sent(
        mailing(box.port),
        event(title=f"{NAUGHTY} is held", lines=(NAUGHTY, "x" * 10_000), actions=(NAUGHTY,)),
        **means(),
    )
    (mail,) = box.mails
    assert mail["Bcc"] is None
    assert box.recipients == [["identity@contoso.com"]]
    assert "\u202e" not in mail.as_string()
    text, html = (part.get_content() for part in mail.iter_parts())
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "\nBcc:" not in text
    assert max(map(len, text.splitlines())) < 500


def test_a_long_list_is_cut_and_says_so(mail_server: Start, means: Means) -> None:
    box = mail_server()
    sent(mailing(box.port), event(lines=tuple(f"person{n}" for n in range(1234))), **means())
    text = next(box.mails[0].iter_parts()).get_content()
    assert "person49" in text.splitlines()
    assert "person50" not in text.splitlines()
    assert "… and 1,184 more" in text


def test_a_login_goes_over_starttls_with_the_authority_in_ca_file(
    mail_server: Start, means: Means, certificate: Callable[..., Any], elsewhere: None
) -> None:
    made = certificate("127.0.0.1")
    box = mail_server(tls=made.server, login=True)
    (notice,) = sent(mailing(box.port, login=True), event(), **means(ca_file="127.0.0.1.pem"))
    assert notice.error == ""
    assert box.logins == [(USER, PASSWORD, True)]
    assert box.tls == [True]


def test_a_certificate_of_nobody_we_trust_gets_no_password(
    mail_server: Start, means: Means, certificate: Callable[..., Any], elsewhere: None
) -> None:
    box = mail_server(tls=certificate("127.0.0.1").server, login=True)
    (notice,) = sent(mailing(box.port, login=True), event(), **means())
    assert "is not trusted" in notice.error
    assert "caFile" in notice.error
    assert not box.logins
    assert not box.mails


def test_a_certificate_of_another_host_is_not_trusted(
    mail_server: Start, means: Means, certificate: Callable[..., Any], elsewhere: None
) -> None:
    box = mail_server(tls=certificate("smtp.example.test").server)
    (notice,) = sent(mailing(box.port), event(), **means(ca_file="smtp.example.test.pem"))
    assert "is not trusted" in notice.error
    assert not box.mails


def test_without_starttls_nothing_leaves_this_machine(mail_server: Start, means: Means, elsewhere: None) -> None:
    box = mail_server(login=True)
    (notice,) = sent(mailing(box.port, login=True), event(), **means())
    assert "offers no STARTTLS" in notice.error
    assert not box.logins


def test_a_local_relay_whose_certificate_nobody_trusts_still_takes_mail(
    mail_server: Start, means: Means, certificate: Callable[..., Any]
) -> None:
    box = mail_server(tls=None)
    (notice,) = sent(mailing(box.port), event(), **means())
    assert notice.error == ""
    assert box.tls == [False]


def test_on_port_465_tls_comes_first(
    means: Means, certificate: Callable[..., Any], listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certificate("127.0.0.1")
    said: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        for answer in (b"250 me", b"250 ok", b"250 ok", b"354 go"):
            said.append(await reader.readline())
            writer.write(answer + b"\r\n")
        said.append(await reader.readuntil(b"\r\n.\r\n"))
        writer.write(b"250 taken\r\n")
        said.append(await reader.readline())

    async def main() -> list[Notice]:
        async with listening(talk, tls=made.server) as port:
            monkeypatch.setattr("reconciler.service.notify.mail._TLS_AT_ONCE", port)
            return await send(mailing(port), event(), **means(ca_file="127.0.0.1.pem"))

    (notice,) = asyncio.run(main())
    assert notice.error == ""
    assert b"the token was refused" in said[-2]


@pytest.mark.parametrize("over_tls", [True, False])
def test_a_wrong_password_is_told_and_never_shown(
    mail_server: Start, means: Means, certificate: Callable[..., Any], *, over_tls: bool
) -> None:
    made = certificate("127.0.0.1") if over_tls else None
    box = mail_server(tls=made.server if made else None, login=True)
    means.environ["SMTP_PASSWORD"] = "wrong-password-canary"
    (notice,) = sent(mailing(box.port, login=True), event(), **means(ca_file="127.0.0.1.pem" if made else None))
    assert "refused user and password: 535" in notice.error
    assert "canary" not in notice.error
    assert not box.mails


def test_what_a_server_echoes_of_a_login_is_not_told(means: Means, listening: Any) -> None:
    secret = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250-me\r\n250 AUTH PLAIN\r\n")
        await reader.readline()
        writer.write(f"535 no {PASSWORD} and {secret} \x1b[31mred\r\n".encode())
        await reader.read()

    async def main() -> list[Notice]:
        async with listening(talk) as port:
            return await send(mailing(port, login=True), event(), **means())

    (notice,) = asyncio.run(main())
    assert "535 no … and …" in notice.error
    assert PASSWORD not in notice.error
    assert secret not in notice.error
    assert "\x1b" not in notice.error


def test_some_recipients_refused_is_delivered_and_told(mail_server: Start, means: Means) -> None:
    box = mail_server(refuses={"gone@contoso.com"})
    notices = sent(mailing(box.port, to=("gone@contoso.com", "here@contoso.com")), event(), **means())
    assert [bool(n.error) for n in notices] == [False, True]
    assert "refused 1 of 2 recipients: gone@contoso.com: 550" in notices[1].error
    assert box.recipients == [["here@contoso.com"]]


def test_every_recipient_refused_is_not_delivered(mail_server: Start, means: Means) -> None:
    box = mail_server(refuses={"identity@contoso.com"})
    (notice,) = sent(mailing(box.port), event(), **means())
    assert "refused every recipient: 550" in notice.error


def test_a_server_that_is_gone(means: Means) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        (notice,) = sent(mailing(taken.getsockname()[1]), event(), **means())
    assert "refused the connection" in notice.error


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-still here\r\n")
        await asyncio.sleep(0.05)


async def _flooding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-still here\r\n" * 4096)
        await writer.drain()


@pytest.mark.parametrize("talk", [_silent, _dripping])
def test_a_server_that_hangs_is_given_up(means: Means, listening: Any, talk: Any) -> None:
    async def main() -> list[Notice]:
        async with listening(talk) as port:
            return await send(mailing(port), event(), **means(deadline=0.4))

    began = time.monotonic()
    (notice,) = asyncio.run(main())
    assert "did not take the mail within 0.4 s" in notice.error
    assert time.monotonic() - began < 10


def test_a_server_that_hangs_within_tls_is_given_up(
    means: Means, listening: Any, certificate: Callable[..., Any], elsewhere: None
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250-me\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go\r\n")
        await reader.read()  # and no handshake ever

    async def main() -> tuple[list[Notice], int]:
        async with listening(talk) as port:
            return await send(mailing(port), event(), **means(deadline=0.4)), port

    notices, _ = asyncio.run(main())
    assert "within 0.4 s" in notices[0].error


def test_a_server_that_says_too_much_is_given_up(means: Means, listening: Any) -> None:
    async def main() -> list[Notice]:
        async with listening(_flooding) as port:
            return await send(mailing(port), event(), **means(deadline=30))

    (notice,) = asyncio.run(main())
    assert "closed the connection" in notice.error


def test_the_mail_servers_host_is_on_the_list_before_a_secret_is_read(means: Means) -> None:
    notify = mailing(25, login=True)
    assert notify.email is not None
    smtp = notify.email.smtp.model_copy(update={"host": "smtp.evil.example"})
    notify = notify.model_copy(update={"email": notify.email.model_copy(update={"smtp": smtp})})
    pinned = Outgoing.from_environment({"CI": "true"}, allow_host=["smtp.contoso.com"])
    (notice,) = sent(notify, event(), **means(outgoing=pinned))
    assert "host smtp.evil.example is not on the list" in notice.error
    assert "--allow-host" in notice.error


def test_a_secret_that_is_not_there_is_told(mail_server: Start, means: Means) -> None:
    box = mail_server(login=True)
    del means.environ["SMTP_PASSWORD"]
    (notice,) = sent(mailing(box.port, login=True), event(), **means())
    assert "SMTP_PASSWORD" in notice.error


def test_certificates_are_asked_for_by_tls_1_2_or_later(means: Means) -> None:
    from reconciler.http import tls_context

    assert tls_context().minimum_version >= ssl.TLSVersion.TLSv1_2
