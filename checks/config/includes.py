import re
from collections.abc import Iterator

from audit.facts.config import MAX_SHOWN, container_config, problems
from audit.facts.lxc import lxc_version
from audit.host import Host
from audit.model import (
    EVERYTHING,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    check,
)
from remediations.config import Change, by_hand, rewrite
from remediations.distro import install

# what LXC and its templates bring: common.conf, debian.userns.conf...
SHIPPED = re.compile(
    r"/usr/share/lxc/config/(([a-z]+\.)?(common|userns)|nesting|oci\.common)\.conf does not exist$"
)


@check(
    "Every file that the config includes can be read",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("lxc.installed", "config.present"),
)
def includes(host: Host) -> Iterator[Finding]:
    """Each lxc.include names a file that the user can read, or a directory, and none itself.

    A missing directory is no error, but a missing file is. Configs of old images include
    /usr/share/lxc/config/DISTRIBUTION.userns.conf, which the package lxc-templates brings.

    Why: "Failed to open file", "Failed to parse config file ... at line "lxc.include = ...""
    See: lxc.container.conf(5) "lxc.include", LXC src/lxc/confile.c (set_config_includefiles)
    """
    config = host.get(container_config)
    found = host.get(problems, "include")
    if not config.includes and not found:
        raise NotApplicable("the config includes nothing")
    host.get(lxc_version)
    for problem in found[:MAX_SHOWN]:
        change = Change(problem.file, problem.line, problem.text, "lxc.include = a file to read")
        fix = Fix("include", "correct the line", (by_hand(host, (change,)),))
        if SHIPPED.search(problem.why):
            fix = install(host, "lxc-templates")
        elif problem.why.endswith("includes itself"):
            fix = rewrite(host, "take the line out that closes the circle", change._replace(new=""))
        yield Fail(
            f"{problem.text[:200]} fails: {problem.why}",
            Evidence(problem.file, problem.line, problem.text[:200], "a file the user can read"),
            subject=f"{problem.file}:{problem.line}",
            fix=fix,
        )
    if not found:
        yield Pass(f"{len(config.includes)} included places can be read", Evidence(config.path))
