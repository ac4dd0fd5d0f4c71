from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.idmap import HELPERS
from audit.facts.shadow_version import dialects
from audit.facts.subids import BLOCK, FILES, granted, owns, shown, strtoul, subids
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.subids import tidy

MANY = 20  # lines that are named one by one


@check("Every tool reads the user's subordinate ids alike", Level.DEGRADED)
def subid_notation(host: Host) -> Iterator[Finding]:
    """lxc-usernsexec and the tools written in Go see what newuidmap sees in the two files.

    lxc-create and lxc-start hand their maps to lxc-usernsexec and newuidmap and are not concerned.
    But lxc-usernsexec without -m (to look into a container's files, to chown them) has a parser of
    its own: it wants a line that begins with the user's *name*, takes the first one only, and cuts
    off the last character of a file that does not end with a newline, so that 65536 is 6553.
    podman, nerdctl and Docker read numbers as decimal where shadow takes 0100000 for octal.

    Why: "Failed to find subuid or subgid allocation"
    See: lxc-usernsexec(1), LXC src/lxc/cmd/lxc_usernsexec.c (read_default_map), subuid(5)
    """
    account = host.get(target)
    judged = False
    for kind in HELPERS:
        path = FILES[kind]
        file = host.get(subids, kind)
        ranges = host.get(granted, kind)
        if file is None or not ranges:
            continue
        judged = True
        bad = False
        version = host.get(dialects)[0]
        cure = tidy(host, kind)
        odd = [one for one in file.odd if owns(host, one.text.split(":")[0], version)]
        for line in odd[:MANY]:
            bad = True
            yield Fail(
                f"line {line.line} of {path} is not plain decimal: tools differ over it",
                Evidence(path, line.line, repr(line.text[:200])[1:-1], "owner:first_id:count"),
                subject=f"{kind} {line.line}",
                fix=cure,
            )
        if not file.ends_with_newline:
            bad = True
            yield Fail(
                f"{path} does not end with a newline: lxc-usernsexec cuts its last digit off",
                Evidence(path, None, "no newline at the end", "a newline"),
                subject=f"{kind} newline",
                fix=cure,
            )
        default = default_map(host.read(path) or "", account.name)
        if default is None:
            bad = True
            yield Fail(
                f"lxc-usernsexec without -m finds no line of {account.name} by name in {path}",
                Evidence(path, None, "no usable line by name", f"{account.name}:FIRST_ID:COUNT"),
                subject=f"{kind} name",
                fix=cure,
            )
        elif (
            file.ends_with_newline
            and default[1] < BLOCK <= max(last - first for first, last in ranges) + 1
        ):
            bad = True
            yield Fail(
                f"lxc-usernsexec without -m takes only {default[1]} {kind}s, the first line of "
                f"{account.name} in {path}, and not {shown(ranges[0])}",
                Evidence(
                    path, None, f"{account.name}:{default[0]}:{default[1]}", "65536 ids first"
                ),
                subject=f"{kind} first",
                fix=cure,
            )
        if not bad:
            yield Pass(f"{path} leaves no doubt", Evidence(path), subject=kind)
    if not judged:
        raise NotApplicable("the files grant the user nothing")


def default_map(text: str, name: str) -> tuple[int, int] | None:
    """The (first id, count) that lxc-usernsexec takes out of a file when it is given no -m; None:
    it gives up.
    """
    lines = text.split("\n")
    last = lines.pop()
    # The last character goes, newline or not.
    for line in (*lines, last[:-1]):
        owner, colon, rest = line.partition(":")
        first, second_colon, second = rest.partition(":")
        if not (colon and second_colon) or owner != name:
            continue
        start, size = strtoul(first), strtoul(second)
        if start is None or size is None or start[1] or size[1]:
            return None
        return start[0], size[0]
    return None
