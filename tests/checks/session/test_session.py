"""Privileges, chroot, limits and logins, in the user's own session and for the next login."""

from __future__ import annotations

import pytest

from audit.host import Host
from audit.model import Check, Level, Outcome
from audit.source import Answer
from audit.testing import judged
from checks.session import privileges, resource_limits
from checks.session.chroot import chroot
from checks.session.judged import judged as whose
from checks.session.login import login
from checks.session.loginuid import loginuid
from checks.session.next_login import next_login
from checks.session.nologin import nologin
from checks.session.runtime_dir_made import runtime_dir_made
from tests.checks.storage.trees import MINE, USER, Answers, absent, host, mounted

NNP, BOUNDING, SECCOMP = privileges.CHECKS
NOFILE, NPROC, FSIZE = resource_limits.CHECKS
FULL = "000001ffffffffff"


def status(nnp: str = "0", bounding: str = FULL, seccomp: str = "0") -> Answers:
    text = f"Name:\tbash\nCapBnd:\t{bounding}\nNoNewPrivs:\t{nnp}\nSeccomp:\t{seccomp}\n"
    return {("read", "/proc/self/status"): text, ("read", "/proc/1/status"): text}


def outcome(check: Check, made: Host) -> Outcome:
    return judged(check, made).findings[0].outcome


@pytest.mark.parametrize("session", [{}, MINE], ids=["next login", "own session"])
def test_an_ordinary_session_may_gain_privileges(session: Answers) -> None:
    made = host(session, status())
    assert [outcome(check, made) for check in (NNP, BOUNDING, SECCOMP)] == [Outcome.PASS] * 3


def test_no_new_privs_and_a_short_bounding_set_stop_everything() -> None:
    assert outcome(NNP, host(MINE, status(nnp="1"))) is Outcome.FAIL
    found = judged(BOUNDING, host(MINE, status(bounding="000001ffffffff3f"))).findings[0]
    assert found.outcome is Outcome.FAIL
    assert "cap_setgid and cap_setuid" in found.message


def test_a_seccomp_filter_is_unknown_until_it_is_tried() -> None:
    who = f"{USER.uid}:{USER.gid}:{USER.gid}"
    assert outcome(SECCOMP, host(MINE, status(seccomp="2"))) is Outcome.UNKNOWN
    for ok, expected in ((True, Outcome.PASS), (False, Outcome.FAIL)):
        tried = {("probe", "userns", who): {"ok": ok}}
        assert outcome(SECCOMP, host(MINE, status(seccomp="2"), tried)) is expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [(None, Outcome.PASS), (2, Outcome.PASS), (4, Outcome.UNKNOWN), (40, Outcome.FAIL)],
)
def test_mounts_outside_of_the_root_directory_tell_a_chroot(
    count: int | None, expected: Outcome
) -> None:
    made = host(MINE, mounted("/home tmpfs rw rw"), {("mounts",): count})
    assert outcome(chroot, made) is expected


@pytest.mark.parametrize(
    ("namespace", "root", "expected"),
    [
        ("pid:[4026531836]", "1", Outcome.PASS),
        ("pid:[4026531836]", "9", Outcome.UNKNOWN),  # chroot to a mount of its own
        ("pid:[4026532222]", "1", Outcome.UNKNOWN),  # process 1 may be in the same chroot
    ],
)
def test_what_the_boot_left_below_the_root_of_init_is_no_chroot(
    namespace: str, root: str, expected: Outcome
) -> None:
    table = "{} 0 8:1 / / rw - ext4 /dev/vda rw\n"
    answers = {
        ("read", "/proc/self/mountinfo"): table.format("1"),
        ("read", "/proc/1/mountinfo"): table.format(root),
        ("link", "/proc/self/ns/pid"): namespace,
        ("mounts",): 3,
    }
    assert outcome(chroot, host(MINE, answers)) is expected


def test_a_root_directory_that_is_no_mount_is_a_chroot() -> None:
    table = {("read", "/proc/self/mountinfo"): "5 4 0:5 / /proc rw - proc proc rw\n"}
    assert outcome(chroot, host(MINE, table)) is Outcome.FAIL
    assert outcome(chroot, host(table)) is Outcome.NOT_APPLICABLE


def limits(name: str, value: str) -> Answers:
    header = "Limit                     Soft Limit           Hard Limit           Units\n"
    none: Answers = {("list", "/proc"): ["self", "1"], ("stat", "/proc/1"): None}
    return {**none, ("read", "/proc/self/limits"): f"{header}{name:26}{value:21}{value:21}files\n"}


@pytest.mark.parametrize(
    ("check", "name", "value", "expected", "level"),
    [
        (NOFILE, "Max open files", "20", Outcome.FAIL, None),
        (NOFILE, "Max open files", "45", Outcome.UNKNOWN, None),
        (NOFILE, "Max open files", "256", Outcome.FAIL, Level.DEGRADED),
        (NOFILE, "Max open files", "1024", Outcome.PASS, None),
        (NPROC, "Max processes", "3", Outcome.FAIL, None),
        (NPROC, "Max processes", "unlimited", Outcome.PASS, None),
        (FSIZE, "Max file size", "102400", Outcome.FAIL, None),
    ],
)
def test_limits_of_the_own_session(
    check: Check, name: str, value: str, expected: Outcome, level: Level | None
) -> None:
    found = judged(check, host(MINE, limits(name, value))).findings[0]
    assert (found.outcome, found.level) == (expected, level)


def test_processes_that_the_user_already_has_count() -> None:
    def with_processes(count: int) -> Answers:
        stat: Answer = ["directory", 0o555, USER.uid, USER.gid, 0, 0, 1]
        running: Answers = {("stat", f"/proc/{pid}"): stat for pid in range(100, 100 + count)}
        listed: Answer = [str(pid) for pid in range(100, 100 + count)]
        return {("list", "/proc"): listed, **running}

    limit = limits("Max processes", "40")
    found = judged(NPROC, host(MINE, limit, with_processes(2))).findings[0]
    assert found.level is Level.DEGRADED
    assert judged(NPROC, host(MINE, limit, with_processes(40))).findings[0].level is None


def test_limits_of_the_next_login_come_from_limits_conf() -> None:
    def conf(line: str) -> Answers:
        return {("read", "/etc/security/limits.conf"): line}

    assert outcome(NOFILE, host(conf(f"{USER.name} soft nofile 20\n"))) is Outcome.FAIL
    assert outcome(NOFILE, host(conf("somebody soft nofile 20\n"))) is Outcome.PASS
    assert (
        outcome(NOFILE, host(conf(f"* soft nofile 20\n{USER.name} - nofile 65536\n")))
        is Outcome.PASS
    )


def test_an_expired_account_and_one_without_a_shell_cannot_log_in() -> None:
    passwd = f"{USER.name}:x:{USER.uid}:{USER.gid}::{USER.home}:/usr/sbin/nologin\n"
    expired = {("expiry", USER.name): {"expires": 19_000, "locked": False}}
    later = {("expiry", USER.name): {"expires": 21_000, "locked": False}}
    shell = {("stat", USER.shell): ["file", 0o755, 0, 0, 9, 8, 1]}
    assert outcome(login, host(shell)) is Outcome.PASS
    assert outcome(login, host(shell, later)) is Outcome.PASS
    assert outcome(login, host(shell, expired)) is Outcome.FAIL
    assert outcome(login, host({("read", "/etc/passwd"): passwd})) is Outcome.FAIL
    own = judged(login, host(MINE, shell, expired)).findings[0]
    assert (own.level, own.stages) == (Level.DEGRADED, ())


def test_a_nologin_file_counts_where_pam_reads_it() -> None:
    present = {("lstat", "/etc/nologin"): ["file", 0o644, 0, 0, 0, 8, 1]}
    missing = {**absent("/etc/nologin"), **absent("/run/nologin")}
    assert outcome(nologin, host(missing)) is Outcome.PASS
    reads = {("read", "/etc/pam.d/login"): "account required pam_nologin.so\n"}
    assert outcome(nologin, host(missing, present, reads)) is Outcome.FAIL


def test_a_session_that_differs_from_the_next_login_is_told() -> None:
    odd = {("self",): {"uid": USER.uid, "gid": USER.gid, "groups": [4, USER.gid], "umask": 0o077}}
    assert outcome(next_login, host(MINE)) is Outcome.PASS
    assert [f.subject for f in judged(next_login, host(MINE, odd)).findings] == ["groups", "umask"]
    assert outcome(next_login, host()) is Outcome.NOT_APPLICABLE


def test_the_report_says_which_session_it_is_about() -> None:
    assert "next login" in judged(whose, host()).findings[0].message
    assert "this session" in judged(whose, host(MINE)).findings[0].message


def test_logind_without_its_pam_module_is_told() -> None:
    runs = {
        ("stat", path): ["directory", 0o755, 0, 0, 0, 0, 1]
        for path in ("/run/systemd/system", "/run/systemd/seats")
    }
    without = {("read", f"/etc/pam.d/{name}"): None for name in ("sshd", "login", "su-l")}
    stack = {("read", "/etc/pam.d/su"): "session required pam_unix.so\n"}
    missing = {
        ("read", f"{d}/{n}"): None
        for d in ("/usr/lib/pam.d", "/usr/share/pam.d")
        for n in ("sshd", "login", "su-l")
    }
    assert outcome(runtime_dir_made, host(runs, without, missing, stack)) is Outcome.FAIL
    registered = {("read", "/etc/pam.d/su"): "session optional pam_systemd.so\n"}
    assert outcome(runtime_dir_made, host(runs, without, missing, registered)) is Outcome.PASS


def test_the_login_uid_of_a_session() -> None:
    kept: Answers = {("lstat", "/proc/self/loginuid"): ["file", 0o644, 0, 0, 0, 0, 1]}
    for value, expected in ((str(USER.uid), Outcome.PASS), ("4294967295", Outcome.FAIL)):
        read = {("read", "/proc/self/loginuid"): value}
        assert outcome(loginuid, host(MINE, kept, read)) is expected
    assert outcome(loginuid, host(absent("/proc/self/loginuid"))) is Outcome.NOT_APPLICABLE
