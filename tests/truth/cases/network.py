"""lxc-usernet, lxc-user-nic, bridges."""

from tests.truth.case import Case

CASES = (
    Case("net_working", "net tbr0"),
    Case(
        "net_no_usernet_file", "net tbr0; rm /etc/lxc/lxc-usernet", cause=("network.usernet_file",)
    ),
    Case(
        "net_user_not_listed",
        "net tbr0; echo 'nobody veth tbr0 5' > /etc/lxc/lxc-usernet",
        cause=("network.usernet_line",),
    ),
    Case(
        "net_wrong_bridge_listed",
        'net tbr0; echo "$U veth lxcbr0 5" > /etc/lxc/lxc-usernet',
        cause=("network.usernet_line",),
    ),
    Case(
        "net_group_no_at",
        "net tbr0; groupadd tgrp; usermod -aG tgrp $U; echo 'tgrp veth tbr0 5' > /etc/lxc/lxc-usernet",
        cause=("network.usernet_line",),
    ),
    Case(
        "net_line_uid",
        'net tbr0; echo "$ID veth tbr0 5" > /etc/lxc/lxc-usernet',
        cause=("network.usernet_line",),
    ),
    Case(
        "net_line_wildcard",
        "net tbr0; echo '* veth tbr0 5' > /etc/lxc/lxc-usernet",
        cause=("network.usernet_line",),
    ),
    Case(
        "net_line_colons",
        'net tbr0; echo "$U:veth:tbr0:5" > /etc/lxc/lxc-usernet',
        cause=("network.usernet_line",),
    ),
    Case(
        "net_line_no_count",
        'net tbr0; echo "$U veth tbr0" > /etc/lxc/lxc-usernet',
        cause=("network.usernet_line",),
    ),
    Case(
        "net_line_leading_space",
        'net tbr0; echo "  $U veth tbr0 5" > /etc/lxc/lxc-usernet',
        cause=("network.usernet_line",),
    ),
    Case(
        "net_line_upper",
        'net tbr0; echo "$U VETH tbr0 5" > /etc/lxc/lxc-usernet',
        cause=("network.usernet_line",),
    ),
    Case("net_line_junk_count", 'net tbr0; echo "$U veth tbr0 2x" > /etc/lxc/lxc-usernet'),
    Case(
        "net_line_trailing_comment",
        "net tbr0; printf '# hello\\n\\n%s veth tbr0 5 # five nics\\r\\n' $U > /etc/lxc/lxc-usernet",
    ),
    Case("net_usernet_0600", "net tbr0; chmod 600 /etc/lxc/lxc-usernet"),
    Case("net_quota_zero", "net tbr0 0", cause=("network.usernet_quota",)),
    Case("net_quota_exhausted", "net tbr0 1; othercontainer", cause=("network.usernet_quota",)),
    Case(
        "net_two_lines_add_up",
        'net tbr0 1; echo "$U veth tbr0 1" >> /etc/lxc/lxc-usernet; othercontainer',
        cause=("network.usernet_quota",),
    ),
    Case(
        "net_group_supp",
        "net tbr0; groupadd tgrp; usermod -aG tgrp $U; echo '@tgrp veth tbr0 5' > /etc/lxc/lxc-usernet",
    ),
    Case(
        "net_group_commented",
        "net tbr0; printf '#@nosuchgroup veth otherbr 5\\n# @x veth y 5\\n%s veth tbr0 5\\n' $U > /etc/lxc/lxc-usernet",
    ),
    Case(
        "net_group_nonmember",
        "net tbr0; groupadd tgrp; echo '@tgrp veth tbr0 5' > /etc/lxc/lxc-usernet",
        cause=(
            "network.usernet_groups",
            "network.usernet_line",
        ),
    ),
    Case(
        "net_group_line_after_mine",
        "net tbr0; groupadd tgrp; printf '%s veth tbr0 5\\n@tgrp veth otherbr 5\\n' $U > /etc/lxc/lxc-usernet",
        cause=("network.usernet_groups",),
    ),
    Case(
        "net_group_unknown_name",
        "net tbr0; printf '@nosuchgroup veth otherbr 5\\n%s veth tbr0 5\\n' $U > /etc/lxc/lxc-usernet",
        cause=("network.usernet_groups",),
    ),
    Case(
        "net_group_old_session",
        "net tbr0; groupadd tgrp; usermod -aG tgrp $U; echo '@tgrp veth tbr0 5' > /etc/lxc/lxc-usernet",
        runner="oldgroups",
        cause=(
            "network.usernet_groups",
            "network.usernet_line",
        ),
    ),
    Case(
        "net_group_after_bad_gid",
        "net tbr0; groupadd -g 61999 tgrp; echo '@tgrp veth tbr0 5' > /etc/lxc/lxc-usernet",
        runner="badgid",
        cause=(
            "network.usernet_groups",
            "network.usernet_line",
        ),
    ),
    Case("net_bridge_missing", "net tbr0; ip link del tbr0", cause=("network.bridge_exists",)),
    Case(
        "net_link_not_bridge",
        "net tbr0; ip link del tbr0; ip link add tbr0 type veth peer name tbr0p; ip link set tbr0 up",
        cause=("network.bridge_kind",),
    ),
    Case(
        "net_dotted_bridge",
        'net br0.1; ip link add name br0.1 type bridge; ip link set br0.1 up; echo "$U veth br0.1 2" > /etc/lxc/lxc-usernet',
    ),
    Case("net_bridge_down", "net tbr0; ip link set tbr0 down"),
    Case("net_bridge_no_ip", "net tbr0; ip addr flush dev tbr0"),
    Case("net_no_flags_up", "net tbr0; confedit '/flags/d'", cause=("network.flags_up",)),
    Case("net_gateway_unreachable", "net tbr0; confadd 'lxc.net.0.ipv4.gateway = 192.168.10.1'"),
    Case("net_gateway_auto", "net tbr0; confadd 'lxc.net.0.ipv4.gateway = auto'"),
    Case(
        "net_gateway_auto_noip",
        "net tbr0; ip addr flush dev tbr0; confadd 'lxc.net.0.ipv4.gateway = auto'",
        cause=("network.gateway_auto",),
    ),
    Case(
        "net_bad_ipv4", "net tbr0; confedit 's/10.77.0.101/10.77.0.300/'", cause=("config.values",)
    ),
    Case(
        "net_usernic_nosuid",
        "net tbr0; chmod u-s /usr/libexec/lxc/lxc-user-nic",
        cause=("network.usernic_setuid",),
    ),
    Case(
        "net_usernic_missing",
        "net tbr0; mv /usr/libexec/lxc/lxc-user-nic /usr/libexec/lxc/away",
        cause=("network.usernic",),
    ),
    Case(
        "net_usernic_caps",
        "net tbr0; chmod u-s /usr/libexec/lxc/lxc-user-nic; "
        "setcap cap_net_admin,cap_sys_admin,cap_dac_override=ep /usr/libexec/lxc/lxc-user-nic",
        cause=("network.usernic_setuid",),
    ),
    Case(
        "net_run_lxc_readonly",
        "net tbr0; mkdir -p /run/lxc; mount -t tmpfs -o ro tmpfs /run/lxc",
        cause=("network.nics_db",),
    ),
    Case(
        "net_type_none",
        "net tbr0; netconf 'lxc.net.0.type = none'",
        cause=("network.own_namespace",),
    ),
    Case(
        "net_type_phys",
        "net tbr0; ip link add tp0 type veth peer name tp1; "
        "netconf 'lxc.net.0.type = phys' 'lxc.net.0.link = tp0'",
        cause=("network.nic_type",),
    ),
    Case(
        "net_type_macvlan",
        "net tbr0; netconf 'lxc.net.0.type = macvlan' 'lxc.net.0.link = tbr0'",
        cause=("network.nic_type",),
    ),
    Case("net_no_net_lines", "net tbr0; confedit '/lxc.net/d'"),
    Case(
        "net_veth_no_link",
        "net tbr0; netconf 'lxc.net.0.type = veth' 'lxc.net.0.flags = up'",
        cause=("network.usernet_line",),
    ),
    Case(
        "net_veth_no_link_none_line",
        "net tbr0; netconf 'lxc.net.0.type = veth' 'lxc.net.0.flags = up'; "
        'echo "$U veth none 5" >> /etc/lxc/lxc-usernet',
    ),
    Case(
        "net_two_nics",
        "net tbr0; confadd 'lxc.net.1.type = veth' 'lxc.net.1.link = tbr0'",
        cause=("network.flags_up",),
    ),
    Case(
        "net_two_nics_quota_1",
        "net tbr0 1; confadd 'lxc.net.1.type = veth' 'lxc.net.1.link = tbr0'",
        cause=(
            "network.usernet_quota",
            "network.flags_up",
        ),
    ),
    Case(
        "net_old_network_keys",
        "net tbr0; netconf 'lxc.network.type = veth' 'lxc.network.link = tbr0'",
        cause=("config.legacy_keys",),
    ),
    Case("proc_hidepid2_veth", "net tbr0; mount -o remount,hidepid=2 /proc"),
    Case("net_usernet_missing_type_empty", "rm -f /etc/lxc/lxc-usernet"),
)
