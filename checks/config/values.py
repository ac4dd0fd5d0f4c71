from collections.abc import Iterator

from audit.facts.config import MAX_SHOWN, container_config, problems
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, Pass, Undecided, check
from remediations.config_values import correct


@check(
    "LXC accepts every value of the config",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("lxc.installed", "config.present"),
)
def values(host: Host) -> Iterator[Finding]:
    """Each value is one that its key takes: numbers, addresses, signals, id maps, capabilities.

    liblxc checks most values while it reads the config, in the order of the lines: a veth key
    before `lxc.net.N.type = veth` is refused, and so is `lxc.idmap = b 0 100000 65536`, which is
    the notation of Incus and LXD. `lxc.environment = NAME` needs NAME in the session.

    Why: "Invalid id mapping type: b", "Keeping and dropping capabilities are mutually exclusive",
    "Failed to parse config file"
    See: lxc.container.conf(5), LXC src/lxc/confile.c (set_config_*)
    """
    found = host.get(problems, "value")
    for problem in found[:MAX_SHOWN]:
        yield Fail(
            f"LXC refuses {problem.key[:60]}: {problem.why[:200]}",
            Evidence(problem.file, problem.line, problem.text[:200], "a value that LXC takes"),
            subject=f"{problem.file}:{problem.line}",
            fix=correct(host, problem),
        )
    unclear = host.get(problems, "unclear")
    for problem in unclear[:MAX_SHOWN]:
        yield Undecided(
            f"{problem.key[:60]}: {problem.why[:200]}",
            Evidence(problem.file, problem.line, problem.text[:200], "a number"),
            subject=f"{problem.file}:{problem.line}",
        )
    if not found and not unclear:
        config = host.get(container_config)
        yield Pass(f"all {len(config.entries)} values are accepted", Evidence(config.path))
