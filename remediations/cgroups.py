"""How a user gets a cgroup, in the words of the init system at hand."""

from __future__ import annotations

from collections.abc import Iterable

from audit.facts.accounts import target
from audit.facts.cgroup import ROOT, Hierarchy, root_controllers
from audit.facts.init import OPENRC, SYSTEMD
from audit.facts.kernel import DISABLED, cmdline
from audit.facts.mounts import Mount
from audit.facts.openrc import RC_CONF, cgroup_mode
from audit.facts.seats import LEAF, run_seat
from audit.facts.systemd import CONTROLLERS
from audit.host import Host
from audit.model import Fix, Unknown
from remediations import libcgroup, pam, systemd
from remediations.actions import Action, Append, Manual, Owner, Replace, Run, Setting
from remediations.distro import (
    REBOOT,
    boot_parameter,
    enabled,
    family_of,
    init_of,
    kernel_option,
    remove_boot_parameter,
)
from remediations.quoting import word

SCOPE = "systemd-run --user --scope -p Delegate=yes -- lxc-start -n NAME"
RUN = "lxc-preflight run NAME"
OPTIONS = "nosuid,nodev,noexec,nsdelegate"
FSTAB_LINE = f"cgroup2 {ROOT} cgroup2 {OPTIONS} 0 0"
UNIFIED_LINE = 'rc_cgroup_mode="unified"'
LEGACY_WORDS = (
    "systemd.unified_cgroup_hierarchy=0",
    "systemd.unified_cgroup_hierarchy=no",
    "systemd.unified_cgroup_hierarchy=false",
    "systemd.legacy_systemd_cgroup_controller",
    "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
)
# Where the Raspberry Pi's firmware reads the kernel's command line from.
FIRMWARE = ("/boot/firmware/cmdline.txt", "/boot/cmdline.txt")
SPARE_CGROUPS, SPARE_LEVELS = 1000, 8  # what a guest with systemd makes is below a hundred


def start_apart(host: Host) -> Fix:
    """Start the container in a cgroup of its own; nothing has to be installed or changed."""
    try:
        seat = host.get(run_seat)
    except Unknown:
        seat = None
    lines: tuple[str, ...] = (SCOPE,)
    if seat is not None and seat.kind == LEAF and seat.unified is not None:
        top = seat.unified.directory.rpartition("/")[0]
        handed = " ".join(f"+{name}" for name in seat.unified.controllers)
        inside = f"echo $$ > {word(f'{top}/NAME/cgroup.procs')} && exec lxc-start -n NAME"
        lines = (
            f"echo {handed} > {word(f'{top}/cgroup.subtree_control')}",
            f"mkdir {word(f'{top}/NAME')}",
            f"sh -c {word(inside)}",
        )
    title = "start the container in a cgroup of its own"
    return Fix("scope", title, (Manual(lines, "user"),))


def without_bus() -> Fix:
    """Start plainly, without LXC asking a bus."""
    line = "env -u DBUS_SESSION_BUS_ADDRESS lxc-start -n NAME"
    return Fix("unset_bus", "start without the bus", (Manual((line,), "user"),))


def name_bus(socket: str) -> Fix:
    """Name the user's bus in the session."""
    line = f"export DBUS_SESSION_BUS_ADDRESS={word(f'unix:path={socket}')}"
    return Fix("bus_address", "name the bus", (Manual((line,), "user"),))


def own_cgroup(host: Host, *controllers: str) -> Fix:
    """Give the user a cgroup by whatever makes them here, with these controllers among others."""
    init = init_of(host)
    if init == SYSTEMD:
        return systemd.manager(host)
    # OpenRC mounts cgroup2 alone when it is told to (openrc_mode), and pam_cgfs is of no use then.
    if init != OPENRC and not controllers and not libcgroup.is_unified(host):
        return pam_cgfs(host)
    return libcgroup.own_cgroup(host, *controllers)


def pam_cgfs(host: Host) -> Fix:
    """Give logins their own v1 cgroups."""
    return Fix(
        "pam_cgfs",
        "let pam_cgfs give logins their own cgroups",
        pam.session(
            host, "pam_cgfs", "-c freezer,memory,name=systemd", "pam-cgfs", registers=("debian",)
        ),
        "re-login",
    )


def give(host: Host, cgroup: Hierarchy) -> Fix:
    """Give the user what it lacks of a cgroup that is its own otherwise."""
    if not cgroup.writable:
        return own_cgroup(host)
    account = host.get(target)
    lacking = [
        path
        for path, has in (
            (cgroup.directory, cgroup.may_create),
            (f"{cgroup.directory}/cgroup.procs", cgroup.may_move),
        )
        if not has
    ]
    actions = tuple(Owner(path, account.uid, account.gid) for path in lacking)
    return Fix("chown_cgroup", f"give {' and '.join(lacking)} to {account.name}", actions)


def hand_down(places: Iterable[str], controllers: tuple[str, ...]) -> Fix:
    """Hand controllers down through cgroups, the highest first."""
    actions = tuple(
        Run(
            f"echo +{name} > {word(f'{place}/cgroup.subtree_control')}",
            f"grep -qw {name} {word(f'{place}/cgroup.subtree_control')}",
            f"echo -{name} > {word(f'{place}/cgroup.subtree_control')}",
        )
        for place in places
        for name in controllers
    )
    return Fix("subtree_control", f"hand {' '.join(controllers)} down to the user", actions)


def domain_controller(host: Host) -> Fix:
    """Let the user have a controller of whole processes: memory, or io."""
    try:
        offered = host.get(root_controllers)
        words = host.get(cmdline)
    except Unknown:
        offered, words = (), ()
    if found := [one for one in ("memory", "io") if one in offered]:
        if init_of(host) != SYSTEMD:
            return own_cgroup(host, found[0])
        return systemd.delegate(host, tuple(one for one in CONTROLLERS if one in offered))
    disabled = next((one for one in words if one.startswith(DISABLED)), None)
    if disabled is None:
        return kernel_option(host, "MEMCG")
    return enabled_controllers(host, disabled, disabled.partition("=")[2].split(","))


def enabled_controllers(host: Host, disabled: str, names: Iterable[str]) -> Fix:
    """Boot without a cgroup_disable=. The Raspberry Pi's firmware adds it by itself, and takes
    cgroup_enable= for an answer.
    """
    words = " ".join(f"cgroup_enable={name}" for name in names)
    for path in FIRMWARE:
        try:
            text = host.read(path)
        except Unknown:
            continue
        line = (text or "").split("\n")[0]
        if line.strip() and disabled not in line.split():
            edit = Replace(path, 1, line, f"{line.rstrip()} {words}")
            return Fix("boot_parameter", f"boot with {words}", (edit,), REBOOT)
    return remove_boot_parameter(host, disabled)


def room(file: str, limit: int, used: int) -> Fix:
    """Raise cgroup.max.descendants or cgroup.max.depth."""
    value = max(limit, used) + (SPARE_LEVELS if file.endswith("depth") else SPARE_CGROUPS)
    return Fix("cgroup_limit", f"let {file} be {value}", (Setting(file, str(value)),))


def limit(place: str, file: str, key: str, value: int, before: str) -> Fix:
    """Raise a limit of a cgroup: by its unit where it is one of systemd's."""
    name = place.rpartition("/")[2]
    if name.endswith((".slice", ".service", ".scope")):
        return systemd.raise_property(name, key, str(value), before)
    path = f"{place}/{file}"
    return Fix("cgroup_limit", f"let {path} be {value}", (Setting(path, str(value)),))


def mount(host: Host) -> Fix:
    """Mount cgroup2, now and at boot."""
    now = Run(
        f"mount -t cgroup2 -o {OPTIONS} cgroup2 {ROOT}",
        "test -s /proc/self/cgroup",
        f"umount {ROOT}",
    )
    actions: tuple[Action, ...] = (now, *_at_boot(host))
    return Fix("mount_cgroup2", "mount cgroup2, now and at boot", actions)


def _at_boot(host: Host) -> tuple[Action, ...]:
    init = init_of(host)
    if init == SYSTEMD:
        return ()  # it does by itself
    if init == OPENRC:
        return enabled(host, "cgroups", "sysinit")
    return (Append("/etc/fstab", FSTAB_LINE),)


def nsdelegate(mounted: Mount | None) -> Fix:
    """Remount cgroup2 with nsdelegate too; at boot systemd and OpenRC mount it so."""
    options = sorted(mounted.options | mounted.flags) if mounted is not None else ["rw"]
    now = ",".join(options)
    run = Run(
        f"mount -o remount,{word(now)},nsdelegate {ROOT}",
        f"grep -q '^[^ ]* {ROOT} cgroup2 .*nsdelegate' /proc/mounts",
        f"mount -o remount,{word(now)} {ROOT}",
    )
    return Fix("nsdelegate", "remount cgroup2 with nsdelegate", (run,))


def cgroups_service(host: Host) -> Fix:
    """Have OpenRC mount cgroups at boot."""
    actions = enabled(host, "cgroups", "sysinit")
    return Fix("cgroups_service", "start the service cgroups at boot", actions)


def openrc_mode(host: Host) -> Fix:
    """Have OpenRC mount cgroup2 alone, from the next boot on."""
    actions = (_mode_line(host), *enabled(host, "cgroups", "sysinit"))
    return Fix("openrc_mode", "let OpenRC mount cgroup2 alone", actions, REBOOT)


def _mode_line(host: Host) -> Action:
    """In the place of the assignment that decides, if there is one."""
    try:
        mode = host.get(cgroup_mode)
        if mode is not None and mode.line is not None:
            old = (host.read(mode.source) or "").split("\n")[mode.line - 1]
            return Replace(mode.source, mode.line, old, UNIFIED_LINE)
    except Unknown:
        pass
    return Append(RC_CONF, UNIFIED_LINE)


def unified(host: Host) -> Fix:
    """Have the next boot mount cgroup2 alone."""
    init = init_of(host)
    if init == OPENRC:
        return openrc_mode(host)
    try:
        words = host.get(cmdline)
    except Unknown:
        words = ()
    legacy = next((one for one in words if one.startswith(LEGACY_WORDS)), None)
    if legacy is not None:
        return remove_boot_parameter(host, legacy)
    if init == SYSTEMD:
        return boot_parameter(host, "systemd.unified_cgroup_hierarchy=1")
    title = "mount cgroup2 alone, from the next boot on"
    action: Action = Manual((f"# instead of what mounts cgroups now: {FSTAB_LINE}",), "root")
    if family_of(host) == "debian":
        # Debian's cgroupfs-mount leaves cgroups alone that fstab(5) mounts.
        action = Append("/etc/fstab", FSTAB_LINE)
    return Fix("mount_cgroup2", title, (action,), REBOOT)


def reboot() -> Fix:
    """What is set takes effect at the next boot."""
    return Fix("reboot", "reboot", (Manual(("reboot",), "root"),), REBOOT)
