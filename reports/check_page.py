"""One check's page, for `explain`."""

from __future__ import annotations

from typing import Any, TextIO

from reports.terminal import Page
from reports.to_text import write_finding

SIGNS = {"pass": "pass", "fail": "fail", "skipped": "skipped", "not-applicable": "not-applicable"}


def render(page_data: dict[str, Any], out: TextIO) -> None:
    """What the check asks and why, and how this host answers."""
    page = Page(out)
    page.line((page_data["id"], "bold"), f"  {page_data['title']}", hang=2)
    page.line((f"level {page_data['level']}", "dim"), indent=2)
    for key, words in (
        ("stages", "its failure decides: "),
        ("after", "comes after: "),
        ("aliases", "was called: "),
    ):
        if page_data[key]:
            page.line((words + ", ".join(page_data[key]), "dim"), indent=2, hang=2)
    page.blank()
    for paragraph in page_data["doc"].split("\n\n"):
        for block in _blocks(paragraph):
            page.line(block, indent=2)
        page.blank()
    user = f", for {page_data['user']}" if page_data["user"] else ""
    where = {"live": "on this host", "root": "in this tree"}.get(
        page_data["source"], "in this snapshot"
    )
    page.line((f"{where}{user}:", "bold"))
    for finding in page_data["findings"]:
        write_finding(page, finding, SIGNS.get(finding["outcome"], "unknown"), page_data["user"])
    if page_data["looked_at"]:
        page.line((f"looked at: {', '.join(page_data['looked_at'])}", "dim"), indent=4, hang=2)


def _blocks(paragraph: str) -> list[str]:
    """The lines of a paragraph joined, except where `Why:` or `See:` begins a new one."""
    blocks: list[str] = []
    for line in paragraph.split("\n"):
        if not blocks or line.startswith(("Why:", "See:")) or line[:1] in (" ", "-", "|"):
            blocks.append(line)
        else:
            blocks[-1] += f" {line}"
    return blocks
