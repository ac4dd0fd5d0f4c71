from collections.abc import Iterator

from audit.facts.config import MAX_SHOWN, container_config, problems
from audit.facts.legacykeys import is_legacy, successor
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, Pass, check
from remediations.legacy_keys import migrate


@check(
    "The config has no keys of LXC 1 or 2",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("lxc.installed", "config.present"),
)
def legacy_keys(host: Host) -> Iterator[Finding]:
    """No key has a name that LXC 3 dropped, as tutorials before 2018 have it.

    lxc.id_map is lxc.idmap, lxc.network.type is lxc.net.0.type, lxc.utsname is lxc.uts.name,
    lxc.aa_profile is lxc.apparmor.profile. lxc-update-config rewrites a file and keeps a backup.

    Why: "Failed to parse config file ... at line "lxc.network.type = veth""
    See: lxc-update-config(1), lxc.container.conf(5)
    """
    found = [p for p in host.get(problems, "key") if is_legacy(p.key)]
    for problem in found[:MAX_SHOWN]:
        name = problem.key
        new = successor(name)
        instead = f"is called {new} since LXC 3" if new else "is gone since LXC 3"
        yield Fail(
            f"{name} {instead}, and LXC refuses a config with the old name",
            Evidence(problem.file, problem.line, problem.text[:200], new or "no such line"),
            subject=f"{problem.file}:{problem.line}",
            fix=migrate(host, problem.file),
        )
    if not found:
        yield Pass("no key of LXC 1 or 2", Evidence(host.get(container_config).path))
