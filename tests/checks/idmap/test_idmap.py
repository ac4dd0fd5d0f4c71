"""The checks of idmap on a recorded healthy host with one thing changed: what each one says."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from audit import engine, registry
from audit.host import Request
from audit.model import Outcome
from audit.source import Answer, Question, Refused
from audit.testing import judged
from remediations.actions import Remove
from tests.recordings import changed, recording

CHECKS = registry.builtin()
MINE = [name for name in CHECKS if name.startswith("idmap.")]
HEALTHY = recording("healthy")
USER = HEALTHY.request.user
UID = 52091
BASE = 1309100000
WHO = f"{UID}:{UID}:{UID}"
CONF = f"/home/{USER}/.config/lxc/default.conf"
NEWUIDMAP, NEWGIDMAP = "/usr/bin/newuidmap", "/usr/bin/newgidmap"
CAP_SETUID = "0100000280000000000000000000000000000000"
CAP_SETGID = "0100000240000000000000000000000000000000"

Changes = dict[Question, Answer | Refused]


def text(path: str, content: str | None) -> Changes:
    """A file of root's with other contents."""
    stat: Answer = None if content is None else ["file", 0o644, 0, 0, len(content), 0, 98]
    return {("read", path): content, ("stat", path): stat, ("lstat", path): stat}


def subuid(content: str | None) -> Changes:
    return text("/etc/subuid", content)


def subids(content: str) -> Changes:
    return {**text("/etc/subuid", content), **text("/etc/subgid", content)}


def config(*lines: str) -> Changes:
    return {("user_read", CONF, WHO): "lxc.net.0.type = empty\n" + "".join(f"{x}\n" for x in lines)}


def maps(uid: str, gid: str = f"0 {BASE} 65536") -> Changes:
    return config(f"lxc.idmap = u {uid}", f"lxc.idmap = g {gid}")


def idmap(*lines: str) -> Changes:
    """A config with these lxc.idmap lines, and the whole of the gids."""
    return config(*(f"lxc.idmap = {line}" for line in lines), f"lxc.idmap = g 0 {BASE} 65536")


def outer(uid: str, gid: str = "0 0 4294967295") -> Changes:
    """Inside a user namespace with these maps."""
    return {("read", "/proc/self/uid_map"): uid, ("read", "/proc/self/gid_map"): gid}


def shadow(version: str) -> Changes:
    return {("package", "shadow"): version}


def helper(path: str, mode: int = 0o4755, uid: int = 0, caps: str | None = None) -> Changes:
    stat: Answer = ["file", mode, uid, 0, 59336, 0, 102]
    return {
        ("stat", path): stat,
        ("lstat", path): stat,
        ("xattr", path, "security.capability"): caps,
    }


def built_with_libcap(yes: bool) -> Changes:
    found: Answer = [["Could not set caps"]] if yes else []
    return {("search", NEWUIDMAP, "(Could not set caps)"): found}


def missing(path: str) -> Changes:
    return {("stat", path): None, ("lstat", path): None}


FILECAPS = {
    **helper(NEWUIDMAP, 0o755, caps=CAP_SETUID),
    **helper(NEWGIDMAP, 0o755, caps=CAP_SETGID),
}
OWN = maps(f"0 {UID} 1", f"0 {UID} 1")
NSS = text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nsubid: sss\n")
NO_PLUGIN: Changes = {
    ("search", "/etc/ld.so.cache", r"libsubid_sss\.so(\x00)"): [],
    **{
        ("stat", f"{place}/libsubid_sss.so"): None
        for place in ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/lib")
    },
}
PLUGIN: Changes = {
    ("search", "/etc/ld.so.cache", r"libsubid_sss\.so(\x00)"): [["\0"]],
    ("subids", "uid", USER): [[BASE, 65536]],
    ("subids", "gid", USER): [[BASE, 65536]],
}
PLUGIN_WITH_NOTHING: Changes = {
    **PLUGIN,
    ("subids", "uid", USER): [],
    ("subids", "gid", USER): [],
}
LINE = f"{USER}:{BASE}:65536\n"
ROOT_WAY = helper(NEWUIDMAP, 0o4755, caps=CAP_SETUID)


# what is changed -> the checks that fail then, of those that decide a stage
BLOCKING: list[tuple[str, Changes, set[str]]] = [
    ("nothing", {}, set()),
    ("newuidmap is not there", missing(NEWUIDMAP), {"helper_present"}),
    ("newgidmap is not there", missing(NEWGIDMAP), {"helper_present"}),
    ("newuidmap is for root's group", helper(NEWUIDMAP, 0o4750), {"helper_present"}),
    ("newuidmap is not setuid", helper(NEWUIDMAP, 0o755), {"helper_privileged"}),
    ("newuidmap is somebody else's", helper(NEWUIDMAP, uid=1), {"helper_privileged"}),
    ("both have file capabilities", FILECAPS, set()),
    (
        "newgidmap has the other capability",
        helper(NEWGIDMAP, 0o755, caps=CAP_SETUID),
        {"helper_privileged"},
    ),
    (
        "newuidmap has its capability not effective",
        helper(NEWUIDMAP, 0o755, caps="00" + CAP_SETUID[2:]),
        {"helper_privileged"},
    ),
    (
        "its capabilities are another root's",
        helper(NEWUIDMAP, 0o755, caps="01000003" + CAP_SETUID[8:] + "05000000"),
        {"helper_privileged"},
    ),
    (
        "setuid and capabilities, built without libcap",
        {**ROOT_WAY, **built_with_libcap(False)},
        {"helper_privileged"},
    ),
    ("setuid and capabilities, built with libcap", {**ROOT_WAY, **built_with_libcap(True)}, set()),
    ("no line in subuid", subuid("other:100000:65536\n"), {"subid_entry"}),
    ("no line in either", subids(""), {"subid_entry"}),
    ("subuid is not there", subuid(None), {"subid_files"}),
    (
        "subuid is a symlink",
        {("lstat", "/etc/subuid"): ["symlink", 0o777, 0, 0, 5, 0, 98]},
        {"subid_files"},
    ),
    ("the line is keyed by uid", subids(f"{UID}:{BASE}:65536\n"), set()),
    (
        "the line is in two halves",
        subids(f"{USER}:{BASE}:32768\n{UID}:{BASE + 32768}:32768\n"),
        set(),
    ),
    (
        "the halves do not touch",
        subids(f"{USER}:{BASE}:32767\n{USER}:{BASE + 32768}:32768\n"),
        {"within_subids"},
    ),
    ("carriage return", subids(f"{USER}:{BASE}:65536\r\n"), {"subid_syntax"}),
    ("trailing blank", subids(f"{USER}:{BASE}:65536 \n"), {"subid_syntax"}),
    ("leading blank", subids(f" {USER}:{BASE}:65536\n"), {"subid_syntax"}),
    ("a-b", subids(f"{USER}:{BASE}-{BASE + 65535}\n"), {"subid_syntax"}),
    ("leading zero", subids(f"{USER}:0{BASE}:65536\n"), {"subid_syntax"}),
    ("hexadecimal", subids(f"{USER}:{BASE:#x}:0x10000\n"), set()),
    ("a fourth field", subids(f"{USER}:{BASE}:65536:x\n"), set()),
    (
        "a fourth field, shadow 4.18",
        {**subids(f"{USER}:{BASE}:65536:x\n"), **shadow("4.18.0")},
        {"subid_syntax"},
    ),
    ("no final newline", subids(LINE[:-1]), set()),
    (
        "no final newline, shadow 4.19",
        {**subids(LINE[:-1]), **shadow("1:4.19.3-1")},
        {"subid_files"},
    ),
    ("SUB_UID_COUNT 0", text("/etc/login.defs", "SUB_UID_COUNT 0\n"), set()),
    (
        "SUB_UID_COUNT 0, shadow 4.19",
        {**text("/etc/login.defs", "SUB_UID_COUNT 0\n"), **shadow("4.19.3")},
        {"subid_files"},
    ),
    ("a count of 0 from 0 on is everything", subids(f"{USER}:0:0\n"), set()),
    (
        "a count of 0 from 0 on, shadow 4.20",
        {**subids(f"{USER}:0:0\n"), **shadow("4.20.2")},
        {"subid_entry"},
    ),
    ("other numbers in the config", maps("0 100000 65536"), {"within_subids"}),
    ("one too many", maps(f"0 {BASE} 65537"), {"within_subids"}),
    ("a hole for one's own uid", idmap(f"u 0 {BASE} 1000", f"u 1000 {UID} 1"), set()),
    ("a hole for somebody else's uid", idmap(f"u 0 {BASE} 1000", "u 1000 1 1"), {"within_subids"}),
    ("no lxc.idmap", config(), {"container_root"}),
    ("only uids", config(f"lxc.idmap = u 0 {BASE} 65536"), {"container_root"}),
    ("from 1 on", maps(f"1 {BASE} 65535"), {"container_root"}),
    ("swapped columns", maps(f"{BASE} 0 65536", f"{BASE} 0 65536"), {"container_root"}),
    (
        "lxc.init.uid where the map begins",
        config(
            f"lxc.idmap = u 5 {BASE} 65536", f"lxc.idmap = g 0 {BASE} 65536", "lxc.init.uid = 5"
        ),
        set(),
    ),
    (
        "overlap in the container",
        idmap(f"u 0 {BASE} 1000", f"u 999 {BASE + 5000} 10"),
        {"disjoint"},
    ),
    ("overlap on the host", idmap(f"u 0 {BASE} 1000", f"u 1000 {BASE + 999} 10"), {"disjoint"}),
    (
        "the host's root",
        {**subids(f"{USER}:0:65536\n"), **maps("0 0 65536", "0 0 65536")},
        {"host_root"},
    ),
    ("nothing but one's own ids", OWN, set()),
    ("nothing but one's own ids, no helper", {**OWN, **missing(NEWUIDMAP)}, set()),
    ("nothing but one's own ids, no file", {**OWN, **subuid(None)}, {"subid_files"}),
    ("nested, with the ids", outer("0 1000 1\n1 100000 1309170000\n"), set()),
    ("nested, without the ids", outer("0 100000 65536\n", "0 100000 65536\n"), {"nested"}),
    (
        "nested, the ids in two pieces",
        outer(f"0 0 {BASE + 100}\n{BASE + 100} {BASE + 100} 100000\n"),
        {"nested"},
    ),
    ("a plugin that is not installed", {**NSS, **NO_PLUGIN}, set()),
    ("a plugin", {**NSS, **PLUGIN, **subids("")}, set()),
    ("a plugin, no files", {**NSS, **PLUGIN, **subuid(None)}, {"subid_files"}),
    (
        "a plugin, no files, shadow 4.19",
        {**NSS, **PLUGIN, **subuid(None), **shadow("4.19.0")},
        set(),
    ),
    ("a plugin that grants nothing", {**NSS, **PLUGIN_WITH_NOTHING}, {"subid_entry"}),
    (
        "two causes",
        {**missing(NEWUIDMAP), **subuid(""), **helper(NEWGIDMAP, 0o755)},
        {"helper_present", "subid_entry"},
    ),
]


def failing(changes: Changes, checks: Iterable[str] = MINE) -> set[str]:
    """The names of the checks that fail and stop a stage; none of them may crash."""
    host = changed("healthy", changes)
    results = engine.run({name: CHECKS[name] for name in checks}, host)
    crashed = [r.check.id for r in results if r.findings[0].outcome is Outcome.ERROR]
    assert not crashed
    return {
        result.check.id.removeprefix("idmap.")
        for result in results
        for finding in result.findings
        if finding.outcome is Outcome.FAIL and engine.stages_of(result.check, finding)
    }


@pytest.mark.parametrize(
    ("changes", "named"),
    [pytest.param(changes, named, id=name) for name, changes, named in BLOCKING],
)
def test_the_one_cause_is_named(changes: Changes, named: set[str]) -> None:
    assert failing(changes) == named


HARDENING: list[tuple[str, Changes, str]] = [
    ("overlap_users", subids(f"{LINE}other:{BASE + 65535}:65536\n"), "both have uids"),
    ("overlap_accounts", subids(f"{LINE}{USER}:{UID - 10}:100\n"), f"{USER} ({UID})"),
    ("overlap_reserved", subids(f"{LINE}{USER}:61000:65536\n"), "DynamicUser"),
    ("subid_files_safe", {("stat", "/etc/subuid"): ["file", 0o664, 0, 0, 1, 0, 98]}, "/etc/subuid"),
    ("helper_safe", {("stat", "/usr/bin"): ["directory", 0o777, 0, 0, 1, 0, 98]}, "/usr/bin"),
    ("shadow_version", shadow("4.4-4.1"), "CVE-2018-7169"),
    ("shadow_version", shadow("4.1.5"), "no subordinate ids"),
    ("subid_notation", subids(LINE[:-1]), "cuts its last digit"),
    ("subid_notation", subids(f"{UID}:{BASE}:65536\n"), "by name"),
    ("subid_notation", subids(f"{USER}:{BASE + 90000}:10\n{LINE}"), "takes only 10"),
    ("subid_notation", subids(f"{USER}:{BASE:#x}:65536\n"), "plain decimal"),
    ("subid_syntax", subids(f"{LINE}other:100000\n"), "fewer than three"),
    ("subid_size", subids(f"{USER}:{BASE}:65537\n"), "one more than"),
    (
        "subid_size",
        {**subids(f"{USER}:{BASE}:1000\n"), **maps(f"0 {BASE} 1000")},
        "no more than 1000",
    ),
    ("size", maps(f"0 {BASE} 1000", f"0 {BASE} 1000"), "only the uids 0-999"),
    ("login_defs", text("/etc/login.defs", "SUB_UID_COUNT 1000\n"), "gives new users 1000"),
    ("subid_nss", {**NSS, **NO_PLUGIN}, "not installed"),
]


@pytest.mark.parametrize(("name", "changes", "words"), HARDENING)
def test_what_is_weak_or_doubtful_is_said_and_stops_nothing(
    name: str, changes: Changes, words: str
) -> None:
    check = CHECKS[f"idmap.{name}"]
    assert all(
        f.outcome is not Outcome.FAIL for f in judged(check, changed("healthy", {})).findings
    )
    failed = [
        f for f in judged(check, changed("healthy", changes)).findings if f.outcome is Outcome.FAIL
    ]
    assert any(words in finding.message for finding in failed), failed


def test_an_image_cannot_be_unpacked_into_forty_groups() -> None:
    mine = recording("healthy")
    host = changed("healthy", maps(f"0 {BASE} 42", f"0 {BASE} 42"))
    host.request = Request(user=mine.request.user, template="download")
    stages = [f.stages for f in judged(CHECKS["idmap.size"], host).findings]
    assert ("create",) in stages


def test_a_session_with_another_group_is_refused_unless_login_defs_grants_it() -> None:
    session: Changes = {
        ("self",): {"uid": UID, "gid": 100, "groups": [100, UID], "umask": 18},
        ("env", "PATH"): "/usr/bin",
        ("env", "HOME"): f"/home/{USER}",
    }
    check = CHECKS["idmap.session_gid"]
    found = judged(check, changed("healthy", session)).findings
    assert [finding.outcome for finding in found] == [Outcome.FAIL]
    granted = {**session, **text("/etc/login.defs", "GRANT_AUX_GROUP_SUBIDS\tyes\n")}
    found = judged(check, changed("healthy", granted)).findings
    assert [finding.outcome for finding in found] == [Outcome.PASS]


def test_a_copy_on_the_path_hides_the_good_helper() -> None:
    home = f"/home/{USER}"
    copy: Answer = ["file", 0o755, UID, UID, 59336, 0, 7]
    directory: Answer = ["directory", 0o755, UID, UID, 4096, 0, 7]
    mine: Changes = {
        ("self",): {"uid": UID, "gid": UID, "groups": [UID], "umask": 18},
        ("env", "PATH"): f"{home}/bin:/usr/bin",
        ("env", "HOME"): home,
        ("xattr", f"{home}/bin", "system.posix_acl_access"): None,
    }
    for path in ("/", "/home", home):
        mine |= {(verb, path): ["directory", 0o755, 0, 0, 4096, 0, 7] for verb in ("stat", "lstat")}
        mine |= {("xattr", path, "system.posix_acl_access"): None}
    for path, stat in ((f"{home}/bin", directory), (f"{home}/bin/newuidmap", copy)):
        mine |= {("lstat", path): stat, ("stat", path): stat}
        mine |= {
            ("xattr", path, name): None
            for name in ("security.capability", "system.posix_acl_access")
        }
    mine |= {("lstat", f"{home}/bin/{name}"): None for name in ("newgidmap", "lxc-start")}
    found = judged(CHECKS["idmap.helper_privileged"], changed("healthy", mine)).findings
    failed = [finding for finding in found if finding.outcome is Outcome.FAIL]
    assert [finding.subject for finding in failed] == ["newuidmap"]
    assert "it hides /usr/bin/newuidmap" in failed[0].message
    assert failed[0].fix is not None
    assert failed[0].fix.actions == (Remove(f"{home}/bin/newuidmap", theirs=True),)


def test_without_a_version_of_shadow_only_what_versions_agree_on_is_said() -> None:
    unknown: Changes = {("package", "shadow"): None}
    assert failing(unknown) == set()
    host = changed("healthy", {**unknown, **subids(LINE[:-1])})
    found = judged(CHECKS["idmap.subid_files"], host).findings
    assert [finding.outcome for finding in found] == [Outcome.UNKNOWN]


def test_root_without_helpers_writes_its_maps_itself_and_with_them_needs_a_line() -> None:
    mine = HEALTHY.source.answers["user_read", CONF, WHO]
    host = changed("healthy", {("user_read", CONF, "0:0:0"): mine})
    host.request = Request(user="root", config=CONF)
    for name in ("helper_present", "helper_privileged", "helper_nosuid", "session_gid"):
        found = judged(CHECKS[f"idmap.{name}"], host).findings
        assert [f.outcome for f in found] == [Outcome.NOT_APPLICABLE], (name, found)
