from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.outputs import unwritable
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.logs import log_elsewhere


@check(
    "The log file of the config can be written",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("config.present", "config.includes"),
)
def log(host: Host) -> Iterator[Finding]:
    """lxc.log.file lies where the user can write; missing directories are made.

    liblxc opens it while it reads the config: when it cannot, the whole config is refused, by
    lxc-create as by lxc-start.

    Why: "Permission denied - Failed to create directory "/var/log/lxc/x.log"", "Failed to parse
    config file"
    See: lxc.container.conf(5) "lxc.log.file", LXC src/lxc/log.c (lxc_log_set_file)
    """
    entry = host.get(container_config).last("lxc.log.file")
    if entry is None:
        raise NotApplicable("the config names no log file")
    seen = Evidence(entry.file, entry.line, entry.text, "a file that the user can write")
    if not entry.value.startswith("/"):
        yield Pass(f"{entry.value} is written where LXC's commands are typed", seen)
        return
    why = unwritable(host, entry.value, makes_directories=True)
    if why is None:
        yield Pass(f"{entry.value} can be written", seen)
    else:
        message = f"the user cannot write the log file {entry.value}: {why}"
        yield Fail(message, seen, fix=log_elsewhere(host, entry))
