"""An event as an e-mail: plain text, and the same as simple HTML."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from reconciler.model.notify import Email
from reconciler.service.notify.event import Event, actions_of, lines_of, title_of

_FOOTER = "Sent by reconciler, as `notify` in app.yaml says."
_STYLE = "font-family: system-ui, sans-serif; font-size: 15px; line-height: 1.5; max-width: 44em"

_WIDE = SMTP.clone(max_line_length=200)
"""Else a subject of some length would begin on a line of its own, behind an empty one. Encoded words keep to 76
characters a line (RFC 2047 section 2).
"""


def message_of(event: Event, email: Email) -> EmailMessage:
    """Mails of one thread refer to an id that none of them has, so that each finds its place whichever arrived first.

    Marked as written by a program, so that nobody's absence note answers it (RFC 3834).
    """
    domain = email.from_.rpartition("@")[2]
    subject = f"[reconciler] {title_of(event)}"
    message = EmailMessage(policy=_WIDE if subject.isascii() else SMTP)
    message["From"] = email.from_
    message["To"] = ", ".join(email.to)
    message["Subject"] = subject
    message["Date"] = format_datetime(event.at)
    message["Message-ID"] = f"<{event.id}@{domain}>"
    if event.thread:
        message["In-Reply-To"] = message["References"] = f"<{event.thread_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_text(event))
    message.add_alternative(_html(event), subtype="html")
    return message


def _text(event: Event) -> str:
    parts = [title_of(event), "\n".join(lines_of(event))]
    if event.actions:
        parts.append("What you can do:\n" + "\n".join(f"    {action}" for action in actions_of(event)))
    parts.append(f"-- \n{_FOOTER}\n{event.kind} · {event.app} · {event.at:%Y-%m-%d %H:%M} UTC")
    return "\n\n".join(filter(None, parts)) + "\n"


def _html(event: Event) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in lines_of(event))
    actions = "".join(f"<li><code>{escape(action)}</code></li>" for action in actions_of(event))
    title = escape(title_of(event))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f'<body style="{_STYLE}"><h1 style="font-size: 1.25em">{title}</h1>'
        + (f"<ul>{lines}</ul>" if lines else "")
        + (f"<p>What you can do:</p><ul>{actions}</ul>" if actions else "")
        + f'<p style="color: #595959; font-size: .85em">{escape(_FOOTER)}<br>'
        f"{escape(event.kind)} · {escape(event.app)} · {event.at:%Y-%m-%d %H:%M} UTC</p></body></html>\n"
    )
