#!/bin/bash
# What the how-tos tell people to look at before their first unprivileged container, as one script: run as the user,
# ends with 0 and "yes" when a container will start by these rules. One line per rule that is broken.
set -u
broken=0
no() { echo "no $1: $2"; broken=1; }
user=$(id -un)
config=$HOME/.config/lxc/default.conf

# "apt install lxc uidmap"
for tool in lxc-create lxc-start; do
    command -v "$tool" >/dev/null || no tools "$tool is not installed"
done
for tool in newuidmap newgidmap; do
    path=$(command -v "$tool")
    if [ -z "$path" ]; then no helpers "$tool is not installed"
    elif [ ! -u "$path" ]; then no helpers "$path is not setuid root"; fi
done

# "sysctl kernel.unprivileged_userns_clone=1"
clone=$(cat /proc/sys/kernel/unprivileged_userns_clone 2>/dev/null || echo 1)
[ "$clone" = 1 ] || no userns "kernel.unprivileged_userns_clone is $clone"
[ "$(cat /proc/sys/user/max_user_namespaces 2>/dev/null || echo 0)" -gt 0 ] || no userns "user.max_user_namespaces is 0"

# "grep $USER /etc/subuid /etc/subgid"
for file in /etc/subuid /etc/subgid; do
    grep -q "^$user:" "$file" || no subids "$file has no line for $user"
done

# "copy /etc/lxc/default.conf and add lxc.idmap with the ids from /etc/subuid"
if [ ! -r "$config" ]; then no config "$config is missing"
else
    for kind in u:subuid g:subgid; do
        ids=$(grep "^$user:" "/etc/${kind#*:}" | head -n 1 | cut -d: -f2-3 | tr : ' ')
        grep -Eq "^lxc.idmap *= *${kind%:*} 0 $ids\$" "$config" || no idmap "lxc.idmap is not what /etc/${kind#*:} grants"
    done
fi

# "chmod o+x your home, or the container cannot reach its root file system"
for directory in "$HOME" "$HOME/.local" "$HOME/.local/share"; do
    case $(stat -c %A "$directory") in
        *[xt]) ;;
        *) no home "$directory is not executable for others" ;;
    esac
done

# "echo $USER veth lxcbr0 10 >> /etc/lxc/lxc-usernet"
if grep -q "lxc.net.0.type *= *veth" "$config"; then
    link=$(sed -n 's/^lxc.net.0.link *= *//p' "$config" | tail -n 1)
    grep -Eq "^$user +veth +$link +[1-9]" /etc/lxc/lxc-usernet || no usernet "/etc/lxc/lxc-usernet has no line for $user and $link"
    [ -d "/sys/class/net/$link/bridge" ] || no bridge "there is no bridge $link"
fi

# "cgroups must be mounted"
grep -q " /sys/fs/cgroup" /proc/mounts || no cgroup "no cgroup is mounted"

[ "$broken" = 0 ] && echo yes
exit "$broken"
