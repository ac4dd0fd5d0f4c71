"""Containers that outlive the last logout: loginctl enable-linger."""

from __future__ import annotations

import os

from audit.facts.seats import OWN_SCOPE, SCOPE
from audit.facts.systemd import lingers
from audit.host import Host
from runner.errors import Failed
from runner.plan import Way
from runner.processes import plain_environment, run

SECONDS = 30.0
SYSTEMD = "/run/systemd/system"  # sd_booted(3)


def enable(user: str = "") -> None:
    """Let a user's manager run from boot on; root may name somebody else.

    Does nothing where systemd does not run: nothing ends there with a session. Raises Failed with
    logind's reason.
    """
    if not os.path.isdir(SYSTEMD):
        return
    argv = ["loginctl", "enable-linger", *([user] if user else [])]
    done = run(argv, seconds=SECONDS, env=plain_environment())
    if done.code:
        why = "; ".join(done.said.split("\n")).strip("; ")
        raise Failed(f"{' '.join(argv)}: {why or done.code}")


def ensure(host: Host) -> None:
    """Have the user linger unless it does. Raises Failed."""
    if not host.get(lingers):
        enable()


def warning(host: Host, way: Way) -> str:
    """What a person has to know who logs out; empty when nothing happens then."""
    if way.kind not in (SCOPE, OWN_SCOPE) or host.get(lingers):
        return ""
    return (
        "it ends about ten seconds after your last session: "
        "--linger, or loginctl enable-linger, keeps it running"
    )
