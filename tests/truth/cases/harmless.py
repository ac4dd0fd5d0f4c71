"""States that look wrong and work: no alarm is allowed here."""

from tests.truth.case import Case

CASES = (
    Case(
        "harmless_bin_shadow_not_executable",
        "mkdir -p $H/bin; cp /usr/bin/newuidmap $H/bin; chmod 644 $H/bin/newuidmap",
        prefix="PATH=$HOME/bin:$PATH",
    ),
    Case("harmless_sub_ids_of_others_broken", "printf 'x:y:z\\n:::\\nbob:1\\n' >> /etc/subuid"),
    Case(
        "harmless_huge_subuid",
        "for i in $(seq 20000); do echo u$i:$((2000000000+i)):1; done >> /etc/subuid",
    ),
    Case("harmless_fourth_field", 'sed -i "s/^$U:.*/&:extra/" /etc/subuid'),
    Case(
        "harmless_range_in_middle",
        'sed -i "s/^$U:.*/$U:$((BASE-1000)):100000/" /etc/subuid /etc/subgid',
    ),
    Case("harmless_overlapping_own_lines", 'echo "$U:$((BASE+100)):70000" >> /etc/subuid'),
    Case("harmless_config_tabs", r"confedit 's/ = /\t=\t/'"),
    Case("harmless_config_no_blanks", "confedit 's/ = /=/'"),
    Case(
        "harmless_config_junk_lines",
        "confadd '# lxc.nosuch = 1' '' '   # indented' 'notlxc.key = 1'",
    ),
    Case("harmless_empty_idmap_first", "confedit '1i lxc.idmap ='"),
    Case(
        "harmless_include_own_dir",
        "mkdir $H/conf.d; echo 'lxc.tty.max = 2' > $H/conf.d/a.conf; echo rubbish > $H/conf.d/b.txt; "
        'confadd "lxc.include = $H/conf.d"',
    ),
    Case("harmless_home_is_symlink", "mv $H /home/real; ln -s /home/real $H"),
    Case("harmless_sticky_lxcpath", "chmod 1777 $LXC"),
    Case("harmless_other_group_home", "chgrp users $H; chmod 711 $H"),
    Case("setgid_lxcpath", "chgrp users $LXC; chmod 2775 $LXC", cause=("storage.default_acl",)),
    Case("harmless_acl_extra_users", "setfacl -m u:daemon:rwx,g:users:r-x $H"),
    Case("default_acl_lxcpath", "setfacl -d -m u:$BASE:rwx $LXC", cause=("storage.default_acl",)),
    Case("harmless_no_etc_lxc", "rm -rf /etc/lxc"),
    Case("harmless_no_system_default_conf", "rm -f /etc/lxc/default.conf"),
    Case(
        "harmless_usernet_huge",
        "net tbr0; for i in $(seq 5000); do echo u$i veth br$i 1; done >> /etc/lxc/lxc-usernet",
    ),
    Case(
        "harmless_usernet_other_type_first",
        'net tbr0; printf "%s macvlan eth0 1\\n%s veth tbr0 1\\n" $U $U > /etc/lxc/lxc-usernet',
    ),
    Case(
        "harmless_stale_nics",
        'net tbr0 1; mkdir -p /run/lxc; echo "$U veth tbr0 vethGONE" > /run/lxc/nics',
    ),
    Case(
        "harmless_user_in_many_groups",
        "for i in $(seq 40); do groupadd g$i; usermod -aG g$i $U; done",
    ),
    Case("harmless_password_locked", "usermod -L $U"),
    Case("harmless_shell_sh", "usermod -s /bin/sh $U"),
    Case("harmless_tools_in_usr_sbin", "mv /usr/bin/xz /usr/bin/wget /usr/sbin/"),
    Case("harmless_no_wget", "mv /usr/bin/wget /usr/bin/wget.away"),
    Case("harmless_tmp_noexec", "mount -t tmpfs -o noexec,nosuid,nodev,mode=1777 tmpfs /var/tmp"),
    Case(
        "harmless_old_pam_loginuid",
        "sed -i '1i session required pam_loginuid.so' /etc/pam.d/su; true",
    ),
    Case(
        "harmless_dead_container_dirs",
        "for i in $(seq 30); do mkdir $LXC/dead$i; done; chown $U: $LXC/dead*",
    ),
    Case(
        "harmless_login_defs_no_subids",
        "sed -i '/^SUB_/d' /etc/login.defs; echo 'SUB_UID_COUNT 0' >> /etc/login.defs",
    ),
)
