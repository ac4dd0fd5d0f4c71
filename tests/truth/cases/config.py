"""LXC's own configuration."""

from tests.truth.case import Case

CASES = (
    Case("conf_missing", "rm $CONF"),
    Case("conf_unreadable", "chown root: $CONF; chmod 600 $CONF"),
    Case("conf_copied_from_etc", "cp /etc/lxc/default.conf $CONF; chown $U: $CONF"),
    Case("conf_no_idmap", "confedit '/lxc.idmap/d'"),
    Case("conf_no_equals", "confadd 'lxc.uts.name foo'"),
    Case("conf_unknown_key", "confadd 'lxc.nosuch.key = 1'"),
    Case("conf_old_id_map", "confedit 's/lxc.idmap/lxc.id_map/'"),
    Case("conf_both_prefix", 'confadd "lxc.idmap = b 70000 70000 1"'),
    Case("conf_crlf", r"confedit 's/$/\r/'"),
    Case("conf_include_missing", "confadd 'lxc.include = /usr/share/lxc/config/nosuch.conf'"),
    Case("conf_include_common_only", "confadd 'lxc.include = /usr/share/lxc/config/common.conf'"),
    Case(
        "conf_include_both",
        "confadd 'lxc.include = /usr/share/lxc/config/common.conf' "
        "'lxc.include = /usr/share/lxc/config/userns.conf'",
    ),
    Case("conf_cap_keep", "confadd 'lxc.cap.keep = chown'"),
    Case(
        "conf_seccomp_kexec", "confadd 'lxc.seccomp.profile = /usr/share/lxc/config/common.seccomp'"
    ),
    Case("conf_seccomp_missing", "confadd 'lxc.seccomp.profile = /etc/nosuch.seccomp'"),
    Case(
        "conf_apparmor_generated",
        "confadd 'lxc.apparmor.profile = generated' 'lxc.apparmor.allow_nesting = 1'",
    ),
    Case("conf_apparmor_named", "confadd 'lxc.apparmor.profile = lxc-container-default-cgns'"),
    Case("conf_console_log_unwritable", "confadd 'lxc.console.logfile = /var/log/x.log'"),
    Case("conf_log_unwritable", "confadd 'lxc.log.file = /var/log/x.log'"),
    Case("conf_hook_missing", "confadd 'lxc.hook.pre-start = /usr/share/lxc/hooks/nope'"),
    Case("conf_mount_missing_src", "confadd 'lxc.mount.entry = /srv/nope mnt none bind 0 0'"),
    Case("conf_mount_optional", "confadd 'lxc.mount.entry = /srv/nope mnt none bind,optional 0 0'"),
    Case("conf_mount_ext4_dev", "confadd 'lxc.mount.entry = /dev/vda mnt ext4 defaults 0 0'"),
    Case(
        "conf_mount_no_target",
        "mkdir -p /srv/data; confadd 'lxc.mount.entry = /srv/data srv/data none bind 0 0'",
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
    Case("conf_prlimit_raise", "confadd 'lxc.prlimit.nofile = 2000000'"),
    Case("conf_prlimit_lower", "confadd 'lxc.prlimit.nofile = 1000'"),
    Case("conf_sysctl_foreign", "confadd 'lxc.sysctl.kernel.panic = 1'"),
    Case("conf_sysctl_net", "confadd 'lxc.sysctl.net.ipv4.ip_forward = 1'"),
    Case("conf_rootfs_ns_share_net", "confadd 'lxc.namespace.share.net = 1'"),
    Case("lxcfs_absent_hook", "confadd 'lxc.include = /usr/share/lxc/config/common.conf.d/'"),
    Case("conf_init_cmd", "confadd 'lxc.init.cmd = /nosuch/init'"),
    Case("tpl_unknown", template="nosuchtemplate"),
    Case("tpl_debian", template="debian"),
    Case("tpl_alpine", template="alpine"),
    Case("tpl_noexec_bit", "chmod a-x /usr/share/lxc/templates/lxc-busybox"),
    Case("busybox_missing", "mv /usr/bin/busybox /usr/bin/busybox.away"),
    Case("usernsexec_missing", "mv /usr/bin/lxc-usernsexec /usr/bin/lxc-usernsexec.away"),
    Case(
        "dl_no_xz",
        "mv /usr/bin/xz /usr/bin/xz.away",
        template="download",
        template_args="-d alpine -r 3.18 -a amd64",
    ),
)
