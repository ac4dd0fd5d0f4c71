"""Kernel switches, namespace counts, what covers /proc and /sys."""

from tests.truth.case import Case

CASES = (
    *(
        Case(
            f"sysctl_max_{name}_ns_0",
            f"echo 0 > /proc/sys/user/max_{name}_namespaces",
            # no container needs a time namespace
            cause=() if name == "time" else (f"userns.limits.{name}",),
            userns=True,
        )
        for name in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time")
    ),
    Case("sysctl_max_user_ns_50", "echo 50 > /proc/sys/user/max_user_namespaces", userns=True),
    Case(
        "proc_masked",
        "mount -t tmpfs tmpfs /proc/scsi || mount -t tmpfs tmpfs /proc/sys",
        cause=("userns.visible.proc",),
    ),
    Case(
        "proc_sys_ro",
        "mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys",
        cause=("userns.visible.proc",),
    ),
    Case("proc_hidepid2", "mount -o remount,hidepid=2 /proc"),
    Case("sys_ro", "mount -o remount,bind,ro /sys"),
    Case(
        "sys_masked",
        "mount -t tmpfs tmpfs /sys/firmware; touch /sys/firmware/x",
        cause=("userns.visible.sys",),
    ),
    Case(
        "sys_ro_config_rw",
        "mount -o remount,bind,ro /sys; "
        "confadd 'lxc.mount.auto =' 'lxc.mount.auto = proc:rw sys:rw'",
        cause=("userns.visible.sys",),
    ),
    Case(
        "sysctl_max_user_ns_3",
        "echo 3 > /proc/sys/user/max_user_namespaces",
        userns=True,
        chance=True,
    ),
    Case(
        "keyring_full",
        "python3 -c 'import ctypes, os, sys, time\n"
        "add_key, user = ctypes.CDLL(None).syscall, int(sys.argv[1])\n"
        "os.setgroups([]); os.setresgid(user, user, user); os.setresuid(user, user, user)\n"
        "n = 0\n"
        'while add_key(248, b"user", b"k%d" % n, b"x", 1, ctypes.c_int(-4)) >= 0: n += 1\n'
        "time.sleep(200)' $BASE >/dev/null 2>&1 & sleep 1",
    ),
    Case(
        "sysctl_max_user_ns_1",
        "echo 1 > /proc/sys/user/max_user_namespaces",
        userns=True,
        cause=("userns.limits.user",),
    ),
    Case(
        "sysctl_max_user_ns_2",
        "echo 2 > /proc/sys/user/max_user_namespaces",
        userns=True,
        chance=True,
    ),
    Case(
        "sysctl_max_mnt_ns_1",
        "echo 1 > /proc/sys/user/max_mnt_namespaces",
        userns=True,
        cause=("userns.limits.mnt",),
    ),
    # The kernel compares atime flags of the host's instance with those of the new one.
    Case("proc_noatime", "mount -o remount,bind,noatime /proc", cause=("userns.visible.proc",)),
    Case(
        "proc_nodiratime",
        "mount -o remount,bind,relatime,nodiratime /proc",
        cause=("userns.visible.proc",),
    ),
    Case("sys_noatime", "mount -o remount,bind,noatime /sys", cause=("userns.visible.sys",)),
    Case("proc_ro", "mount -o remount,bind,ro /proc", cause=("userns.proc_writable",)),
    Case("proc_file_masked", "mount --bind /dev/null /proc/uptime", cause=("userns.visible.proc",)),
    Case("proc_binfmt_mounted", "mount -t tmpfs tmpfs /proc/sys/fs/binfmt_misc"),
    Case(
        "proc_masked_but_second_instance",
        "mount --bind /dev/null /proc/uptime; mkdir -p /run/p; mount -t proc proc /run/p",
    ),
    Case(
        "proc_masked_and_second_one_is_a_part",
        "mount --bind /dev/null /proc/uptime; mkdir -p /run/p; mount --bind /proc/sys /run/p",
        cause=("userns.visible.proc",),
    ),
    Case(
        "sys_usual_mounts",
        "for d in kernel/debug kernel/security fs/bpf fs/pstore fs/fuse/connections; do "
        "mount -t tmpfs tmpfs /sys/$d; done",
    ),
    Case("devpts_gone", "while umount -l /dev/pts; do :; done", cause=("userns.ptmx",)),
    Case(
        "ptmx_bound_to_closed_one", "mount --bind /dev/pts/ptmx /dev/ptmx", cause=("userns.ptmx",)
    ),
    Case(
        "devnull_writable_only",
        "mknod -m 622 /run/n c 1 3; mount --bind /run/n /dev/null",
        cause=("userns.dev_null",),
    ),
    Case(
        "idmap_341_lines",
        "confedit '/lxc.idmap/d'; for i in $(seq 0 340); do "
        "echo lxc.idmap = u $i $((BASE+2*i)) 1; done > /run/l; "
        'echo "lxc.idmap = g 0 $BASE 65536" >> /run/l; '
        "for f in $(confs); do cat /run/l >> $f; done",
        cause=("kernel.idmap_lines",),
    ),
)
