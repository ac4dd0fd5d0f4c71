"""Every check of checks/image."""

from __future__ import annotations

import pytest

from audit.access import Credentials
from audit.facts.cgroup import cgroup_layout
from audit.facts.config import container_config
from audit.facts.executables import Executable, which
from audit.facts.guest import guest_init
from audit.facts.lxc import template_dir
from audit.facts.lxcconf import lxcpath
from audit.facts.session import home_dir, search_path, session_credentials, variable
from audit.facts.template import APPENDED, TOOLS
from audit.host import Host, Request, Stat
from audit.model import CREATE, Finding, Outcome
from audit.registry import builtin
from audit.source import Answer, Question, Refused
from audit.testing import WHO, judged, made_host
from checks.image.server import PROXIES
from tests.primed import config, primed

EVERY = builtin()
PLACE = "/usr/share/lxc/templates"
PLAIN = Request(user="lxc")
SYSTEMD = Request(user="lxc", guest="systemd")
USER = Credentials(1001, 1001, frozenset({100, 1001}))
DIRECTORY: Answer = ["directory", 0o755, 0, 0, 0, 8, 1]
PASS, FAIL, NA = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE
Answers = dict[Question, Answer | Refused]


def host_with(
    answers: Answers | None = None,
    request: Request = PLAIN,
    missing: tuple[str, ...] = (),
    tar: str = "/usr/bin/tar",
    script: str = "#!/bin/sh\n",
    mode: int | None = 0o755,
) -> Host:
    known: Answers = {}
    for name in ("busybox", "download", "debian"):
        path = f"{PLACE}/lxc-{name}"
        known["read", path] = script
        known["stat", path] = None if mode is None else ["file", mode, 0, 0, 9, 8, 1]
        known["xattr", path, "system.posix_acl_access"] = None
    for directory in ("/", "/usr", *APPENDED):
        known["stat", directory] = known["lstat", directory] = DIRECTORY
        known["xattr", directory, "system.posix_acl_access"] = None
        for tool in missing:
            known["lstat", f"{directory}/{tool}"] = None
    facts = {
        template_dir: PLACE,
        session_credentials: USER,
        search_path: ("/usr/bin",),
        home_dir: "/home/lxc",
    }
    host = primed(made_host({}, {**known, **(answers or {})}, request), facts)
    stat = Stat("file", 0o755, 0, 0, 9, 8, 1)
    for tool in {"busybox", "gpg", *(name for names in TOOLS.values() for name in names)}:
        real = tar if tool == "tar" else f"/usr/bin/{tool}"
        one = Executable(f"/usr/bin/{tool}", real, stat, None, True)
        host._facts[(which, tool)] = None if tool in missing else one, None, frozenset()
    for name in (*PROXIES, "DOWNLOAD_KEYSERVER"):
        host._facts[(variable, name)] = None, None, frozenset()
    return host


def findings(name: str, host: Host) -> list[Finding]:
    return list(judged(EVERY[f"image.{name}"], host).findings)


def failed(name: str, host: Host) -> list[str]:
    return [finding.subject for finding in findings(name, host) if finding.outcome is FAIL]


def test_the_judged_template_is_the_guests() -> None:
    assert "lxc-busybox" in findings("template", host_with())[0].message
    assert "lxc-download" in findings("template", host_with(request=SYSTEMD))[0].message
    there = Request(user="lxc", container="c1")
    assert findings("template", host_with(request=there))[0].outcome is NA


@pytest.mark.parametrize("mode", [None, 0o644, 0o750])
def test_a_template_that_cannot_be_executed_is_told(mode: int | None) -> None:
    assert [f.outcome for f in findings("template", host_with(mode=mode))] == [FAIL]


def test_a_template_for_root_is_told_by_its_own_words() -> None:
    script = "echo This template can't be used for unprivileged containers."
    request = Request(user="lxc", template="debian")
    (found,) = findings("template", host_with(request=request, script=script))
    assert found.outcome is FAIL
    assert "-t download" in found.message


@pytest.mark.parametrize(
    ("request_", "missing"),
    [(PLAIN, ""), (SYSTEMD, ""), (PLAIN, "busybox"), (SYSTEMD, "xz"), (SYSTEMD, "wget")],
)
def test_a_missing_tool_is_told(request_: Request, missing: str) -> None:
    names = (missing,) if missing else ()
    assert failed("tools", host_with(request=request_, missing=names)) == list(names)


def test_a_plain_guest_needs_no_wget_and_a_download_no_busybox() -> None:
    assert failed("tools", host_with(missing=("wget", "tar", "xz"))) == []
    assert failed("tools", host_with(request=SYSTEMD, missing=("busybox",))) == []


def test_busyboxs_tar_unpacks_no_image() -> None:
    assert failed("tools", host_with(request=SYSTEMD, tar="/bin/busybox")) == ["tar"]
    assert failed("tools", host_with(request=SYSTEMD, tar="/usr/bin/bsdtar")) == []


def test_an_old_script_needs_gpg() -> None:
    script = 'echo "ERROR: Missing recommended tool: gpg"'
    assert failed("tools", host_with(request=SYSTEMD, missing=("gpg",), script=script)) == ["gpg"]
    assert failed("tools", host_with(request=SYSTEMD, missing=("gpg",))) == []


def test_a_dead_key_server_is_told() -> None:
    script = 'DOWNLOAD_KEYSERVER="hkp://pool.sks-keyservers.net"'
    assert [f.outcome for f in findings("keyserver", host_with(request=SYSTEMD))] == [PASS]
    old = host_with(request=SYSTEMD, script=script)
    assert [f.outcome for f in findings("keyserver", old)] == [FAIL]
    assert [f.outcome for f in findings("keyserver", host_with())] == [NA]


ROUTES = "Iface\tDestination\tGateway\neth0\t{}\t0101A8C0\n"
CACHE = "/home/lxc/.cache/lxc/download"


@pytest.mark.parametrize(
    ("destination", "cached", "expected"),
    [("00000000", None, PASS), ("0001A8C0", None, FAIL), ("0001A8C0", ["alpine"], PASS)],
)
def test_a_download_needs_a_way_out(destination: str, cached: Answer, expected: Outcome) -> None:
    answers: Answers = {
        ("read", "/proc/net/route"): ROUTES.format(destination),
        ("read", "/proc/net/ipv6_route"): None,
        ("user_list", CACHE, WHO): cached,
    }
    found = findings("server", host_with(answers, SYSTEMD))
    assert [f.outcome for f in found] == [expected]
    assert not any(f.stages for f in found), "a server of one's own network may be meant"
    asked = Request(user="lxc", template="download")
    stages = (CREATE,) if expected is FAIL else None
    assert [f.stages for f in findings("server", host_with(answers, asked))] == [stages]


def test_images_include_the_shared_configs() -> None:
    files = {f"/usr/share/lxc/config/{n}": "" for n in ("common.conf", "common.seccomp")}
    answers: Answers = {("user_read", path, WHO): text for path, text in files.items()}
    answers["user_read", "/usr/share/lxc/config/userns.conf", WHO] = None
    assert failed("shared_config", host_with(answers, SYSTEMD)) == ["userns.conf"]
    assert [f.outcome for f in findings("shared_config", host_with(answers))] == [NA]


@pytest.mark.parametrize(
    ("layout", "library", "expected"),
    [
        ("unified", "libsystemd-shared-252.so", PASS),
        ("unified", "libsystemd-shared-231.so", FAIL),
        ("hybrid", "libsystemd-shared-231.so", NA),
        ("unified", "x", Outcome.UNKNOWN),
    ],
)
def test_an_old_systemd_does_not_run_on_cgroup2(
    layout: str, library: str, expected: Outcome
) -> None:
    answers: Answers = {
        ("list", "/r/usr/lib/systemd"): [library],
        ("list", "/r/usr/lib"): ["systemd"],
        ("lstat", "/r/lib"): None,
    }
    for path in ("/r", "/r/usr", "/r/usr/lib", "/r/usr/lib/systemd"):
        answers["lstat", path] = DIRECTORY
    facts = {
        container_config: config("lxc.rootfs.path = dir:/r"),
        guest_init: "systemd",
        cgroup_layout: layout,
        lxcpath: "/l",
    }
    host = primed(host_with(answers, Request(user="lxc", container="c1")), facts)
    assert [f.outcome for f in findings("guest_systemd", host)] == [expected]
