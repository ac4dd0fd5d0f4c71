"""Directories, permissions, file systems, and where LXC keeps things."""

from tests.truth.case import Case

CASES = (
    Case("healthy"),
    Case("home_0700", "chmod 700 $H", cause=("storage.path_access",)),
    Case("home_0750", "chmod 750 $H", cause=("storage.path_access",)),
    Case(
        "home_0700_foreign_group",
        "chgrp users $H; chmod 700 $H",
        cause=(
            "storage.path_access",
            "storage.template_access",
        ),
    ),
    Case(
        "default_acl_without_group",
        "setfacl -d -m u:$BASE:x,g::x $LXC",
        cause=("storage.default_acl",),
    ),
    Case("default_acl_with_group", "setfacl -d -m u:$BASE:x,g::rwx $LXC"),
    Case("home_0711", "chmod 711 $H"),
    Case("home_0755_no_o_r_parents", "chmod 711 $H $H/.local $H/.local/share $LXC"),
    Case("slash_home_0711", "chmod 711 /home"),
    Case("local_0700", "chmod 700 $H/.local", cause=("storage.path_access",)),
    Case("share_0700", "chmod 700 $H/.local/share", cause=("storage.path_access",)),
    Case("lxcpath_0700", "chmod 700 $LXC", cause=("storage.path_access",)),
    Case(
        "acl_all_dirs",
        "chmod 700 $H $H/.local $H/.local/share $LXC; "
        "setfacl -m u:$BASE:x $H $H/.local $H/.local/share $LXC",
    ),
    Case(
        "acl_home_only",
        "chmod 700 $H $H/.local $H/.local/share; setfacl -m u:$BASE:x $H",
        cause=("storage.path_access",),
    ),
    Case("home_acl_root", "chmod 700 $H; setfacl -m u:$BASE:x $H"),
    Case("home_acl_group", "chmod 700 $H; setfacl -m g:$BASE:x $H"),
    Case(
        "home_acl_masked",
        "chmod 700 $H; setfacl -m u:$BASE:x $H; chmod 700 $H",
        cause=("storage.path_access",),
    ),
    Case(
        "home_acl_wrong_id",
        "chmod 700 $H; setfacl -m u:100000:x $H",
        cause=("storage.path_access",),
    ),
    Case("home_acl_deny", "setfacl -m u:$BASE:--- $H", cause=("storage.path_access",)),
    Case("home_gid_mapped", "chgrp $BASE $H; chmod 710 $H"),
    Case("home_gid_trap", "chgrp $BASE $H; chmod 701 $H", cause=("storage.path_access",)),
    Case("config_0700", "chmod 700 $H/.config $H/.config/lxc $H/.cache; chmod 600 $CONF"),
    Case(
        "share_root_owned",
        "chown root:root $H/.local/share; rm -rf $LXC",
        cause=("storage.lxcpath",),
    ),
    Case("lxcpath_root_owned", "chown root:root $LXC", cause=("storage.lxcpath",)),
    Case("cache_root_owned", "rm -rf $H/.cache; mkdir $H/.cache", cause=("storage.run_dir",)),
    Case(
        "cache_lxc_root_owned",
        "mkdir -p $H/.cache/lxc/run/lxc/lock; chown -R root: $H/.cache/lxc",
        cause=("storage.run_dir",),
    ),
    Case(
        "lxcpath_ro",
        "remount mount -t tmpfs tmpfs; mount -o remount,ro $LXC",
        cause=("storage.lxcpath",),
    ),
    Case("lxcpath_noexec", "remount mount -t tmpfs -o noexec tmpfs", cause=("storage.noexec",)),
    Case("lxcpath_nodev", "remount mount -t tmpfs -o nodev tmpfs"),
    Case("lxcpath_nosuid", "remount mount -t tmpfs -o nosuid tmpfs"),
    Case("lxcpath_nosuid_nodev", "remount mount -t tmpfs -o nosuid,nodev,noatime tmpfs"),
    Case("lxcpath_overlayfs", "remount overlay"),
    Case("lxcpath_xfs", "remount image xfs", needs=("mkfs.xfs",)),
    Case("lxcpath_btrfs", "remount image btrfs", needs=("mkfs.btrfs",)),
    Case(
        "fs_chown_denied",
        "behind_fuse bindfs -o nonempty,allow_other --force-user=$U --force-group=$U "
        "--chown-deny --chgrp-deny",
        cause=("storage.filesystem", "storage.rootfs"),
        needs=("bindfs",),
    ),
    Case(
        "fs_chown_ignored",
        "behind_fuse bindfs -o nonempty,allow_other --force-user=$U --force-group=$U "
        "--chown-ignore --chgrp-ignore",
        cause=("storage.filesystem", "storage.rootfs"),
        needs=("bindfs",),
    ),
    Case(
        "fuse_user_noallow",
        "behind_fuse setpriv --reuid=$U --regid=$U --init-groups bindfs -o nonempty --no-allow-other",
        cause=("storage.filesystem",),
        needs=("bindfs", "fusermount"),
    ),
    Case("lxcpath_ext4", "remount image ext4"),
    Case(
        "lxcpath_symlink",
        "mkdir /srv/real; chown $U: /srv/real; cp -a $LXC/. /srv/real/; "
        "rm -rf $LXC; ln -s /srv/real $LXC; chown -h $U: $LXC",
    ),
    Case(
        "lxcpath_tmpfs_small",
        "remount mount -t tmpfs -o size=2600k tmpfs; "
        "dd if=/dev/zero of=$LXC/fill bs=4k 2>/dev/null; true",
        cause=("storage.space",),
    ),
    Case(
        "lxcpath_inodes",
        "remount mount -t tmpfs -o nr_inodes=800 tmpfs; "
        "i=0; while : > $LXC/base/f$i; do i=$((i+1)); done 2>/dev/null; true",
        cause=("storage.space",),
    ),
    Case(
        "lxcconf_lxcpath_elsewhere",
        "mkdir -p /srv/tlxc; chown $U: /srv/tlxc; cp -a $LXC/base /srv/tlxc/; "
        "sed -i s#$LXC#/srv/tlxc# /srv/tlxc/base/config; "
        "echo 'lxc.lxcpath = /srv/tlxc' > $H/.config/lxc/lxc.conf; chmod 700 $H",
    ),
    Case(
        "lxcconf_lxcpath_unwritable",
        "echo 'lxc.lxcpath = /var/lib/lxc' > $H/.config/lxc/lxc.conf",
        cause=("storage.lxcpath",),
    ),
    Case(
        "lxcconf_default_config",
        "echo 'lxc.default_config = /etc/lxc/default.conf' > $H/.config/lxc/lxc.conf",
        cause=(
            "idmap.container_root",
            "network.bridge_exists",
            "network.usernet_file",
        ),
    ),
    Case("container_dir_0700", "chmod 700 $LXC/base", cause=("config.present",)),
    Case("rootfs_unshifted", "chown -R $U:$U $LXC/base", cause=("storage.rootfs",)),
    Case("rootfs_root_owned", "chown -R root:root $LXC/base/rootfs"),
    Case("rootfs_moved", "mv $LXC/base/rootfs $LXC/base/rootfs.moved", cause=("storage.rootfs",)),
    Case("init_missing", "rm -f $LXC/base/rootfs/sbin/init", cause=("config.init",)),
    Case("name_running", 'asuser "lxc-start -n base"'),
    # what a failed lxc-create leaves; a name that is in the way is judged by -n
    Case(
        "leftover_user_dir",
        "rm -rf $LXC/base; mkdir $LXC/base; chown $U: $LXC/base",
        cause=("config.present",),
    ),
    Case(
        "leftover_shifted_dir",
        "rm -rf $LXC/base; mkdir $LXC/base; chown $BASE:$BASE $LXC/base; chmod 770 $LXC/base",
        cause=("config.leftovers", "config.present"),
    ),
    Case(
        "rootfs_mountpoint_missing",
        "rmdir /usr/lib/x86_64-linux-gnu/lxc/rootfs || "
        "mv /usr/lib/x86_64-linux-gnu/lxc/rootfs /usr/lib/x86_64-linux-gnu/lxc/rootfs.away",
        cause=("lxc.rootfs_mount_point",),
    ),
    Case("cwd_unreadable", runner="cwdroot"),
    Case("fresh_home", "rm -rf $H/.local $H/.cache", cause=("refused",)),
)
