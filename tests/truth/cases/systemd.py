"""Guests whose init is systemd: what a busybox guest shrugs at may kill them."""

from tests.truth.case import Case
from tests.truth.cases import cgroup, kernel, storage

SAME = (
    *("cg1_nopam", "cg_no_pam_cgfs", "cg1_no_systemd_hier", "cg_none_mounted", "cg_all_readonly"),
    *("cg2_not_delegated", "cg2_delegated", "cg2_delegated_dironly", "cg2_caller_outside"),
    *("lxcpath_nosuid_nodev", "lxcpath_noexec", "sys_ro", "proc_sys_ro"),
)
PLAIN = {case.name: case for module in (cgroup, kernel, storage) for case in module.CASES}

CASES = (
    Case("sysd_baseline", guest="systemd"),
    *(PLAIN[name]._replace(name=f"sysd_{name}", guest="systemd") for name in SAME),
    Case("sysd_rootfs_root_owned", "chown -R root:root $LXC/deb/rootfs", guest="systemd"),
)
