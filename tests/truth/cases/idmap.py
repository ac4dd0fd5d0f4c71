"""Id maps and their helpers: newuidmap, newgidmap, /etc/subuid, /etc/subgid, lxc.idmap."""

from tests.truth.case import Case

CASES = (
    Case("newuidmap_nosuid", "chmod u-s /usr/bin/newuidmap", cause=("idmap.helper_privileged",)),
    Case("newgidmap_nosuid", "chmod u-s /usr/bin/newgidmap", cause=("idmap.helper_privileged",)),
    Case(
        "newuidmap_missing",
        "mv /usr/bin/newuidmap /usr/bin/newuidmap.away",
        cause=("idmap.helper_present",),
    ),
    Case(
        "newgidmap_missing",
        "mv /usr/bin/newgidmap /usr/bin/newgidmap.away",
        cause=("idmap.helper_present",),
    ),
    Case("newuidmap_0750", "chmod 4750 /usr/bin/newuidmap", cause=("idmap.helper_present",)),
    Case(
        "newgidmap_wrongcap",
        "chmod u-s /usr/bin/newgidmap; setcap cap_setuid=ep /usr/bin/newgidmap",
        cause=("idmap.helper_privileged",),
    ),
    Case(
        "newuidmap_suid_nonroot",
        "chown daemon /usr/bin/newuidmap; chmod 4755 /usr/bin/newuidmap",
        cause=("idmap.helper_privileged",),
    ),
    Case(
        "idmap_filecaps",
        "chmod u-s /usr/bin/new[ug]idmap; setcap cap_setuid=ep /usr/bin/newuidmap; "
        "setcap cap_setgid=ep /usr/bin/newgidmap",
    ),
    Case(
        "usr_nosuid",
        "mount --bind /usr /usr; mount -o remount,bind,nosuid /usr",
        cause=("idmap.helper_nosuid",),
    ),
    Case("subuid_none", 'sed -i "/^$U:/d" /etc/subuid', cause=("idmap.subid_entry",)),
    Case("subgid_none", 'sed -i "/^$U:/d" /etc/subgid', cause=("idmap.subid_entry",)),
    Case("subuid_nofile", "rm -f /etc/subuid", cause=("idmap.subid_files",)),
    Case(
        "subuid_symlink",
        "cp /etc/subuid /run/subuid; ln -sf /run/subuid /etc/subuid",
        cause=("idmap.subid_files",),
    ),
    Case(
        "subuid_shifted",
        'sed -i "s/^$U:.*/$U:$((BASE+1)):65536/" /etc/subuid',
        cause=("idmap.within_subids",),
    ),
    Case(
        "subuid_short1",
        r'sed -i "s/^$U:\([0-9]*\):65536/$U:\1:65535/" /etc/subuid',
        cause=("idmap.within_subids",),
    ),
    Case(
        "subgid_short1",
        r'sed -i "s/^$U:\([0-9]*\):65536/$U:\1:65535/" /etc/subgid',
        cause=("idmap.within_subids",),
    ),
    Case("subuid_crlf", r'sed -i "s/^\($U:.*\)$/\1\r/" /etc/subuid', cause=("idmap.subid_syntax",)),
    Case(
        "subuid_trailing_space", 'sed -i "s/^$U:.*/& /" /etc/subuid', cause=("idmap.subid_syntax",)
    ),
    Case(
        "subuid_dash_range",
        'sed -i "s/^$U:.*/$U:$BASE-$((BASE+65535))/" /etc/subuid',
        cause=("idmap.subid_syntax",),
    ),
    Case("subuid_leading_zero", 'sed -i "s/^$U:/$U:0/" /etc/subuid', cause=("idmap.subid_syntax",)),
    Case("subuid_hex", 'sed -i "s/^$U:.*/$U:$(printf 0x%x $BASE):0x10000/" /etc/subuid'),
    Case("subuid_spaces", r'sed -i "s/^$U:\([0-9]*\):/$U: \1: /" /etc/subuid'),
    Case(
        "subuid_second_line",
        'sed -i "s/^$U:.*/$U:$((BASE+200000000)):65536\\n$U:$BASE:65536/" /etc/subuid',
    ),
    Case(
        "subuid_split2",
        'sed -i "s/^$U:.*/$U:$BASE:32768\\n$U:$((BASE+32768)):32768/" /etc/subuid',
    ),
    Case("subuid_by_uid", 'sed -i "s/^$U:/$ID:/" /etc/subuid /etc/subgid'),
    Case("subuid_0600", "chmod 600 /etc/subuid /etc/subgid"),
    Case("subuid_no_final_newline", "truncate -s -1 /etc/subuid; truncate -s -1 /etc/subgid"),
    Case(
        "subuid_comments", "sed -i '1i # granted by hand' /etc/subuid; echo 'junk' >> /etc/subuid"
    ),
    Case(
        "subuid_at_zero",
        'sed -i "s/^$U:.*/$U:0:65536/" /etc/subuid /etc/subgid; '
        'sed -i -E "s/^(lxc.idmap = [ug] 0) .*/\\1 0 65536/" $CONF',
        cause=(
            "idmap.host_root",
            "idmap.within_subids",
        ),
    ),
    Case("subuid_overlap", 'echo "other:$BASE:65536" >> /etc/subuid'),
    Case("nss_subid_sss", "echo 'subid: sss' >> /etc/nsswitch.conf"),
    Case(
        "conf_wrong_base",
        r"confedit -E '/lxc.idmap/s/([ug]) 0 [0-9]+ 65536$/\1 0 100000 65536/'",
        cause=("idmap.within_subids",),
    ),
    Case(
        "conf_range_plus1", "confedit '/lxc.idmap/s/65536$/65537/'", cause=("idmap.within_subids",)
    ),
    Case("conf_range_1", "confedit '/lxc.idmap/s/65536$/1/'"),
    Case(
        "conf_nsid1",
        r"confedit '/lxc.idmap/s/\([ug]\) 0 \([0-9]*\) 65536$/\1 1 \2 65535/'",
        cause=("idmap.container_root",),
    ),
    Case(
        "conf_swapped_fields",
        r"confedit -E '/lxc.idmap/s/([ug]) 0 ([0-9]+) 65536$/\1 \2 0 65536/'",
        cause=("idmap.container_root",),
    ),
    Case("conf_only_u", "confedit '/lxc.idmap = g/d'", cause=("idmap.container_root",)),
    Case(
        "conf_overlap_maps",
        'confadd "lxc.idmap = u 100 $((BASE+100)) 10"',
        cause=("idmap.disjoint",),
    ),
    Case(
        "conf_other_uid_hole",
        'confedit -E "/lxc.idmap = u/s/.*/lxc.idmap = u 0 $BASE 1000\\nlxc.idmap = u 1000 1 1/"',
        cause=("idmap.within_subids",),
    ),
    Case(
        "conf_own_uid_hole",
        r'confedit -E "s/^lxc.idmap = ([ug]) 0 .*/lxc.idmap = \1 0 $BASE 1000\n'
        r'lxc.idmap = \1 1000 $ID 1\nlxc.idmap = \1 1001 $((BASE+1001)) 64535/"',
    ),
    Case("no_new_privs", prefix="setpriv --no-new-privs", cause=("session.no_new_privs",)),
    Case("bounding_set", runner="nopam --bounding-set=-setuid", cause=("session.bounding_set",)),
    Case(
        "path_no_uidmap",
        "mkdir -p /run/lxcbin; ln -sf /usr/bin/* /run/lxcbin/; rm -f /run/lxcbin/new?idmap",
        prefix="PATH=/run/lxcbin",
        cause=("idmap.helper_present",),
    ),
    Case(
        "path_shadowed_newuidmap",
        "mkdir $H/bin2; cp /usr/bin/new?idmap $H/bin2; chmod 755 $H/bin2/*",
        prefix="PATH=$HOME/bin2:$PATH",
        cause=("idmap.helper_privileged",),
    ),
    Case(
        "sg_group",
        "groupadd tgrp; usermod -aG tgrp $U",
        runner="sg tgrp",
        cause=("idmap.session_gid",),
    ),
    Case(
        "sg_group_granted",
        "groupadd tgrp; usermod -aG tgrp $U; echo 'GRANT_AUX_GROUP_SUBIDS yes' >> /etc/login.defs",
        runner="sg tgrp",
    ),
    Case("primary_gid_users", "usermod -g users $U"),
    Case(
        "newuidmap_suid_and_caps",
        "setcap cap_setuid=ep /usr/bin/newuidmap; chmod 4755 /usr/bin/newuidmap",
        cause=("idmap.helper_privileged",),
    ),
    Case(
        "newuidmap_is_a_directory",
        "mkdir -p $H/bin2/newuidmap; chown -R $U: $H/bin2",
        prefix="PATH=$HOME/bin2:$PATH",
        cause=("idmap.helper_privileged",),
    ),
    Case("subuid_count_0_from_0", 'sed -i "s/^$U:.*/$U:0:0/" /etc/subuid'),
    Case(
        "conf_own_ids_only",
        r'confedit -E "s/^lxc.idmap = u .*/lxc.idmap = u 0 $ID 1/; '
        r's/^lxc.idmap = g .*/lxc.idmap = g 0 $(id -g $U) 1/"',
    ),
    Case(
        "conf_own_ids_only_without_helpers",
        "mv /usr/bin/newuidmap /usr/bin/newuidmap.away; "
        r'confedit -E "s/^lxc.idmap = u .*/lxc.idmap = u 0 $ID 1/; '
        r's/^lxc.idmap = g .*/lxc.idmap = g 0 $(id -g $U) 1/"',
    ),
    Case(
        "conf_own_ids_only_without_file",
        "rm /etc/subuid; "
        r'confedit -E "s/^lxc.idmap = u .*/lxc.idmap = u 0 $ID 1/; '
        r's/^lxc.idmap = g .*/lxc.idmap = g 0 $(id -g $U) 1/"',
        cause=("idmap.subid_files",),
    ),
    Case(
        "subuid_over_own_uid",
        'sed -i "s/^$U:.*/$U:$ID:65536/" /etc/subuid /etc/subgid; '
        'sed -i -E "s/^(lxc.idmap = [ug] 0) .*/\\1 $ID 65536/" $CONF',
        cause=("idmap.within_subids",),
    ),
    Case(
        "subid_single",
        'sed -i "s/^$U:.*/$U:$BASE:1/" /etc/subuid /etc/subgid; '
        "confedit '/lxc.idmap/s/65536$/1/'",
    ),
    Case(
        "subid_ten",
        'sed -i "s/^$U:.*/$U:$BASE:10/" /etc/subuid /etc/subgid; '
        "confedit '/lxc.idmap/s/65536$/10/'",
    ),
)
