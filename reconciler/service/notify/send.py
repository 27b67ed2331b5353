"""Sending an event to everybody whom an app's `notify` names. A channel that fails is told of, and stops nothing."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from reconciler.errors import NotDelivered, ReconcilerError, TransportError
from reconciler.http import read_file, resolve_secret, tls_context
from reconciler.http.outgoing import Outgoing
from reconciler.http.post import SecretAddress, post
from reconciler.model.history import Notice
from reconciler.model.notify import Email, Notify, Webhook
from reconciler.model.secret import SecretReference
from reconciler.render.safe import safe
from reconciler.service.notify.event import Event
from reconciler.service.notify.mail import DEADLINE, Server, deliver
from reconciler.service.notify.message import message_of
from reconciler.service.notify.payload import json_form, signature, slack_form

if TYPE_CHECKING:
    import httpx

CHANNELS: Final = ("email", "webhook")
_LARGEST_BUNDLE: Final = 1024 * 1024  # bytes of a file with certificates
_HOOK_DEADLINE: Final = 25.0  # seconds for all tries of a webhook together


@dataclass(frozen=True, slots=True)
class _Means:
    """What both channels need."""

    root: Path
    outgoing: Outgoing
    environ: Mapping[str, str]
    ca_file: str | None
    transport: httpx.AsyncBaseTransport | None

    def secret(self, of: SecretReference) -> str:
        return resolve_secret(
            of.env, of.file, of.command, of.keyring, root=self.root, environ=self.environ, outgoing=self.outgoing
        )

    def tls(self) -> ssl.SSLContext:
        if self.ca_file is None:
            return tls_context()
        return tls_context(read_file(self.ca_file, root=self.root, outgoing=self.outgoing, longest=_LARGEST_BUNDLE))


def channels_of(notify: Notify) -> tuple[str, ...]:
    """Those that are configured."""
    return tuple(name for name in CHANNELS if getattr(notify, name) is not None)


async def send(
    notify: Notify,
    event: Event,
    *,
    root: Path,
    outgoing: Outgoing,
    environ: Mapping[str, str],
    transport: httpx.AsyncBaseTransport | None = None,
    ca_file: str | None = None,
    channels: Collection[str] = CHANNELS,
    deadline: float = DEADLINE,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Notice]:
    """Tell of an event on every one of `channels` that is configured, all at once.

    One notice for each channel and subject that was told, `error` saying why it was not delivered; one more where a
    mail server took the mail for some and refused others. `root` is the desired state's folder, `ca_file` the app's
    authorities; `transport` replaces the network for webhooks, in tests. Never raises for what a channel does, within
    `deadline` seconds.
    """
    means = _Means(root, outgoing, environ, ca_file, transport)
    attempts: dict[str, Awaitable[str]] = {}
    if notify.email is not None and "email" in channels:
        attempts["email"] = _mail(event, notify.email, means, deadline)
    if notify.webhook is not None and "webhook" in channels:
        attempts["webhook"] = _hook(event, notify.webhook, means, min(deadline, _HOOK_DEADLINE), clock)
    ends = await asyncio.gather(*attempts.values(), return_exceptions=True)
    notices: list[Notice] = []
    for channel, end in zip(attempts, ends, strict=True):
        if isinstance(end, BaseException) and not isinstance(end, Exception):
            raise end
        error = _why(end) if isinstance(end, Exception) else ""
        notices += [Notice(event.app, clock(), event.kind, subject, channel, error) for subject in event.subjects]
        if isinstance(end, str) and end:
            notices.append(Notice(event.app, clock(), event.kind, event.subject, channel, end))
    return notices


async def _mail(event: Event, email: Email, means: _Means, deadline: float) -> str:
    """Empty, or which recipients were refused while others were not."""
    smtp = email.smtp
    means.outgoing.check_host(smtp.host)
    user, password = await asyncio.to_thread(
        lambda: tuple(None if each is None else means.secret(each) for each in (smtp.user, smtp.password))
    )
    server = Server(smtp.host, smtp.port, cache(means.tls), user, password)
    refused = await deliver(message_of(event, email), server, deadline=deadline)
    if not refused:
        return ""
    told = "; ".join(f"{safe(address)}: {why}" for address, why in list(refused.items())[:5])
    return f"the mail server {smtp.host} refused {len(refused)} of {len(email.to)} recipients: {told}"


async def _hook(event: Event, webhook: Webhook, means: _Means, deadline: float, clock: Callable[[], datetime]) -> str:
    url = await asyncio.to_thread(means.secret, webhook.url)
    address = SecretAddress.parse(url)
    means.outgoing.check_host(address.host)
    form = slack_form(event) if webhook.form == "slack" else json_form(event)
    content = orjson.dumps(form)
    headers = {"webhook-id": event.id}
    if webhook.secret is not None:
        secret = await asyncio.to_thread(means.secret, webhook.secret)
        headers = signature(event.id, clock(), content, secret)
    tls = None if means.ca_file is None else means.tls()
    try:
        async with asyncio.timeout(deadline):
            answer = await post(address, content, headers, tls=tls, transport=means.transport)
    except TimeoutError as error:
        raise NotDelivered(f"{address.told} did not answer within {deadline:g} s") from error
    except TransportError as error:
        raise NotDelivered(f"{address.told}: {error.message}", hint=error.hint) from error
    if 200 <= answer.status < 300:
        return ""
    hint = "no redirect is followed: what it names is not on any list" if 300 <= answer.status < 400 else ""
    hint = hint or ("is the address still right?" if answer.status in (401, 403, 404, 410) else "")
    raise NotDelivered(f"{address.told} answered {answer.status}", hint=hint)


def _why(error: Exception) -> str:
    if isinstance(error, ReconcilerError):
        return f"{error.message} ({error.hint})" if error.hint else error.message
    return f"{type(error).__name__} while it was being sent: this is a fault of reconciler, please report it"
