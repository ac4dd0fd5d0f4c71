"""From an error of LXC to the checks that explain it, each verified on this host."""

from __future__ import annotations

from collections.abc import Mapping

from audit.model import Check
from audit.records import NamedTuple
from audit.report import FindingEntry


class Explanation(NamedTuple):
    """A check that explains a line. `findings` are its failures on this host; without any, `here`
    says how it stands.
    """

    check: str
    title: str
    line: str
    findings: tuple[FindingEntry, ...]
    here: str


def diagnose(
    text: str,
    checks: Mapping[str, Check],
    *,
    user: str | None = None,
    config: str | None = None,
    container: str | None = None,
) -> list[Explanation]:
    """What explains a log."""
    return []
