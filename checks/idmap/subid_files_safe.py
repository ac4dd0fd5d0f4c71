from __future__ import annotations

from collections.abc import Iterator

from audit.facts.subids import FILES
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.files import leave_to_root

WRITABLE = 0o022


@check("Only root can change /etc/subuid and /etc/subgid", Level.HARDENING)
def subid_files_safe(host: Host) -> Iterator[Finding]:
    """The files that grant ids belong to root, and neither group nor others may write them.

    Whoever can write a line grants himself any uid of the host but 0, and reads everybody's files
    from inside a container.

    Why: whoever writes a line there can become any user but root, inside a container of his own
    See: subuid(5), newuidmap(1)
    """
    found = False
    for path in FILES.values():
        stat = host.stat(path)
        if stat is None:
            continue
        found = True
        seen = Evidence(
            path, None, f"mode {stat.mode:04o}, owner {stat.uid}:{stat.gid}", "0644 0:0"
        )
        if stat.uid == 0 and not stat.mode & WRITABLE:
            yield Pass(f"{path} is root's alone to write", seen, subject=path)
            continue
        yield Fail(
            f"{path} can be changed by others than root: they can give themselves any uid",
            seen,
            subject=path,
            fix=None if is_link(host, path) else leave_to_root(path, stat),
        )
    if not found:
        raise NotApplicable("neither /etc/subuid nor /etc/subgid is there")


def is_link(host: Host, path: str) -> bool:
    """What a symlink leads to is no business of this check: idmap.subid_files puts it right."""
    found = host.lstat(path)
    return found is not None and found.kind == "symlink"
