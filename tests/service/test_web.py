"""The page as a server: what it shows, to whom, and that nobody can change or break anything with it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from reconciler.errors import HistoryError, UsageError
from reconciler.model.history import Notice
from reconciler.service.board import Board, Running
from reconciler.service.history import History
from reconciler.service.report import report
from reconciler.service.web import Listen, create, served
from reconciler.service.web.events import MOST, Streams
from reconciler.service.web.picture import picture
from tests.render.test_markdown import HOSTILE_MARKUP
from tests.render.test_page import seen
from tests.service.three import APPS, EVERY, NOW, app, cycle, entry, history_at, three_at

TOKEN = "t0ken-of-the-page-0123456789"
HERE = "http://127.0.0.1:8321"


@pytest.fixture
def three(tmp_path: Path) -> Iterator[History]:
    with three_at(tmp_path / "three.db") as history:
        yield history


@pytest.fixture
def board() -> Board:
    return Board()


def client_of(history: Any, board: Board, *, token: str | None = None, base: str = HERE, now: Any = None) -> TestClient:
    application = create(history, board, lambda: APPS, now or (lambda: NOW), token)
    return TestClient(application, base_url=base, raise_server_exceptions=True)


@pytest.fixture
def client(three: History, board: Board) -> TestClient:
    return client_of(three, board)


# -- what it shows


def test_every_app_with_its_state_and_what_to_do(client: TestClient, board: Board) -> None:
    board.begin(Running("alpha", "c", NOW, "reading people", 120, 412))
    shown = client.get("/").text
    assert "4 apps: 1 quarantined, 1 held, 1 healthy, 1 off" in shown
    assert shown.index('id="app-gamma"') < shown.index('id="app-beta"') < shown.index('id="app-alpha"'), "worst first"
    assert re.search(r"reconciler approve sha256:[0-9a-f]{12}<", shown)
    assert "reconciler resume gamma" in shown
    assert '<progress aria-labelledby="phase-alpha" max="412" value="120">' in shown
    assert "The first cycle of every app has not ended yet" in shown


def test_one_app_with_its_picture_its_kept_plan_and_its_cycles(client: TestClient) -> None:
    shown = client.get("/apps/beta").text
    assert shown.count("<svg") == 3
    assert "31 of 412" in shown, "the guardrail, in the sentence of the plan"
    assert "Reconciler-Allow: deprovisionUsers=31" in shown, "a runner takes answers from commits"
    assert "Crisis Team" in shown
    assert "Fails again and again" in shown
    assert "503: the application is being maintained" in shown
    assert 'href="/people/user%3Alinus.byrne"' in shown
    quarantined = client.get("/apps/gamma").text
    assert 'rect class="quarantine"' in quarantined
    assert "smtp.example.com: connection refused" in quarantined


@pytest.mark.parametrize("days", ["1", "7", "30", "x", "99999999999"])
def test_the_period_can_be_chosen_and_nonsense_is_none(client: TestClient, days: str) -> None:
    answer = client.get("/apps/alpha", params={"days": days})
    assert answer.status_code == 200
    chosen = re.search(r'href="/apps/alpha\?days=(\d+)#history" aria-current="true"', answer.text)
    assert chosen is not None
    assert chosen[1] == (days if days in ("1", "7", "30") else "1")


def test_people_are_found_and_their_steps_shown(client: TestClient) -> None:
    found = client.get("/people", params={"q": "LOVELACE"}).text
    assert 'href="/people/user%3Aada.lovelace"' in found
    shown = client.get("/people/user%3Aada.lovelace").text
    steps = re.findall(r"<li><b>(\w+)</b>", shown)
    assert steps[:4] == ["import", "scope", "match", "action"]
    assert "Engineer, first class" in shown
    assert "[Redact]" in shown
    older = re.search(r'class="more" href="([^"]+)"', shown)
    assert older is not None
    earlier = client.get(older[1].replace("&amp;", "&")).text
    first, then = (re.findall(r'datetime="([^"]+)"', page) for page in (shown, earlier))
    assert min(first) > max(then), "nothing twice, nothing left out in between"
    assert "newest first" in earlier


def test_nobody_and_nothing_are_told(client: TestClient) -> None:
    assert "Nobody is known by" in client.get("/people?q=nobody").text
    assert "By the beginning" in client.get("/people?q=%20").text
    for path in ("/people/user%3Anobody", "/apps/nope", "/nope", "/static/nope", "/static/..%2fpages.py"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "<h1>" in answer.text


def test_what_happened_to_too_many_at_one_moment_is_told(tmp_path: Path) -> None:
    with history_at(tmp_path / "many.db") as history:
        one = cycle("alpha", NOW - EVERY)
        history.write(entry(one, f"user:u{n}", "U", "addMembers", group="group:all") for n in range(40))
        shown = client_of(history, Board()).get("/people/group%3Aall").text
    assert shown.count("<article") == 25
    assert "More happened at this moment than is shown" in shown


def test_a_history_that_fails_is_told_and_health_is_not_asked(board: Board) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise HistoryError("the disk is full")

    client = client_of(Broken(), board)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "the disk is full" in answer.text
    assert client.get("/healthz").status_code == 200


def test_health_and_readiness(client: TestClient, board: Board) -> None:
    assert (client.get("/healthz").text, client.get("/readyz").status_code) == ("ok\n", 503)
    board.ready = True
    assert client.get("/readyz").status_code == 200


# -- who may


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/apps/alpha", "/metrics", "/healthz", "/nope"])
def test_nothing_can_be_changed(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert client.head("/").status_code == 200
    assert client.head("/").content == b""


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8321", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.7", "",
             "127.0.0.1:8321@evil.example", "127.0.0.1/", "[::1", "localhost:port"],
)  # fmt: skip
def test_no_other_name_is_answered_to(client: TestClient, host: str) -> None:
    for path in ("/", "/metrics", "/events", "/people?q=ada"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 421
        assert "alpha" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8321", "localhost:8321", "LOCALHOST", "[::1]:8321"])
def test_names_of_this_machine_are(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


def basic(password: str, user: str = "anybody") -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (None, 401), ("", 401), ("Bearer", 401), ("Bearer ", 401), ("Bearer wrong", 401), (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401), (f"Token {TOKEN}", 401), (TOKEN, 401), ("Basic !!!", 401), ("Basic w6Q=", 401),
        (basic("wrong"), 401), (basic(""), 401), (basic("x", TOKEN), 401), (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200), (basic(TOKEN), 200), (basic(TOKEN, ""), 200),
    ],
)  # fmt: skip
def test_with_a_token_whoever_has_it_may_see_it(three: History, board: Board, given: str | None, status: int) -> None:
    client = client_of(three, board, token=TOKEN, base="http://access.contoso.com")
    headers = {} if given is None else {"authorization": given}
    for path in ("/", "/apps/alpha", "/people/user%3Aada.lovelace", "/metrics", "/static/style.css"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == status, path
        if status == 401:
            assert answer.headers["www-authenticate"].startswith("Basic ")
            assert "alpha" not in answer.text
            assert TOKEN not in answer.text
    assert client.get("/healthz").status_code == 200, "who asks for that has none"
    assert client.get("/readyz").status_code == 503


def test_two_credentials_are_none(three: History, board: Board) -> None:
    client = client_of(three, board, token=TOKEN)
    both = [("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer x")]
    assert client.get("/", headers=both).status_code == 401


@pytest.mark.parametrize("path", ["/", "/apps/beta", "/people", "/nope", "/metrics", "/healthz", "/static/live.js"])
def test_every_answer_carries_the_policy(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    refused = client.get(path, headers={"host": "evil.example"})
    assert refused.headers["content-security-policy"] == headers["content-security-policy"]


@pytest.mark.parametrize(
    ("text", "environ", "says"),
    [
        ("8321", {}, "this is not HOST:PORT"),
        (":8321", {}, "this is not HOST:PORT"),
        ("127.0.0.1:", {}, "this is not HOST:PORT"),
        ("127.0.0.1:x", {}, "this is not HOST:PORT"),
        ("127.0.0.1:99999", {}, "this is not HOST:PORT"),
        ("127.0.0.1:-1", {}, "this is not HOST:PORT"),
        ("0.0.0.0:8321", {}, "others than this machine"),
        ("[::]:8321", {}, "others than this machine"),
        ("10.0.0.7:8321", {}, "others than this machine"),
        ("access.contoso.com:8321", {"RECONCILER_SERVE_TOKEN": "  "}, "others than this machine"),
        ("0.0.0.0:8321", {"RECONCILER_SERVE_TOKEN": "short"}, "at least 20"),
        ("127.0.0.1:8321", {"RECONCILER_SERVE_TOKEN": "short"}, "at least 20"),
        ("0.0.0.0:8321", {"RECONCILER_SERVE_TOKEN": "ä" * 30}, "ASCII"),
    ],
)
def test_where_it_may_not_be_served(text: str, environ: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)) as caught:
        Listen.of(text, environ)
    assert caught.value.hint
    assert "short" not in str(caught.value)


def test_where_it_may_be_served() -> None:
    assert Listen.of("127.0.0.1:8321", {}) == Listen("127.0.0.1", 8321)
    assert Listen.of("[::1]:0", {}) == Listen("::1", 0)
    assert Listen.of("localhost:80", {}).token is None
    listen = Listen.of("0.0.0.0:8321", {"RECONCILER_SERVE_TOKEN": f" {TOKEN}\n"})
    assert listen.token == TOKEN
    assert TOKEN not in repr(listen)


# -- hostile names


STORED = {name: text[:1_500] for name, text in HOSTILE_MARKUP.items() if name != "surrogate"}
"""What a history can hold, and the client of this test can ask for."""


@pytest.mark.parametrize("name", STORED.values(), ids=STORED.keys())
def test_a_hostile_name_is_text_everywhere(tmp_path: Path, name: str) -> None:
    now = NOW
    with history_at(tmp_path / "hostile.db") as history:
        one = cycle("alpha", NOW - timedelta(minutes=2), commit=name, trigger="run")
        key = f"user:{name}"
        history.begin(one)
        history.write([entry(one, key, name, name, id=name, group=f"group:{name}")])
        history.notice(Notice("alpha", now, name, name, name, name))
        client = client_of(history, Board())
        pages = [client.get(path) for path in ("/", "/apps/alpha")]
        found = client.get("/people", params={"q": key[:60]})
        pages += [found, client.get("/people", params={"q": name[:500]})]
        link = re.search(r'<li><a href="(/people/[^"]+)"', found.text)
        assert link is not None
        person = client.get(link[1])
        assert person.status_code == 200
        assert "<article" in person.text
        pages.append(person)
        texts = [each.text for each in pages] + [report(history, APPS, NOW)]
    for text in texts:
        tags = seen(text).tags
        assert {tag for tag, _ in tags} & {"img", "iframe", "object", "base"} == set()
        assert sum(tag == "script" for tag, _ in tags) <= 1
        assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name == "style"]
        assert all(
            (attributes.get("href") or "/").startswith(("/", "#")) for tag, attributes in tags if tag in ("a", "link")
        )
        assert "\u202e" not in text


# -- events


def events_of(board: Board, steps: Any) -> list[dict[str, Any]]:
    """What the stream says while `steps(board)` happen."""

    async def follow() -> list[dict[str, Any]]:
        streams, said = Streams(board), []
        stream = streams.events()
        assert (await anext(stream)).startswith(b"retry:")
        for step in (lambda _: None, *steps):
            step(board)
            event = await asyncio.wait_for(anext(stream), 5)
            said.append(json.loads(event.removeprefix(b"data: ")))
        await stream.aclose()  # type: ignore[attr-defined]
        assert not streams.full
        return said

    return asyncio.run(follow())


def test_events_say_what_runs(board: Board) -> None:
    said = events_of(
        board,
        [
            lambda b: b.begin(Running("alpha", "c1", NOW)),
            lambda b: b.progress("alpha", "applying", 3, 9),
            lambda b: b.end("alpha"),
        ],
    )
    assert said[0] == {"running": []}
    assert said[1]["running"][0]["phase"] == "starting"
    assert said[2]["running"][0] == {"app": "alpha", "cycle": "c1", "phase": "applying", "done": 3, "total": 9}
    assert said[3] == {"running": []}


def test_who_asks_for_the_head_of_events_alone_gets_it(client: TestClient) -> None:
    answer = client.head("/events")
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_too_many_pages_are_refused(three: History, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.service.web.events.MOST", 0)
    assert client_of(three, board).get("/events").status_code == 503
    assert MOST > 10


def test_the_server_ends_although_a_page_still_listens(three: History, board: Board) -> None:
    async def story() -> bytes:
        application = create(three, board, lambda: APPS, lambda: NOW)
        async with served(application, Listen("127.0.0.1", 0)) as url:
            port = int(url.rstrip("/").rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b'"running":[]'), 10)
        writer.close()
        return head

    head = asyncio.run(asyncio.wait_for(story(), 30))
    assert b"text/event-stream" in head
    assert b"uvicorn" not in head


def test_a_port_that_is_taken_is_told(three: History, board: Board) -> None:
    async def story() -> None:
        application = create(three, board, lambda: APPS, lambda: NOW)
        async with served(application, Listen("127.0.0.1", 0)) as url:
            port = int(url.rstrip("/").rpartition(":")[2])
            with pytest.raises(UsageError, match="nothing can listen there"):
                async with served(application, Listen("127.0.0.1", port)):
                    pass

    asyncio.run(story())


# -- metrics


def sample(text: str, name: str, **labels: str) -> float | None:
    wanted = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    found = re.search(rf"^{name}{re.escape('{' + wanted + '}') if wanted else ''} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def test_metrics_count_what_ends_once_and_tell_how_apps_are(three: History, board: Board) -> None:
    at: list[datetime] = [NOW]
    client = client_of(three, board, now=lambda: at[0])
    before = client.get("/metrics").text
    assert sample(before, "reconciler_cycles_total", app="alpha", status="success") is None, (
        "what was before is not ours"
    )
    assert sample(before, "reconciler_held_changes", app="beta") == 32
    assert sample(before, "reconciler_quarantined", app="gamma") == 1
    assert sample(before, "reconciler_app_state", app="alpha", state="healthy") == 1
    assert sample(before, "reconciler_next_due_timestamp_seconds", app="delta") == 0
    at[0] = NOW + timedelta(minutes=10)
    one = cycle("alpha", NOW - timedelta(minutes=1), took=90, requests=50)
    three.begin(one)
    three.write(
        [
            entry(one, "user:a", "A"),
            entry(one, "user:b", "B"),
            entry(one, "user:c", "C", "createUser", status="failure"),
        ]
    )
    three.notice(Notice("alpha", NOW + timedelta(minutes=1), "held", "x", "email", "no"))
    for _ in range(3):
        text = client.get("/metrics").text
    assert sample(text, "reconciler_cycles_total", app="alpha", status="success") == 1
    assert sample(text, "reconciler_cycle_duration_seconds_sum", app="alpha") == 90
    assert sample(text, "reconciler_changes_total", action="updateUser", app="alpha", result="success") == 2
    assert sample(text, "reconciler_changes_total", action="createUser", app="alpha", result="failure") == 1
    assert sample(text, "reconciler_requests_total", app="alpha") == 50
    assert sample(text, "reconciler_notifications_failed_total", app="alpha") == 1
    assert sample(text, "reconciler_last_success_timestamp_seconds", app="alpha") == one.ended_at.timestamp()  # type: ignore[union-attr]
    labels = set(re.findall(r'[{,](\w+)="', text))
    assert labels == {"app", "status", "action", "result", "state", "version", "le"}
    assert "user:" not in text


def test_an_app_that_is_gone_has_no_gauge_left(three: History, board: Board) -> None:
    apps = [*APPS]
    client = TestClient(create(three, board, lambda: apps, lambda: NOW), base_url=HERE)
    assert 'reconciler_quarantined{app="gamma"}' in client.get("/metrics").text
    apps[:] = [each for each in apps if each.name != "gamma"]
    assert 'reconciler_quarantined{app="gamma"}' not in client.get("/metrics").text


# -- the picture, and the page as a file


def test_the_picture_has_a_slot_for_each_cycle_and_shows_gaps() -> None:
    cycles = [cycle("alpha", NOW - EVERY * n + timedelta(minutes=5)) for n in range(1, 37) if n not in (10, 11)]
    drawn = picture(cycles, NOW, every=EVERY)
    assert len(drawn.slots) == 36
    assert [slot.cycles for slot in drawn.slots].count(0) == 2
    assert drawn.lanes[0].told == "34 done"


def test_the_picture_tells_how_it_ended_by_height_too() -> None:
    cycles = [
        cycle("alpha", NOW - EVERY * n + timedelta(minutes=5), status=status, counts={"done": n, "failed": n - 1})
        for n, status in enumerate(("success", "interrupted", "inPart", "abandoned", "failure"), 1)
    ]
    bars = sorted(picture(cycles, NOW, every=EVERY).lanes[0].bars, key=lambda bar: -bar.x)
    assert [bar.kind for bar in bars] == ["success", "interrupted", "inPart", "abandoned", "failure"]
    assert [bar.height for bar in bars] == sorted(bar.height for bar in bars)
    changes = picture(cycles, NOW, every=EVERY).lanes[1]
    assert changes.told == "15 done, 10 failed; at most 9 at a time"
    assert max(bar.y + bar.height for bar in changes.bars) <= 100
    assert min(bar.y for bar in changes.bars) >= 0


def test_cycles_outside_of_the_time_are_not_drawn() -> None:
    cycles = [cycle("alpha", NOW - timedelta(days=2)), cycle("alpha", NOW + timedelta(hours=1)),
              cycle("alpha", NOW, status="running", ended_at=None)]  # fmt: skip
    drawn = picture(cycles, NOW, every=EVERY)
    assert drawn.cycles == 0
    assert drawn.lanes[0].told == "none"


def test_the_report_needs_nothing_else(three: History) -> None:
    shown = report(three, [*APPS, app("epsilon")], NOW)
    tags = seen(shown).tags
    assert not [tag for tag, attributes in tags if tag in ("script", "link", "img") or "src" in attributes]
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in tags)
    assert "1 never run" in shown
    policy = next(
        a["content"] for tag, a in tags if tag == "meta" and "content" in a and "default-src" in str(a["content"])
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
