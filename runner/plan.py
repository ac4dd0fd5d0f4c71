"""How a container is started and entered on this host. Pure.

Which cgroup serves best is decided in audit/facts/seats.py and cgstart.py, for the audit and the
run alike; here it becomes a command line.
"""

from __future__ import annotations

from audit.facts.cgstart import run_plan
from audit.facts.lxc import lxc_version
from audit.facts.seats import LEAF, OWN_SCOPE, SCOPE, Seat, asks_systemd, leaf_seat, run_seat
from audit.facts.session import variable
from audit.facts.systemd import own_runtime_dir, user_manager
from audit.host import Host
from audit.records import NamedTuple

# What Debian's lxc-unpriv-start does as well.
IN_SCOPE = ("systemd-run", "--user", "--scope", "--quiet", "-p", "Delegate=yes", "--")
# From LXC 6 on, lxc-attach finds its way into a scope by itself (lab: Debian 13).
ENTERS_SCOPES = (6, 0, 0)
# Enter a fresh cgroup below one of the user's own, and become the command there.
IN_LEAF = """
set -eu; leaf=$1; controllers=$2; shift 2
for one in $controllers; do
    echo "+$one" >"${leaf%/*}/cgroup.subtree_control" || :
done
mkdir "$leaf"; echo $$ >"$leaf/cgroup.procs"; exec "$@"
"""

WORDS = {
    SCOPE: "in a scope of its own (systemd-run --user --scope -p Delegate=yes)",
    OWN_SCOPE: "plainly: liblxc asks systemd for a scope by itself",
    LEAF: "in a fresh cgroup of the user's own",
}
PLAINLY = "plainly, in the session's cgroup"


class Way(NamedTuple):
    """From where a command of LXC is to be called. `leaf` is a cgroup to make and to remove."""

    kind: str
    prefix: tuple[str, ...] = ()
    leaf: str = ""

    @property
    def words(self) -> str:
        return WORDS.get(self.kind, PLAINLY)

    def command(self, *argv: str) -> list[str]:
        """The command line that gets there first."""
        return [*self.prefix, *argv]


def to_start(host: Host, tag: str) -> Way:
    """The way of `lxc-start`. `tag` makes the name of a cgroup that nobody else uses."""
    return _way(host, host.get(run_plan).seat, tag)


def to_attach(host: Host, tag: str) -> Way:
    """The way of lxc-attach and what else enters a running container from any session.

    A process moves between two cgroups only when their common ancestor's cgroup.procs is its own
    (cgroups(7), "Delegation containment"). From a login session, what was started in a scope is
    out of reach; from another scope of the same user manager it is not.
    """
    seat = host.get(run_seat)
    if host.get(asks_systemd) or seat.kind == SCOPE:
        manager = host.get(user_manager)
        if manager.available and host.get(lxc_version) < ENTERS_SCOPES:
            return Way(SCOPE, host.get(in_scope))
        return Way(seat.kind)
    below = host.get(leaf_seat)
    return Way(seat.kind) if below is None else _way(host, below, tag)


def in_scope(host: Host) -> tuple[str, ...]:
    """What starts a command in a scope of the user's manager.

    systemd-run finds the manager by XDG_RUNTIME_DIR alone. A job of cron's and a daemon's child do
    not have it, and the manager of who lingers is there for them all the same.
    """
    place = host.get(own_runtime_dir)
    if host.get(variable, "XDG_RUNTIME_DIR") == place:
        return IN_SCOPE
    return ("env", f"XDG_RUNTIME_DIR={place}", *IN_SCOPE)


def _way(host: Host, seat: Seat, tag: str) -> Way:
    if seat.kind == SCOPE:
        return Way(SCOPE, host.get(in_scope))
    unified = seat.unified
    if seat.kind == LEAF and unified is not None:
        leaf = f"{unified.directory.rpartition('/')[0]}/lxc-preflight-{tag}"
        controllers = " ".join(unified.controllers)
        return Way(LEAF, ("sh", "-c", IN_LEAF, "lxc-preflight", leaf, controllers), leaf)
    return Way(seat.kind)
