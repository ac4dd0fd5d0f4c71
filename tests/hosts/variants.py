"""The matrix: which hosts are booted, and what is different or broken on each."""

from __future__ import annotations

from typing import NamedTuple

from tests.hosts.image import IMAGES, Image
from tests.truth.case import Case


class Boot(NamedTuple):
    """One way to boot an image: kernel arguments, changes before its init, and set-up after."""

    image: Image
    arguments: str = ""
    before_init: str = ""
    setup: str = ":"


class Variant(NamedTuple):
    """One host and session, well or broken by `sabotage` (shell, as root).

    `cause`: the checks that name the true cause, when something is meant not to work.
    """

    name: str
    boot: Boot
    what: str
    sabotage: str = ":"
    session: str = "login"
    cause: tuple[str, ...] = ()
    in_tests: bool = False  # a part of `make test`

    @property
    def case(self) -> Case:
        """As the truth table sees it."""
        return Case(self.name, self.sabotage, self.cause)


def boot(image: str, arguments: str = "", before_init: str = "", setup: str = ":") -> Boot:
    return Boot(IMAGES[image], arguments, before_init, setup)


HYBRID = "systemd.unified_cgroup_hierarchy=0"
LEGACY = f"{HYBRID} systemd.legacy_systemd_cgroup_controller=1"
FORCED = f"{HYBRID} SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
NO_MEMORY = "cgroup_disable=memory"
GENERATED = "sed -i s/unconfined/generated/ /home/lxc/.config/lxc/default.conf"
D11, D12, D13, SID = (boot(f"debian-{one}") for one in ("11", "12", "13", "sid"))
U24 = boot("ubuntu-24.04")
NO_SUBIDS = ": >/etc/subuid; : >/etc/subgid"
NO_USERNS = "sysctl -qw user.max_user_namespaces=0"
NO_CLONE = "sysctl -qw kernel.unprivileged_userns_clone=0"
NO_MANAGER = "systemctl mask --quiet user@.service"


def delegate(controllers: str) -> str:
    """Shell: a drop-in for every user manager. Delegate= adds up, an empty one begins anew."""
    return f"""
    mkdir -p /etc/systemd/system/user@.service.d
    printf '[Service]\\nDelegate=\\nDelegate={controllers}\\n' \
        >/etc/systemd/system/user@.service.d/delegate.conf
    systemctl daemon-reload
    """


def cgroup_mode(mode: str) -> str:
    """Shell, before init: what OpenRC mounts."""
    return f"""
    sed -i /rc_cgroup_mode=/d /etc/rc.conf
    echo 'rc_cgroup_mode="{mode}"' >>/etc/rc.conf
    """


# What the how-tos for hosts without systemd say, by libcgroup; Debian ships no configuration of it.
CONTROLLERS = "$(cat /sys/fs/cgroup/cgroup.controllers)"
CGCONFIG = f"""
mkdir -p /etc/cgconfig.d
perm='perm {{ task {{ uid = lxc; gid = lxc; }} admin {{ uid = lxc; gid = lxc; }} }}'
{{
    echo "group lxc {{ $perm"
    for one in {CONTROLLERS}; do
        case $one in cpu|cpuset|io|memory|pids) echo "$one {{}}";; esac
    done
    echo "}}"
}} >/etc/cgconfig.conf
"""
CGCONFIG_LEAF = f"""
{CGCONFIG}
echo "group lxc/login {{ $perm cpu {{}} memory {{}} pids {{}} }}" >>/etc/cgconfig.conf
"""
CGPARSE = "cgconfigparser -l /etc/cgconfig.conf"
CGRULES = "echo 'lxc * lxc' >/etc/cgrules.conf"
CGRULES_LEAF = "echo 'lxc cpu,memory,pids lxc/login' >/etc/cgrules.conf"
ENGINE = "cgrulesengd -f /var/log/cgred.log; sleep 0.5"
PAM_CGROUP = "echo 'session optional pam_cgroup.so' >>/etc/pam.d/common-session"


def recipe(*steps: str) -> str:
    return "\n".join(steps)


O13, O12 = boot("debian-13-openrc"), boot("debian-12-openrc")
BROKEN = {
    "subid-none": ("no subordinate ids", NO_SUBIDS, "idmap.subid_entry"),
    "userns-max": ("user.max_user_namespaces=0", NO_USERNS, "userns.limits.user"),
    "userns-clone": (
        "kernel.unprivileged_userns_clone=0",
        NO_CLONE,
        "userns.unprivileged_clone",
    ),
    "home-0700": ("a closed home", "chmod 700 /home/lxc", "storage.path_access"),
    "usernet-none": ("no lxc-usernet", "rm /etc/lxc/lxc-usernet", "network.usernet_file"),
    "helper-nosuid": (
        "newuidmap without setuid",
        "chmod u-s /usr/bin/newuidmap /usr/bin/newgidmap",
        "idmap.helper_privileged",
    ),
    "conf-none": (
        "no default.conf",
        "rm /home/lxc/.config/lxc/default.conf",
        "config.present",
    ),
}


def broken(prefix: str, kind: Boot, *names: str, more: tuple[str, ...] = ()) -> list[Variant]:
    """Variants of a host that are broken in ways of BROKEN; `more` is wrong with it anyway."""
    return [
        Variant(f"{prefix}-{name}", kind, what, sabotage, cause=(cause, *more))
        for name in names
        for what, sabotage, cause in [BROKEN[name]]
    ]


APPARMOR = ("lsm.apparmor_profile",)
MANAGER = ("systemd.user_manager", "systemd.session_bus")
DELEGATION = ("cgroup.session_delegated",)
NO_CGROUP = ("cgroup.user_cgroup",)
LIMITS = ("cgroup.limits",)
MATRIX = [
    # Debian 12: LXC 5.0
    Variant("d12", D12, "as the how-tos set it up", in_tests=True),
    Variant("d12-ssh", D12, "a login by ssh", session="ssh"),
    Variant("d12-su", D12, "su without a login", session="su"),
    Variant("d12-cron", D12, "a job of cron's", session="cron", cause=MANAGER),
    Variant("d12-linger", D12, "linger", "loginctl enable-linger lxc"),
    Variant("d12-delegate-memory", D12, "memory alone is delegated", delegate("memory")),
    Variant("d12-no-manager", D12, "user@.service is masked", NO_MANAGER, cause=MANAGER),
    Variant("d12-apparmor-generated", D12, "Debian's own AppArmor line", GENERATED, cause=APPARMOR),
    *broken("d12", D12, "subid-none", "userns-max", "home-0700", "usernet-none", "conf-none"),
    Variant(
        "d12-no-memory",
        boot("debian-12-grub", NO_MEMORY),
        NO_MEMORY,
        cause=("cgroup.threaded_only", *LIMITS),
    ),
    Variant("d12-hybrid", boot("debian-12-grub", HYBRID), "hybrid cgroups", cause=LIMITS),
    Variant("d12-legacy", boot("debian-12-grub", LEGACY), "cgroup v1", cause=LIMITS),
    Variant("d12-apparmor-0", boot("debian-12", "apparmor=0"), "AppArmor off", GENERATED),
    # Debian 13: LXC 6.0
    Variant("d13", D13, "as the how-tos set it up"),
    Variant("d13-ssh", D13, "a login by ssh", session="ssh"),
    Variant("d13-cron", D13, "a job of cron's", session="cron", cause=MANAGER),
    Variant("d13-nopam", D13, "a daemon's child, without PAM", session="nopam", cause=MANAGER),
    Variant("d13-delegate-memory", D13, "memory alone is delegated", delegate("memory")),
    Variant("d13-no-manager", D13, "user@.service is masked", NO_MANAGER, cause=MANAGER),
    Variant("d13-apparmor-generated", D13, "Debian's own AppArmor line", GENERATED, cause=APPARMOR),
    *broken("d13", D13, "userns-clone", "helper-nosuid"),
    Variant("d13-no-memory", boot("debian-13-grub", NO_MEMORY), NO_MEMORY, cause=LIMITS),
    Variant("d13-hybrid", boot("debian-13-grub", FORCED), "hybrid cgroups, by force", cause=LIMITS),
    # sid: LXC 7.0
    Variant("sid", SID, "as the how-tos set it up"),
    Variant("sid-no-manager", SID, "user@.service is masked", NO_MANAGER, cause=MANAGER),
    *broken("sid", SID, "home-0700"),
    # Debian 11: LXC 4.0
    Variant("d11", D11, "as the how-tos set it up", cause=DELEGATION),
    Variant(
        "d11-delegate-all",
        D11,
        "all is delegated",
        delegate("cpu cpuset io memory pids"),
        cause=DELEGATION,
    ),
    Variant(
        "d11-no-manager", D11, "user@.service is masked", NO_MANAGER, cause=(*MANAGER, *DELEGATION)
    ),
    *broken("d11", D11, "userns-clone", more=DELEGATION),
    Variant(
        "d11-hybrid", boot("debian-11-grub", HYBRID), "hybrid cgroups", cause=(*LIMITS, *DELEGATION)
    ),
    Variant(
        "d11-legacy", boot("debian-11-grub", LEGACY), "cgroup v1", cause=(*LIMITS, *DELEGATION)
    ),
    # Ubuntu: LXC 5.0, and AppArmor's word about user namespaces
    Variant("u24", U24, "as the how-tos set it up", in_tests=True),
    Variant(
        "u24-userns-profiles",
        U24,
        "no profile lets LXC make user namespaces",
        "for one in /etc/apparmor.d/lxc-*; do apparmor_parser -R $one || :; rm $one; done",
        cause=("userns.apparmor",),
    ),
    Variant(
        "u24-userns-open",
        U24,
        "user namespaces without AppArmor's word",
        "sysctl -qw kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    # OpenRC
    Variant("o13", O13, "OpenRC, unified", cause=NO_CGROUP, in_tests=True),
    Variant("o13-ssh", O13, "a login by ssh", session="ssh", cause=NO_CGROUP),
    Variant("o13-cron", O13, "a job of cron's", session="cron", cause=NO_CGROUP),
    Variant(
        "o13-cgconfig", O13, "libcgroup without rules", recipe(CGCONFIG, CGPARSE), cause=NO_CGROUP
    ),
    Variant(
        "o13-engine",
        O13,
        "libcgroup, rules by cgrulesengd",
        recipe(CGCONFIG, CGPARSE, CGRULES, ENGINE),
        cause=LIMITS,
    ),
    Variant(
        "o13-pam",
        O13,
        "libcgroup, rules by PAM",
        recipe(CGCONFIG, CGPARSE, CGRULES, PAM_CGROUP),
        cause=LIMITS,
    ),
    Variant(
        "o13-leaf",
        O13,
        "libcgroup, logins in a leaf, by PAM",
        recipe(CGCONFIG_LEAF, CGPARSE, CGRULES_LEAF, PAM_CGROUP),
        in_tests=True,
    ),
    *broken("o13", O13, "userns-max", more=NO_CGROUP),
    Variant(
        "o13-hybrid",
        boot("debian-13-openrc", before_init=cgroup_mode("hybrid")),
        "hybrid cgroups",
        cause=NO_CGROUP,
    ),
    Variant(
        "o13-legacy",
        boot("debian-13-openrc", before_init=cgroup_mode("legacy")),
        "cgroup v1",
        cause=(*NO_CGROUP, *LIMITS),
    ),
    Variant("o12", O12, "OpenRC, hybrid as it comes", cause=NO_CGROUP),
    Variant(
        "o12-unified",
        boot("debian-12-openrc", before_init=cgroup_mode("unified")),
        "unified",
        cause=NO_CGROUP,
    ),
    Variant("o13-elogind", boot("debian-13-elogind"), "OpenRC with elogind", cause=NO_CGROUP),
    Variant(
        "s13",
        boot("debian-13-sysvinit"),
        "sysvinit, nothing mounts cgroups",
        cause=("cgroup.mounted", *NO_CGROUP),
    ),
]
