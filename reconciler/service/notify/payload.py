"""An event as a webhook's JSON: our own form, and that of Slack's incoming webhooks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from datetime import datetime
from typing import Any, Final

from reconciler.errors import SecretError
from reconciler.service.notify.event import Event, actions_of, lines_of, title_of

FORMAT: Final = "reconciler.event/1"
_PREFIX: Final = "whsec_"
_SHORTEST: Final = 16  # characters of a secret: who saw one message could try all shorter ones
_MENTION: Final = re.compile(r"(?<![A-Za-z0-9])@(?=\w)")
_SLACK_LINES: Final = 20
_SLACK_TEXT: Final = 2900  # characters of a block; Slack refuses more than 3,000
_SLACK_HEADER: Final = 150


def json_form(event: Event) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "id": event.id,
        "kind": event.kind,
        "app": event.app,
        "at": f"{event.at:%Y-%m-%dT%H:%M:%SZ}",
        "subject": event.subject,
        "thread": event.thread_id or None,
        "title": title_of(event),
        "lines": lines_of(event),
        "actions": actions_of(event),
    }


def slack_form(event: Event) -> dict[str, Any]:
    """Blocks of plain text, in which Slack reads no markup, and `text` for notifications and for servers that know no
    blocks; there &, < and > are escaped, as Slack wants it, so that nothing is a link or <!channel>, and no @ mentions.
    """
    title, lines, actions = title_of(event), lines_of(event, _SLACK_LINES), actions_of(event)
    text = [title, *(f"• {line}" for line in lines), *(f"→ {action}" for action in actions)]
    blocks = [{"type": "header", "text": _plain(title, _SLACK_HEADER)}]
    if lines:
        blocks.append({"type": "section", "text": _plain("\n".join(lines), _SLACK_TEXT)})
    if actions:
        blocks.append({"type": "section", "text": _plain("What you can do:\n" + "\n".join(actions), _SLACK_TEXT)})
    return {
        "text": "\n".join(escaped(each) for each in text),
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "blocks": blocks,
    }


def escaped(text: str) -> str:
    """For Slack's `text`. A word joiner behind an @ keeps servers that look for @here and @names from finding any;
    addresses stay as they are, so that they can be copied.
    """
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return _MENTION.sub("@\u2060", text)


def _plain(text: str, longest: int) -> dict[str, Any]:
    text = _MENTION.sub("@\u2060", text)
    return {"type": "plain_text", "text": text if len(text) <= longest else f"{text[: longest - 1]}…", "emoji": False}


def signature(event_id: str, at: datetime, content: bytes, secret: str) -> dict[str, str]:
    """Headers of Standard Webhooks 1.0: HMAC-SHA256 over "ID.TIMESTAMP.CONTENT", the timestamp in seconds since 1970.

    A secret that begins with whsec_ is base64 behind that, as its libraries expect; any other is taken as it is.
    Raises SecretError.
    """
    stamp = str(int(at.timestamp()))
    signed = f"{event_id}.{stamp}.".encode() + content
    made = base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": event_id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{made}"}


def _key(secret: str) -> bytes:
    if len(secret) < _SHORTEST:
        raise SecretError(
            "the secret of notify.webhook is too short to sign with", hint=f"use {_SHORTEST} random characters or more"
        )
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretError(
            "the secret of notify.webhook begins with whsec_, and what follows is no base64",
            hint="copy it again, whole",
        ) from error
