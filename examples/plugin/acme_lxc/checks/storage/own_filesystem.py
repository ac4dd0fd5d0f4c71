from collections.abc import Iterator

from audit.facts.accounts import target
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check


@check("Containers do not share a file system with the system", Level.HARDENING)
def own_filesystem(host: Host) -> Iterator[Finding]:
    """The user's home is on another file system than /.

    A container that fills its disk then fills nobody else's.

    Why: at ACME a full / once stopped a host for a night.
    See: hier(7), ACME handbook, chapter 7
    """
    home = host.get(target).home
    here, root = host.stat(home), host.stat("/")
    if here is None or root is None:
        raise NotApplicable(f"{home} does not exist yet")
    seen = Evidence(
        home, None, f"device {here.major}:{here.minor}", "another device than that of /"
    )
    if (here.major, here.minor) == (root.major, root.minor):
        yield Fail(f"{home} is on the file system of /", seen)
    else:
        yield Pass(f"{home} has a file system of its own", seen)
