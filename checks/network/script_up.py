from __future__ import annotations

from collections.abc import Iterator

from audit.access import may
from audit.facts.executables import resolve
from audit.facts.nics import Nic, veths
from audit.facts.session import session_credentials
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check
from checks.network.settings import proof
from remediations.hooks import repair

_SHELL = frozenset("|&;<>()$`\\\"'*?[]#~=%\n")


@check(
    "The script.up of every veth can be run",
    Level.BLOCKING,
    stages=STARTING,
    after=("lxc.installed", "network.nic_type"),
)
def script_up(host: Host) -> Iterator[Finding]:
    """The program named by `lxc.net.N.script.up` exists and the user may execute it.

    LXC runs it by a shell, as the user, on the host, once the interface is made; when it ends with
    anything but 0 the start fails. Whether it will is not known here. script.down fails silently,
    and an empty network of a user has no script run.

    Why: "Script exited with status 127"
    See: lxc.container.conf(5), LXC src/lxc/network.c (lxc_create_network_unpriv_exec)
    """
    nics = [nic for nic in host.get(veths) if nic.script_up]
    if not nics:
        raise NotApplicable("no veth of the config has a script.up")
    who = host.get(session_credentials)
    for nic in nics:
        seen = proof(host, nic, "script.up")
        program = nic.script_up.split()[0] if nic.script_up.split() else ""
        if not program.startswith("/") or _SHELL & set(program):
            yield Pass(f"{nic.script_up} is for the shell to understand", seen, subject=nic.label)
            continue
        real = host.get(resolve, program, who)
        stat = None if real is None else host.stat(real)
        if real is None or stat is None:
            yield Fail(
                f"{program}, the script.up of {nic.label}, is not there for the user",
                seen,
                subject=nic.label,
                fix=_repair(host, nic, program),
            )
        elif stat.kind != "file" or not may(
            list(stat), host.xattr(real, "system.posix_acl_access"), who, "x"
        ):
            yield Fail(
                f"the user may not execute {program}, the script.up of {nic.label}",
                seen,
                Evidence(program, None, f"{stat.kind}, mode {stat.mode:04o}", "executable"),
                subject=nic.label,
                fix=_repair(host, nic, real),
            )
        else:
            yield Pass(f"{program} can be run", seen, subject=nic.label)


def _repair(host: Host, nic: Nic, program: str) -> Fix | None:
    entry = nic.line("script.up")
    return None if entry is None else repair(host, entry, program)
