from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.idmap import HELPERS, Obstacle, obstacle, writes_directly
from audit.facts.subids import FILES, meant, shown, subids
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.subids import correct_by_hand, tidy

MANY = 20  # broken lines that are named one by one


@check(
    "Every line of /etc/subuid and /etc/subgid is read as it was meant",
    Level.BLOCKING,
    stages=EVERYTHING,
)
def subid_syntax(host: Host) -> Iterator[Finding]:
    """The lines are owner:first_id:count in plain decimal, with nothing before or after.

    shadow skips a line with a blank or a carriage return at its end, an `a-b` range or a missing
    field without a word; a leading zero makes a number octal, and a blank before the name makes
    it another name. A line of somebody else is only reported as degraded.

    Why: "newuidmap: uid range [0-1) -> [100000-100001) not allowed" although the line is there
    See: subuid(5), shadow lib/subordinateio.c (subordinate_parse), lib/getulong.c
    """
    account = host.get(target)
    if host.get(writes_directly) and account.uid == 0:
        raise NotApplicable("root without working helpers writes any map itself")
    seen = False
    for kind in HELPERS:
        file = host.get(subids, kind)
        if file is None or file.broken:
            continue
        seen = True
        path = FILES[kind]
        own = host.get(meant, kind)
        blocks = host.get(obstacle, kind) is Obstacle.SYNTAX
        bad = False
        skipped = [(line, span) for line, span in own if blocks or line.why]
        cure = tidy(host, kind) if skipped else None
        for line, (first, last) in skipped[:MANY]:
            bad = True
            plain = f"{account.name}:{first}:{last - first + 1}"
            yield Fail(
                f"line {line.line} of {path} does not grant {account.name} {shown((first, last))}: "
                f"{line.why or 'shadow reads other numbers there'}",
                Evidence(path, line.line, repr(line.text[:200])[1:-1], plain),
                subject=f"{kind} {line.line}",
                fix=cure,
                level=None if blocks else Level.DEGRADED,
                stages=None if blocks else (),
            )
        mine = {line for line, _ in own}
        others = [line for line in file.rejected if line not in mine]
        more = len(skipped[MANY:]) + len(others[MANY:])
        for line in others[:MANY]:
            bad = True
            yield Fail(
                f"line {line.line} of {path} grants nothing: {line.why}",
                Evidence(path, line.line, repr(line.text[:200])[1:-1], "owner:first_id:count"),
                subject=f"{kind} {line.line}",
                fix=correct_by_hand(path, line.line),
                level=Level.DEGRADED,
                stages=(),
            )
        if more:
            yield Fail(
                f"{more} more lines of {path} grant nothing, or not what was meant",
                Evidence(path),
                subject=kind,
                level=Level.DEGRADED,
                stages=(),
            )
        if not bad:
            yield Pass(f"shadow reads all of {path}", Evidence(path), subject=kind)
    if not seen:
        raise NotApplicable("neither /etc/subuid nor /etc/subgid can be read by shadow")
