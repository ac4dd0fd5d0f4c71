"""Guests whose init is systemd: what a busybox guest shrugs at may kill them."""

from tests.truth.case import PAM_CGFS, Case
from tests.truth.cases import cgroup, kernel, storage

SAME = (
    *("cg1_nopam", "cg_no_pam_cgfs", "cg1_no_systemd_hier", "cg_none_mounted", "cg_all_readonly"),
    *("cg2_not_delegated", "cg2_delegated", "cg2_delegated_dironly", "cg2_caller_outside"),
    *("lxcpath_nosuid_nodev", "lxcpath_noexec", "sys_ro", "proc_sys_ro"),
)
NO_CGROUP = ("cgroup.user_cgroup",)
KILLS = {
    "cg1_nopam": NO_CGROUP,
    "cg_no_pam_cgfs": NO_CGROUP,
    "cg1_no_systemd_hier": ("cgroup.user_cgroup", "cgroup.systemd_guest"),
    "cg_none_mounted": NO_CGROUP,
    "cg_all_readonly": NO_CGROUP,
    "cg2_not_delegated": NO_CGROUP,
    "cg2_delegated_dironly": NO_CGROUP,
    "cg2_caller_outside": NO_CGROUP,
    "sys_ro": ("userns.visible.sys",),
    "lxcpath_noexec": ("storage.noexec",),
    "proc_sys_ro": ("userns.visible.proc",),
}
PLAIN = {case.name: case for module in (cgroup, kernel, storage) for case in module.CASES}

CASES = (
    Case("sysd_baseline", guest="systemd", needs=(PAM_CGFS,)),
    *(
        PLAIN[name]._replace(
            name=f"sysd_{name}", guest="systemd", cause=KILLS.get(name, ()), needs=(PAM_CGFS,)
        )
        for name in SAME
    ),
    Case("sysd_umask_027_only", prefix="umask 027;", guest="systemd", needs=(PAM_CGFS,)),
    Case(
        "sysd_rootfs_root_owned",
        "chown -R root:root $LXC/deb/rootfs",
        guest="systemd",
        needs=(PAM_CGFS,),
    ),
)
