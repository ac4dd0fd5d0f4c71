"""lxc-preflight explain"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from audit.errors import Exit, UsageError
from audit.options import add_plugins, add_source, add_subject, checks_of, host_of

if TYPE_CHECKING:
    from audit.engine import CheckResult
    from audit.host import Host
    from audit.model import Check

SHOWN_QUESTIONS = 20


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "example: lxc-preflight explain idmap.subuid_range"
    parser.add_argument("ids", nargs="+", metavar="ID", help="a check's id or an old name of it")
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="text (default) or json"
    )
    add_subject(parser)
    add_source(parser)
    add_plugins(parser)


def run(args: argparse.Namespace) -> int:
    checks = checks_of(args)
    chosen = [_named(name, checks) for name in args.ids]
    host = host_of(args)
    pages = [_page(one, checks, host) for one in chosen]
    if args.format == "json":
        import json

        sys.stdout.write(json.dumps(pages, indent=1) + "\n")
        return Exit.PASSED
    from reports.check_page import render

    for number, page in enumerate(pages):
        if number:
            sys.stdout.write("\n")
        render(page, sys.stdout)
    return Exit.PASSED


def _named(name: str, checks: Mapping[str, Check]) -> Check:
    for one in checks.values():
        if name == one.id or name in one.aliases:
            return one
    from audit.selection import did_you_mean

    raise UsageError(f"there is no check {name}{did_you_mean(name, checks)}")


def _page(check: Check, checks: Mapping[str, Check], host: Host) -> dict[str, object]:
    from inspect import cleandoc

    from audit.report import findings_of

    result = _judged(check, checks, host)
    return {
        "id": check.id,
        "title": check.title,
        "level": check.level.value,
        "stages": [stage.value for stage in check.stages],
        "after": list(check.after),
        "aliases": list(check.aliases),
        "doc": cleandoc(check.doc),
        "source": host.source.kind,
        "user": host.request.user,
        "looked_at": _looked_at(result),
        "findings": findings_of([result]),
    }


def _judged(check: Check, checks: Mapping[str, Check], host: Host) -> CheckResult:
    """The check on this host, after whatever it comes after."""
    from audit.engine import run as judge_all

    needed = {check.id: check}
    todo = list(check.after)
    while todo:
        parent = checks.get(todo.pop())
        if parent is not None and parent.id not in needed:
            needed[parent.id] = parent
            todo += parent.after
    results = {result.check.id: result for result in judge_all(needed, host)}
    return results[check.id]


def _looked_at(result: CheckResult) -> list[str]:
    """What the answer rests on, as a person would name it."""
    from audit.report import quoted
    from audit.source import describe

    names = list(dict.fromkeys(quoted(describe(question)) for question in result.read))
    if len(names) > SHOWN_QUESTIONS:
        names[SHOWN_QUESTIONS:] = [f"and {len(names) - SHOWN_QUESTIONS} more"]
    return names
