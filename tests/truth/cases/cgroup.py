"""Cgroups: hybrid as this machine boots, and a pure cgroup2 host made by mounting one."""

from tests.truth.case import PAM_CGFS, Case

MEMORY2 = ("memory.max=67108864",)
CASES = (
    Case("cg1_nopam", runner="nopam"),
    Case("cg_no_pam_cgfs", "sed -i /pam_cgfs/d /etc/pam.d/common-session"),
    Case("cg1_no_systemd_hier", "umount -l /sys/fs/cgroup/systemd"),
    Case(
        "cg_all_readonly",
        "for m in $(awk '$3 ~ /^cgroup/{print $2}' /proc/mounts); do mount -o remount,bind,ro $m; done",
    ),
    Case("cg_none_mounted", "umount -R -l /sys/fs/cgroup"),
    Case("cg_mount_auto_rw", "confadd 'lxc.mount.auto = cgroup:rw:force'"),
    Case(
        "cg1_limit_memory",
        "confadd 'lxc.cgroup.memory.limit_in_bytes = 67108864'",
        limits=("memory.limit_in_bytes=67108864",),
        needs=(PAM_CGFS,),
    ),
    Case(
        "cg1_limit_pids_undelegated",
        "confadd 'lxc.cgroup.pids.max = 100'",
        limits=("pids.max=100",),
        cause=("cgroup.limits",),
        needs=(PAM_CGFS,),
    ),
    Case(
        "cg1_devices_deny",
        "confadd 'lxc.cgroup.devices.deny = a' 'lxc.cgroup.devices.allow = c 1:3 rwm'",
        cause=("cgroup.limits",),
        needs=(PAM_CGFS,),
    ),
    Case(
        "cg_limit_wrong_version",
        "confadd 'lxc.cgroup2.memory.max = 67108864'",
        limits=MEMORY2,
        cause=("cgroup.limits",),
        needs=(PAM_CGFS,),
    ),
    Case("cg2_not_delegated", "unified", runner="nopam"),
    Case("cg2_not_delegated_login", "unified"),
    Case(
        "cg2_limit_undelegated",
        "unified; confadd 'lxc.cgroup2.memory.max = 67108864'",
        runner="nopam",
        limits=MEMORY2,
        cause=("cgroup.user_cgroup",),
    ),
    Case(
        "cg2_rootowned_leaf",
        "tree",
        runner="nopam",
        context="echo $BASHPID > /sys/fs/cgroup/$CG/$U/shell/cgroup.procs",
    ),
    Case(
        "cg2_delegated",
        "tree; chown -R $U: /sys/fs/cgroup/$CG/$U",
        runner="nopam",
        context="echo $BASHPID > /sys/fs/cgroup/$CG/$U/shell/cgroup.procs",
    ),
    Case(
        "cg2_delegated_dironly",
        "tree; chown $U: /sys/fs/cgroup/$CG/$U /sys/fs/cgroup/$CG/$U/shell",
        runner="nopam",
        context="echo $BASHPID > /sys/fs/cgroup/$CG/$U/shell/cgroup.procs",
    ),
    Case("cg2_caller_outside", "tree; chown -R $U: /sys/fs/cgroup/$CG/$U", runner="nopam"),
    Case(
        "cg2_max_descendants",
        "tree; chown -R $U: /sys/fs/cgroup/$CG/$U; echo 1 > /sys/fs/cgroup/$CG/cgroup.max.descendants",
        runner="nopam",
        context="echo $BASHPID > /sys/fs/cgroup/$CG/$U/shell/cgroup.procs",
        cause=("cgroup.room",),
    ),
    Case(
        "cg2_limit_no_controller",
        "tree; chown -R $U: /sys/fs/cgroup/$CG/$U; confadd 'lxc.cgroup2.memory.max = 67108864'",
        runner="nopam",
        context="echo $BASHPID > /sys/fs/cgroup/$CG/$U/shell/cgroup.procs",
        limits=MEMORY2,
        cause=("cgroup.limits",),
    ),
)
