"""The README's two pictures: `python -m tests.reports.screenshots`, with Chromium, writes them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.files import ROOT
from tests.reports.examples import example
from tests.reports.rendering import rendered

MAX_BYTES = 150_000
# file -> what it shows, how wide the window is, in which colours
SHOTS: dict[str, tuple[str, int, Any]] = {
    "report.png": ("main", 1060, "light"),
    "report-pictures.png": (".pictures", 1060, "dark"),
}
# What fits into a README; the page itself goes on.
HEIGHT = {"report.png": 960, "report-pictures.png": 900}


def main() -> None:
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        path = Path(place) / "report.html"
        path.write_text(rendered(example("broken"), "html"))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, (selector, width, scheme) in SHOTS.items():
            context = browser.new_context(
                viewport={"width": width, "height": HEIGHT[name]},
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.goto(path.as_uri())
            if selector != "main":  # less of what is alike, so that a ladder is seen too
                for hidden in ("#tools", "#picture-gids", "#picture-graph"):
                    page.locator(hidden).evaluate("one => { one.hidden = true }")
                page.locator(selector).evaluate(
                    "one => scrollTo(0, scrollY + one.getBoundingClientRect().top - 14)"
                )
            page.screenshot(path=ROOT / "docs" / name)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
