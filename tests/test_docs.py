"""What every check must say of itself, and that docs/checks.md says the same."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections import Counter

import pytest

import checks
from audit.engine import in_order
from audit.model import Check, Level, module_id
from audit.registry import builtin
from tests.files import ROOT
from tools.checks_page import page

EVERY = builtin()
FAMILY = Counter(check.judge.__module__ for check in EVERY.values())
FOR_EACH = pytest.mark.parametrize("check", EVERY.values(), ids=list(EVERY))


def is_table(check: Check) -> bool:
    return hasattr(importlib.import_module(check.judge.__module__), "CHECKS")


@FOR_EACH
def test_a_check_has_the_id_of_its_file(check: Check) -> None:
    where = module_id(check.judge.__module__)
    area, _, name = check.id.partition(".")
    assert re.fullmatch(r"[a-z]+(\.[a-z][a-z0-9_]*)+", check.id)
    assert area == where.partition(".")[0], f"{check.id} lies in {where}"
    if FAMILY[check.judge.__module__] == 1 and not is_table(check):
        assert check.id == where
    assert name


@FOR_EACH
def test_a_check_says_what_it_asks_why_and_where_that_is_written(check: Check) -> None:
    text = inspect.cleandoc(check.doc)
    first, _, rest = text.partition("\n\n")
    assert first.endswith("."), f"the first paragraph is a sentence: {first!r}"
    assert re.search(r"^Why: *\S", rest, re.MULTILINE), "a paragraph `Why: ...`"
    assert re.search(r"^See: *\S", rest, re.MULTILINE), "a paragraph `See: ...`"


@FOR_EACH
def test_a_title_is_a_statement_that_holds_when_all_is_well(check: Check) -> None:
    title = check.title
    assert "\n" not in title and title == title.strip() and title[-1] not in ".!?:"
    assert not re.match(r"(?i)(ensure|check|verify|make sure|test)\b", title), title


@FOR_EACH
def test_a_check_comes_after_checks_that_there_are(check: Check) -> None:
    assert set(check.after) <= set(EVERY), f"unknown: {set(check.after) - set(EVERY)}"
    assert len(set(check.after)) == len(check.after)


@FOR_EACH
def test_what_a_check_decides_fits_its_level(check: Check) -> None:
    assert len(set(check.stages)) == len(check.stages)
    if check.level is Level.BLOCKING:
        assert check.stages, "what blocks stops a stage"
    if check.level in (Level.HARDENING, Level.INFO):
        assert not check.stages, "what stops a stage is blocking or degraded"


def test_no_check_is_its_own_cause() -> None:
    assert len(list(in_order(EVERY))) == len(EVERY)


def test_an_alias_is_no_other_checks_name() -> None:
    aliases = [alias for check in EVERY.values() for alias in check.aliases]
    assert len(set(aliases)) == len(aliases) and not set(aliases) & set(EVERY)


def test_every_area_says_what_it_is_about() -> None:
    for info in pkgutil.iter_modules(checks.__path__, "checks."):
        if info.ispkg:
            doc = importlib.import_module(info.name).__doc__
            assert doc and "\n\n" not in doc.strip(), info.name


def test_the_page_of_checks_is_fresh() -> None:
    written = (ROOT / "docs" / "checks.md").read_text()
    assert written == page(EVERY.values()), "type: make docs"


def test_links_between_our_pages_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")]
    for path in pages:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} -> {target}"
