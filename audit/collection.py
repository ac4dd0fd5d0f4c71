"""Ask a host everything that any fact or check would ask, and keep the answers."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout, suppress
from typing import Any

import audit.facts
from audit.engine import judge
from audit.host import Host
from audit.identity import about
from audit.model import Check
from audit.pictures.gathering import pictures
from audit.progress import progress
from audit.registry import names_in
from audit.source import Answer, Question, Recorder, Refused

GUESTS = ("plain", "systemd")


def record(host: Host, checks: Mapping[str, Check]) -> dict[Question, Answer | Refused]:
    """The answers to the questions of every fact and of every check, for either kind of guest.

    No check is left out as a consequence of another: the host may be judged later by checks that
    know better.
    """
    recorder = Recorder(host.source)
    with redirect_stdout(sys.stderr), progress(len(checks) * len(GUESTS)) as step:
        for guest in GUESTS:
            asking = Host(recorder, host.request._replace(guest=guest))
            about(asking)
            for check in checks.values():
                if step is not None:
                    step(check.id)
                judge(check, asking)
            pictures(asking, ())
            for fact in _facts():
                with suppress(Exception):  # whatever it says, its questions have been recorded
                    asking.get(fact)
    return recorder.answers


def _facts() -> Iterator[Any]:
    """Every fact that takes nothing but the host."""
    for name in names_in(audit.facts):
        module = importlib.import_module(f"audit.facts.{name}")
        for key, fact in vars(module).items():
            if (
                inspect.isfunction(fact)
                and not key.startswith("_")
                and fact.__module__ == module.__name__
                and list(inspect.signature(fact).parameters) == ["host"]
            ):
                yield fact
