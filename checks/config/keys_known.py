from collections.abc import Iterator

from audit.facts.config import MAX_SHOWN, container_config, problems
from audit.facts.configkeys import KEYS
from audit.facts.legacykeys import is_legacy
from audit.facts.lxc import version_text
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, Pass, check
from remediations.config_values import leave_out


@check(
    "The installed LXC knows every key of the config",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("lxc.installed", "config.present"),
)
def keys_known(host: Host) -> Iterator[Finding]:
    """Each `lxc.*` key is in the table of the installed release.

    A typing error or a key of another release (lxc.cgroup.* is gone since 7.0) makes the whole
    config unusable. Keys of LXC 1 and 2 are judged by config.legacy_keys.

    Why: "Unsupported config key "lxc.nosuch.key"", "Failed to parse config file"
    See: lxc.container.conf(5), LXC src/lxc/confile.c (config_jump_table)
    """
    version = host.get(version_text)
    found = [p for p in host.get(problems, "key") if not is_legacy(p.key)]
    for problem in found[:MAX_SHOWN]:
        name = problem.key
        yield Fail(
            f"LXC {version} has no key {name[:60]}{release(name)}",
            Evidence(problem.file, problem.line, problem.text[:200], "a key of this release"),
            subject=f"{problem.file}:{problem.line}",
            fix=leave_out(host, problem),
        )
    if not found:
        config = host.get(container_config)
        yield Pass(f"LXC {version} knows every key", Evidence(config.path))


def release(name: str) -> str:
    """Which release has a key, when another one does."""
    for key in KEYS:
        if name == key.name or (not key.strict and name.startswith(key.name + ".")):
            if key.until is not None:
                return f": it is gone since {'.'.join(map(str, key.until))}"
            return f": it came with {'.'.join(map(str, key.since))}"
    return ""
