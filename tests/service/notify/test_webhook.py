"""Webhooks: what is posted, how it is signed, what is tried again, and what is never told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.http import Outgoing
from reconciler.model.history import Notice
from reconciler.service.notify import send
from tests.service.notify.conftest import AT, ENVIRON, Means, event, hooked

HOOK = "https://hooks.example.test/T000/B000/canary-path?sig=canary-query"


class Receiver:
    """Answers what it is told to, one status after another; the last one again and again."""

    def __init__(self, *statuses: int, headers: dict[str, str] | None = None) -> None:
        self.statuses = list(statuses)
        self.headers = headers or {}
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return httpx.Response(status, headers=self.headers, content=b"canary-body")

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.http.post.WAITS", (0.0, 0.0))


def posted(means: Means, receiver: Receiver, *, form: str = "json", url: str = HOOK, **given: Any) -> list[Notice]:
    means.environ["HOOK"] = url
    outgoing = given.pop("outgoing", Outgoing.from_environment({}))
    return asyncio.run(
        send(hooked(form), event(**given), **means(transport=receiver.transport, clock=lambda: AT, outgoing=outgoing))
    )


def verified(headers: httpx.Headers, body: bytes, secret: str) -> bool:
    """As docs/notify.md tells receivers to."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(f"v1,{expected}", each) for each in headers["webhook-signature"].split())


def test_what_is_posted_says_it_all_and_can_be_verified(means: Means) -> None:
    receiver = Receiver(204)
    (notice,) = posted(means, receiver, thread="q1")
    assert (notice.channel, notice.error) == ("webhook", "")
    (request,) = receiver.requests
    assert str(request.url) == HOOK
    assert request.headers["content-type"] == "application/json"
    assert verified(request.headers, request.content, ENVIRON["SECRET"])
    assert not verified(request.headers, request.content + b" ", ENVIRON["SECRET"])
    assert not verified(request.headers, request.content, "another-secret-of-some-length")
    assert request.headers["webhook-timestamp"] == str(int(AT.timestamp()))
    body = json.loads(request.content)
    assert body["format"] == "reconciler.event/1"
    assert body["id"] == request.headers["webhook-id"]
    assert (body["kind"], body["app"], body["at"]) == ("quarantined", "hootsuite", "2026-11-26T18:00:00Z")
    assert body["actions"] == ["reconciler resume hootsuite"]


def test_the_vector_of_standard_webhooks(means: Means) -> None:
    """From the specification's own example, whose secret is base64 behind whsec_."""
    from datetime import UTC, datetime

    from reconciler.service.notify.payload import signature

    made = signature(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(("secret", "why"), [("tiny", "too short"), ("whsec_not*base64*at*all", "no base64")])
def test_a_secret_that_signs_nothing(means: Means, secret: str, why: str) -> None:
    means.environ["SECRET"] = secret
    receiver = Receiver(200)
    (notice,) = posted(means, receiver)
    assert why in notice.error
    assert secret not in notice.error
    assert not receiver.requests


def test_a_server_in_trouble_is_asked_three_times_with_one_id(means: Means) -> None:
    receiver = Receiver(503, 500, 200)
    assert posted(means, receiver)[0].error == ""
    assert len(receiver.requests) == 3
    assert len({r.headers["webhook-id"] for r in receiver.requests}) == 1
    receiver = Receiver(503)
    assert "answered 503" in posted(means, receiver)[0].error
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_not_tried_again(means: Means, status: int) -> None:
    receiver = Receiver(status)
    assert f"answered {status}" in posted(means, receiver)[0].error
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(means: Means, status: int) -> None:
    receiver = Receiver(status, headers={"location": "https://elsewhere.example.test/"})
    (notice,) = posted(means, receiver)
    assert f"answered {status} (no redirect is followed" in notice.error
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [204, 301, 404, 503])
def test_nothing_of_the_address_but_its_host_is_told(means: Means, status: int) -> None:
    (notice,) = posted(means, Receiver(status))
    assert "canary" not in notice.error


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.test/canary", "plain http"),
        ("https://canary:canary@hooks.example.test/", "user name or a password"),
        ("canary", "not a URL"),
        ("ftp://hooks.example.test/canary", "not a URL"),
        ("https://[canary", "can't be read"),
        ("https://hooks.example.test:99999999/canary", "can't be read"),
    ],
)
def test_an_address_that_can_not_be_used(means: Means, url: str, why: str) -> None:
    receiver = Receiver(200)
    (notice,) = posted(means, receiver, url=url)
    assert why in notice.error
    assert "canary" not in notice.error
    assert not receiver.requests


def test_the_host_behind_the_variable_is_on_the_list(means: Means) -> None:
    receiver = Receiver(200)
    pinned = Outgoing.from_environment({"CI": "1"}, allow_env=["HOOK", "SECRET"])
    (notice,) = posted(means, receiver, outgoing=pinned)
    assert "host hooks.example.test is not on the list" in notice.error
    assert not receiver.requests
    allowed = Outgoing.from_environment({"CI": "1"}, allow_env=["HOOK", "SECRET"], allow_host=["hooks.example.test"])
    assert posted(means, receiver, outgoing=allowed)[0].error == ""


def test_the_variable_is_on_the_list_too(means: Means) -> None:
    receiver = Receiver(200)
    (notice,) = posted(means, receiver, outgoing=Outgoing.from_environment({"CI": "1"}))
    assert "environment variable HOOK is not on the list" in notice.error


HOSTILE = (
    "<!channel> <@U012> <https://evil.example|click> & @here (@channel) *bold* \u202e @ada.lovelace ada@contoso.com"
)


def test_slack_finds_no_mention_no_link_and_no_markup_in_names(means: Means) -> None:
    receiver = Receiver(200)
    assert posted(means, receiver, form="slack", title=HOSTILE, lines=(HOSTILE,), actions=(HOSTILE,))[0].error == ""
    body = json.loads(receiver.requests[0].content)
    assert "<" not in body["text"]
    assert ">" not in body["text"]
    assert "&lt;!channel&gt;" in body["text"]
    for text in (body["text"], *(block["text"]["text"] for block in body["blocks"])):
        for mention in ("@here", "@channel", "@ada.lovelace"):
            assert mention not in text
        assert "ada@contoso.com" in text
        assert "\u202e" not in text
    assert {block["text"]["type"] for block in body["blocks"]} == {"plain_text"}
    assert body["mrkdwn"] is False


def test_slack_gets_no_more_than_it_takes(means: Means) -> None:
    receiver = Receiver(200)
    posted(means, receiver, form="slack", title="t" * 1000, lines=("x" * 1000,) * 1000, actions=("y" * 1000,) * 30)
    header, *sections = json.loads(receiver.requests[0].content)["blocks"]
    assert len(header["text"]["text"]) <= 150
    assert all(0 < len(each["text"]["text"]) <= 3000 for each in sections)


def test_slack_may_do_without_a_secret(means: Means) -> None:
    from reconciler.model.notify import Notify

    receiver = Receiver(200)
    notify = Notify.model_validate({"webhook": {"url": {"env": "HOOK"}, "form": "slack"}})
    means.environ["HOOK"] = HOOK
    (notice,) = asyncio.run(send(notify, event(), **means(transport=receiver.transport)))
    assert notice.error == ""
    assert "webhook-signature" not in receiver.requests[0].headers


def test_over_a_real_socket_and_a_server_that_hangs(means: Means, serving: Any, reply: Callable[..., bytes]) -> None:
    async def answering(request: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(reply(200))
        await writer.drain()
        return True

    async def hanging(request: Any, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(60)
        return False

    async def main(handler: Any) -> tuple[list[Notice], list[Any]]:
        async with serving(handler) as server:
            means.environ["HOOK"] = server.url
            return await send(hooked(), event(), **means(deadline=0.5)), server.received

    notices, received = asyncio.run(main(answering))
    assert notices[0].error == ""
    assert verified(httpx.Headers(received[0].headers), received[0].body, ENVIRON["SECRET"])
    notices, _ = asyncio.run(main(hanging))
    assert "did not answer within 0.5 s" in notices[0].error


def test_one_channel_that_fails_keeps_no_other_from_being_told(means: Means) -> None:
    from reconciler.model.notify import Notify
    from tests.service.notify.conftest import mailing

    receiver = Receiver(200)
    means.environ["HOOK"] = HOOK
    both = Notify(email=mailing(1).email, webhook=hooked().webhook)
    notices = asyncio.run(send(both, event(), **means(transport=receiver.transport)))
    assert [(n.channel, bool(n.error)) for n in notices] == [("email", True), ("webhook", False)]
    notices = asyncio.run(send(both, event(), **means(transport=receiver.transport, channels=("webhook",))))
    assert [n.channel for n in notices] == ["webhook"]


def test_every_subject_is_noticed(means: Means) -> None:
    notices = posted(means, Receiver(200), covers=("user:a", "user:b"))
    assert [n.subject for n in notices] == ["user:a", "user:b"]
