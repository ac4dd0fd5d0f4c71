from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.idmap import HELPERS, writes_directly
from audit.facts.subids import BLOCK, FILES, unusable
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.idmap import make_readable
from remediations.login_defs import setting


@check("newuidmap and newgidmap can read their files", Level.BLOCKING, stages=EVERYTHING)
def subid_files(host: Host) -> Iterator[Finding]:
    """/etc/subuid and /etc/subgid are there and are regular files.

    The helpers open them before anything else and give up without a word when they cannot. They do
    not follow a symlink. Since shadow 4.19 a last line without a newline makes the whole file
    unusable, and SUB_UID_COUNT 0 in login.defs means that it is not read. The mode does not
    matter: the helpers are privileged.

    Why: "newuidmap failed to write mapping \\"\\"" (empty quotes); since 4.19 "cannot open
    /etc/subuid"
    See: subuid(5), shadow lib/commonio.c (commonio_open, O_NOFOLLOW), src/newuidmap.c
    """
    if host.get(writes_directly) and host.get(target).uid == 0:
        raise NotApplicable("root without working helpers writes any map itself")
    for kind, name in HELPERS.items():
        path = FILES[kind]
        why = host.get(unusable, kind)
        if not why:
            yield Pass(f"{name} can read {path}", Evidence(path), subject=kind)
            continue
        fix = make_readable(host, kind)
        if fix is None and why.startswith("SUB_"):
            fix = setting(host, why.split(" ", 1)[0], str(BLOCK))
        yield Fail(
            f"{name} cannot use {path}: {why}",
            Evidence(path, None, why, "a regular file of lines owner:first:count"),
            subject=kind,
            fix=fix,
        )
