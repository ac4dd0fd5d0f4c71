"""Kernel switches, namespace counts, what covers /proc and /sys."""

from tests.truth.case import Case

CASES = (
    *(
        Case(
            f"sysctl_max_{name}_ns_0", f"echo 0 > /proc/sys/user/max_{name}_namespaces", userns=True
        )
        for name in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time")
    ),
    Case("sysctl_max_user_ns_50", "echo 50 > /proc/sys/user/max_user_namespaces", userns=True),
    Case("proc_masked", "mount -t tmpfs tmpfs /proc/scsi || mount -t tmpfs tmpfs /proc/sys"),
    Case("proc_sys_ro", "mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys"),
    Case("proc_hidepid2", "mount -o remount,hidepid=2 /proc"),
    Case("sys_ro", "mount -o remount,bind,ro /sys"),
    Case("sys_masked", "mount -t tmpfs tmpfs /sys/firmware; touch /sys/firmware/x"),
    Case(
        "sys_ro_config_rw",
        "mount -o remount,bind,ro /sys; confadd 'lxc.mount.auto =' 'lxc.mount.auto = proc:rw sys:rw'",
    ),
)
