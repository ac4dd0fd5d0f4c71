"""The error lines of LXC, shadow and the guest, and the checks that explain them: one table.

The more exact a row is, the further up it stands. Texts are those of LXC 4.0 to 7.0 and shadow 4.5
to 4.18; each was seen in a real log (tests/data/lxc_errors.json) or stands in a check's `Why:`.
"""

from __future__ import annotations

from audit.records import NamedTuple

# Every check that decides a stage. Said of lines that tell nothing but that it did not work.
CREATE, START = "@create", "@start"


class Row(NamedTuple):
    """A regular expression over one line, and what it speaks for: ids, globs of ids, or a stage."""

    pattern: str
    checks: tuple[str, ...]


_HELPERS = ("idmap.helper_present", "idmap.helper_privileged", "idmap.helper_genuine")
_MAPPED = (
    "idmap.within_subids",
    "idmap.subid_entry",
    "idmap.subid_syntax",
    "idmap.subid_notation",
    "idmap.subid_files",
    "idmap.subid_nss",
)
_USERNET = (
    "network.usernet_line",
    "network.usernet_quota",
    "network.usernet_groups",
    "network.bridge_exists",
)
_NO_CGROUP = ("cgroup.user_cgroup", "systemd.user_manager", "cgroup.systemd_guest")
_DENIED_UNSHARE = (
    "userns.unprivileged_clone",
    "session.chroot",
    "session.seccomp",
    "userns.apparmor",
    "kernel.kconfig.user_ns",
    "userns.selinux",
    "userns.limits.user",
)

TABLE = (
    # newuidmap, newgidmap and who lets them
    Row(r"new[ug]idmap: [ug]id range .* not allowed", (*_MAPPED, "idmap.host_root")),
    Row(r"(subuid|subgid) overflow detected", ("idmap.subid_syntax", "idmap.within_subids")),
    Row(r"newuidmap: Cannot determine your user name", ("host.user",)),
    Row(r"new[ug]idmap: Target process \d+ is owned by a different user", ("idmap.session_gid",)),
    Row(
        r"new[ug]idmap: write to [ug]id_map failed: Operation not permitted",
        (
            "session.no_new_privs",
            "session.bounding_set",
            "idmap.helper_nosuid",
            "idmap.helper_privileged",
            "idmap.nested",
            "idmap.host_root",
        ),
    ),
    Row(
        r"new[ug]idmap: write to [ug]id_map failed: Invalid argument",
        ("idmap.disjoint", "kernel.idmap_lines", "idmap.nested"),
    ),
    Row(r"new[ug]idmap: open of [ug]id_map failed: Read-only", ("userns.proc_writable",)),
    Row(r"new[ug]idmap: open of [ug]id_map failed: Perm", ("idmap.helper_privileged",)),
    Row(r"new[ug]idmap binary is missing", ("idmap.helper_present",)),
    Row(r'failed to write mapping "(sh: \d+:|.*Cannot fork)', ("session.limit_nproc",)),
    Row(r'new[ug]idmap failed to write mapping ""', ("idmap.subid_files", "idmap.subid_syntax")),
    Row(r"new[ug]idmap failed to write mapping", (*_HELPERS, *_MAPPED)),
    Row(r"No [ug]id mapping for container root", ("idmap.container_root", "config.present")),
    Row(
        r"Failed to write [ug]id mapping to .*Operation not permitted|"
        r"Operation not permitted - Failed to write [ug]id mapping",
        (*_HELPERS, *_MAPPED, "idmap.host_root"),
    ),
    Row(
        r"Failed to write [ug]id mapping to|Failed to write mapping",
        ("userns.proc_writable", "idmap.disjoint", "kernel.idmap_lines", *_HELPERS, *_MAPPED),
    ),
    Row(
        r"Failed to setup id mapping|Failed to map ids|lxc_map_ids",
        (*_MAPPED, *_HELPERS, "idmap.disjoint", "kernel.idmap_lines"),
    ),
    # namespaces
    Row(r"No space left on device - Failed to unshare new user namespace", ("userns.limits.user",)),
    Row(r"Invalid argument - Failed to unshare new user namespace", ("kernel.kconfig.user_ns",)),
    Row(r"Failed to unshare new user namespace", _DENIED_UNSHARE),
    Row(r"unshare failed: Permission denied", ("userns.apparmor",)),
    Row(r"Failed to unshare CLONE_NEWNET", ("userns.limits.net", "kernel.kconfig.net_ns")),
    Row(r"Failed to unshare CLONE_NEWCGROUP", ("userns.limits.cgroup",)),
    Row(
        r"Failed to clone a new set of namespaces|Failed to clone|CLONE_NEW",
        ("userns.limits.*", "kernel.kconfig.*"),
    ),
    # the way to the root file system
    Row(r"Could not access /.*grant it x access", ("storage.path_access",)),
    Row(
        r'Failed to open "\S*/rootfs"|Failed to mount rootfs',
        ("storage.rootfs", "storage.filesystem", "storage.path_access", "storage.container_open"),
    ),
    Row(
        r"(Permission denied|Exec format error|No such file or directory|Text file busy)"
        r' - Failed to exec "',
        ("storage.noexec", "config.init"),
    ),
    Row(
        r"Failed to f?chown",
        ("storage.filesystem", "storage.rootfs", "storage.default_acl", "storage.lxcpath"),
    ),
    Row(
        r"Failed to create directory|You lack access to",
        (
            "storage.run_dir",
            "storage.lxcpath",
            "session.home",
            "session.runtime_dir_made",
            "storage.home_open",
        ),
    ),
    Row(r'lxclock.*Failed to open|Failed to open ".*/lock/', ("storage.run_dir",)),
    Row(r"Failed to open log file|log_open|Failed to create directory.*\.log", ("config.log",)),
    Row(r"terminal log file", ("config.console",)),
    Row(
        r"allocate console|Failed to open .*ptmx|Failed to create console|devpts",
        ("userns.ptmx", "config.console"),
    ),
    Row(r"/dev/null", ("userns.dev_null",)),
    Row(
        r"No container config specified",
        (
            "config.present",
            "storage.container_open",
            "storage.path_access",
            "storage.run_dir",
            "storage.lxcpath",
            "config.leftovers",
        ),
    ),
    Row(
        r"No space left on device|Disk quota exceeded - Failed to (write|open)", ("storage.space",)
    ),
    Row(
        r"File size limit|Too many open files|Resource temporarily unavailable",
        ("session.limit_fsize", "session.limit_nofile", "session.limit_nproc", "cgroup.room"),
    ),
    Row(
        r"Container already exists|create_partial|Failed to open container directory|"
        r"Failed checking for incomplete container creation",
        ("config.leftovers", "storage.lxcpath", "config.present"),
    ),
    # the config
    Row(
        r"Failed to parse config|Unsupported config key|Invalid configuration line|"
        r"lxc_file_for_each_line",
        (
            "config.present",
            "config.syntax",
            "config.legacy_keys",
            "config.keys_known",
            "config.includes",
            "config.values",
            "config.name",
        ),
    ),
    Row(
        r"Failed to load config|Failed to (load|read) .*default\.conf|"
        r"Failed to open file \"\S*conf",
        ("config.present", "config.includes"),
    ),
    Row(r"mutually exclusive", ("config.caps", "config.values")),
    Row(
        r"Script exited with status|Failed to run lxc\.hook|lxc_run_hook|run_buffer",
        ("config.hooks", "network.script_up"),
    ),
    Row(r"seccomp", ("config.seccomp",)),
    Row(r'Failed to mount "proc"', ("userns.visible.proc",)),
    Row(r'Failed to mount "sysfs"', ("userns.visible.sys", "network.own_namespace")),
    Row(
        r"Failed to mount|mount entry|mount_entry",
        ("config.mount_entries", "userns.visible.*", "userns.dev_null", "storage.rootfs"),
    ),
    Row(r"Failed to set limit|resource limit", ("config.prlimit",)),
    Row(r"sysctl", ("config.sysctl",)),
    Row(
        r"lxc_container_name_to_pid|Failed to send signal|share.*namespace|nsfd",
        ("config.namespaces",),
    ),
    Row(r"rootfs mount point|lxc/rootfs", ("lxc.rootfs_mount_point", "config.mount_entries")),
    # cgroups
    Row(
        r"/init\.scope control group|Failed to allocate manager object|Failed to create /.*control",
        (*_NO_CGROUP, "cgroup.*"),
    ),
    Row(r"Failed to initialize cgroups", ("cgroup.mounted", "cgroup.layout")),
    Row(r"requested controllers unavailable", ("cgroup.wanted_controllers",)),
    Row(
        r"Failed to setup (cgroup )?limits|Failed to set \"[\w.]+\" to|cg_legacy_set_data|"
        r"Ignoring (cgroup2|legacy cgroup) limits",
        ("cgroup.limits", "cgroup.legacy_keys", *_NO_CGROUP),
    ),
    Row(r"Failed to enter cgroup", ("cgroup.threaded_only", "cgroup.enter", *_NO_CGROUP)),
    Row(
        r"Failed to create monitor cgroup|__cgroup_tree_create|cgfsng_monitor_create",
        ("cgroup.room", "session.limit_nofile", *_NO_CGROUP, "cgroup.*"),
    ),
    Row(
        r"cgroup_attach_move_into_leaf|Failed to move process into target cgroup",
        ("systemd.user_manager", "cgroup.user_cgroup", "cgroup.session_delegated"),
    ),
    Row(
        r"Failed to connect to (user scope )?bus|No medium found",
        ("systemd.user_manager", "systemd.session_bus", "systemd.bus_elsewhere"),
    ),
    # the network
    Row(r'Failed to open "/etc/lxc/lxc-usernet"', ("network.usernet_file",)),
    Row(
        r"configure requested network: \(null\)",
        ("network.usernet_groups", "network.usernet_line", "network.usernic"),
    ),
    Row(r"Quota reached", _USERNET),
    Row(r"Could not get MTU|get_mtu|Failed to create veth", ("network.bridge_exists",)),
    Row(r"Error attaching \S+ to", ("network.bridge_kind", "network.bridge_exists")),
    Row(r"Failed to create /run/lxc|Failed to setns\(\) to original", ("network.usernic_setuid",)),
    Row(r"/run/lxc/nics|create_db_dir", ("network.nics_db", "network.usernic_setuid")),
    Row(r"Failed to exec(ute)? lxc-user-nic", ("network.usernic",)),
    Row(r"not supported by unprivileged containers", ("network.nic_type",)),
    Row(r"automatically find ipv[46] gateway", ("network.gateway_auto",)),
    Row(r"bridge interface doesn't exist", ("network.bridge_exists",)),
    Row(r"lxc-user-nic|lxc_user_nic", (*_USERNET, "network.*")),
    Row(
        r"Failed to create (the )?network|Failed to configure network|setup.*(ipv[46]|gateway|mtu)|"
        r"Failed to (set|add|rename|bring up).*(address|route|netdev|link|device|mac)|"
        r"network device",
        ("network.*",),
    ),
    # security modules, sessions, templates
    Row(r"[Aa]pp[Aa]rmor", ("lsm.apparmor_profile", "lsm.apparmor_session", "lsm.apparmor_mounts")),
    Row(r"SELinux|selinux", ("lsm.selinux_context", "userns.selinux")),
    Row(
        r"This account is currently not available|Your account has expired|Authentication failure|"
        r"(Cannot|could not) change directory",
        ("session.login", "session.home"),
    ),
    Row(
        r"bad template|Failed to execute template",
        ("image.template", "lxc.installed", "storage.template_access"),
    ),
    Row(r"lxc-usernsexec", ("lxc.installed",)),
    Row(r"(lxc-\w+): (command )?not found|lxc-\w+ is not installed", ("lxc.installed",)),
    Row(r"Missing required tool|command not found|: not found$", ("image.tools",)),
    Row(r"[Bb]usybox", ("image.tools",)),
    Row(
        r"Failed to download|Couldn't find a matching image|cannot be resolved|"
        r"refuses the connection",
        ("image.server", "image.tools"),
    ),
    Row(r"keyserver|GPG key", ("image.keyserver",)),
    Row(
        r"Cannot change ownership to uid|Cannot mknod|tar: ",
        ("idmap.size", "storage.space", "storage.image_cache", "session.limit_fsize"),
    ),
    # that it did not work, and no word why
    Row(r"Failed to create container|create_run_template|Error creating container", (CREATE,)),
    Row(
        r"Failed to (start|spawn) container|ABORTING|did not start|The container failed to start|"
        r"__lxc_start|lxc_spawn|is STOPPED|ended .* after the start|dead soon",
        (START,),
    ),
    Row(r"(^|\s)ERROR\s|rror:", (CREATE, START)),
)

# Lines of healthy runs: they explain nothing.
NOISE = (
    r"Device or resource busy - Could not enable ",
    r"Failed to allocate new network namespace id",
    r"Failed to create kernel keyring",
    r'Unsupported config key "lxc\.seccomp"',
    r"Failed opening dbus connection",
    r"Failed to create (parent|child) cgroup",
)
