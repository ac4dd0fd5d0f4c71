"""Pages in a real Chromium: nothing leaves them, everything works, axe finds no barrier."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from audit.comparison import compare
from audit.report import Report
from reports.html.differences import render as render_difference
from tests.reports.examples import NAMES, example
from tests.reports.poison import poisoned
from tests.reports.rendering import rendered

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
PAGES = (*NAMES, "hostile", "difference")
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 320, "height": 700}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # --no-sandbox: root has none, and CI is root. The pages are ours.
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for name in NAMES:
        report = example(name) if name == "broken" else few(example(name))
        (folder / f"{name}.html").write_text(rendered(report, "html"))
    (folder / "hostile.html").write_text(rendered(poisoned(few(example("broken"))), "html"))
    with (folder / "difference.html").open("w") as out:
        render_difference(compare(poisoned(example("unknown")), example("broken")), out)
    return folder


def few(report: Report) -> Report:
    """A report without most of what is alike: axe looks at every element for a while."""
    alike = [one for one in report["findings"] if one["outcome"] in ("pass", "not-applicable")]
    left_out = {id(one) for one in alike[::5]} ^ {id(one) for one in alike}
    report["findings"] = [one for one in report["findings"] if id(one) not in left_out]
    return report


class Opened:
    """A page, and everything it said, asked for or was about to do."""

    def __init__(self, context: BrowserContext, path: Path, fragment: str = "") -> None:
        self.page: Page = context.new_page()
        self.noise: list[str] = []
        self.address = path.as_uri()
        self.page.on("console", lambda message: self.noise.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.noise.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.noise.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.goto(self.address + fragment)

    def _asked(self, url: str) -> None:
        if url.partition("#")[0] != self.address:
            self.noise.append(f"request: {url}")

    def visible(self, selector: str) -> int:
        return self.page.locator(f"{selector} >> visible=true").count()


@cache
def axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text()


WCAG = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
COLOURS = {"type": "rule", "values": ["color-contrast"]}


def barriers(page: Page, rules: dict[str, Any] = WCAG) -> list[str]:
    """What axe-core has against a page: by default every rule of WCAG 2.2 AA and its advice."""
    page.evaluate(axe())
    found: dict[str, Any] = page.evaluate("only => axe.run(document, {runOnly: only})", rules)
    assert len(found["passes"]) > 15 * (rules is WCAG)
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_quiet_and_without_barriers(
    browser: Browser, folder: Path, name: str, scheme: Any
) -> None:
    with browser.new_context(
        reduced_motion="reduce", viewport=DESKTOP, color_scheme=scheme
    ) as context:
        opened = Opened(context, folder / f"{name}.html")
        unfold(opened.page)
        assert barriers(opened.page, WCAG if scheme == "light" else COLOURS) == []
        assert opened.noise == []
        colour = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        light = sum(int(part) for part in colour[4:-1].split(","))
        assert light > 700 if scheme == "light" else light < 100


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_the_smallest_phone(browser: Browser, folder: Path, name: str) -> None:
    with browser.new_context(reduced_motion="reduce", viewport=PHONE, has_touch=True) as context:
        opened = Opened(context, folder / f"{name}.html")
        unfold(opened.page)
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        if name == "hostile":
            assert barriers(opened.page) == []
        assert opened.noise == []


def test_search_filters_and_reset(browser: Browser, folder: Path) -> None:
    with browser.new_context(reduced_motion="reduce", viewport=DESKTOP) as context:
        opened = Opened(context, folder / "broken.html")
        page = opened.page
        every = page.locator(".item").count()
        at_first = opened.visible(".item")
        page.keyboard.press("/")
        page.keyboard.type("SETFACL")
        assert opened.visible(".item") == 1
        assert page.locator("#count").inner_text() == f"1 of {every}"
        assert page.locator("#live").inner_text() == f"1 of {every} findings shown"
        page.keyboard.press("Escape")
        assert opened.visible(".item") == at_first
        # A consequence is found inside of its cause, which stays.
        page.fill("#search", "config.init")
        assert opened.visible("[id='config.init']") == 1
        assert opened.visible("[id='storage.path_access']") == 1
        page.click("#clear")
        assert page.evaluate("document.activeElement.id") == "search"
        page.click("button[data-value='passed'], button[data-value='pass']")
        passed = page.locator(".item[data-what='pass']").count()
        assert opened.visible(".item") == passed > 100
        page.click("button[data-value='blocking']")
        page.select_option("#area", "idmap")
        shown = page.locator(".item >> visible=true")
        kinds = shown.evaluate_all("all => all.map(one => ({...one.dataset}))")
        assert kinds
        assert all(one == {"level": "blocking", "what": "pass", "area": "idmap"} for one in kinds)
        page.fill("#search", "no such words")
        assert opened.visible("#nothing") == 1
        page.click("#again")
        assert opened.visible(".item") == at_first
        assert opened.noise == []


def test_copy_buttons_copy_the_commands(browser: Browser, folder: Path) -> None:
    with browser.new_context(reduced_motion="reduce", viewport=DESKTOP) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        opened = Opened(context, folder / "broken.html")
        card = opened.page.locator("[id='storage.path_access']")
        card.get_by_role("button", name="Copy").click()
        card.get_by_role("button", name="Copied").wait_for()
        copied = opened.page.evaluate("navigator.clipboard.readText()")
        assert copied == (
            "runuser -u alice -- sh -c 'setfacl -m u:100000:x /home/alice'\n"
            "echo 'a+ /home/alice - - - - u:100000:x,m::x' >> /etc/tmpfiles.d/lxc-preflight.conf\n"
        )
        opened.page.locator(".whole").get_by_role("button").click()
        opened.page.locator(".whole").get_by_role("button", name="Copied").wait_for()
        copied = opened.page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("#!/bin/sh\nset -eu\n") and copied.endswith("\n")
        assert opened.noise == []


def test_a_link_to_a_check_opens_what_it_is_folded_into(browser: Browser, folder: Path) -> None:
    with browser.new_context(reduced_motion="reduce", viewport=DESKTOP) as context:
        opened = Opened(context, folder / "broken.html", "#config.init")
        assert opened.visible("[id='config.init']") == 1
        opened.page.fill("#search", "setfacl")
        opened.page.evaluate("location.hash = 'kernel.release'")
        opened.page.locator("[id='kernel.release']").wait_for(state="visible")
        assert opened.noise == []


def test_the_keyboard_reaches_everything(browser: Browser, folder: Path) -> None:
    with browser.new_context(reduced_motion="reduce", viewport=DESKTOP) as context:
        page = Opened(context, folder / "broken.html").page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "findings"
        summary = page.locator("#section-passed > summary")
        summary.focus()
        page.keyboard.press("Enter")
        assert page.locator("#section-passed").get_attribute("open") is not None
        chip = page.locator("button[data-value='degraded']")
        chip.focus()
        page.keyboard.press("Space")
        assert chip.get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("name", PAGES)
def test_without_javascript_everything_can_be_read(
    browser: Browser, folder: Path, name: str
) -> None:
    with browser.new_context(
        reduced_motion="reduce", viewport=DESKTOP, java_script_enabled=False
    ) as context:
        opened = Opened(context, folder / f"{name}.html")
        assert opened.visible(".copy") == opened.visible("#tools") == 0
        folded = opened.page.locator("details:not([open]) > summary >> visible=true")
        while folded.count():
            folded.first.click(timeout=5000)
        assert opened.visible(".item") == opened.page.locator(".item").count()
        assert opened.visible(".card") > 2
        assert opened.noise == []


def test_paper_is_white_and_has_no_buttons(browser: Browser, folder: Path) -> None:
    with browser.new_context(
        reduced_motion="reduce", viewport=DESKTOP, color_scheme="dark"
    ) as context:
        opened = Opened(context, folder / "broken.html")
        opened.page.emulate_media(media="print")
        assert opened.visible("button") == opened.visible("#tools") == 0
        colour = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert colour == "rgb(255, 255, 255)"
        opened.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert opened.visible("[id='config.init']") == 1  # folded on the screen
        assert opened.visible(".see") > 3
        assert opened.page.pdf().startswith(b"%PDF")
        assert opened.noise == []


def test_pictures_have_names_and_words(browser: Browser, folder: Path) -> None:
    with browser.new_context(reduced_motion="reduce", viewport=DESKTOP) as context:
        page = Opened(context, folder / "broken.html").page
        names = [
            "What hangs on what",
            "The uids of the host, and whose they are",
            "The gids of the host, and whose they are",
            "The way to the container's files",
            "The way of the cgroup controllers",
            "The way of a packet to the outside",
        ]
        for name in names:
            figure = page.locator("figure").filter(has=page.get_by_role("heading", name=name))
            role: Any = "group" if name == names[0] else "img"
            picture = figure.locator("svg").and_(page.get_by_role(role, name=name))
            assert picture.count() == 1, name
            figure.locator("details.words > summary").click()
            assert figure.locator("details.words li").count() > 2
        # A box of the graph leads to its check.
        page.locator("#picture-graph a").filter(has_text="storage.rootfs").first.click()
        page.locator("[id='storage.rootfs']").wait_for(state="visible")
