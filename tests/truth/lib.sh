# Helpers for sabotages. Set by the world: U (user), H (home), ID (uid), BASE (first subordinate id).
# shellcheck shell=bash disable=SC2154
set -u
CONF=$H/.config/lxc/default.conf
LXC=$H/.local/share/lxc
confs() { echo "$CONF"; [ ! -e "$LXC/base/config" ] || echo "$LXC/base/config"; }
confadd() { local f; for f in $(confs); do printf '%s\n' "$@" >>"$f"; done; }
confedit() { local f; for f in $(confs); do sed -i "$@" "$f"; done; }
asuser() { su - "$U" -c "$*"; }
net() { # BRIDGE [QUOTA]: bridge tbr0 10.77.0.1/24 and a config that wants BRIDGE
    ip link add name tbr0 type bridge
    ip addr add 10.77.0.1/24 dev tbr0
    ip link set tbr0 up
    echo "$U veth tbr0 ${2:-5}" >/etc/lxc/lxc-usernet
    netconf 'lxc.net.0.type = veth' "lxc.net.0.link = $1" 'lxc.net.0.flags = up' \
        'lxc.net.0.name = eth0' 'lxc.net.0.ipv4.address = 10.77.0.101/24'
}
netconf() { local f; for f in $(confs); do sed -i '/lxc.net/d' "$f"; printf '%s\n' "$@" >>"$f"; done; }
othercontainer() { # a second container with the same config, running
    cp -a "$LXC/base" "$LXC/other"
    sed -i 's#lxc/base/#lxc/other/#; s/"base"/"other"/' "$LXC/other/config"
    asuser "lxc-start -n other"
}
remount() { # MOUNT-COMMAND...: put the lxcpath on another file system
    cp -a "$LXC" "$LXC.kept"
    "$@" "$LXC"
    cp -a "$LXC.kept/." "$LXC/"
    chown --reference="$LXC.kept" "$LXC"
    chmod 755 "$LXC"
}
image() { # TYPE DIR: a loop-mounted file system
    truncate -s 400M "/run/t.$1.img"
    "mkfs.$1" -q "/run/t.$1.img" >/dev/null
    mount -o loop "/run/t.$1.img" "$2"
}
overlay() {
    mkdir -p /run/o/l /run/o/u /run/o/w
    mount -t overlay overlay -o lowerdir=/run/o/l,upperdir=/run/o/u,workdir=/run/o/w "$1"
}
behind_fuse() { # COMMAND...: the lxcpath as a bindfs, mounted by COMMAND FROM TO
    cp -a "$LXC" /run/behind
    mknod -m 666 /run/fuse c 10 229
    mount --bind /run/fuse /dev/fuse
    "$@" /run/behind "$LXC"
    grep -q " $LXC fuse" /proc/mounts
}
unified() { umount -R -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; }
tree() { unified; mkdir -p "/sys/fs/cgroup/$CG/$U/shell"; }
