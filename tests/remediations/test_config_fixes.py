"""Law 4 for the fixes of config.* and kernel.*: what becomes of the lines of a config."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from audit.host import Request
from audit.model import Outcome
from audit.registry import builtin
from audit.source import Answer, Question
from tests.remediations.law4 import Entry, Tree, law4, outcomes, script_of
from tests.remediations.lxc_tree import CONFIG, CONTAINERS, HOME, IDMAP, theirs, tree_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
CHECKS = builtin()
ANSWERS: Mapping[Question, Answer] = {("uname",): ["Linux", "h", "6.1.0", "x86_64"]}
OLD = Request("lxc", container="c")
NA = Outcome.NOT_APPLICABLE
POLICY = "/usr/share/lxc/config/common.seccomp"


class Case(NamedTuple):
    """The lines behind the id maps, the check that fails for them, and what they are afterwards."""

    check: str
    lines: str
    after: str
    changes: Mapping[str, str | Entry | None] = {}
    cured: Outcome = Outcome.PASS
    text: str = ""  # the whole of the config instead
    request: Request = Request("lxc")


LEGACY = """lxc.utsname = web
  lxc.network.type = veth
lxc.network.link=lxcbr0
lxc.network.ipv4 = 10.0.3.7/24
lxc.network.type\t= empty
lxc.rootfs.backend = btrfs
lxc.rootfs = /srv/c
lxc.kmsg = 0
lxc.limit.nofile = 1024
lxc.aa_profile = unconfined\r
"""
MIGRATED = """lxc.uts.name = web
  lxc.net.0.type = veth
lxc.net.0.link=lxcbr0
lxc.net.0.ipv4.address = 10.0.3.7/24
lxc.net.1.type\t= empty
# lxc.rootfs.backend = btrfs
lxc.rootfs.path = btrfs:/srv/c
# lxc.kmsg = 0
lxc.prlimit.nofile = 1024
lxc.apparmor.profile = unconfined\r
"""
CASES = (
    Case("legacy_keys", LEGACY, MIGRATED),
    Case(
        "legacy_keys",
        "lxc.net.0.type = empty\nlxc.network.1.type = veth\nlxc.network.flags = up\n",
        "lxc.net.0.type = empty\nlxc.net.1.type = veth\nlxc.net.1.flags = up\n",
    ),
    Case("syntax", "lxc.uts.name\tweb\nlxc.nothing\n", "lxc.uts.name = web\n# lxc.nothing\n"),
    Case("keys_known", "lxc.foo = 1\nlxc.tty.max = 1\n", "# lxc.foo = 1\nlxc.tty.max = 1\n"),
    Case("values", "lxc.tty.max = x\n", "# lxc.tty.max = x\n"),
    Case(
        "values",
        "lxc.net.0.veth.pair = a\nlxc.net.0.veth.mode = bridge\nlxc.net.0.type = veth\n",
        "lxc.net.0.type = veth\nlxc.net.0.veth.mode = bridge\nlxc.net.0.veth.pair = a\n",
    ),
    Case(
        "values",
        "",
        "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n",
        text="lxc.idmap = b 0 100000 65536\n",
    ),
    Case("values", "", IDMAP, text=IDMAP.replace("u 0 100000 65536", "u 0 100000")),
    Case(
        "duplicates", "lxc.tty.max = 1\nlxc.tty.max = 2\n", "# lxc.tty.max = 1\nlxc.tty.max = 2\n"
    ),
    Case(
        "syntax",
        "lxc.uts.name = a\nlxc.uts.name b\nlxc.tty.max 1\nlxc.tty.max = 2\n",
        "# lxc.uts.name = a\nlxc.uts.name = b\n# lxc.tty.max 1\nlxc.tty.max = 2\n",
    ),
    Case("values", "", IDMAP, text="lxc.idmap = b 0 100000 65536\n" * 2),
    Case(
        "values",
        "lxc.cap.keep = kill chown\nlxc.cap.drop = mknod\n",
        "lxc.cap.keep = kill chown\n# lxc.cap.drop = mknod\n",
    ),
    Case(
        "values",
        "lxc.cap.drop = mknod\nlxc.cap.drop = sys_time\nlxc.cap.keep = kill\n",
        "# lxc.cap.drop = mknod\n# lxc.cap.drop = sys_time\nlxc.cap.keep = kill\n",
    ),
    Case("values", "lxc.idmap = b 70000 70000 1\n", "# lxc.idmap = b 70000 70000 1\n"),
    Case("values", "lxc.mount.auto = proc:purple sys\n", "lxc.mount.auto = sys\n"),
    Case("prlimit", "lxc.prlimit.nosuch = 5\n", "# lxc.prlimit.nosuch = 5\n", cured=NA),
    Case(
        "values",
        "lxc.tty.max = x\n",
        "# lxc.tty.max = x\n",
        {f"{CONTAINERS}/c/": Entry(mode=0o770, uid=100000, gid=1001)},
        request=OLD,
    ),
    Case("autodev", "lxc.autodev = 0\n", "lxc.autodev = 1\n", request=OLD),
    Case("proc", "lxc.proc.oom_score_adj = 10\n", "# lxc.proc.oom_score_adj = 10\n", cured=NA),
    Case("monitor_unshare", "lxc.monitor.unshare = 1\n", "# lxc.monitor.unshare = 1\n", cured=NA),
    Case("init_ids", "lxc.init.uid = 70000\n", "# lxc.init.uid = 70000\n", cured=NA),
    Case("sysctl", "lxc.sysctl.kernel.panic = 1\n", "# lxc.sysctl.kernel.panic = 1\n", cured=NA),
    Case("namespaces", "lxc.namespace.keep = user net\n", "lxc.namespace.keep = net\n"),
    Case(
        "namespaces",
        "lxc.namespace.clone = net\n",
        "lxc.namespace.clone = net user mnt pid uts\n",
    ),
    Case(
        "namespaces", "lxc.namespace.share.net = 1\n", "# lxc.namespace.share.net = 1\n", cured=NA
    ),
    Case(
        "prlimit",
        "lxc.prlimit.NOFILE = 10\nlxc.prlimit.core = 9:4\n",
        "lxc.prlimit.nofile = 10\nlxc.prlimit.core = 4:4\n",
        cured=Outcome.UNKNOWN,
    ),
    Case("rootfs", "lxc.rootfs.path = /srv/none\n", "# lxc.rootfs.path = /srv/none\n", cured=NA),
    Case(
        "rootfs",
        "lxc.rootfs.path = dir:/srv/c\nlxc.rootfs.options = ro,idmap=/proc/1/ns/user\n",
        "lxc.rootfs.path = dir:/srv/c\nlxc.rootfs.options = ro\n",
        request=OLD,
    ),
    Case(
        "rootfs",
        "lxc.tty.max = 1\n",
        f"lxc.tty.max = 1\nlxc.rootfs.path = dir:{CONTAINERS}/c/rootfs\n",
        {f"{CONTAINERS}/c/rootfs/": Entry(uid=100000, gid=100000)},
        request=OLD,
    ),
    Case(
        "seccomp",
        "lxc.seccomp.profile = /srv/none\n",
        f"lxc.seccomp.profile = {POLICY}\n",
        {POLICY: "2\ndenylist\n[all]\nkexec_load errno 1\n"},
    ),
    Case(
        "log",
        "lxc.log.file = /var/log/lxc/c.log\n",
        f"lxc.log.file = {HOME}/.local/state/lxc/c.log\n",
        {"/var/log/": Entry()},
    ),
    Case(
        "console",
        "lxc.console.logfile = /var/log/c\n",
        f"lxc.console.logfile = {HOME}/.local/state/lxc/c\n",
        {"/var/log/": Entry()},
    ),
    Case(
        "mount_entries",
        "lxc.mount.entry = /srv/d srv/d none bind 0 0\nlxc.mount.entry=/srv/f srv/f none bind,ro\n",
        "lxc.mount.entry = /srv/d srv/d none bind,create=dir 0 0\n"
        "lxc.mount.entry=/srv/f srv/f none bind,ro,create=file\n",
        {"/srv/d/": Entry(), "/srv/f": ""},
    ),
    Case(
        "mount_entries",
        "lxc.mount.entry = /srv/none mnt none bind 0 0\nlxc.mount.entry = /dev/a opt ext4 ro 0 0\n",
        "lxc.mount.entry = /srv/none mnt none bind,optional 0 0\n"
        "lxc.mount.entry = /dev/a opt ext4 ro,optional 0 0\n",
        {"/srv/": Entry()},
    ),
    Case("mount_entries", "lxc.mount.fstab = /srv/x\n", "# lxc.mount.fstab = /srv/x\n", cured=NA),
    Case("init", "lxc.init.cmd = /opt/init\n", "# lxc.init.cmd = /opt/init\n", cured=NA),
    Case(
        "hooks",
        f"lxc.hook.pre-start = {HOME}/hook\n",
        f"lxc.hook.pre-start = {HOME}/hook\n",
        {f"{HOME}/hook": theirs("#!/bin/sh\n", 0o600)},
        cured=Outcome.UNKNOWN,
    ),
    Case("nesting", "lxc.apparmor.allow_nesting = 1\n", "# lxc.apparmor.allow_nesting = 1\n"),
    Case(
        "seccomp_set",
        "",
        f"lxc.seccomp.profile = {POLICY}\n",
        {POLICY: "2\ndenylist\n[all]\nkexec_load errno 1\n"},
    ),
    Case(
        "capabilities",
        "",
        "lxc.cap.drop = mac_admin mac_override sys_time sys_module sys_rawio\n",
        request=OLD,
    ),
    Case("files_owner", "", "", {CONFIG: theirs(IDMAP, 0o666)}, text=IDMAP),
)


def named(case: Case) -> str:
    return f"{case.check}: {(case.lines or case.text).partition(chr(10))[0]}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_fail_fix_pass_again_undo(tmp_path: Path, case: Case) -> None:
    path = CONFIG if case.request.container is None else f"{CONTAINERS}/c/config"
    mode = 0o666 if case.check == "files_owner" else 0o644
    entry = theirs(case.text or IDMAP + case.lines, mode)
    tree = tree_of(tmp_path, {f"{CONTAINERS}/c/": theirs(), path: entry, **case.changes})
    check = CHECKS[f"config.{case.check}"]
    text = law4(
        check, tree, answers=ANSWERS, request=case.request, cured=(Outcome.PASS, case.cured)
    )
    assert tree.run(text).returncode == 0
    after = (tree.place / path.strip("/")).read_bytes().decode()
    assert after == (case.after if case.text and case.after else IDMAP + case.after)


def test_old_keys_of_a_file_that_everybody_includes_are_rewritten_too(tmp_path: Path) -> None:
    shared = "/etc/lxc/shared.conf"
    changes = {
        shared: Entry("lxc.network.type = empty\n"),
        CONFIG: theirs(f"{IDMAP}lxc.include = {shared}\nlxc.network.type = empty"),
    }
    tree = tree_of(tmp_path, changes)
    text = law4(CHECKS["config.legacy_keys"], tree, answers=ANSWERS)
    assert tree.run(text).returncode == 0
    assert (tree.place / shared.strip("/")).read_text() == "lxc.net.0.type = empty\n"
    assert (tree.place / CONFIG.strip("/")).read_text().endswith("lxc.net.1.type = empty\n")


def test_a_directory_that_includes_itself_is_left_out_once(tmp_path: Path) -> None:
    other = f"{HOME}/other.conf"
    changes = {
        other: theirs(f"lxc.tty.max = 1\nlxc.include = {CONFIG}\n"),
        CONFIG: theirs(f"{IDMAP}lxc.include = {other}\n"),
    }
    tree = tree_of(tmp_path, changes)
    text = law4(CHECKS["config.includes"], tree, answers=ANSWERS)
    assert tree.run(text).returncode == 0
    after = (tree.place / other.strip("/")).read_text()
    assert after == f"lxc.tty.max = 1\n# lxc.include = {CONFIG}\n"


PRESENT: dict[str, tuple[dict[str, str | Entry | None], str]] = {
    "missing, ids granted": ({}, f"# what new containers begin with\n{IDMAP}"),
    "missing, nothing granted": (
        {"/etc/subuid": "other:100000:65536\n", "/etc/subgid": ""},
        "# what new containers begin with\n"
        "lxc.idmap = u 0 165536 65536\nlxc.idmap = g 0 165536 65536\n",
    ),
    "missing, with what leads to it": (
        {f"{HOME}/.config/": None, f"{HOME}/.config/lxc/": None},
        f"# what new containers begin with\n{IDMAP}",
    ),
    "a config of the distribution that suits a user": (
        {"/etc/lxc/default.conf": "lxc.net.0.type = empty\n"},
        f"lxc.include = /etc/lxc/default.conf\n{IDMAP}",
    ),
    "one that does not": (
        {"/etc/lxc/default.conf": "lxc.net.0.type = none\n"},
        f"# what new containers begin with\n{IDMAP}",
    ),
    "one with keys of LXC 2": (
        {"/etc/lxc/default.conf": "lxc.network.type = empty\n"},
        f"# what new containers begin with\n{IDMAP}",
    ),
    "made with sudo": (
        {
            CONFIG: Entry(IDMAP, 0o600),
            f"{HOME}/.config/": Entry(mode=0o700),
            f"{HOME}/.config/lxc/": Entry(mode=0o700),
        },
        IDMAP,
    ),
    "closed by the user": ({CONFIG: theirs(IDMAP, 0o200)}, IDMAP),
}


@pytest.mark.parametrize("name", PRESENT)
def test_a_config_is_begun_or_given_back(tmp_path: Path, name: str) -> None:
    changes, after = PRESENT[name]
    tree = tree_of(tmp_path, {CONFIG: None, **changes}, config=None)
    text = law4(CHECKS["config.present"], tree, answers=ANSWERS)
    assert tree.run(text).returncode == 0
    place = tree.place / CONFIG.strip("/")
    assert place.read_text() == after
    assert place.stat().st_uid == 1001


HOSTILE: dict[str, tuple[str, dict[str, str | Entry | None]]] = {
    "lxc.conf names a file of root's": (
        "config.present",
        {f"{HOME}/.config/lxc/lxc.conf": theirs("lxc.default_config = /etc/shadow\n")},
    ),
    "lxc.conf names a file that would switch logins off": (
        "config.present",
        {f"{HOME}/.config/lxc/lxc.conf": theirs("lxc.default_config = /etc/nologin\n")},
    ),
    "a hook that is a file of root's": (
        "config.hooks",
        {CONFIG: theirs(f"{IDMAP}lxc.hook.pre-start = /etc/shadow\n")},
    ),
    "a hook behind a link of the user's": (
        "config.hooks",
        {
            CONFIG: theirs(f"{IDMAP}lxc.hook.pre-start = {HOME}/hook\n"),
            f"{HOME}/hook": theirs(link="/etc/shadow"),
        },
    ),
    "an include of a file of root's": (
        "config.includes",
        {CONFIG: theirs(f"{IDMAP}lxc.include = /etc/shadow\n")},
    ),
    "an include of what everybody may write": (
        "config.files_owner",
        {CONFIG: theirs(f"{IDMAP}lxc.include = /srv/all\n"), "/srv/all/": Entry(mode=0o1777)},
    ),
    "a bad line in a file that others include": (
        "config.values",
        {
            CONFIG: theirs(f"{IDMAP}lxc.include = /etc/lxc/shared.conf\n"),
            "/etc/lxc/shared.conf": "lxc.tty.max = x\n",
        },
    ),
    "a mount from behind a directory of root's": (
        "config.mount_entries",
        {CONFIG: theirs(f"{IDMAP}lxc.mount.entry = /srv/root/x mnt none bind,create=dir\n", 0o444)},
    ),
    "what confines the container, mistyped": (
        "config.keys_known",
        {CONFIG: theirs(f"{IDMAP}lxc.seccomp.profil = /srv/strict\n")},
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_root_touches_nothing_that_a_config_names(tmp_path: Path, name: str) -> None:
    check, changes = HOSTILE[name]
    base: dict[str, str | Entry | None] = {
        "/etc/shadow": Entry("root:*:::::::\n", 0o600),
        "/srv/root/": Entry(mode=0o700),
    }
    tree = tree_of(tmp_path, {**base, **changes})
    before = tree.state()
    assert Outcome.FAIL in outcomes(CHECKS[check], tree.host(ANSWERS))
    done = tree.run(script_of(CHECKS[check], tree.host(ANSWERS)))
    assert done.returncode == 0, done.stderr
    changed = [
        path
        for path, state in tree.state().items()
        if before.get(path) != state and not path.startswith(f"{tree.place}{HOME}/")
    ]
    assert [path for path in changed if "/var/lib/" not in path] == []


def test_a_module_that_modprobe_is_told_to_leave_out_may_load(tmp_path: Path) -> None:
    tree = kernel_tree(tmp_path, {"/etc/modprobe.d/hard.conf": "# CIS\nblacklist veth\n"})
    text = law4(CHECKS["kernel.modules.veth"], tree, answers=ANSWERS)
    assert tree.run(text).returncode == 0
    after = (tree.place / "etc/modprobe.d/hard.conf").read_text()
    assert after == "# CIS\n# blacklist veth\n"
    assert (tree.place / "etc/modules-load.d/lxc.conf").read_text() == "veth\n"


def test_a_packages_file_of_modprobe_is_hidden_by_a_copy(tmp_path: Path) -> None:
    place = "/usr/lib/modprobe.d/hard.conf"
    tree = kernel_tree(tmp_path, {place: "install veth /bin/false\noptions x y=1\n"})
    text = law4(CHECKS["kernel.modules.veth"], tree, answers=ANSWERS)
    assert tree.run(text).returncode == 0
    after = (tree.place / "etc/modprobe.d/hard.conf").read_text()
    assert after == "# install veth /bin/false\noptions x y=1\n"


def kernel_tree(place: Path, changes: dict[str, str | Entry | None]) -> Tree:
    modules = "/usr/lib/modules/6.1.0"
    files: dict[str, str | Entry | None] = {
        f"{modules}/modules.dep": "kernel/drivers/net/veth.ko:\n",
        f"{modules}/modules.builtin": "",
        "/boot/config-6.1.0": "#\nCONFIG_VETH=m\n",
    }
    return tree_of(place, {**files, **changes}, "lxc.net.0.type = veth\nlxc.net.0.link = lxcbr0\n")


def test_neighbouring_map_lines_are_joined(tmp_path: Path) -> None:
    many = "".join(f"lxc.idmap = u {n} {100000 + n} 1\n" for n in range(5))
    rest = f"lxc.idmap = u 5 100005 {65536 - 5}\nlxc.idmap = g 0 100000 65536\n"
    tree = tree_of(tmp_path, {CONFIG: theirs(many + rest)})
    old: Answer = ["Linux", "h", "4.14.0", "x86_64"]
    text = law4(CHECKS["kernel.idmap_lines"], tree, answers={("uname",): old})
    assert tree.run(text).returncode == 0
    lines = (tree.place / CONFIG.strip("/")).read_text().splitlines()
    assert [line for line in lines if line.startswith("lxc.")] == IDMAP.splitlines()


def test_a_setting_for_new_instances_of_inotify_is_kept_at_boot(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    text = law4(
        CHECKS["limits.inotify_instances"],
        tree,
        answers=ANSWERS,
        request=Request("lxc", guest="systemd"),
    )
    assert tree.run(text).returncode == 0
    file = tree.place / "etc/sysctl.d/90-lxc-preflight.conf"
    assert file.read_text() == "fs.inotify.max_user_instances = 1024\n"


def test_what_is_not_kept_is_dropped_where_the_template_drops_too(tmp_path: Path) -> None:
    answers: Mapping[Question, Answer] = {**ANSWERS, ("read", "/proc/sys/kernel/cap_last_cap"): "8"}
    tree = tree_of(tmp_path, config="lxc.cap.keep = kill setuid\nlxc.cap.keep = chown\n")
    text = law4(CHECKS["config.caps"], tree, answers=answers, cured=(NA,))
    assert tree.run(text).returncode == 0
    after = (tree.place / CONFIG.strip("/")).read_text()
    rest = "dac_override dac_read_search fowner fsetid setgid setpcap"
    assert after == f"{IDMAP}lxc.cap.drop = {rest}\n# lxc.cap.keep = chown\n"
