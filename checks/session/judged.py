from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.login import login
from audit.facts.session import is_mine
from audit.host import Host
from audit.model import Evidence, Finding, Level, Pass, check


@check("Which session the answers are about is known", Level.INFO, after=("host.user",))
def judged(host: Host) -> Iterator[Finding]:
    """The user's own session when the user asks, its next login when somebody else does.

    Root's environment, groups, limits and cgroup are not the user's. Asked by root, they are
    predicted from login.defs, PAM and the shell's start-up files, and nothing that root has counts.

    Why: "it works when I type it, and your report says no": another session was judged
    See: login.defs(5), pam.d(5), environ(7)
    """
    name = host.get(target).name
    if host.get(is_mine):
        yield Pass(f"the answers are about this session of {name}", Evidence("the session"))
        return
    next_one = host.get(login)
    path = next_one.environment.get("PATH", "")
    yield Pass(
        f"the answers are about the next login of {name}",
        Evidence("PATH", None, path),
        Evidence(next_one.umask_from or "umask", None, f"{next_one.umask:03o}"),
    )
