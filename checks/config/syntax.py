from collections.abc import Iterator

from audit.facts.config import MAX_SHOWN, container_config, problems
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, Pass, check
from remediations.config_values import with_equals


@check(
    "Every line of the config that begins with lxc. is KEY = VALUE",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("lxc.installed", "config.present"),
)
def syntax(host: Host) -> Iterator[Finding]:
    """liblxc can split every line that it does not ignore into a key and a value.

    It ignores empty lines, comments, and silently whatever does not begin with `lxc.`. One bad
    line makes the whole config unusable, for lxc-create as for lxc-start.

    Why: "Invalid configuration line: lxc.uts.name foo", "Failed to parse config file"
    See: lxc.container.conf(5), LXC src/lxc/confile.c (parse_line)
    """
    found = host.get(problems, "syntax")
    for problem in found[:MAX_SHOWN]:
        yield Fail(
            f"{problem.text[:80]!r} is no KEY = VALUE: {problem.why}",
            Evidence(problem.file, problem.line, problem.text[:200], "lxc.KEY = VALUE"),
            subject=f"{problem.file}:{problem.line}",
            fix=with_equals(host, problem),
        )
    if not found:
        config = host.get(container_config)
        yield Pass(f"{len(config.entries)} lines can be read", Evidence(config.path))
