#!/bin/bash
# Build one host image: disk.img (raw ext4 without a partition table), vmlinuz, initrd and packages in $OUT.
#
# Called by image.py, which sets SUITE, INIT, PACKAGES (comma separated), BARE, UBUNTU, MIB, OUT, DEBS (a cache of
# packages) and SOURCE_DATE_EPOCH. No loop mount, nothing but the distribution's packages, and nothing random: the
# same packages make the same bytes. Keys of sshd are made in the host, at its first use.
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")" && pwd)/guest
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root

mirror=http://deb.debian.org/debian
options=() sources=() components=main kernel=linux-image-cloud-amd64
if [ -n "$UBUNTU" ]; then
    mirror=http://archive.ubuntu.com/ubuntu components=main,universe kernel=linux-image-virtual
    # Debian has no package of Ubuntu's keys: theirs, pinned by its hash.
    keyring=ubuntu-keyring_2023.11.28.1_all.deb
    python3 - "$mirror/pool/main/u/ubuntu-keyring/$keyring" "$work/$keyring" <<'FETCH'
import sys, urllib.request
urllib.request.urlretrieve(sys.argv[1], sys.argv[2])
FETCH
    echo "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8  $work/$keyring" | sha256sum --check --quiet
    dpkg-deb --fsys-tarfile "$work/$keyring" | tar -x -C "$work" ./usr/share/keyrings/ubuntu-archive-keyring.gpg
    options+=("--keyring=$work/usr/share/keyrings/ubuntu-archive-keyring.gpg")
fi
sources+=("deb $mirror $SUITE ${components//,/ }")

# The kernel package is unpacked, not installed: its initramfs would be ten times as big, and a minute's work.
# shellcheck disable=SC2016  # $1 is the hooks' own
mmdebstrap --mode=root --variant=apt --format=directory --architectures=amd64 --components="$components" \
    --include="$PACKAGES" "${options[@]}" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --skip=download/empty --skip=essential/unlink --skip=cleanup/apt/cache \
    --setup-hook='mkdir -p "$1/var/cache/apt/archives"' \
    --setup-hook="cp -a '$DEBS/.' \"\$1/var/cache/apt/archives/\"" \
    --customize-hook="bash '$here/kernel-hook' \"\$1\" '$kernel'" \
    --customize-hook="cp -u \"\$1\"/var/cache/apt/archives/*.deb '$DEBS/'" \
    --customize-hook='rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*' \
    "$SUITE" "$root" "${sources[@]}"
chmod 755 "$root"

# --- the host's own settings
echo "$SUITE" >"$root/etc/hostname"
printf '127.0.0.1 localhost %s\n' "$SUITE" >"$root/etc/hosts"
: >"$root/etc/fstab"
: >"$root/etc/resolv.conf"
if [ -z "$BARE" ]; then
    chroot "$root" useradd -m -s /bin/bash lxc  # which allots sub-ids by itself
fi
rm -f "$root"/var/cache/apt/*.bin "$root"/etc/ssh/ssh_host_* "$root/etc/machine-id" "$root/var/lib/dbus/machine-id"
: >"$root/etc/machine-id"
install -m 755 "$here/agent.py" "$root/usr/local/sbin/host-agent"

# Debian 11 has Python 3.9: Debian 12's lies beside it, linked to its own libraries.
if [ "$SUITE" = bullseye ]; then
    mmdebstrap --mode=root --variant=extract --architectures=amd64 --include=python3.11,libpython3.11-stdlib \
        --skip=cleanup/apt bookworm "$work/python" "deb $mirror bookworm main"
    place=$root/opt/python3.11
    mkdir -p "$place/usr/lib" "$place/usr/bin" "$place/lib64"
    cp -a "$work/python/usr/lib/python3.11" "$place/usr/lib/"
    cp -a "$work/python/usr/bin/python3.11" "$place/usr/bin/"
    cp -aL "$work"/python/{usr/,}lib/x86_64-linux-gnu/*.so* "$place/usr/lib/"
    cp -L "$work"/python/lib*/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$place/lib64/"
    patchelf --set-interpreter /opt/python3.11/lib64/ld-linux-x86-64.so.2 \
        --force-rpath --set-rpath /opt/python3.11/usr/lib "$place/usr/bin/python3.11"
    ln -s /opt/python3.11/usr/bin/python3.11 "$root/usr/local/bin/python3.11"
fi

case $INIT in
    systemd)
        cp "$here/host-agent.service" "$root/etc/systemd/system/"
        mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
        ln -s ../host-agent.service "$root/etc/systemd/system/multi-user.target.wants/"
        # What only costs time at each boot.
        for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
            dpkg-db-backup.timer systemd-tmpfiles-clean.timer getty@tty1.service serial-getty@ttyS0.service \
            serial-getty@hvc0.service getty-static.service systemd-pstore.service systemd-firstboot.service \
            systemd-timesyncd.service systemd-networkd-wait-online.service systemd-hwdb-update.service \
            ldconfig.service systemd-journal-catalog-update.service systemd-update-utmp.service motd-news.timer \
            systemd-update-utmp-runlevel.service lxc-net.service ssh.service ssh.socket networkd-dispatcher.service; do
            ln -sf /dev/null "$root/etc/systemd/system/$unit"
        done
        ;;
    *)
        # As a getty is: a child of pid 1, in no service's cgroup.
        sed -i -E 's/^([1-6]:.*getty.*)/#\1/' "$root/etc/inittab"
        echo 'ha:2345:respawn:/usr/local/sbin/host-agent </dev/null >/dev/console 2>&1' >>"$root/etc/inittab"
        for service in lxc lxc-net ssh exim4 hwclock.sh dnsmasq nftables brightness urandom mountnfs.sh \
            mountnfs-bootclean.sh checkroot-bootclean.sh bootlogs savecache; do
            rm -f "$root"/etc/runlevels/*/$service "$root"/etc/rc?.d/S??$service
        done
        ;;
esac
chroot "$root" dpkg-query -W | sort >"$OUT/packages"

# --- kernel, modules and a small initrd
version=$(basename "$root"/lib/modules/*)
# Unpacked: decompressing modules costs seconds of each emulated boot.
find "$root/lib/modules" -name '*.ko.xz' -exec xz -d {} +
find "$root/lib/modules" -name '*.ko.zst' -exec zstd -q -d --rm {} +
depmod -b "$root" "$version"
cp "$root/boot/vmlinuz-$version" "$OUT/vmlinuz"
initrd=$work/initrd
mkdir -p "$initrd"/{bin,dev,proc,sys,root,modules}
cp "$(command -v busybox)" "$initrd/bin/busybox"
install -m 755 "$here/initrd-init" "$initrd/init"
: >"$initrd/modules/order"
for module in virtio_pci virtio_blk ext4; do
    modprobe -d "$root" -S "$version" --show-depends "$module" 2>/dev/null || true
done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' | while read -r file; do
    cp "$file" "$initrd/modules/"
    basename "$file" >>"$initrd/modules/order"
done
(cd "$initrd" && find . -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} + &&
    find . | sort | cpio --create --format=newc --owner=0:0 --reproducible --quiet) >"$OUT/initrd"

# --- ext4 without a mount; fixed ids and times instead of random ones
find "$root" -xdev -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
truncate -s "${MIB}M" "$OUT/disk.img"
id=6c78632d-7072-6566-6c69-676874000000
E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -O ^has_journal,^metadata_csum \
    -E "lazy_itable_init=1,hash_seed=$id" -U "$id" -L root -d "$root" "$OUT/disk.img"
# The files' own times of change and access are those of the build, and so is that of the last write.
inodes=$(dumpe2fs -h "$OUT/disk.img" 2>/dev/null |
    awk '/^Inode count/ {all = $3} /^Free inodes/ {free = $3} END {print all - free}')
seq 2 "$inodes" | awk -v when="@$SOURCE_DATE_EPOCH" '$1 == 2 || $1 > 10 {
    print "set_inode_field <" $1 "> ctime " when "\nset_inode_field <" $1 "> atime " when
}
END {print "set_current_time " when "\nset_super_value wtime " when}' | debugfs -w -f - "$OUT/disk.img" >/dev/null 2>&1
