"""Id maps and their helpers: newuidmap, newgidmap, /etc/subuid, /etc/subgid, lxc.idmap."""

from tests.truth.case import Case

HELPER = ("idmap.helper_present", "idmap.helper_privileged")

CASES = (
    Case("newuidmap_nosuid", "chmod u-s /usr/bin/newuidmap", HELPER),
    Case("newgidmap_nosuid", "chmod u-s /usr/bin/newgidmap", HELPER),
    Case("newuidmap_missing", "mv /usr/bin/newuidmap /usr/bin/newuidmap.away", HELPER),
    Case("newgidmap_missing", "mv /usr/bin/newgidmap /usr/bin/newgidmap.away", HELPER),
    Case("newuidmap_0750", "chmod 4750 /usr/bin/newuidmap", HELPER),
    Case(
        "newgidmap_wrongcap",
        "chmod u-s /usr/bin/newgidmap; setcap cap_setuid=ep /usr/bin/newgidmap",
        HELPER,
    ),
    Case(
        "newuidmap_suid_nonroot",
        "chown daemon /usr/bin/newuidmap; chmod 4755 /usr/bin/newuidmap",
        HELPER,
    ),
    Case(
        "idmap_filecaps",
        "chmod u-s /usr/bin/new[ug]idmap; setcap cap_setuid=ep /usr/bin/newuidmap; "
        "setcap cap_setgid=ep /usr/bin/newgidmap",
    ),
    Case("usr_nosuid", "mount --bind /usr /usr; mount -o remount,bind,nosuid /usr"),
    Case("subuid_none", 'sed -i "/^$U:/d" /etc/subuid'),
    Case("subgid_none", 'sed -i "/^$U:/d" /etc/subgid'),
    Case("subuid_nofile", "rm -f /etc/subuid"),
    Case("subuid_symlink", "cp /etc/subuid /run/subuid; ln -sf /run/subuid /etc/subuid"),
    Case("subuid_shifted", 'sed -i "s/^$U:.*/$U:$((BASE+1)):65536/" /etc/subuid'),
    Case("subuid_short1", r'sed -i "s/^$U:\([0-9]*\):65536/$U:\1:65535/" /etc/subuid'),
    Case("subgid_short1", r'sed -i "s/^$U:\([0-9]*\):65536/$U:\1:65535/" /etc/subgid'),
    Case("subuid_crlf", r'sed -i "s/^\($U:.*\)$/\1\r/" /etc/subuid'),
    Case("subuid_trailing_space", 'sed -i "s/^$U:.*/& /" /etc/subuid'),
    Case("subuid_dash_range", 'sed -i "s/^$U:.*/$U:$BASE-$((BASE+65535))/" /etc/subuid'),
    Case("subuid_leading_zero", 'sed -i "s/^$U:/$U:0/" /etc/subuid'),
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
    ),
    Case("subuid_overlap", 'echo "other:$BASE:65536" >> /etc/subuid'),
    Case("nss_subid_sss", "echo 'subid: sss' >> /etc/nsswitch.conf"),
    Case(
        "conf_wrong_base", r"confedit -E '/lxc.idmap/s/([ug]) 0 [0-9]+ 65536$/\1 0 100000 65536/'"
    ),
    Case("conf_range_plus1", "confedit '/lxc.idmap/s/65536$/65537/'"),
    Case("conf_range_1", "confedit '/lxc.idmap/s/65536$/1/'"),
    Case("conf_nsid1", r"confedit '/lxc.idmap/s/\([ug]\) 0 \([0-9]*\) 65536$/\1 1 \2 65535/'"),
    Case(
        "conf_swapped_fields", r"confedit -E '/lxc.idmap/s/([ug]) 0 ([0-9]+) 65536$/\1 \2 0 65536/'"
    ),
    Case("conf_only_u", "confedit '/lxc.idmap = g/d'"),
    Case("conf_overlap_maps", 'confadd "lxc.idmap = u 100 $((BASE+100)) 10"'),
    Case(
        "conf_other_uid_hole",
        'confedit -E "/lxc.idmap = u/s/.*/lxc.idmap = u 0 $BASE 1000\\nlxc.idmap = u 1000 1 1/"',
    ),
    Case(
        "conf_own_uid_hole",
        r'confedit -E "s/^lxc.idmap = ([ug]) 0 .*/lxc.idmap = \1 0 $BASE 1000\n'
        r'lxc.idmap = \1 1000 $ID 1\nlxc.idmap = \1 1001 $((BASE+1001)) 64535/"',
    ),
    Case("no_new_privs", prefix="setpriv --no-new-privs"),
    Case("bounding_set", runner="nopam --bounding-set=-setuid"),
    Case(
        "path_no_uidmap",
        "mkdir -p /run/lxcbin; ln -sf /usr/bin/* /run/lxcbin/; rm -f /run/lxcbin/new?idmap",
        prefix="PATH=/run/lxcbin",
    ),
    Case(
        "path_shadowed_newuidmap",
        "mkdir $H/bin2; cp /usr/bin/new?idmap $H/bin2; chmod 755 $H/bin2/*",
        prefix="PATH=$HOME/bin2:$PATH",
    ),
    Case("sg_group", "groupadd tgrp; usermod -aG tgrp $U", runner="sg tgrp"),
    Case(
        "sg_group_granted",
        "groupadd tgrp; usermod -aG tgrp $U; echo 'GRANT_AUX_GROUP_SUBIDS yes' >> /etc/login.defs",
        runner="sg tgrp",
    ),
    Case("primary_gid_users", "usermod -g users $U"),
    Case(
        "newuidmap_suid_and_caps",
        "setcap cap_setuid=ep /usr/bin/newuidmap; chmod 4755 /usr/bin/newuidmap",
        HELPER,
    ),
    Case(
        "newuidmap_is_a_directory",
        "mkdir -p $H/bin2/newuidmap; chown -R $U: $H/bin2",
        HELPER,
        prefix="PATH=$HOME/bin2:$PATH",
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
