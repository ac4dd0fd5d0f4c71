"""Hosts with a config, and what the checks of checks/config say about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from audit.access import Credentials
from audit.facts.config import Config, container_config
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
from audit.testing import judged, made_host
from tests.primed import config, primed

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
