from collections.abc import Iterator

from audit.facts.lxc import constants, lxc_version, version_text
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Fix, Level, Pass, Undecided, check
from remediations.actions import ROOT, Manual

DOTTED_KEYS = (2, 1, 0)
JUDGED = (3, 0, 0)
FULL_CGROUP2 = (4, 0, 0)
NEWER = ("# LXC 4.0 or newer comes with a newer release of the distribution, or its backports",)


@check(
    "LXC is a version that this audit knows",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("lxc.installed",),
)
def version(host: Host) -> Iterator[Finding]:
    """LXC is 4.0 or newer: the first with full support for cgroup2, on which today's hosts run.

    Before 2.1 the keys of a config were others (lxc.id_map, lxc.network.type). What liblxc 2.x
    refuses is not known to this audit, so nothing can be predicted for it.

    Why: "Failed to initialize cgroups" and "Unsupported config key" on versions that never heard
    of them
    See: https://linuxcontainers.org/lxc/news/, LXC src/lxc/confile.c
    """
    number = host.get(lxc_version)
    text = host.get(version_text)
    seen = Evidence(host.get(constants).library, None, text, "4.0.0 or newer")
    if number < JUDGED:
        yield Undecided(f"LXC {text} is older than what this audit knows (3.0)", seen)
    elif number < FULL_CGROUP2:
        yield Fail(
            f"LXC {text} does not support cgroup2 fully; 4.0 does",
            seen,
            fix=Fix("newer_lxc", "upgrade LXC", (Manual(NEWER, ROOT),)),
            level=Level.DEGRADED,
            stages=(),
        )
    else:
        yield Pass(f"LXC {text}", seen)
