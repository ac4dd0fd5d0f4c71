"""For tests of checks, ours and a plugin's: hosts made of a few answers, judged one by one."""

from __future__ import annotations

from collections.abc import Mapping

from audit.engine import CheckResult, judge
from audit.host import Host, Request
from audit.model import Check, Outcome
from audit.source import Answer, Question, Refused, Snapshot

PASSWD = "root:x:0:0:root:/root:/bin/bash\nlxc:x:1001:1001::/home/lxc:/bin/bash\n"
GROUP = "root:x:0:\nusers:x:100:lxc\nlxc:x:1001:\n"
WHO = "1001:1001:100,1001"  # the credentials of `lxc` on a made host

# Files every made host has unless the test says otherwise.
BASE: Mapping[str, str | None] = {
    "/etc/passwd": PASSWD,
    "/etc/group": GROUP,
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\n",
}


def made_host(
    files: Mapping[str, str | None] | None = None,
    answers: Mapping[Question, Answer | Refused] | None = None,
    request: Request | None = None,
) -> Host:
    """A host that knows only what it is told; everything else is Unknown.

    `files`: path -> text, or None for "it is not there". A file is root's, mode 0644, and user
    `lxc` (uid 1001) can read it; whatever differs goes into `answers`, which win.
    """
    known: dict[Question, Answer | Refused] = {}
    for path, text in {**BASE, **(files or {})}.items():
        known["read", path] = text
        known["user_read", path, WHO] = text
        stat: Answer = None if text is None else ["file", 0o644, 0, 0, len(text), 8, 1]
        known["stat", path] = known["lstat", path] = stat
    known.update(answers or {})
    return Host(Snapshot(known), request or Request(user="lxc"))


def outcomes(check: Check, host: Host) -> list[Outcome]:
    """The outcome of each finding of one check."""
    return [finding.outcome for finding in judged(check, host).findings]


def judged(check: Check, host: Host) -> CheckResult:
    """One check's result on a host."""
    return judge(check, host)
