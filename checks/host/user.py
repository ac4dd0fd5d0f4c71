from collections.abc import Iterator

from audit.facts.accounts import target
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, Pass, check


@check(
    "The user who will own the containers is an ordinary account", Level.BLOCKING, stages=EVERYTHING
)
def user(host: Host) -> Iterator[Finding]:
    """The audit is about an account that the name service knows and that is not root.

    newuidmap(1) looks the caller up by uid and refuses to work for one without a passwd entry; containers of root
    are not what `unprivileged` means here.

    Why: "newuidmap: Cannot determine your user name."
    See: newuidmap(1), passwd(5), shadow src/newuidmap.c
    """
    account = host.get(target)
    seen = Evidence("/etc/passwd", None, f"{account.name}:{account.uid}", "a uid other than 0")
    if account.uid == 0:
        yield Fail("root's own containers are not unprivileged ones: name a user with --user", seen)
    else:
        yield Pass(f"{account.name} has uid {account.uid}", seen)
