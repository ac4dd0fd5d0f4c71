from collections.abc import Iterator

from audit.facts.config import container_config
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, check
from remediations.config import leave_out


@check(
    "The config sets no files of the init's /proc directory",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes"),
)
def proc(host: Host) -> Iterator[Finding]:
    """There is no lxc.proc.* line in an unprivileged container's config.

    The monitor, which is the user, writes /proc/PID/... of a process that already belongs to the
    container's root: the files are another user's. Even lxc.proc.oom_score_adj fails.

    Why: "Permission denied - Failed to setup proc filesystem oom_score_adj to 10"
    See: lxc.container.conf(5) "/PROC", LXC src/lxc/conf.c (setup_proc_filesystem)
    """
    entries = host.get(container_config).below("lxc.proc.")
    if not entries:
        raise NotApplicable("the config has no lxc.proc.*")
    for entry in entries:
        yield Fail(
            f"{entry.text}: the user may not write to a /proc directory of the container's root",
            Evidence(entry.file, entry.line, entry.text, "no such line"),
            subject=entry.key,
            fix=leave_out(host, entry),
        )
