"""What the packages of the distributions are called.

Sources: their recipes, as tests/trees/ names them.
"""

from __future__ import annotations

# tool -> family -> package; a tool that is not listed is a package of its own name everywhere
PACKAGES: dict[str, dict[str, str]] = {
    "newuidmap": {
        "debian": "uidmap",
        "fedora": "shadow-utils",
        "arch": "shadow",
        "gentoo": "sys-apps/shadow",
        "alpine": "shadow-subids",
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
    "lxc-templates": {  # those that are not LXC's own any more
        "arch": "lxc",
        "gentoo": "app-containers/lxc-templates",
        "alpine": "lxc-templates-legacy lxc-templates-legacy-alpine",
    },
    "lxcfs": {"gentoo": "sys-fs/lxcfs"},
    "lxc-bridge": {"alpine": "lxc-bridge iptables"},
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
    "systemd": {"gentoo": "sys-apps/systemd"},
    "pam-cgfs": {
        "debian": "libpam-cgfs",
        "fedora": "lxc-libs",
        "gentoo": "app-containers/lxc",
        "alpine": "lxc-pam",
    },
    "elogind": {"debian": "libpam-elogind", "gentoo": "sys-auth/elogind"},
    "libcgroup": {  # with its PAM module
        "debian": "cgroup-tools libpam-cgroup",
        "fedora": "libcgroup-tools libcgroup-pam",
        "arch": "libcgroup",
        "gentoo": "dev-libs/libcgroup",
        "alpine": "cgroup-tools libcgroup-pam",
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

# tool -> family -> packages that its own are split into, besides those of PACKAGES
PARTS = {
    "lxc": {
        "debian": "lxc-utils liblxc-common",
        "fedora": "lxc-libs",
        "alpine": "lxc-libs lxc-templates",
    },
}

# part of LXC -> family -> the package that has it, where that is not LXC's itself
SPLIT = {
    "lxc-download": {"fedora": "lxc-templates", "alpine": "lxc-download"},
    "lxc-oci": {"fedora": "lxc-templates", "alpine": "lxc-templates-oci"},
    "templates": {"fedora": "lxc-templates", "alpine": "lxc-templates"},
    "config": {"fedora": "lxc-templates"},
}

# family -> tools that none of its packages has
LACKING = {"arch": ("pam-cgfs", "libcgroup")}
