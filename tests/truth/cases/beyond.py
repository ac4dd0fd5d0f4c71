"""Failures that the first harness did not have."""

from tests.truth.case import Case

CASES = (
    Case(
        "beyond_two_lines_with_gap",
        'sed -i "s/^$U:.*/$U:$BASE:30000\\n$U:$((BASE+30001)):40000/" /etc/subuid',
        cause=("idmap.within_subids",),
    ),
    Case(
        "beyond_count_zero",
        'sed -i "s/^$U:.*/$U:$BASE:0/" /etc/subuid',
        cause=("idmap.subid_entry",),
    ),
    Case("beyond_name_case", 'sed -i "s/^$U:/${U^}:/" /etc/subuid', cause=("idmap.subid_entry",)),
    Case(
        "beyond_line_too_long",
        'sed -i "s/^$U:.*/&:$(printf "%01100d" 0)/" /etc/subuid',
        cause=("idmap.subid_syntax",),
    ),
    Case(
        "beyond_subuid_directory", "rm /etc/subuid; mkdir /etc/subuid", cause=("idmap.subid_files",)
    ),
    Case(
        "beyond_newuidmap_is_script",
        "printf '#!/bin/sh\\nexit 1\\n' > /usr/bin/newuidmap; chmod 4755 /usr/bin/newuidmap",
        cause=("idmap.helper_genuine",),
    ),
    Case(
        "beyond_newuidmap_capable_but_noexec",
        "chmod 4644 /usr/bin/newuidmap",
        cause=("idmap.helper_present",),
    ),
    Case(
        "beyond_idmap_gid_elsewhere",
        'confedit -E "s/^lxc.idmap = g.*/lxc.idmap = g 0 $((BASE+1)) 65536/"',
        cause=("idmap.within_subids",),
    ),
    Case(
        "beyond_idmap_words",
        "confedit 's/^lxc.idmap = u.*/lxc.idmap = u 0 many 65536/'",
        cause=("config.values",),
    ),
    Case(
        "beyond_idmap_three_fields",
        'confedit "s/^lxc.idmap = u.*/lxc.idmap = u 0 $BASE/"',
        cause=("config.values",),
    ),
    Case("beyond_idmap_cleared_last", "confadd 'lxc.idmap ='", cause=("idmap.container_root",)),
    Case(
        "beyond_conf_is_directory",
        "rm $CONF; mkdir $CONF; chown $U: $CONF",
        cause=("config.present",),
    ),
    Case(
        "beyond_conf_dangling_link",
        "rm $CONF; ln -s /nowhere/default.conf $CONF",
        cause=("config.present",),
    ),
    Case(
        "beyond_conf_link_to_secret", "rm $CONF; ln -s /etc/shadow $CONF", cause=("config.present",)
    ),
    Case("beyond_include_loops_nothing", 'mkdir $H/empty.d; confadd "lxc.include = $H/empty.d"'),
    Case(
        "beyond_include_unreadable",
        "echo 'lxc.tty.max = 1' > /etc/lxc/secret.conf; chmod 600 /etc/lxc/secret.conf; "
        "confadd 'lxc.include = /etc/lxc/secret.conf'",
        cause=("config.includes",),
    ),
    Case(
        "beyond_lxcconf_relative_path",
        "echo 'lxc.lxcpath = lxc' > $H/.config/lxc/lxc.conf",
        cause=("storage.lxcpath",),
    ),
    Case(
        "beyond_lxcpath_is_file",
        "rm -rf $LXC; touch $LXC; chown $U: $LXC",
        cause=("storage.lxcpath",),
    ),
    Case(
        "beyond_share_is_file",
        "rm -rf $H/.local/share; touch $H/.local/share; chown $U: $H/.local/share",
        cause=("storage.lxcpath",),
    ),
    Case("beyond_home_missing", "mv $H /home/elsewhere", cause=("session.home",)),
    Case(
        "beyond_home_not_mine", "chown root:root $H; rm -rf $H/.local", cause=("storage.lxcpath",)
    ),
    Case(
        "beyond_rootfs_dir_only_user",
        "chown -R $U:$U $LXC/base/rootfs; chmod 700 $LXC/base/rootfs",
        cause=("storage.rootfs",),
    ),
    Case("beyond_config_of_base_gone", "rm -f $LXC/base/config", cause=("config.leftovers",)),
    Case(
        "beyond_init_not_executable",
        "chmod a-x $LXC/base/rootfs/sbin/init; chmod a-x $LXC/base/rootfs/bin/busybox",
        cause=("config.init",),
    ),
    Case(
        "beyond_init_directory",
        "rm $LXC/base/rootfs/sbin/init; mkdir $LXC/base/rootfs/sbin/init",
        cause=("config.init",),
    ),
    Case(
        "beyond_usernet_is_directory",
        "net tbr0; rm -f /etc/lxc/lxc-usernet; mkdir /etc/lxc/lxc-usernet",
        cause=("network.usernet_file",),
    ),
    Case(
        "beyond_usernet_tab_first",
        'net tbr0; printf "\\t%s veth tbr0 5\\n" $U > /etc/lxc/lxc-usernet',
        cause=("network.usernet_line",),
    ),
    Case(
        "beyond_usernet_negative",
        'net tbr0; echo "$U veth tbr0 -1" > /etc/lxc/lxc-usernet',
        cause=("network.usernet_quota",),
    ),
    Case(
        "beyond_usernet_spread",
        'net tbr0; printf "%s veth tbr0 0\\n%s veth tbr0 3\\n" $U $U > /etc/lxc/lxc-usernet',
    ),
    Case(
        "beyond_bridge_name_case",
        "net TBR0",
        cause=(
            "network.bridge_exists",
            "network.usernet_line",
        ),
    ),
    Case(
        "beyond_vlan_named_like_bridge",
        "net br0.1; ip link add br0 type bridge; ip link add link br0 name br0.1 type vlan id 1; "
        'ip link set br0.1 up; echo "$U veth br0.1 2" > /etc/lxc/lxc-usernet',
        cause=("network.bridge_exists",),
    ),
    Case(
        "beyond_second_net_broken",
        "net tbr0; confadd 'lxc.net.1.type = veth' 'lxc.net.1.link = nosuch0'",
        cause=(
            "network.bridge_exists",
            "network.usernet_line",
            "network.flags_up",
        ),
    ),
    Case(
        "beyond_usernic_not_executable",
        "net tbr0; chmod 4644 /usr/libexec/lxc/lxc-user-nic",
        cause=("network.usernic",),
    ),
    Case(
        "beyond_usernic_nosuid_mount",
        "net tbr0; mount --bind /usr/libexec /usr/libexec; mount -o remount,bind,nosuid /usr/libexec",
        cause=("network.usernic_setuid",),
    ),
    Case("beyond_lxc_monitord_irrelevant", "rm -f /usr/libexec/lxc/lxc-monitord"),
    Case(
        "beyond_no_lxc_create",
        "mv /usr/bin/lxc-create /usr/bin/lxc-create.away",
        cause=("lxc.installed",),
    ),
    Case(
        "beyond_no_lxc_start",
        "mv /usr/bin/lxc-start /usr/bin/lxc-start.away",
        cause=("lxc.installed",),
    ),
    Case(
        "beyond_template_dir_gone",
        "mv /usr/share/lxc/templates /usr/share/lxc/templates.away",
        cause=("image.template",),
    ),
    Case(
        "beyond_uts_name_too_long",
        "confadd \"lxc.uts.name = $(printf 'x%.0s' $(seq 70))\"",
        cause=("config.values",),
    ),
    Case("beyond_console_path_none", "confadd 'lxc.console.path = none'"),
    Case("beyond_rlimit_unknown", "confadd 'lxc.prlimit.nosuch = 5'", cause=("config.prlimit",)),
    Case(
        "beyond_signal_unknown", "confadd 'lxc.signal.halt = SIGNOSUCH'", cause=("config.values",)
    ),
    Case("beyond_cap_unknown", "confadd 'lxc.cap.drop = nosuchcap'", cause=("config.values",)),
    Case(
        "beyond_mount_auto_unknown",
        "confadd 'lxc.mount.auto = proc:purple'",
        cause=("config.values",),
    ),
    Case(
        "beyond_mount_relative_target_file",
        "touch /srv/f; confadd 'lxc.mount.entry = /srv/f srv/f none bind,create=file 0 0'",
    ),
    Case(
        "beyond_fstab_missing",
        "confadd 'lxc.mount.fstab = /etc/nosuch.fstab'",
        cause=("config.mount_entries",),
    ),
    Case(
        "beyond_hook_fails",
        "printf '#!/bin/sh\\nexit 3\\n' > /srv/hook; chmod 755 /srv/hook; confadd 'lxc.hook.pre-start = /srv/hook'",
        cause=("config.hooks",),
    ),
    Case(
        "beyond_hook_not_executable",
        "printf '#!/bin/sh\\nexit 0\\n' > /srv/hook; chmod 644 /srv/hook; "
        "confadd 'lxc.hook.pre-start = /srv/hook'",
        cause=("config.hooks",),
    ),
    Case("beyond_arch_foreign", "confadd 'lxc.arch = aarch64'"),
    Case("beyond_arch_i686", "confadd 'lxc.arch = i686'"),
    Case("beyond_net_index_text", "confadd 'lxc.net.x.type = veth'", cause=("config.values",)),
    Case("beyond_net_name_too_long", "net tbr0; confedit 's/eth0/averyveryverylongname0/'"),
    Case("beyond_selinux_context", "confadd 'lxc.selinux.context = system_u:system_r:lxc_t:s0'"),
)
