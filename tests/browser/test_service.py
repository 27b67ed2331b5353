"""The page of a runner in a browser: three apps, a cycle that moves, a person who is found; accessible, and quiet."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.service.board import Board, Running
from reconciler.service.history import History
from reconciler.service.report import report
from reconciler.service.web import Listen, create, served
from tests.render.test_markdown import HOSTILE_MARKUP
from tests.service.three import APPS, NOW, cycle, entry, three_at

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.filterwarnings("default"),
]
Open = Callable[..., "Page"]
PAGES = ("/", "/apps/alpha", "/apps/beta", "/apps/gamma?days=7", "/people?q=a", "/people/user%3Aada.lovelace", "/nope")


@dataclass
class Site:
    url: str
    board: Board
    history: History
    loop: asyncio.AbstractEventLoop

    def on(self, act: Callable[[Board], None]) -> None:
        """In the event loop of the server, as cycles do it."""

        async def acting() -> None:
            act(self.board)

        asyncio.run_coroutine_threadsafe(acting(), self.loop).result(10)


@contextmanager
def serving(history: History) -> Iterator[Site]:
    board = Board()
    board.ready = True
    up, end = threading.Event(), asyncio.Event()
    site: list[Site] = []

    async def serve() -> None:
        application = create(history, board, lambda: APPS, lambda: NOW)
        async with served(application, Listen("127.0.0.1", 0)) as url:
            site.append(Site(url.rstrip("/"), board, history, asyncio.get_running_loop()))
            up.set()
            await end.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(20)
    try:
        yield site[0]
    finally:
        site[0].loop.call_soon_threadsafe(end.set)
        thread.join(20)
        assert not thread.is_alive(), "it ends although pages listen"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with three_at(tmp_path / "three.db") as history, serving(history) as found:
        yield found


@pytest.fixture
def opened(browser: Browser, site: Site) -> Iterator[Open]:
    """opened(path, …): whatever it says on the console, or asks another server for, is a failure."""
    wrong: list[str] = []
    contexts = []

    def show(path: str, *, width: int = 1280, scheme: Any = "light", script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script
        )
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: None if expected(path, message.text) else wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda each: None if each.url.startswith(site.url) else wrong.append(each.url))
        tab.on("dialog", lambda dialog: wrong.append(dialog.message))
        tab.goto(site.url + path)
        return tab

    yield show
    for context in contexts:
        context.close()
    assert wrong == []


def expected(path: str, message: str) -> bool:
    return path == "/nope" and "404" in message


def test_three_apps_and_what_each_needs(opened: Open) -> None:
    tab = opened("/")
    states = tab.locator("section[data-app] h2").all_inner_texts()
    assert [state.split() for state in states] == [
        ["gamma", "✗", "quarantined"], ["beta", "?", "held"], ["alpha", "✓", "healthy"], ["delta", "-", "off"],
    ]  # fmt: skip
    tab.get_by_role("link", name="beta").click()
    tab.get_by_role("heading", name="The kept plan").wait_for()
    assert tab.get_by_text("reconciler approve sha256:").first.is_visible()


@pytest.mark.parametrize("path", ["/", "/apps/alpha"])
def test_the_progress_of_a_cycle_moves(opened: Open, site: Site, path: str) -> None:
    tab = opened(path)
    assert not tab.locator("progress").count()
    site.on(lambda board: board.begin(Running("alpha", "c1", NOW)))
    bar = tab.locator("progress")
    bar.wait_for()
    assert bar.evaluate("e => e.position") == -1, "nobody knows yet how much there is"
    site.on(lambda board: board.progress("alpha", "applying", 100, 400))
    tab.locator('progress[value="100"]').wait_for()
    site.on(lambda board: board.progress("alpha", "applying", 300, 400))
    tab.locator('progress[value="300"][max="400"]').wait_for()
    assert "applying" in tab.locator(".progress").inner_text()
    assert "300 of 400" in tab.locator(".progress").inner_text()
    one = cycle("alpha", NOW - timedelta(seconds=70), took=66, counts={"done": 400})
    site.history.begin(one)
    site.on(lambda board: board.end("alpha"))
    bar.wait_for(state="detached")
    done = tab.locator("[data-app=alpha] .figures div", has=tab.get_by_text("Done", exact=True))
    assert done.inner_text().split() == ["Done", "400"], "what it did is there without loading again"
    assert tab.locator("#said").inner_text() == "alpha: the cycle ended."


def test_whoever_reads_with_the_keyboard_stays_where_they_are(opened: Open, site: Site) -> None:
    tab = opened("/")
    tab.get_by_role("link", name="beta").focus()
    site.on(lambda board: board.begin(Running("alpha", "c1", NOW)))
    tab.locator("progress").wait_for()
    assert tab.evaluate("document.activeElement.textContent") == "beta"


def test_a_person_is_found_and_opened(opened: Open) -> None:
    tab = opened("/")
    tab.get_by_role("searchbox").fill("lovelace")
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name="user:ada.lovelace").click()
    assert tab.get_by_role("heading", level=1).inner_text().startswith("user:ada.lovelace")
    steps = tab.locator("ol.steps").first.locator("b").all_inner_texts()
    assert steps == ["import", "scope", "match", "action"]
    assert tab.locator("article").nth(5).locator("ol").is_hidden()
    tab.locator("article").nth(5).locator("summary").click()
    assert tab.locator("article").nth(5).locator("ol").is_visible()


def test_the_keyboard_reaches_everything(opened: Open) -> None:
    tab = opened("/")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index]
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "content"
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "gamma"


def test_everything_can_be_read_without_a_script(opened: Open, site: Site) -> None:
    site.on(lambda board: board.begin(Running("alpha", "c1", NOW, "applying", 1, 4)))
    tab = opened("/", script=False)
    assert tab.locator("progress").is_visible()
    tab.get_by_role("searchbox").fill("grace")
    tab.get_by_role("button", name="Find").click()
    assert tab.get_by_role("link", name="user:grace.hopper").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened: Open, site: Site, scheme: str, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    site.on(lambda board: board.begin(Running("beta", "c1", NOW, "applying", 120, 480)))
    found = []
    for path in PAGES:
        tab = opened(path, scheme=scheme, width=390 if path == "/apps/beta" else 1280)
        found += [(path, fault["id"], fault["nodes"][0]["html"]) for fault in axe.run(tab).response["violations"]]
    assert not found


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_the_screen(opened: Open, width: int) -> None:
    for path in PAGES:
        tab = opened(path, width=width)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("name", ["markup", "image", "rtl", "closing", "long"])
def test_a_hostile_name_runs_and_loads_nothing(opened: Open, site: Site, name: str) -> None:
    text = HOSTILE_MARKUP[name][:500]
    one = cycle("alpha", NOW - timedelta(minutes=1), commit=text)
    site.history.begin(one)
    site.history.write([entry(one, f"account:{text}", text, id=text)])
    site.on(lambda board: board.begin(Running("alpha", "c1", NOW, text, 1, 2)))
    tab = opened("/apps/alpha", width=390)
    site.on(lambda board: board.progress("alpha", text, 2, 2))
    tab.locator('progress[value="2"]').wait_for()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.locator("td, th").get_by_role("link").first.click()
    assert tab.get_by_role("heading", level=1).inner_text().startswith("account:")
    assert tab.evaluate("document.images.length + document.scripts.length") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_is_one_accessible_file(browser: Browser, site: Site, scheme: Any, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    file = tmp_path / "report.html"
    file.write_text(report(site.history, APPS, NOW), encoding="utf-8")
    context = browser.new_context(viewport={"width": 390, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("console", lambda message: wrong.append(message.text))
    tab.on("request", lambda each: None if each.url.startswith("file:") else wrong.append(each.url))
    tab.goto(file.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.locator("svg").count() == 9
    assert tab.evaluate("getComputedStyle(document.querySelector('.part, .box')).borderLeftWidth") == "4px"
    context.close()
    assert wrong == []
    checked = browser.new_context(color_scheme=scheme, bypass_csp=True)
    tab = checked.new_page()
    tab.goto(file.as_uri())
    assert not [(f["id"], f["nodes"][0]["html"]) for f in axe.run(tab).response["violations"]]
    checked.close()
