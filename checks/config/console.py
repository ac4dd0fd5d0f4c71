from collections.abc import Iterator

from audit.facts.config import Entry, container_config
from audit.facts.outputs import unwritable
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.config import leave_out
from remediations.logs import log_elsewhere


@check(
    "The console of the config can be opened",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes"),
)
def console(host: Host) -> Iterator[Finding]:
    """lxc.console.logfile can be written, and lxc.console.path is a terminal that is there.

    The log file is made when it is missing, its directory is not.

    Why: "Permission denied - Failed to open terminal log file "/var/log/x.log""
    See: lxc.container.conf(5) "CONSOLE", LXC src/lxc/terminal.c
    """
    config = host.get(container_config)
    logfile = config.last("lxc.console.logfile")
    path = config.last("lxc.console.path")
    if path is not None and path.value == "none":
        path = None
    if logfile is None and path is None:
        raise NotApplicable("the config says nothing about the console")
    if logfile is not None:
        yield judged(host, logfile, log_obstacle(host, logfile.value))
    if path is not None:
        missing = host.stat(path.value) is None if path.value.startswith("/") else False
        yield judged(host, path, "it does not exist" if missing else None)


def log_obstacle(host: Host, path: str) -> str | None:
    if not path.startswith("/"):
        return None  # relative to where lxc-start is typed, and the user can write somewhere
    return unwritable(host, path, makes_directories=False)


def judged(host: Host, entry: Entry, why: str | None) -> Finding:
    seen = Evidence(entry.file, entry.line, entry.text)
    if why is None:
        return Pass(f"{entry.value} can be opened", seen, subject=entry.key)
    fix = leave_out(host, entry) if entry.key.endswith(".path") else log_elsewhere(host, entry)
    return Fail(f"the user cannot open {entry.value}: {why}", seen, subject=entry.key, fix=fix)
