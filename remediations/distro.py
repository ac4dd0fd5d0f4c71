"""What differs between distributions when something is to be cured: one table per mechanism.

These functions only word a request. They never raise: on a host whose os-release cannot be read it
is one for a person, because a finding must not change with what is known of the package manager.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from audit.facts.distro import family, os_release
from audit.facts.init import NONE, init_system
from audit.facts.sysctl import normal, persisted_sysctl
from audit.host import Host
from audit.model import Fix, Unknown
from audit.records import NamedTuple
from remediations.actions import (
    Action,
    Append,
    Install,
    Manual,
    Replace,
    Run,
    Setting,
)
from remediations.packages import LACKING, PACKAGES, PARTS, SPLIT
from remediations.quoting import word, words

REBOOT = "reboot"


class Manager(NamedTuple):
    """A package manager: how it installs, installs again what is there, and tells what is there."""

    install: str
    again: str
    test: str  # {} is one package; succeeds when it is installed
    before: str = ""  # what a machine that never installed anything needs first


MANAGERS = {
    "debian": Manager(
        "apt-get install -y",
        "apt-get install -y --reinstall",
        "dpkg-query -W -f '${{db:Status-Status}}' {} 2>/dev/null | grep -qx installed",
        "apt-get update",
    ),
    "fedora": Manager("dnf install -y", "dnf reinstall -y", "rpm -q {}"),
    "arch": Manager("pacman -S --needed --noconfirm", "pacman -S --noconfirm", "pacman -Q {}"),
    "gentoo": Manager("emerge --noreplace", "emerge --oneshot", "test -d /var/db/pkg/{}-[0-9]*"),
    "alpine": Manager("apk add", "apk fix", "apk info -e {}"),
}

# family -> what puts the distribution's own kernel in place; Gentoo users build theirs
KERNELS = {
    "debian": "apt-get install -y linux-image-$(dpkg --print-architecture)",
    "ubuntu": "apt-get install -y linux-image-generic",
    "fedora": "dnf install -y kernel",
    "arch": "pacman -S linux",
    "alpine": "apk add linux-lts",
}


class Boot(NamedTuple):
    """Where the kernel's command line comes from: a setting in a file, and what reads that."""

    file: str
    setting: str
    update: str


# family -> its boot loader's settings; Fedora has a tool for them
BOOT = {
    "debian": Boot("/etc/default/grub", "GRUB_CMDLINE_LINUX", "update-grub"),
    "arch": Boot("/etc/default/grub", "GRUB_CMDLINE_LINUX", "grub-mkconfig -o /boot/grub/grub.cfg"),
    "gentoo": Boot(
        "/etc/default/grub", "GRUB_CMDLINE_LINUX", "grub-mkconfig -o /boot/grub/grub.cfg"
    ),
    "alpine": Boot("/etc/update-extlinux.conf", "default_kernel_opts", "update-extlinux"),
}
GRUBBY = "grubby --update-kernel=ALL"

SYSCTL_FILE = "/etc/sysctl.d/90-lxc-preflight.conf"
LAST_SYSCTL_FILE = "/etc/sysctl.d/zz-lxc-preflight.conf"

# family -> the init system it ships, for a host where none is running (a container, a CI runner)
INITS = {"debian": "systemd", "fedora": "systemd", "arch": "systemd", "alpine": "openrc"}


class Services(NamedTuple):
    """How an init system starts a service at boot and now, and whether it does; {} is its name."""

    is_enabled: str
    enable: str
    disable: str
    is_running: str
    start: str
    stop: str


SERVICES = {
    "systemd": Services(
        "systemctl is-enabled --quiet {}",
        "systemctl enable {}",
        "systemctl disable {}",
        "systemctl is-active --quiet {}",
        "systemctl start {}",
        "systemctl stop {}",
    ),
    "openrc": Services(
        "rc-update show {1} | grep -q '^ *{0} '",
        "rc-update add {0} {1}",
        "rc-update del {0} {1}",
        "rc-service {0} status",
        "rc-service {0} start",
        "rc-service {0} stop",
    ),
    "sysvinit": Services(
        "ls /etc/rc2.d/S*{0} 2>/dev/null",
        "update-rc.d {0} defaults",
        "update-rc.d {0} remove",
        "service {0} status",
        "service {0} start",
        "service {0} stop",
    ),
}

# systemd enables and starts no unit that an administrator has hidden behind /dev/null.
MASKED = SERVICES["systemd"]._replace(
    enable="systemctl unmask {0} && systemctl enable {0}",
    disable="systemctl disable {0} && systemctl mask {0}",
)


def install(host: Host, tool: str) -> Fix:
    """Install what brings a tool; PACKAGES lists those whose package has another name.

    Where the first of them is there already, something of it is gone: what is installed of them,
    and of those that the distribution has split off, is installed again.
    """
    kind = family_of(host)
    if kind is None:
        return Fix("package", f"install {tool}", (_by_hand(tool, "with your package manager"),))
    if tool in LACKING.get(kind, ()):
        return Fix("package", f"install {tool}", (_by_hand(tool, "from its source"),))
    packages = _packages(kind, tool)
    return _install(host, kind, packages, PARTS.get(tool, {}).get(kind, "").split())


def part_of_lxc(host: Host, part: str) -> Fix:
    """Install what brings a part of LXC, `config` or one of its templates by its file's name: a
    package of its own, where SPLIT has one.
    """
    kind = family_of(host) or ""
    package = SPLIT.get(part, SPLIT["templates"]).get(kind)
    return install(host, "lxc") if package is None else _install(host, kind, (package,), [])


def _by_hand(tool: str, how: str) -> Manual:
    return Manual((f"# install {tool} {how}",), "root")


def _install(host: Host, kind: str, packages: tuple[str, ...], others: list[str]) -> Fix:
    again = _is_there(host, packages[0])
    if again:
        packages = tuple(one for one in (*packages, *others) if _is_there(host, one))
    title = f"install {' '.join(packages)}{' again' if again else ''}"
    return Fix("package", title, (Install(kind, packages, again),))


def needed(host: Host, tool: str) -> tuple[Action, ...]:
    """The same for what another fix leans on: nothing where all of it is installed."""
    kind = family_of(host)
    if kind is None or (tool in LACKING.get(kind, ()) and not _is_there(host, tool)):
        return install(host, tool).actions
    packages = _packages(kind, tool)
    there = all(_is_there(host, package) for package in packages)
    return () if there else (Install(kind, packages),)


def _packages(kind: str, tool: str) -> tuple[str, ...]:
    return tuple(PACKAGES.get(tool, {}).get(kind, tool).split())


def install_command(action: Install) -> str:
    """The command that a person types for it."""
    manager = MANAGERS[action.family]
    return f"{manager.again if action.again else manager.install} {words(*action.packages)}"


def install_run(action: Install) -> Run:
    """The same for a script: unless all is there, and on a machine without package lists too."""
    manager = MANAGERS[action.family]
    command = install_command(action)
    test = " && ".join(manager.test.format(word(package)) for package in action.packages)
    if manager.before:
        command = f"{command} || {{ {manager.before} && {command}; }}"
    return Run(command, "" if action.again else test)


def sysctl(host: Host, key: str, value: str) -> Fix:
    """Set a sysctl now and at every boot."""
    return Fix(
        "sysctl",
        f"set {key} to {value}, now and at boot",
        (
            Setting("/proc/sys/" + normal(key), value),
            line_of(host, SYSCTL_FILE, re.escape(key) + r"\s*=", f"{key} = {value}"),
            *_last_word(host, key, value),
        ),
    )


def _last_word(host: Host, key: str, value: str) -> tuple[Action, ...]:
    """A file that is read after ours, and sets a sysctl: there an administrator's line is put
    right, and a package's is answered in a file that comes last.
    """
    line = f"{key} = {value}"
    try:
        decides = host.get(persisted_sysctl, key)
        if decides is None or decides.key != normal(key):
            return ()  # a pattern gives way to a plain line wherever that stands
        name = decides.path.rpartition("/")[2]
        if decides.path != "/etc/sysctl.conf" and name <= SYSCTL_FILE.rpartition("/")[2]:
            return ()
        if not decides.path.startswith("/etc/"):
            return (Append(LAST_SYSCTL_FILE, line),)
        old = (host.read(decides.path) or "").split("\n")[decides.line - 1]
    except Unknown:
        return ()
    return (Replace(decides.path, decides.line, old, line),)


def line_of(host: Host, path: str, pattern: str, line: str, *, theirs: bool = False) -> Action:
    """A line in the place of the last one that matches `pattern` at its beginning, else appended.

    The file may not be readable, or not be there: then it is appended.
    """
    try:
        text = host.read(path) or ""
    except Unknown:
        text = ""
    found = [
        (number, old)
        for number, old in enumerate(text.split("\n"), 1)
        if re.match(r"\s*" + pattern, old)
    ]
    if not found:
        return Append(path, line, theirs)
    number, old = found[-1]
    return Replace(path, number, old, line, theirs)


def kernel_option(host: Host, option: str) -> Fix:
    """Get a kernel that was built with an option, named without its CONFIG_.

    Installing the distribution's own kernel is for a person to decide, building one even more.
    """
    option = option.removeprefix("CONFIG_")
    kind = family_of(host)
    if kind == "gentoo":
        lines: tuple[str, ...] = (
            f"cd /usr/src/linux && scripts/config -e {option} && make olddefconfig",
            "make && make modules_install install",
        )
    elif kind is None:
        lines = (f"# boot a kernel that was built with CONFIG_{option}=y",)
    else:
        lines = (KERNELS["ubuntu" if _id(host) == "ubuntu" else kind],)
    title = f"boot a kernel with CONFIG_{option}"
    return Fix("kernel_option", title, (Manual(lines, "root"),), REBOOT)


def module(host: Host, name: str) -> Fix:
    """Load a kernel module now and at every boot."""
    place = "/etc/modules" if family_of(host) == "alpine" else "/etc/modules-load.d/lxc.conf"
    return Fix(
        "module",
        f"load the kernel module {name}, now and at boot",
        (
            Run(
                f"modprobe {word(name)}",
                f"test -d /sys/module/{name.replace('-', '_')}",
                f"modprobe -r {word(name)} || :",
            ),
            Append(place, name),
        ),
    )


def boot_parameter(host: Host, text: str) -> Fix:
    """Put a word on the kernel's command line."""
    title = f"boot with {text} on the kernel command line"
    return _boot(
        host, title, f"--args={text}", f"--remove-args={text}", lambda now: f"{now} {text}"
    )


def remove_boot_parameter(host: Host, text: str) -> Fix:
    """Take a word off the kernel's command line."""
    title = f"boot without {text} on the kernel command line"
    return _boot(
        host,
        title,
        f"--remove-args={text}",
        f"--args={text}",
        lambda now: " ".join(one for one in now.split() if one != text),
    )


def _boot(host: Host, title: str, do: str, back: str, edited: Callable[[str], str]) -> Fix:
    kind = family_of(host)
    if kind == "fedora":
        run = Run(f"{GRUBBY} {word(do)}", undo=f"{GRUBBY} {word(back)}")
        return Fix("boot_parameter", title, (run,), REBOOT)
    boot = BOOT.get(kind or "")
    found = _boot_lines(host, boot) if boot else []
    changed = [
        Replace(boot.file, number, old, new)
        for number, old, before, now, after in found
        if boot and (new := before + edited(now).strip() + after) != old
    ]
    if boot is None or not changed:
        return Fix("boot_parameter", title, (Manual((f"# {title}",), "root"),), REBOOT)
    # A word is put into one setting; it is taken out of all.
    chosen = changed if do.startswith("--remove") else changed[:1]
    return Fix("boot_parameter", title, (*chosen, Run(boot.update, undo=boot.update)), REBOOT)


def _boot_lines(host: Host, boot: Boot) -> list[tuple[int, str, str, str, str]]:
    """(number, line, before, words, after) of each line that sets the command line."""
    try:
        text = host.read(boot.file) or ""
    except Unknown:
        return []
    setting = re.compile(rf"""(\s*{boot.setting}(?:_DEFAULT)?=(["']))(.*)(\2\s*)""")
    rows = [
        (number, line, found[1], found[3], found[4])
        for number, line in enumerate(text.split("\n"), 1)
        if (found := setting.fullmatch(line))
    ]
    return sorted(rows, key=lambda row: "_DEFAULT" in row[2])


def service(host: Host, name: str, runlevel: str = "default") -> Fix:
    """Start a service now and at every boot; the runlevel is OpenRC's.

    By hand where no init system runs, as in a container: nothing there can be asked to start it.
    """
    title = f"start the service {name}, now and at boot"
    how = _services(host, name, runlevel)
    if how is None:
        return Fix("service", title, (Manual((f"# {title}",), "root"),))
    return Fix(
        "service",
        title,
        (Run(how.enable, how.is_enabled, how.disable), Run(how.start, how.is_running, how.stop)),
    )


def stopped(host: Host, name: str, runlevel: str = "default") -> tuple[Run, ...]:
    """Stop a service now and at every boot; nothing where no init system is known that has it."""
    how = _services(host, name, runlevel)
    if how is None:
        return ()
    return (
        Run(how.disable, f"! {how.is_enabled}", how.enable),
        Run(how.stop, f"! {how.is_running}", how.start),
    )


def _services(host: Host, name: str, runlevel: str) -> Services | None:
    """The commands of the init system that runs, for one service; None where none does."""
    kind = None if init_of(host) == NONE else SERVICES.get(_init(host))
    if kind is None:
        return None
    if kind == SERVICES["systemd"] and _is_masked(host, name):
        kind = MASKED
    return Services(*(part.format(word(name), runlevel) for part in kind))


def _is_masked(host: Host, name: str) -> bool:
    unit = name if "." in name else f"{name}.service"
    try:
        return host.real(f"/etc/systemd/system/{unit}") == "/dev/null"
    except Unknown:
        return False


def enabled(host: Host, name: str, runlevel: str = "default") -> tuple[Action, ...]:
    """Start a service at every boot, and leave it as it is now."""
    return service(host, name, runlevel).actions[:1]


def _is_there(host: Host, package: str) -> bool:
    try:
        return host.package(package) is not None
    except Unknown:
        return False


def family_of(host: Host) -> str | None:
    """The distribution's family; None for another one, and where it cannot be told."""
    try:
        return host.get(family)
    except Unknown:
        return None


def init_of(host: Host) -> str:
    """The init system that runs; empty where it cannot be told."""
    try:
        return host.get(init_system)
    except Unknown:
        return ""


def _id(host: Host) -> str:
    try:
        return host.get(os_release).get("ID", "")
    except Unknown:
        return ""


def _init(host: Host) -> str:
    """The init system as far as it matters to the wording: the one in charge, else the family's."""
    running = init_of(host)
    return running if running not in ("", NONE) else INITS.get(family_of(host) or "", NONE)
