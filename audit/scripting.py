"""A plan as text: the script or the playbook, for the host and the user at hand."""

from __future__ import annotations

import time
from collections.abc import Mapping

from audit.facts.accounts import target
from audit.host import Host
from audit.identity import about
from audit.model import Check, NotApplicable, Unknown
from audit.planning import Plan, plan
from lxc_preflight import __version__, called
from remediations.script import Subject, script


def text_of(found: Plan, host: Host, user: str = "", form: str = "sh", *, first: int = 1) -> str:
    """The plan as `sh` or `ansible`; `user` is the name of an account that is yet to be made,
    `first` the number of the script's first step.
    """
    subject = subject_of(host, user)
    if form == "ansible":
        from remediations.ansible import playbook

        return playbook(found.steps, subject)
    return script(found.steps, subject, first)


def subject_of(host: Host, user: str = "") -> Subject:
    """Whom and what a text is for, as its reader is told."""
    entry = about(host)["host"]
    system = entry["os"]["pretty_name"] or entry["os"]["id"]
    where = " ".join(part for part in (entry["hostname"], f"({system})" if system else "") if part)
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    written = f"Written by lxc-preflight {__version__} at {when}."
    try:
        account = host.get(target)
    except (Unknown, NotApplicable):
        return Subject(user, None, None, "", where, written, called())
    return Subject(account.name, account.uid, account.gid, account.home, where, written, called())


def offered(host: Host, checks: Mapping[str, Check]) -> str:
    """What `fix` prints; empty where it has nothing to offer, or would refuse."""
    found = plan(host, checks)
    return "" if found.conflicts or found.broken or not found.steps else text_of(found, host)
