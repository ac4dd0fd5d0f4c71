"""The HTML page: what a host says is text in it, and everything in the report is on it."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given

from audit.report import Report, column
from audit.untrusted import visible
from reports.fix_script import script_text
from reports.html.anchors import anchor
from tests.files import ROOT
from tests.reports.examples import NAMES, example
from tests.reports.poison import forged, poisoned_first
from tests.reports.rendering import LOOSE, rendered
from tests.reports.screenshots import MAX_BYTES as MAX_SHOT
from tests.reports.screenshots import SHOTS
from tests.reports.strategies import reports

VOID = {"meta", "input", "br", "link", "img", "base"}
LINK = re.compile(
    r"#[a-z0-9_.-]+(--\d+)?|https://manpages\.debian\.org/[\w.+-]+"
    r"|https://github\.com/[\w.-]+/[\w.-]+/(issues/\d+|blob/main/[\w/.+-]+)"
)
MAX_BYTES = 300_000


class Page(HTMLParser):
    """The elements of a page, its words, and whether it is balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.raw: dict[str, str] = {}
        self.feed(text)
        assert "\u202e" not in "".join(self.words)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.raw[self.open[-1]] = self.raw.get(self.open[-1], "") + data
        else:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def shapes(self) -> set[tuple[str, str]]:
        """Every element with each of its attributes."""
        return {(tag, name) for tag, attributes in self.elements for name in ("", *attributes)}

    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


@pytest.fixture(scope="module")
def ours() -> set[tuple[str, str]]:
    """What tame pages are made of."""
    report = example("broken")
    report["baseline"] = {"generated": "", "worse": [], "known": 0, "fixed": 0}
    pages = [Page(rendered(one, "html")) for one in (report, *map(example, NAMES))]
    return set.union(*(page.shapes() for page in pages)) | {("rect", "rx"), ("polygon", "points")}


def test_a_forged_report_is_made_of_nothing_but_ours(ours: set[tuple[str, str]]) -> None:
    demand_ours(ours, forged(example("broken")))


@poisoned_first
@given(reports())
@LOOSE
def test_a_page_is_made_of_nothing_but_ours(ours: set[tuple[str, str]], report: Report) -> None:
    demand_ours(ours, report)


def demand_ours(ours: set[tuple[str, str]], report: Report) -> None:
    text = rendered(report, "html")
    assert text.isascii() and "\x1b" not in text and "\x00" not in text
    page = Page(text)
    assert not page.shapes() - ours
    for tag, attributes in page.elements:
        if "href" in attributes:
            assert LINK.fullmatch(attributes["href"]), attributes["href"]
        if "class" in attributes:
            assert re.fullmatch(r"[a-z -]+", attributes["class"]), attributes["class"]
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert tag != "script" or not attributes
    ids = page.ids()
    assert len(set(ids)) == len(ids)
    places = {anchor(finding["check"]) for finding in report["findings"]}
    assert places <= set(ids)
    shown = page.text
    for finding in report["findings"]:
        if column(finding) == "fail":
            assert re.sub(r"\s+", " ", visible(finding["message"])).strip() in shown


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_small_and_allows_its_own_script_and_style_alone(name: str) -> None:
    text = rendered(example(name), "html")
    assert len(text.encode()) < MAX_BYTES
    page = Page(text)
    (policy,) = (a["content"] for t, a in page.elements if "http-equiv" in a)
    hashes = {
        kind: f"'sha256-{b64encode(sha256(page.raw[kind].encode()).digest()).decode()}'"
        for kind in ("script", "style")
    }
    assert policy == (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src {hashes['style']}; script-src {hashes['script']}"
    )
    assert not any(t in ("link", "img", "iframe", "object", "base") for t, _ in page.elements)
    assert "url(" not in page.raw["style"] and "@import" not in page.raw["style"]


@pytest.mark.parametrize("name", NAMES)
def test_every_finding_is_there_once(name: str) -> None:
    report = example(name)
    page = Page(rendered(report, "html"))
    items = [a for _, a in page.elements if "data-what" in a]
    assert len(items) == len(report["findings"])
    assert {a["data-area"] for a in items} == {one["area"] for one in report["findings"]}


def test_a_page_of_a_broken_host_has_what_a_person_needs() -> None:
    report = example("broken")
    text = Page(rendered(report, "html")).text
    for words in (
        "Not ready",
        "2 things stop unprivileged LXC containers.",
        "mode 0700, owner 1000:1000, gives others no x",  # the proof
        "setfacl -m u:100000:x /home/alice",  # the cure
        "acl(5)",  # where it is written
        "4 not judged, because of it",
        "Waived until 2027-03-31 : no way out is wanted, ticket 4711",
        "Its waiver expired on 2026-01-31",
        "What it would take: Ask as root",
        "Then log out of every session and in again.",
        "#!/bin/sh set -eu",
        "cannot pass /home/alice",
        "A packet does not get past: quota, forwarding",
        "alice has 65537 uids of its own",
        "one range is shared by two owners",
    ):
        assert words.replace(" :", ":") in text.replace(" :", ":"), words


def test_what_was_not_seen_is_drawn_as_unknown_and_never_as_absent() -> None:
    text = Page(rendered(example("unknown"), "html")).text
    for words in (
        "Which uids are granted could not be seen",
        "Whether uid 100000 passes every directory could not be seen",
        "Which cgroup the container gets is not known",
        "not seen: unknown",
    ):
        assert words in text, words
    for words in ("has no uids", "nothing is granted", "has no network", "no cgroup of its own"):
        assert words not in text, words


def test_the_whole_fix_has_each_command_once_and_no_command_of_the_host() -> None:
    report = example("broken")
    text = script_text(report)
    steps = [
        step
        for one in report["findings"]
        if column(one) == "fail" and one["fix"] and one["level"] in ("blocking", "degraded")
        for step in one["fix"]["steps"]
    ]
    assert steps
    for step in steps:
        assert text.split("\n").count(step) == 1
    assert "sysctl" not in text  # waived
    for one in report["findings"]:
        if one["fix"]:
            one["fix"]["title"] = "x\nrm -rf /"
    assert "\nrm" not in script_text(report)
    assert script_text(example("unknown") | {"findings": []}) == ""


def test_the_pictures_of_the_readme_are_small_and_there() -> None:
    shown = re.findall(r"!\[.*\]\((docs/.*\.png)\)", (ROOT / "README.md").read_text())
    assert shown == [f"docs/{name}" for name in SHOTS]
    for path in shown:
        data = (ROOT / path).read_bytes()
        assert data.startswith(b"\x89PNG") and len(data) < MAX_SHOT
