"""LXC's own configuration."""

from tests.truth.case import PAM_CGFS, Case

CASES = (
    Case("conf_missing", "rm $CONF", cause=("config.present",)),
    Case("conf_unreadable", "chown root: $CONF; chmod 600 $CONF", cause=("config.present",)),
    Case(
        "conf_copied_from_etc",
        "cp /etc/lxc/default.conf $CONF; chown $U: $CONF",
        cause=(
            "idmap.container_root",
            "network.bridge_exists",
            "network.usernet_file",
        ),
    ),
    Case("conf_no_idmap", "confedit '/lxc.idmap/d'", cause=("idmap.container_root",)),
    Case("conf_no_equals", "confadd 'lxc.uts.name foo'", cause=("config.syntax",)),
    Case("conf_unknown_key", "confadd 'lxc.nosuch.key = 1'", cause=("config.keys_known",)),
    Case("conf_old_id_map", "confedit 's/lxc.idmap/lxc.id_map/'", cause=("config.legacy_keys",)),
    Case("conf_both_prefix", 'confadd "lxc.idmap = b 70000 70000 1"', cause=("config.values",)),
    Case("conf_crlf", r"confedit 's/$/\r/'"),
    Case(
        "conf_include_missing",
        "confadd 'lxc.include = /usr/share/lxc/config/nosuch.conf'",
        cause=("config.includes",),
    ),
    Case(
        "conf_include_common_only",
        "confadd 'lxc.include = /usr/share/lxc/config/common.conf'",
        cause=("cgroup.limits",),
        needs=(PAM_CGFS,),
    ),
    Case(
        "conf_include_both",
        "confadd 'lxc.include = /usr/share/lxc/config/common.conf' "
        "'lxc.include = /usr/share/lxc/config/userns.conf'",
    ),
    Case(
        "conf_cap_keep",
        "confadd 'lxc.cap.keep = chown'",
        cause=(
            "config.caps",
            "config.values",
        ),
    ),
    Case(
        "conf_seccomp_kexec", "confadd 'lxc.seccomp.profile = /usr/share/lxc/config/common.seccomp'"
    ),
    Case(
        "conf_seccomp_missing",
        "confadd 'lxc.seccomp.profile = /etc/nosuch.seccomp'",
        cause=("config.seccomp",),
    ),
    Case(
        "conf_apparmor_generated",
        "confadd 'lxc.apparmor.profile = generated' 'lxc.apparmor.allow_nesting = 1'",
    ),
    Case("conf_apparmor_named", "confadd 'lxc.apparmor.profile = lxc-container-default-cgns'"),
    Case(
        "conf_console_log_unwritable",
        "confadd 'lxc.console.logfile = /var/log/x.log'",
        cause=("config.console",),
    ),
    Case("conf_log_unwritable", "confadd 'lxc.log.file = /var/log/x.log'", cause=("config.log",)),
    Case(
        "conf_hook_missing",
        "confadd 'lxc.hook.pre-start = /usr/share/lxc/hooks/nope'",
        cause=("config.hooks",),
    ),
    Case(
        "conf_mount_missing_src",
        "confadd 'lxc.mount.entry = /srv/nope mnt none bind 0 0'",
        cause=("config.mount_entries",),
    ),
    Case("conf_mount_optional", "confadd 'lxc.mount.entry = /srv/nope mnt none bind,optional 0 0'"),
    Case(
        "conf_mount_ext4_dev",
        "confadd 'lxc.mount.entry = /dev/vda mnt ext4 defaults 0 0'",
        cause=("config.mount_entries",),
    ),
    Case(
        "conf_mount_no_target",
        "mkdir -p /srv/data; confadd 'lxc.mount.entry = /srv/data srv/data none bind 0 0'",
        cause=("config.mount_entries",),
    ),
    Case(
        "conf_mount_create_dir",
        "mkdir -p /srv/data; "
        "confadd 'lxc.mount.entry = /srv/data srv/data none bind,create=dir 0 0'",
    ),
    Case(
        "conf_mount_nosuid_src",
        "mkdir -p /run/ns; mount -t tmpfs -o nosuid,nodev,noexec tmpfs /run/ns; "
        "confadd 'lxc.mount.entry = /run/ns mnt none bind,ro 0 0'",
    ),
    Case("conf_prlimit_raise", "confadd 'lxc.prlimit.nofile = 2000000'", cause=("config.prlimit",)),
    Case("conf_prlimit_lower", "confadd 'lxc.prlimit.nofile = 1000'"),
    Case("conf_sysctl_foreign", "confadd 'lxc.sysctl.kernel.panic = 1'", cause=("config.sysctl",)),
    Case("conf_sysctl_net", "confadd 'lxc.sysctl.net.ipv4.ip_forward = 1'"),
    Case(
        "conf_rootfs_ns_share_net",
        "confadd 'lxc.namespace.share.net = 1'",
        cause=("config.namespaces",),
    ),
    Case("lxcfs_absent_hook", "confadd 'lxc.include = /usr/share/lxc/config/common.conf.d/'"),
    Case("conf_init_cmd", "confadd 'lxc.init.cmd = /nosuch/init'", cause=("config.init",)),
    Case("tpl_unknown", template="nosuchtemplate", cause=("image.template",)),
    Case("tpl_debian", template="debian", cause=("image.template",)),
    Case("tpl_alpine", template="alpine", cause=("image.template",)),
    Case(
        "tpl_noexec_bit",
        "chmod a-x /usr/share/lxc/templates/lxc-busybox",
        cause=("image.template",),
    ),
    Case("busybox_missing", "mv /usr/bin/busybox /usr/bin/busybox.away", cause=("image.tools",)),
    Case(
        "usernsexec_missing",
        "mv /usr/bin/lxc-usernsexec /usr/bin/lxc-usernsexec.away",
        cause=("lxc.installed",),
    ),
    Case(
        "dl_no_network",  # a world has none
        template="download",
        template_args="-d alpine -r 3.18 -a amd64",
        cause=("image.server",),
    ),
    Case(
        "lxcfs_stale",
        "mkdir -p /var/lib/lxcfs; confadd 'lxc.include = /usr/share/lxc/config/common.conf.d/'; "
        "lxcfs /var/lib/lxcfs >/dev/null 2>&1 & sleep 1; kill -9 $!",
        needs=("lxcfs",),
    ),
    Case(
        "dl_no_xz",
        "mv /usr/bin/xz /usr/bin/xz.away",
        template="download",
        template_args="-d alpine -r 3.18 -a amd64",
        cause=("image.tools", "image.server"),
    ),
)
