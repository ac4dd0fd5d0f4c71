"""What systemd is asked for: a delegation, a user's manager from boot on, room in a unit."""

from __future__ import annotations

from audit.facts.accounts import target
from audit.facts.systemd import (
    CONTROLLERS,
    UserManager,
    delegation,
    dropins,
    lingers,
    next_manager,
    user_manager,
    user_unit,
)
from audit.host import Host
from audit.model import Fix, Unknown
from remediations import pam
from remediations.actions import Action, Manual, Remove, Replace, Run, Write
from remediations.distro import install, needed
from remediations.quoting import word

DROPINS = "/etc/systemd/system/user@.service.d"
# The first is what everybody calls it; drop-ins are read in the order of their names.
NAMES = ("delegate.conf", "zz-lxc-preflight.conf")
REGISTERS = ("debian", "fedora")  # families whose package puts pam_systemd into the PAM stack
ADMINS = ("/etc/", "/run/")  # where a unit is an administrator's and not a package's


def reload(unit: str, dropin: str = "") -> Run:
    """Have systemd read its units again, unless it has what is on disk: the unit, and a drop-in.

    NeedDaemonReload does not tell of a drop-in in a directory that systemd has not seen yet.
    """
    command, show = "systemctl daemon-reload", "systemctl show -p"
    name = word(unit)
    holds = (
        f"{show} DropInPaths {name} | grep -qF {word(dropin)}"
        if dropin
        else f"{show} LoadState {name} | grep -qx LoadState=loaded"
    )
    fresh = f"{show} NeedDaemonReload {name} | grep -qx NeedDaemonReload=no && {holds}"
    return Run(command, fresh, command)


def delegate(host: Host, controllers: tuple[str, ...]) -> Fix:
    """Have systemd hand more controllers to users' managers."""
    wanted = " ".join(controllers)
    action = _delegation(host, f"Delegate={wanted}")
    dropin = action.path if ".d/" in action.path else ""
    return Fix(
        "delegate",
        f"delegate {wanted} to user managers",
        (action, reload(f"user@{host.get(target).uid}.service", dropin)),
        # the manager of who lingers outlives every logout
        "reboot" if host.get(lives_on) else "re-login",
    )


def _delegation(host: Host, setting: str) -> Replace | Write:
    """An administrator's line that decides is put right; else there is a drop-in more."""
    try:
        last = delegation(host.get(user_unit).settings).last
        names = [path.rpartition("/")[2] for path in host.get(dropins, host.get(user_unit).name)]
    except Unknown:
        last, names = None, []
    if last is not None and last.source.startswith("/etc/"):
        lines = (host.read(last.source) or "").split("\n")
        old = lines[last.line - 1] if last.line <= len(lines) else ""
        if old.strip().startswith("Delegate") and not old.rstrip().endswith("\\"):
            return Replace(last.source, last.line, old, setting)
    decides = last.source.rpartition("/")[2] if last is not None and ".d/" in last.source else ""
    name = next((one for one in NAMES if one not in names and one > decides), NAMES[-1])
    return Write(f"{DROPINS}/{name}", f"[Service]\n{setting}\n")


def linger(host: Host) -> Fix:
    """Keep the user's manager, and with it the user's containers, running from boot on.

    What logind remembers it by is a file: that is all there is to it where no logind runs.
    """
    name = host.get(target).name
    file = f"/var/lib/systemd/linger/{name}"
    who = word(name)
    run = Run(
        f"loginctl enable-linger {who}", f"test -e {word(file)}", f"loginctl disable-linger {who}"
    )
    return Fix("linger", f"let {name} linger", (run, Write(file, "")))


def manager(host: Host) -> Fix:
    """Get the user a running `systemd --user`, by what there is none."""
    try:
        found = host.get(user_manager)
        if found.reason.startswith("systemd --user does not run"):
            found = host.get(next_manager)
    except Unknown:
        return linger(host)._replace(then="re-login")
    reason = found.reason
    if "masked" in reason or "missing" in reason:
        return _unmask(host, found)
    if "no unit" in reason:
        return install(host, "systemd")._replace(then="re-login")
    if "not delegated" in reason:
        return delegate(host, CONTROLLERS)
    if "PAM stack" in reason:
        actions = pam.session(host, "pam_systemd", "", "pam-systemd", registers=REGISTERS)
        return Fix("pam_systemd", "let logind know of logins", actions, "re-login")
    return linger(host)._replace(then="re-login")


def _unmask(host: Host, found: UserManager) -> Fix:
    """Take the link to /dev/null (or the empty file) away that hides the packaged unit."""
    unit = found.source.rpartition("/")[2]
    if not found.source.startswith(ADMINS) or "." not in unit:
        return install(host, "systemd")._replace(then="re-login")
    instance = unit.replace("@.", f"@{host.get(target).uid}.")
    actions: tuple[Action, ...] = (Remove(found.source), reload(instance))
    if unit == "systemd-logind.service":
        running = f"systemctl is-active --quiet {unit}"
        actions += (Run(f"systemctl start {unit}", running, f"systemctl stop {unit}"),)
    return Fix("unmask", f"unmask {unit}", actions, "re-login")


def session_bus(host: Host) -> Fix:
    """Have users' managers start a D-Bus daemon."""
    socket = Run(
        "systemctl --global enable dbus.socket",
        "systemctl --global is-enabled --quiet dbus.socket",
        "systemctl --global disable dbus.socket",
    )
    actions = (*needed(host, "dbus-session"), socket)
    return Fix("session_bus", "give users a D-Bus daemon", actions, "re-login")


def lives_on(host: Host) -> bool:
    """Whether the user's manager runs and would go on running after the last logout."""
    try:
        return host.get(lingers) and host.get(user_manager).state == "running"
    except Unknown:
        return False


def end_sessions(host: Host) -> Fix:
    """A manager takes up what it is delegated when it is started anew."""
    name = host.get(target).name
    if host.get(lives_on):
        unit = f"user@{host.get(target).uid}.service"
        return Fix(
            "restart_manager",
            f"restart the systemd of {name} (its containers stop)",
            (Manual((f"systemctl restart {unit}",), "root"),),
        )
    return Fix(
        "restart_manager",
        f"end all sessions of {name} (its containers, too)",
        (Manual((f"loginctl terminate-user {word(name)}",), "root"),),
        "re-login",
    )


def raise_property(unit: str, key: str, value: str, before: str) -> Fix:
    """Give a unit more of something than it has now, `before`."""
    runtime = unit.endswith(".scope")  # one of that name after a reboot is somebody else's
    words = f"systemctl set-property {'--runtime ' if runtime else ''}{word(unit)} {key}="
    place = "/run/systemd/system.control" if runtime else "/etc/systemd/system.control"
    run = Run(
        words + value,
        f"systemctl show -p {key} {word(unit)} | grep -qx {key}={value}",
        words + word(before),
        (f"{place}/{unit}.d/50-{key}.conf",),
    )
    return Fix("unit_limit", f"let {unit} have {key}={value}", (run,))
