"""The page in a browser, as on a phone: found, filtered, folded, printed, in light and dark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.plan import Plan
from reconciler.render import page
from tests.render.conftest import typical
from tests.render.plans import large, one, pull_request
from tests.render.test_markdown import HOSTILE_MARKUP, full_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.filterwarnings("default"),
]
__all__ = ["typical"]
Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """opened(plan, …): its page; whatever it says on the console, or asks the network for, is a failure."""
    wrong: list[str] = []
    contexts = []

    def show(*plans: Plan, width: int = 390, scheme: Any = "light", script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=scheme,
            java_script_enabled=script,
        )
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda request: None if request.url.startswith("file:") else wrong.append(request.url))
        tab.on("dialog", lambda dialog: wrong.append(dialog.message))
        file = tmp_path / "plan.html"
        file.write_text(page(plans, titles={"hootsuite": "Hootsuite"}), encoding="utf-8")
        tab.goto(file.as_uri())
        return tab

    yield show
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen_and_can_be_read(opened: Open, typical: Plan, width: int, scheme: str) -> None:
    tab = opened(pull_request(typical), full_of(HOSTILE_MARKUP["long"]), width=width, scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    paper, ink = tab.evaluate("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")
    assert (paper < ink) == (scheme == "dark") or paper != ink
    assert tab.locator("h1").first.inner_text() == "Access to Hootsuite"
    size = tab.evaluate("parseFloat(getComputedStyle(document.querySelector('.row p')).fontSize)")
    assert size >= 16


def test_somebody_is_found_wherever_they_are(opened: Open, typical: Plan) -> None:
    tab = opened(pull_request(typical))
    tab.locator("#find").fill("ruth")
    tab.locator("#shown:not(:empty)").wait_for()
    rows = tab.locator(".row:visible")
    assert [row for row in rows.all_inner_texts() if "ruth.abara" not in row] == []
    assert rows.count() == 1, "in what is folded, which opens"
    assert tab.locator("#shown").inner_text().startswith("1 of ")
    tab.locator("#find").fill("")
    tab.locator("#shown:empty").wait_for(state="attached")
    assert not tab.locator("details[open]").count()
    assert tab.locator(".row:visible").count() > 10


def test_a_kind_is_shown_alone(opened: Open, typical: Plan) -> None:
    tab = opened(pull_request(typical))
    tab.get_by_role("button", name="Loses access").click()
    assert set(tab.locator(".part:visible").evaluate_all("all => all.map(e => e.dataset.kind)")) == {"loses"}
    assert tab.locator(".row:visible").count() >= 1
    tab.get_by_role("button", name="Loses access").click()
    assert tab.locator(".part:visible").count() > 5


def test_there_is_nothing_to_filter_where_there_is_nothing_to_choose_from(opened: Open, typical: Plan) -> None:
    assert not opened(one()).locator("#filter").is_visible()
    assert opened(typical).locator("#filter").is_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_every_kind_can_be_reached_and_no_date_is_broken(opened: Open, typical: Plan, width: int) -> None:
    tab = opened(pull_request(typical), width=width)
    edge = tab.locator("#kinds button").last.evaluate("e => e.getBoundingClientRect().right")
    scrolls = tab.locator("#kinds").evaluate("e => e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX")
    assert edge <= width or scrolls == "auto"
    assert tab.locator("bdi", has_text="2027-06-30").evaluate("e => e.getClientRects().length") == 1


def test_what_is_not_of_this_change_is_folded(opened: Open, typical: Plan) -> None:
    tab = opened(pull_request(typical))
    fold = tab.locator("details.elsewhere").first
    assert not fold.locator(".row").first.is_visible()
    fold.locator("summary").first.click()
    assert fold.locator(".row").first.is_visible()


def test_everything_is_there_without_a_script(opened: Open, typical: Plan) -> None:
    tab = opened(pull_request(typical), script=False)
    assert not tab.locator("#filter").is_visible()
    assert tab.locator(".row:visible").count() > 10
    tab.locator("details.elsewhere summary").first.click()
    assert tab.locator("details.elsewhere .row").first.is_visible()


@pytest.mark.parametrize("script", [True, False])
def test_on_paper_nothing_is_folded(opened: Open, script: bool) -> None:
    tab = opened(large(), script=script)
    tab.emulate_media(media="print")
    if script:
        tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("details .row").last.bounding_box()
    assert not tab.locator("#filter").is_visible()
    if script:
        tab.evaluate("dispatchEvent(new Event('afterprint'))")
        assert not tab.locator("details[open]").count()


def test_ten_thousand_changes_stay_usable(opened: Open) -> None:
    tab = opened(large())
    took = tab.evaluate(
        """() => new Promise(done => {
            const begun = performance.now();
            const shown = document.getElementById('shown');
            new MutationObserver(() => requestAnimationFrame(() => done(performance.now() - begun)))
                .observe(shown, {childList: true});
            const find = document.getElementById('find');
            find.value = 'u3987';
            find.dispatchEvent(new Event('input'));
        })"""
    )
    assert took < 5_000
    assert tab.locator("#shown").inner_text() == "1 of 9,991 shown"
    assert tab.locator(".each:visible").all_inner_texts()[0].startswith("u3987")


@pytest.mark.parametrize("name", HOSTILE_MARKUP.values(), ids=HOSTILE_MARKUP.keys())
def test_a_hostile_name_runs_and_loads_nothing(opened: Open, name: str) -> None:
    tab = opened(full_of(name))
    assert tab.locator(".row").count() > 5
    assert tab.evaluate("document.images.length + document.links.length + document.scripts.length") == 1
