"""Every check of checks/config: a config (and what it names) that is fine, and one that is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from audit.access import Credentials
from audit.facts.config import Config, Problem, container_config
from audit.facts.executables import which
from audit.facts.idmap import IdMap, maps_of
from audit.facts.kconfig import KernelConfig, kconfig
from audit.facts.kernel import release
from audit.facts.lxc import Constants, constants, lxc_version, version_text
from audit.facts.lxcconf import lxcconf_path, lxcpath
from audit.facts.mounts import Mount, mounts
from audit.facts.paths import Crosser, container_crosser
from audit.facts.session import home_dir, inherited, is_mine, session_credentials
from audit.host import Host, Request
from audit.model import Finding, Outcome
from audit.registry import builtin
from audit.source import Answer, Question, Refused
from audit.testing import WHO, judged, made_host
from tests.primed import CONFIG, config, primed

EVERY = builtin()
DIRECTORY: Answer = ["directory", 0o755, 0, 0, 4096, 8, 1]
PRIVATE: Answer = ["directory", 0o700, 0, 0, 4096, 8, 1]
PROGRAM: Answer = ["file", 0o755, 0, 0, 9, 8, 1]
FILE: Answer = ["file", 0o644, 0, 0, 9, 8, 1]
ROOT = Credentials(100000, 100000)
USER = Credentials(1001, 1001, frozenset({100, 1001}))
PASS, FAIL, UNKNOWN, NA = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE
Answers = dict[Question, Answer | Refused]
NEW = Request(user="lxc")
OLD = Request(user="lxc", container="c1")
PLACE = "/home/lxc/.local/share/lxc"
LIMITS = (
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max open files            1024                 4096                 files     \n"
    "Max locked memory         8388608              unlimited            bytes     \n"
)


def tree(**places: Answer) -> Answers:
    """stat and lstat of paths, none of which has an ACL; / and what is above them is open."""
    found: Answers = {}
    for path, answer in {"/": DIRECTORY, **places}.items():
        found["stat", path] = found["lstat", path] = answer
        found["xattr", path, "system.posix_acl_access"] = None
        found["xattr", path, "system.posix_acl_default"] = None
    return found


def host_with(
    text: str,
    answers: Answers | None = None,
    request: Request = NEW,
    version: tuple[int, int, int] = (5, 0, 2),
    given: Config | None = None,
) -> Host:
    root = Mount(1, 0, "/", "ext4", "/dev/sda", frozenset(), frozenset())
    facts: dict[Callable[..., Any], Any] = {
        container_config: given or config(text),
        lxc_version: version,
        version_text: "5.0.2",
        constants: Constants("/usr/lib/liblxc.so.1", ("5.0.2",), None, None, None, frozenset()),
        home_dir: "/home/lxc",
        lxcconf_path: "/home/lxc/.config/lxc/lxc.conf",
        lxcpath: PLACE,
        session_credentials: USER,
        container_crosser: Crosser(ROOT),
        mounts: (root,),
        release: (6, 1, 0),
        is_mine: True,
        kconfig: KernelConfig("/boot/config", "\n# CONFIG_SCHED_CORE is not set\n", True),
    }
    known = {**tree(), **(answers or {})}
    host = primed(made_host({}, known, request), facts)
    host._facts[(inherited, "Seccomp")] = "0", None, frozenset()
    host._facts[(which, "true")] = None, None, frozenset()
    for kind in ("uid", "gid"):
        one = (IdMap(kind, 0, 100000, 65536),)
        host._facts[(maps_of, kind)] = one, None, frozenset()
    return host


def findings(
    name: str,
    text: str,
    answers: Answers | None = None,
    request: Request = NEW,
    **more: Any,
) -> tuple[Finding, ...]:
    host = host_with(text, answers, request, **more)
    return judged(EVERY[f"config.{name}"], host).findings


def outcomes(name: str, text: str, *args: Any, **more: Any) -> list[Outcome]:
    return [finding.outcome for finding in findings(name, text, *args, **more)]


def refused(kind: str, text: str, why: str = "no") -> Config:
    return Config(CONFIG, (), (Problem(CONFIG, 7, text, why, kind),), ())


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("syntax", refused("syntax", "lxc.uts.name foo")),
        ("keys_known", refused("key", "lxc.foo = 1")),
        ("legacy_keys", refused("key", "lxc.network.type = veth")),
        ("values", refused("value", "lxc.tty.max = x")),
        ("includes", refused("include", "lxc.include = /gone", "/gone does not exist")),
    ],
)
def test_a_line_that_liblxc_refuses_fails_for_its_reason(name: str, problem: Config) -> None:
    (found,) = findings(name, "", given=problem)
    assert found.outcome is FAIL
    assert found.evidence[0].line == 7
    for other in {"syntax", "keys_known", "legacy_keys", "values"} - {name}:
        assert outcomes(other, "", given=problem) == [PASS]


def test_an_old_key_is_told_its_new_name() -> None:
    (found,) = findings("legacy_keys", "", given=refused("key", "lxc.id_map = u 0 1 1"))
    assert "lxc.idmap" in found.message
    assert found.fix is not None
    assert "lxc-update-config" in found.fix.steps[0]


def test_a_key_of_another_release_is_told_which() -> None:
    problem = refused("key", "lxc.cgroup.memory.limit_in_bytes = 1")
    assert "gone since 7.0.0" in findings("keys_known", "", given=problem)[0].message
    problem = refused("key", "lxc.time.offset.boot = 1 h")
    assert "came with 5.0.0" in findings("keys_known", "", given=problem)[0].message


def test_a_value_that_chance_decides_is_unknown() -> None:
    assert outcomes("values", "", given=refused("unclear", "lxc.init.uid = x")) == [UNKNOWN]


def test_a_thousand_bad_lines_are_not_all_told() -> None:
    many = tuple(Problem(CONFIG, n, "lxc.a", "no =", "syntax") for n in range(1000))
    assert len(outcomes("syntax", "", given=Config(CONFIG, (), many, ()))) == 20


def test_the_config_is_there_and_can_be_read() -> None:
    assert outcomes("present", "lxc.idmap = u 0 1 1") == [PASS]
    missing = Config(CONFIG, (), (Problem(CONFIG, 0, "", "does not exist", "missing"),), ())
    (found,) = findings("present", "", given=missing)
    assert found.outcome is FAIL
    denied = Config(CONFIG, (), (Problem(CONFIG, 0, "", "denied", "denied"),), ())
    (found,) = findings("present", "", {("real", CONFIG): CONFIG}, given=denied)
    assert found.fix is not None
    assert "chown -h" in found.fix.steps[0]
    # what lies behind a symlink is nothing to give away
    (found,) = findings("present", "", {("real", CONFIG): "/etc/shadow"}, given=denied)
    assert found.fix is None
    assert outcomes("present", "", None, OLD, given=missing) == [FAIL]


POLICY = "/usr/share/lxc/config/common.seccomp"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2\ndenylist\nreject_force_umount  # comment\n[all]\nkexec_load errno 1\n", PASS),
        ("2\nblacklist errno 5\nmount errno 1 [1,0,SCMP_CMP_EQ]\n", PASS),
        ("2\nallowlist\nread\n", UNKNOWN),
        (None, FAIL),
        ("", FAIL),
        ("3\ndenylist\n", FAIL),
        ("2\nfoolist\n", FAIL),
        ("2\ndenylist\nbogus line here\n", FAIL),
        ("2\ndenylist\nmount errno x\n", FAIL),
    ],
)
def test_a_seccomp_policy_is_read_at_the_start(text: str | None, expected: Outcome) -> None:
    answers: Answers = {("user_read", POLICY, WHO): text}
    assert outcomes("seccomp", f"lxc.seccomp.profile = {POLICY}", answers) == [expected]


def test_an_old_liblxc_does_not_know_denylist() -> None:
    answers: Answers = {("user_read", POLICY, WHO): "2\ndenylist\n"}
    line = f"lxc.seccomp.profile = {POLICY}"
    assert outcomes("seccomp", line, answers, version=(4, 0, 2)) == [FAIL]


@pytest.mark.parametrize(
    ("hook", "place", "expected"),
    [
        ("lxc.hook.pre-start = /opt/h a b", PROGRAM, [UNKNOWN]),
        ("lxc.hook.pre-start = /opt/h", None, [FAIL]),
        ("lxc.hook.pre-start = /opt/h", FILE, [FAIL]),
        ("lxc.hook.mount = /opt/h", PROGRAM, [UNKNOWN]),
        ("lxc.hook.mount = /opt/h", ["file", 0o700, 1001, 1001, 9, 8, 1], [FAIL]),
        ("lxc.hook.pre-start = /opt/h", ["file", 0o700, 1001, 1001, 9, 8, 1], [UNKNOWN]),
        ("lxc.hook.post-stop = /opt/h", None, [FAIL]),
        ("lxc.hook.autodev = /opt/h\nlxc.autodev = 0", None, [NA]),
        ("lxc.hook.clone = /opt/h", None, [NA]),
        ("lxc.hook.start = /opt/h", None, [UNKNOWN]),
        ("lxc.hook.pre-start = $HOOK", None, [UNKNOWN]),
        ("lxc.hook.pre-start = true", None, [FAIL]),
    ],
)
def test_a_hook_is_a_program_that_whoever_runs_it_may_run(
    hook: str, place: Answer, expected: list[Outcome]
) -> None:
    answers = tree(**{"/opt": DIRECTORY, "/opt/h": place})
    assert outcomes("hooks", hook, answers) == expected


def test_a_hook_that_stops_nothing_decides_no_stage() -> None:
    answers = tree(**{"/opt": DIRECTORY, "/opt/h": None})
    (found,) = findings("hooks", "lxc.hook.post-stop = /opt/h", answers)
    assert found.stages == ()


@pytest.mark.parametrize(
    ("text", "places", "expected"),
    [
        ("/srv mnt none bind 0 0", {"/srv": DIRECTORY}, PASS),
        ("/srv mnt none bind 0 0", {"/srv": None}, FAIL),
        ("/srv mnt none bind,optional 0 0", {"/srv": None}, PASS),
        ("/srv srv none bind 0 0", {"/srv": DIRECTORY}, FAIL),
        ("/srv srv none bind,create=dir 0 0", {"/srv": DIRECTORY}, PASS),
        ("/root/x mnt none bind 0 0", {"/root": PRIVATE, "/root/x": DIRECTORY}, FAIL),
        ("/root mnt none bind 0 0", {"/root": PRIVATE}, PASS),
        ("/etc/motd mnt none bind 0 0", {"/etc": DIRECTORY, "/etc/motd": FILE}, FAIL),
        ("/srv dev/new none bind 0 0", {"/srv": DIRECTORY}, FAIL),
        ("/srv proc/new none bind,create=dir 0 0", {"/srv": DIRECTORY, "/proc/new": None}, FAIL),
        ("/srv\\040x mnt none bind 0 0", {"/srv x": DIRECTORY}, PASS),
        ("/srv mnt none bind,idmap=container 0 0", {"/srv": DIRECTORY}, FAIL),
        ("bin opt none bind,relative,create=dir 0 0", {}, PASS),
        ("srv mnt none bind 0 0", {}, UNKNOWN),
        ("tmpfs tmp tmpfs defaults 0 0", {}, PASS),
        ("none tmp tmpfs", {}, PASS),
        ("/dev/sda mnt ext4 defaults 0 0", {}, FAIL),
        ("/srv mnt", {}, FAIL),
        ("overlay mnt overlay lowerdir=/a 0 0", {}, UNKNOWN),
        ("sysfs sys sysfs defaults 0 0", {}, FAIL),
    ],
)
def test_what_is_mounted_has_a_source_a_target_and_a_type(
    text: str, places: dict[str, Answer], expected: Outcome
) -> None:
    assert outcomes("mount_entries", f"lxc.mount.entry = {text}", tree(**places)) == [expected]


def test_a_bind_of_a_directory_with_mounts_below_it_takes_rbind() -> None:
    below = Mount(2, 1, "/srv/data", "ext4", "/dev/sdb", frozenset(), frozenset())
    for word, expected in (("bind", FAIL), ("rbind", PASS)):
        host = host_with(f"lxc.mount.entry = /srv mnt none {word} 0 0", tree(**{"/srv": DIRECTORY}))
        primed(host, {mounts: (below,)})
        assert [f.outcome for f in judged(EVERY["config.mount_entries"], host).findings] == [
            expected
        ]


def test_an_fstab_is_a_file_that_the_user_can_read() -> None:
    line = "lxc.mount.fstab = /f"
    assert outcomes("mount_entries", line, {("user_read", "/f", WHO): None}) == [FAIL]
    text = "# none\ntmpfs tmp tmpfs\n"
    assert outcomes("mount_entries", line, {("user_read", "/f", WHO): text}) == [PASS, PASS]
    assert outcomes("mount_entries", line, {("user_read", "/f", WHO): ""}) == [PASS]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lxc.prlimit.nofile = 4096", [PASS]),
        ("lxc.prlimit.nofile = 4097", [FAIL]),
        ("lxc.prlimit.nofile = 9:5", [FAIL]),
        ("lxc.prlimit.memlock = unlimited", [PASS]),
        ("lxc.prlimit.NOFILE = 5", [FAIL]),
        ("lxc.prlimit.cpu = 5", [UNKNOWN]),
        ("", [NA]),
    ],
)
def test_a_limit_can_only_be_lowered(text: str, expected: list[Outcome]) -> None:
    answers: Answers = {("read", "/proc/self/limits"): LIMITS}
    assert outcomes("prlimit", text, answers) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lxc.sysctl.net.ipv4.ip_forward = 1", [PASS]),
        ("lxc.sysctl.net.ipv4.nosuch = 1", [FAIL]),
        ("lxc.sysctl.net.core.rmem_max = 1", [FAIL]),
        ("lxc.sysctl.kernel.panic = 1", [FAIL]),
        ("lxc.sysctl.kernel.shmmax = 1", [FAIL]),
        ("", [NA]),
    ],
)
def test_a_sysctl_is_one_of_the_containers_namespaces(text: str, expected: list[Outcome]) -> None:
    answers = tree(
        **{
            "/proc/sys/net/ipv4/ip_forward": FILE,
            "/proc/sys/net/ipv4/nosuch": None,
            "/proc/sys/net/core/rmem_max": FILE,
        }
    )
    assert outcomes("sysctl", text, answers) == expected


@pytest.mark.parametrize(
    ("sysctl", "expected"),
    [("kernel.shmmax", PASS), ("kernel.panic", FAIL), ("kernel.domainname", FAIL)],
)
def test_with_proc_rw_the_ipc_namespace_is_the_containers(sysctl: str, expected: Outcome) -> None:
    text = f"lxc.mount.auto = proc:rw\nlxc.sysctl.{sysctl} = 1"
    assert outcomes("sysctl", text, None, OLD) == [expected]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("proc", "lxc.proc.oom_score_adj = 10"),
        ("monitor_unshare", "lxc.monitor.unshare = 1"),
        ("sched_core", "lxc.sched.core = 1"),
        ("init_ids", "lxc.init.uid = 70000"),
        ("namespaces", "lxc.namespace.keep = user"),
        ("namespaces", "lxc.namespace.keep = pid"),
        ("namespaces", "lxc.namespace.clone = user mnt pid"),
        ("namespaces", "lxc.namespace.share.net = 1"),
        ("caps", "lxc.cap.keep = mknod"),
    ],
)
def test_what_a_user_may_not_have_fails(name: str, bad: str) -> None:
    assert outcomes(name, bad) == [FAIL]
    assert outcomes(name, "") == [NA]


def test_what_a_user_may_have_passes() -> None:
    assert outcomes("namespaces", "lxc.namespace.keep = cgroup") == [PASS]
    assert outcomes("namespaces", "lxc.namespace.share.net = c2") == [UNKNOWN]
    assert outcomes("init_ids", "lxc.init.uid = 1000") == [PASS]
    assert outcomes("caps", "lxc.cap.keep = mknod", None, OLD) == [PASS]
    assert outcomes("sched_core", "lxc.sched.core = 0") == [NA]


@pytest.mark.parametrize(
    ("path", "places", "expected"),
    [
        ("/home/lxc/x.log", {"/home/lxc": ["directory", 0o755, 1001, 1001, 0, 8, 1]}, PASS),
        ("/var/x.log", {"/var": DIRECTORY, "/var/x.log": None}, FAIL),
        ("/var/x.log", {"/var": DIRECTORY, "/var/x.log": FILE}, FAIL),
        ("x.log", {}, PASS),
    ],
)
def test_logs_can_be_written(path: str, places: dict[str, Answer], expected: Outcome) -> None:
    answers = tree(**{"/home": DIRECTORY, "/home/lxc/x.log": None, **places})
    assert outcomes("log", f"lxc.log.file = {path}", answers) == [expected]
    assert outcomes("console", f"lxc.console.logfile = {path}", answers) == [expected]


def test_a_console_log_needs_its_directory_and_a_log_makes_it() -> None:
    mine: Answer = ["directory", 0o755, 1001, 1001, 0, 8, 1]
    answers = tree(**{"/home": DIRECTORY, "/home/lxc": mine, "/home/lxc/new": None})
    assert outcomes("log", "lxc.log.file = /home/lxc/new/log", answers) == [PASS]
    assert outcomes("console", "lxc.console.logfile = /home/lxc/new/log", answers) == [FAIL]


def test_a_console_is_a_terminal_that_is_there() -> None:
    assert outcomes("console", "lxc.console.path = none") == [NA]
    answers: Answers = {("stat", "/dev/tty9"): None}
    assert outcomes("console", "lxc.console.path = /dev/tty9", answers) == [FAIL]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dir:/srv/r", [PASS]),
        ("/srv/r", [PASS]),
        ("dir:/gone", [FAIL]),
        ("loop:/srv/r.img", [FAIL]),
        ("zfs:tank/c", [FAIL]),
        ("overlay:/srv/r:/srv/u", [UNKNOWN]),
    ],
)
def test_a_new_containers_rootfs_is_there_when_it_is_named(
    line: str, expected: list[Outcome]
) -> None:
    answers = tree(**{"/srv": DIRECTORY, "/srv/r": DIRECTORY, "/gone": None})
    assert outcomes("rootfs", f"lxc.rootfs.path = {line}", answers) == expected


def test_an_existing_container_has_a_rootfs() -> None:
    assert outcomes("rootfs", "", None, NEW) == [NA]
    assert outcomes("rootfs", "", None, OLD) == [FAIL]


ELF_X86, ELF_ARM64, ELF_RISCV = "\x3e\0", "\udcb7\0", "\udcf3\0"


@pytest.mark.parametrize(
    ("places", "machine", "expected"),
    [
        ({"sbin": DIRECTORY, "sbin/init": PROGRAM}, ELF_X86, PASS),
        ({"sbin": DIRECTORY, "sbin/init": PROGRAM}, "", PASS),
        ({"sbin": DIRECTORY, "sbin/init": None}, ELF_X86, FAIL),
        ({"sbin": DIRECTORY, "sbin/init": FILE}, ELF_X86, FAIL),
        ({"sbin": DIRECTORY, "sbin/init": PROGRAM}, ELF_ARM64, FAIL),
        ({"sbin": DIRECTORY, "sbin/init": PROGRAM}, ELF_RISCV, PASS),
    ],
)
def test_an_init_is_there_and_for_this_machine(
    places: dict[str, Answer], machine: str, expected: Outcome
) -> None:
    answers = tree(**{"/r": DIRECTORY, **{f"/r/{name}": stat for name, stat in places.items()}})
    head: Answer = [["\x02", "\x01", *machine]] if machine else []
    pattern = r"\A\x7fELF([\x01\x02])([\x01\x02]).{12}(.)(.)"
    answers["search", "/r/sbin/init", pattern] = head
    answers[("uname",)] = ["Linux", "h", "6.1.0", "x86_64"]
    answers["list", "/proc/sys/fs/binfmt_misc"] = ["qemu-riscv64", "register", "status"]
    answers["read", "/proc/sys/fs/binfmt_misc/qemu-riscv64"] = "enabled\n"
    assert outcomes("init", "lxc.rootfs.path = dir:/r", answers, OLD) == [expected]


def test_links_of_the_container_stay_inside_it() -> None:
    link: Answer = ["symlink", 0o777, 0, 0, 9, 8, 1]
    answers = tree(
        **{
            "/r": DIRECTORY,
            "/r/sbin": DIRECTORY,
            "/r/sbin/init": link,
            "/r/lib": DIRECTORY,
            "/r/lib/systemd": PROGRAM,
        }
    )
    answers["link", "/r/sbin/init"] = "/lib/systemd"
    pattern = r"\A\x7fELF([\x01\x02])([\x01\x02]).{12}(.)(.)"
    answers["search", "/r/lib/systemd", pattern] = []
    assert outcomes("init", "lxc.rootfs.path = dir:/r", answers, OLD) == [PASS]


@pytest.mark.parametrize(
    ("names", "places", "request_", "expected"),
    [
        (["c1"], {"c1/config": FILE}, NEW, [PASS]),
        (["c1"], {"c1/config": None, "c1": DIRECTORY}, NEW, [FAIL]),
        (["c1"], {"c1/config": None, "c1": FILE}, NEW, [PASS]),
        (["c1"], {"c1/config": FILE, "c1/partial": None}, OLD, [PASS]),
        (["c1"], {"c1/config": FILE, "c1/partial": FILE}, OLD, [FAIL]),
        (["c1"], {"c1/config": None, "c1/partial": None, "c1": DIRECTORY}, OLD, [FAIL]),
        ([], {}, OLD, [NA]),
        (None, {}, NEW, [NA]),
    ],
)
def test_half_made_containers_are_found(
    names: Answer, places: dict[str, Answer], request_: Request, expected: list[Outcome]
) -> None:
    answers = tree(**{f"{PLACE}/{name}": stat for name, stat in places.items()})
    answers["user_list", PLACE, WHO] = names
    assert outcomes("leftovers", "", answers, request_) == expected


@pytest.mark.parametrize(
    ("name", "there", "expected"),
    [
        ("c1", False, PASS),
        ("a b", False, FAIL),
        ("a b", True, PASS),
        ("x" * 65, False, FAIL),
        ("a/b", False, FAIL),
    ],
)
def test_a_name_can_be_a_host_name(name: str, there: bool, expected: Outcome) -> None:
    answers: Answers = {("lstat", f"{PLACE}/{name}/config"): FILE if there else None}
    assert outcomes("name", "", answers, Request(user="lxc", container=name)) == [expected]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("capabilities", "lxc.cap.drop = mknod", ""),
        ("seccomp_set", "lxc.seccomp.profile = /p", ""),
        ("nesting", "", "lxc.apparmor.allow_nesting = 1"),
        ("apparmor_incomplete", "", "lxc.apparmor.allow_incomplete = 1"),
        ("shared_namespaces", "", "lxc.namespace.keep = ipc"),
        (
            "mounts_host",
            "lxc.mount.entry = /srv mnt none bind",
            "lxc.mount.entry = /etc e none bind",
        ),
        ("mount_auto", "lxc.mount.auto = proc:mixed", "lxc.mount.auto = proc:rw"),
        ("autodev", "", "lxc.autodev = 0"),
        ("duplicates", "lxc.arch = amd64", "lxc.arch = amd64\nlxc.arch = i386"),
    ],
)
def test_what_weakens_a_container_is_told(name: str, good: str, bad: str) -> None:
    assert outcomes(name, good, None, OLD) == [PASS]
    assert outcomes(name, bad, None, OLD) == [FAIL]
    assert EVERY[f"config.{name}"].stages == ()


@pytest.mark.parametrize(
    ("mode", "uid", "expected"), [(0o644, 1001, PASS), (0o666, 1001, FAIL), (0o644, 1002, FAIL)]
)
def test_nobody_else_can_change_the_config(mode: int, uid: int, expected: Outcome) -> None:
    answers: Answers = {("stat", CONFIG): ["file", mode, uid, 1001, 9, 8, 1]}
    assert outcomes("files_owner", "", answers) == [expected]
