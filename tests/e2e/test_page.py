"""The page at `/` in a real browser: a basket is built, and the answer follows it."""

import os
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from retail_forecast_server.process import serving

NO_CHROMIUM = "Chromium is not installed"
CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)


@pytest.fixture(scope="module")
def url(tiny_bundle: tuple[Path, str]) -> Iterator[str]:
    with serving(bundle=tiny_bundle[0]) as address:
        yield address


@pytest.fixture(params=[(1200, 900), (390, 844)], ids=["desk", "phone"])
def page(url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = request.param
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET, env=dict(os.environ))
        opened = browser.new_page(viewport={"width": width, "height": height})
        faults: list[str] = []
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        opened.goto(url)
        yield opened
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert faults == []


def test_the_answer_follows_the_basket(page: Page, url: str) -> None:
    pages = (page.request.get(f"{url}/v1/products?limit=50&q=PRD0000{ten:02}").json() for ten in range(15))
    of_label = {product["label"]: product["prod_code"] for found in pages for product in found}
    high, low = of_label["LA"], of_label["UM"]
    expect(page.locator("#model dd").first).to_contain_text("basket")
    page.fill("#search", high)
    page.locator("#found button").click()
    expect(page.locator("#label")).to_have_text("High price sensitivity")
    expect(page.locator(".chance")).to_have_count(4)
    page.fill("#search", low)
    page.locator("#found button", has_text=low).click()
    expect(page.locator("#lines tr")).to_have_count(2)
    expect(page.locator(".spoke span", has_text="log-odds")).to_have_count(2)
    page.locator("#lines tr", has_text=high).locator("button").click()
    expect(page.locator("#label")).to_have_text("Low price sensitivity")
    expect(page.locator("#latency")).to_contain_text("Answered in")


def test_taking_out_the_last_line_takes_back_the_answer(page: Page) -> None:
    page.click("#example")
    expect(page.locator(".chance")).to_have_count(4)
    while page.locator("#lines tr").count():
        page.locator("#lines tr button").first.click()
    expect(page.locator("#label")).to_have_text("–")
    expect(page.locator("#empty")).to_be_visible()


def test_a_quantity_that_is_none_is_not_sent(page: Page) -> None:
    page.click("#example")
    expect(page.locator(".chance")).to_have_count(4)
    total = page.inner_text("#total")
    page.locator("#lines input").first.fill("0")
    page.locator("#lines input").first.blur()
    assert page.inner_text("#total") == total
    page.locator("#lines input").first.fill("3")
    page.locator("#lines input").first.blur()
    expect(page.locator("#total")).not_to_have_text(total)


def test_what_is_not_there_is_said(page: Page) -> None:
    page.fill("#search", "nothing like it")
    expect(page.locator("#none")).to_contain_text("nothing like it")
