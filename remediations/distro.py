"""What differs between distributions when something is to be cured: one table per mechanism.

These functions only word a fix. They never raise: on a host whose os-release cannot be read the
wording is generic, because a finding must not change with what is known of the package manager.
"""

from __future__ import annotations

from audit.facts.distro import family, os_release
from audit.facts.init import NONE, init_system
from audit.host import Host
from audit.model import Fix, Unknown

REBOOT = "reboot"

# family -> the command that installs packages
INSTALL = {
    "debian": "apt-get install -y",
    "fedora": "dnf install -y",
    "arch": "pacman -S --needed",
    "gentoo": "emerge --noreplace",
    "alpine": "apk add",
}

# tool -> family -> package; a tool that is not listed is a package of its own name everywhere
PACKAGES: dict[str, dict[str, str]] = {
    "newuidmap": {
        "debian": "uidmap",
        "fedora": "shadow-utils",
        "arch": "shadow",
        "gentoo": "sys-apps/shadow",
        "alpine": "shadow-uidmap",
    },
    "getsubids": {
        "debian": "uidmap",
        "fedora": "shadow-utils-subid",
        "arch": "shadow",
        "gentoo": "sys-apps/shadow",
        "alpine": "shadow-subids",
    },
    "usermod": {
        "debian": "passwd",
        "fedora": "shadow-utils",
        "arch": "shadow",
        "gentoo": "sys-apps/shadow",
        "alpine": "shadow",
    },
    "lxc": {
        "debian": "lxc lxc-templates",
        "fedora": "lxc lxc-templates",
        "arch": "lxc",
        "gentoo": "app-containers/lxc",
        "alpine": "lxc lxc-download",
    },
    "lxc-templates": {
        "arch": "lxc",
        "gentoo": "app-containers/lxc",
        "alpine": "lxc-templates lxc-download",
    },
    "lxcfs": {"gentoo": "sys-fs/lxcfs"},
    "dnsmasq": {"debian": "dnsmasq-base", "gentoo": "net-dns/dnsmasq"},
    "acl": {"gentoo": "sys-apps/acl"},
    "setcap": {
        "debian": "libcap2-bin",
        "fedora": "libcap",
        "arch": "libcap",
        "gentoo": "sys-libs/libcap",
        "alpine": "libcap-setcap",
    },
    "dbus-session": {
        "debian": "dbus-user-session",
        "fedora": "dbus-daemon",
        "arch": "dbus",
        "gentoo": "sys-apps/dbus",
        "alpine": "dbus",
    },
    "pam-systemd": {
        "debian": "libpam-systemd",
        "fedora": "systemd-pam",
        "arch": "systemd",
        "gentoo": "sys-apps/systemd",
        "alpine": "elogind linux-pam",
    },
    "pam-cgfs": {"debian": "libpam-cgfs", "fedora": "lxc", "arch": "lxc"},
    "elogind": {"debian": "libpam-elogind", "gentoo": "sys-auth/elogind"},
    "libcgroup": {
        "debian": "cgroup-tools",
        "fedora": "libcgroup-tools",
        "arch": "libcgroup",
        "gentoo": "dev-libs/libcgroup",
        "alpine": "cgroup-tools",
    },
    "busybox": {
        "debian": "busybox-static",
        "gentoo": "sys-apps/busybox",
        "alpine": "busybox-static",
    },
    "iproute2": {"fedora": "iproute", "gentoo": "sys-apps/iproute2"},
    "nftables": {"gentoo": "net-firewall/nftables"},
    "iptables": {"gentoo": "net-firewall/iptables"},
    "kmod": {"gentoo": "sys-apps/kmod"},
    "apparmor": {"gentoo": "sys-apps/apparmor"},
    "wget": {"gentoo": "net-misc/wget"},
    "xz": {"debian": "xz-utils", "gentoo": "app-arch/xz-utils"},
}

# family -> what puts the distribution's own kernel in place; Gentoo users build theirs
KERNELS = {
    "debian": "apt-get install -y linux-image-$(dpkg --print-architecture)",
    "ubuntu": "apt-get install -y linux-image-generic",
    "fedora": "dnf install -y kernel",
    "arch": "pacman -S linux",
    "alpine": "apk add linux-lts",
}

GRUB_APPEND = r"""sed -i 's|^\(GRUB_CMDLINE_LINUX="[^"]*\)"|\1 {}"|' /etc/default/grub"""
GRUB_REMOVE = r"""sed -i '/^GRUB_CMDLINE_LINUX/s|{}||' /etc/default/grub"""
GRUB_MAKE = "grub-mkconfig -o /boot/grub/grub.cfg"

# family -> (add, remove): how a word gets into the kernel's command line, and out of it
BOOT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "debian": ((GRUB_APPEND, "update-grub"), (GRUB_REMOVE, "update-grub")),
    "fedora": (
        ("grubby --update-kernel=ALL --args='{}'",),
        ("grubby --update-kernel=ALL --remove-args='{}'",),
    ),
    "arch": ((GRUB_APPEND, GRUB_MAKE), (GRUB_REMOVE, GRUB_MAKE)),
    "gentoo": ((GRUB_APPEND, GRUB_MAKE), (GRUB_REMOVE, GRUB_MAKE)),
    "alpine": (
        (
            r"""sed -i 's|^\(default_kernel_opts="[^"]*\)"|\1 {}"|' /etc/update-extlinux.conf""",
            "update-extlinux",
        ),
        (
            "sed -i '/^default_kernel_opts/s|{}||' /etc/update-extlinux.conf",
            "update-extlinux",
        ),
    ),
}

SYSCTL_FILE = "/etc/sysctl.d/90-lxc-preflight.conf"

# family -> the init system it ships, for a host where none is running (a container, a CI runner)
INITS = {"debian": "systemd", "fedora": "systemd", "arch": "systemd", "alpine": "openrc"}

# init system -> how a service is started now and at boot
SERVICES = {
    "systemd": ("systemctl enable --now {}",),
    "openrc": ("rc-update add {} default", "rc-service {} start"),
    "sysvinit": ("update-rc.d {} defaults", "service {} start"),
}


def install(host: Host, tool: str) -> Fix:
    """Install what brings a tool; PACKAGES lists those whose package has another name."""
    kind = _family(host)
    if kind is None:
        return Fix("package", f"install {tool}", (f"# install {tool} with your package manager",))
    package = PACKAGES.get(tool, {}).get(kind, tool)
    return Fix("package", f"install {package}", (f"{INSTALL[kind]} {package}",))


def sysctl(host: Host, key: str, value: str) -> Fix:
    """Set a sysctl now and at every boot."""
    load = "rc-service sysctl restart" if _init(host) == "openrc" else "sysctl --system"
    return Fix(
        "sysctl",
        f"set {key} to {value}, now and at boot",
        (f"echo {_quoted(f'{key} = {value}')} >> {SYSCTL_FILE}", load),
    )


def kernel_option(host: Host, option: str) -> Fix:
    """Get a kernel that was built with an option, named without its CONFIG_."""
    option = option.removeprefix("CONFIG_")
    kind = _family(host)
    if kind == "gentoo":
        steps: tuple[str, ...] = (
            f"cd /usr/src/linux && scripts/config -e {option} && make olddefconfig",
            "make && make modules_install install",
        )
    elif kind is None:
        steps = (f"# boot a kernel that was built with CONFIG_{option}=y",)
    else:
        steps = (KERNELS["ubuntu" if _id(host) == "ubuntu" else kind],)
    return Fix("kernel_option", f"boot a kernel with CONFIG_{option}", steps, then=REBOOT)


def module(host: Host, name: str) -> Fix:
    """Load a kernel module now and at every boot."""
    place = "/etc/modules" if _family(host) == "alpine" else "/etc/modules-load.d/lxc.conf"
    steps = (f"modprobe {name}", f"echo {name} >> {place}")
    return Fix("module", f"load the kernel module {name}, now and at boot", steps)


def boot_parameter(host: Host, text: str) -> Fix:
    """Put a word on the kernel's command line."""
    return _boot(host, text, 0, f"boot with {text} on the kernel command line")


def remove_boot_parameter(host: Host, text: str) -> Fix:
    """Take a word off the kernel's command line."""
    return _boot(host, text, 1, f"boot without {text} on the kernel command line")


def _boot(host: Host, text: str, which: int, title: str) -> Fix:
    kind = _family(host)
    if kind is None:
        return Fix("boot_parameter", title, (f"# {title}",), then=REBOOT)
    steps = tuple(step.format(text) for step in BOOT[kind][which])
    return Fix("boot_parameter", title, steps, then=REBOOT)


def service(host: Host, name: str) -> Fix:
    """Start a service now and at every boot."""
    title = f"start the service {name}, now and at boot"
    steps = SERVICES.get(_init(host), (f"# {title}",))
    return Fix("service", title, tuple(step.format(name) for step in steps))


def _family(host: Host) -> str | None:
    try:
        return host.get(family)
    except Unknown:
        return None


def _id(host: Host) -> str:
    try:
        return host.get(os_release).get("ID", "")
    except Unknown:
        return ""


def _init(host: Host) -> str:
    """The init system as far as it matters to the wording: the one in charge, else the family's."""
    try:
        running = host.get(init_system)
    except Unknown:
        running = NONE
    return INITS.get(_family(host) or "", NONE) if running == NONE else running


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
