from __future__ import annotations

from collections.abc import Iterator

from audit.facts.nics import veths
from audit.facts.usernet import paths
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, Pass, check
from checks.network.usernic import demand_veths
from remediations.usernet import allow, anew


@check("lxc-usernet exists", Level.BLOCKING, stages=STARTING, after=("lxc.installed",))
def usernet_file(host: Host) -> Iterator[Finding]:
    """/etc/lxc/lxc-usernet, which says who may have interfaces on which bridge, is a regular file.

    Distributions do not ship it. Its mode does not matter: the helper reads it as root.

    Why: 'get_alloted - No such file or directory - Failed to open "/etc/lxc/lxc-usernet"'
    See: lxc-usernet(5), LXC src/lxc/cmd/lxc_user_nic.c (get_alloted), lxc/lxc#2678
    """
    demand_veths(host)
    path = host.get(paths).usernet
    stat = host.stat(path)
    if stat is None:
        nics = host.get(veths)
        yield Fail(
            f"{path} does not exist: no user may have interfaces",
            Evidence(path, None, "absent", "a line for the user"),
            fix=allow(host, nics[0].bridge),
        )
    elif stat.kind != "file":
        yield Fail(
            f"{path} is a {stat.kind}, not a file: nobody is listed",
            Evidence(path, None, stat.kind, "a regular file"),
            fix=anew(host),
        )
    else:
        yield Pass(f"{path} is there", Evidence(path, None, f"mode {stat.mode:04o}"))
