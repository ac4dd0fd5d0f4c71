"""A recorded host with a working veth, and what a check finds when one answer is another."""

from __future__ import annotations

from typing import NamedTuple

from audit.model import Finding, Outcome
from audit.registry import builtin
from audit.source import Answer, Question, Refused
from audit.testing import judged
from tests.recordings import changed, recording

WORKING = "net_working"
USER = recording(WORKING).request.user
ANSWERS = recording(WORKING).source.answers
CONFIG = next(
    q
    for q in ANSWERS
    if q[0] == "user_read" and q[1].endswith("/default.conf") and ANSWERS[q] is not None
)
UID = CONFIG[2].partition(":")[0]
USERNET = "/etc/lxc/lxc-usernet"
DIRECTORY: Answer = ["directory", 0o755, 0, 0, 0, 0, 1]
Changes = dict[Question, Answer | Refused]
EVERY = builtin()
FAIL, PASS, UNKNOWN, NA = Outcome.FAIL, Outcome.PASS, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE
UP = ("type = veth", "link = tbr0", "flags = up")
TWO = ("1 type = veth", "1 link = tbr0", "1 flags = up")


def nets(*lines: str, also: tuple[str, ...] = ()) -> Changes:
    """The config with these networks: `0 link = br0`, or `link = br0` for the first."""
    kept = [line for line in str(ANSWERS[CONFIG]).split("\n") if "lxc.net" not in line]
    mine = [line if line[0].isdigit() else f"0.{line}" for line in lines]
    text = "\n".join(
        [*kept, *(f"lxc.net.{line.replace(' ', '.', line[1] == ' ')}" for line in mine)]
    )
    return {CONFIG: "\n".join([text, *also, ""])}


def usernet(*lines: str) -> Changes:
    return {("read", USERNET): "".join(line + "\n" for line in lines)}


def file(mode: int = 0o644, owner: int = 0, kind: str = "file") -> Answer:
    return [kind, mode, owner, 0, 1, 0, 1]


class Row(NamedTuple):
    check: str
    what: str
    changes: Changes
    outcome: Outcome
    says: str = ""


def found(row: Row) -> list[Finding]:
    host = changed(WORKING, {("list", "/sys/class/net"): ["lo", "tbr0"], **row.changes})
    return list(judged(EVERY[f"network.{row.check}"], host).findings)


def label(row: Row) -> str:
    return f"{row.check}: {row.what}"


def verify(row: Row) -> None:
    """The check finds what the row says, and no failure when it says none."""
    findings = found(row)
    outcomes = [finding.outcome for finding in findings]
    assert row.outcome in outcomes, findings
    assert row.outcome is FAIL or FAIL not in outcomes, findings
    if row.says:
        said = " / ".join(finding.message for finding in findings if finding.outcome is row.outcome)
        assert row.says in said, said
