from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import local_groups, target
from audit.facts.lxc import lxc_version
from audit.facts.session import is_mine
from audit.facts.usernet import allotments, crash, paths
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from checks.network.usernic import demand_veths
from remediations.usernet import comment_out


@check(
    "No @group line of lxc-usernet kills lxc-user-nic",
    Level.BLOCKING,
    stages=STARTING,
    after=("lxc.installed", "network.usernet_file"),
)
def usernet_groups(host: Host) -> Iterator[Finding]:
    """Before LXC 6.0.6 the user is in every group that a line of lxc-usernet names behind an @.

    The list of the caller's groups ends in a NULL that these releases do not look for. A @group
    that is not in the list, because the caller is no member, the group does not exist, or the
    session began before he became one, is compared until the program dies. It does not matter
    which bridge the line is for, nor that a line of the user stands above it. Comments are safe.

    Why: "lxc-user-nic failed to configure requested network: (null)"
    See: lxc-usernet(5), LXC src/lxc/cmd/lxc_user_nic.c (name_is_in_groupnames), fixed by d8f2c55fa
    """
    demand_veths(host)
    path = host.get(paths).usernet
    lines = host.get(allotments)
    if lines is None:
        raise NotApplicable(f"there is no {path}")
    if not any(line.name.startswith("@") for line in lines):
        yield Pass("no line is for a group", Evidence(path))
        return
    line = host.get(crash)
    if line is None:
        yield Pass("every group that is compared ends well", Evidence(path))
        return
    version = ".".join(str(part) for part in host.get(lxc_version))
    yield Fail(
        f"lxc-user-nic of LXC {version} dies at line {line.line} of {path}: "
        f"{_why(host, line.name[1:])}",
        Evidence(path, line.line, line.text[:200], "only groups that the user is in"),
        fix=comment_out(host, line),
    )


def _why(host: Host, group: str) -> str:
    name = host.get(target).name
    members = next((m for g, _, m in host.get(local_groups) if g == group), None)
    if members is None:
        return f"there is no group {group}"
    if name in members and host.get(is_mine):
        return f"this session began before {name} was put into {group}"
    return f"{name} is not in {group}"
