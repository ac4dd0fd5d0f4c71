"""How a user gets a cgroup, in the words of the init system at hand."""

from __future__ import annotations

from audit.facts.accounts import target
from audit.facts.cgroup import ROOT, root_controllers
from audit.facts.distro import family
from audit.facts.init import OPENRC, SYSTEMD, init_system
from audit.host import Host
from audit.model import Fix, Unknown
from remediations.distro import install

DROPIN = "/etc/systemd/system/user@.service.d/delegate.conf"
SCOPE = "systemd-run --user --scope -p Delegate=yes -- lxc-start -n NAME"
RUN = "lxc-preflight run NAME"
PAM_STACKS = {"debian": "common-session", "alpine": "base-session"}


def delegate(host: Host, controllers: tuple[str, ...]) -> Fix:
    """Have systemd hand more controllers to users' managers."""
    wanted = " ".join(controllers)
    return Fix(
        "delegate",
        f"delegate {wanted} to user managers",
        (
            f"mkdir -p {DROPIN.rpartition('/')[0]}",
            f"printf '[Service]\\nDelegate={wanted}\\n' > {DROPIN}",
            "systemctl daemon-reload",
        ),
        then="re-login",
    )


def start_in_scope(host: Host) -> Fix:
    """Start the container in a cgroup of its own; nothing has to be installed or changed."""
    return Fix("scope", "start the container in a delegated scope", (SCOPE,), needs=())


def linger(host: Host) -> Fix:
    """Keep the user's manager, and with it the user's containers, running from boot on."""
    name = host.get(target).name
    return Fix("linger", f"let {name} linger", (f"loginctl enable-linger {name}",))


def user_manager(host: Host) -> Fix:
    """Get the user a running `systemd --user`."""
    name = host.get(target).name
    return Fix(
        "user_manager",
        f"start the user manager of {name}",
        (f"loginctl enable-linger {name}", f"machinectl shell {name}@"),
        then="re-login",
    )


def own_cgroup(host: Host) -> Fix:
    """Give the user a cgroup where no systemd does."""
    if _init(host) == SYSTEMD:
        return user_manager(host)
    name = host.get(target).name
    place = f"{ROOT}/{name}"
    steps = [
        f"echo '{_plus(host)}' > {ROOT}/cgroup.subtree_control",
        f"mkdir -p {place}/login",
        f"chown {name}: {place} {place}/login",
        f"for d in {place} {place}/login; do (cd $d && chown {name}: $(cat /sys/kernel/cgroup/"
        "delegate) 2>/dev/null); done",
    ]
    if _init(host) == OPENRC:
        steps = [
            *install(host, "libcgroup").steps,
            f"# /etc/cgconfig.conf (Gentoo: /etc/cgroup/): groups {name} and {name}/login, "
            f"uid = {name}; gid = {name}; in task and admin of perm",
            f"# /etc/cgrules.conf: {name}  cpu,memory,pids  {name}/login",
            f"echo 'session optional pam_cgroup.so' >> /etc/pam.d/{_pam_stack(host)}",
            "rc-update add cgconfig default && rc-service cgconfig start",
        ]
    return Fix("own_cgroup", f"give {name} a cgroup of its own", tuple(steps), then="re-login")


def pam_cgfs(host: Host) -> Fix:
    """Give logins their own v1 cgroups."""
    line = "session optional pam_cgfs.so -c freezer,memory,name=systemd"
    steps = (*install(host, "pam-cgfs").steps, f"echo '{line}' >> /etc/pam.d/common-session")
    return Fix("pam_cgfs", "let pam_cgfs give logins their own cgroups", steps, then="re-login")


def _pam_stack(host: Host) -> str:
    """The file that all logins of a distribution include."""
    try:
        return PAM_STACKS.get(host.get(family) or "", "system-login")
    except Unknown:
        return "system-login"


def _plus(host: Host) -> str:
    try:
        names = host.get(root_controllers)
    except Unknown:
        names = ()
    return " ".join(f"+{name}" for name in names) or "+cpu +memory +pids"


def _init(host: Host) -> str:
    try:
        return host.get(init_system)
    except Unknown:
        return ""
