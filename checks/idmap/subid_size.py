from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.idmap import HELPERS
from audit.facts.subids import BLOCK, FILES, granted, own_grants_of, shown
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.idmap import add_block
from remediations.subids import tidy


@check("The user's ranges are whole blocks of 65536 ids", Level.DEGRADED)
def subid_size(host: Host) -> Iterator[Finding]:
    """The user has 65536 ids side by side, and no line has one too many or too few.

    Images use ids up to 65534 (nobody). `usermod --add-subuids 100000-165536` makes 65537: both
    ends count. Every later allocation is then shifted by one.

    Why: "Cannot change ownership to uid 65534: Invalid argument" when an image is unpacked
    See: subuid(5), usermod(8)
    """
    account = host.get(target)
    judged = False
    for kind in HELPERS:
        ranges = host.get(granted, kind)
        if not ranges:
            continue
        judged = True
        bad = False
        for one in host.get(own_grants_of, kind):
            if one.size > BLOCK and one.size % BLOCK in (1, BLOCK - 1):
                bad = True
                yield Fail(
                    f"line {one.line} of {FILES[kind]} has {one.size} ids, one "
                    f"{'more' if one.size % BLOCK == 1 else 'less'} than whole blocks",
                    Evidence(FILES[kind], one.line, f"{one.owner}:{one.start}:{one.size}", "65536"),
                    subject=f"{kind} {one.line}",
                    fix=tidy(host, kind),
                )
        first, last = max(ranges, key=lambda span: span[1] - span[0])
        if last - first + 1 < BLOCK:
            bad = True
            yield Fail(
                f"{account.name} has no more than {last - first + 1} {kind}s side by side "
                f"({shown((first, last))}): a container wants 65536",
                Evidence(FILES[kind], None, shown((first, last)), "65536 ids"),
                subject=kind,
                fix=add_block(host, kind),
            )
        if not bad:
            yield Pass(
                f"{account.name} has {shown((first, last))}", Evidence(FILES[kind]), subject=kind
            )
    if not judged:
        raise NotApplicable("nothing is granted to the user")
