"""Record hosts for tests/recorded: `python -m tests.record [NAME...]`, as root, with LXC installed.

Each host is one of the truth table's cases, made in a private world (tests/truth/world.py) and
recorded there by asking every question that any check asks of it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from audit.engine import judge
from audit.host import Host, Request
from audit.identity import about
from audit.live import Live
from audit.pictures.gathering import pictures
from audit.redaction import redact
from audit.registry import builtin
from audit.snapshot import document
from audit.source import Answer, Question, Recorder, Refused
from tests.recordings import HEALTHY, write
from tests.truth import world
from tests.truth.cases import every

USER = world.User(91)
# Fixed whatever the truth table's users are: tests name them.
USER.name, USER.uid, USER.base = "truth91", 52_091, 1_309_100_000
USER.home = Path("/home") / USER.name
# name of a case -> the container that is judged, if any
HOSTS: dict[str, str | None] = {
    HEALTHY: None,
    "newuidmap_nosuid": None,
    "newuidmap_missing": None,
    "subuid_none": None,
    "subuid_crlf": None,
    "conf_range_plus1": None,
    "conf_unknown_key": None,
    "conf_hook_missing": None,
    "home_0700": None,
    "home_acl_masked": None,
    "lxcpath_noexec": None,
    "net_working": None,
    "net_quota_exhausted": None,
    "cg1_limit_memory": None,
    "sysctl_max_user_ns_0": None,
    "account_expired": None,
    "rootfs_unshifted": "base",
    "init_missing": "base",
}
RECORDED = "2026-01-01T00:00:00Z"  # the same each time: only what changed should show in a diff
# Mounts that no host but the recording machine has.
FOREIGN_MOUNT = re.compile(
    r"^\d+ \d+ \S+ \S+ /(?!(?:proc|sys|dev|run|etc|usr|var|home|srv)\b| ).*\n", re.M
)


def record(container: str | None) -> dict[str, Any]:
    """The snapshot document of the host we are in."""
    recorder = Recorder(Live())
    request = Request(USER.name, container=container)
    host = Host(recorder, request)
    about(host)
    for check in builtin().values():
        judge(
            check, host
        )  # each by itself: a consequence is asked too, though an audit would skip it
    pictures(host, ())
    answers = {
        question: anonymous(question, answer) for question, answer in recorder.answers.items()
    }
    return document(redact(answers), request, source="live", recorded=RECORDED, version="0")


def anonymous(question: Question, answer: Answer | Refused) -> Answer | Refused:
    """An answer without what is of this machine only."""
    if question == ("uname",) and isinstance(answer, list):
        return [answer[0], "host", *answer[2:]]
    if isinstance(answer, str) and question[-1].endswith(("mountinfo", "mounts")):
        return FOREIGN_MOUNT.sub("", answer)
    return answer


def inside(name: str) -> None:
    """In namespaces of our own: make the world and its user, break it, print the record."""
    world.make_outer()
    without_people()
    world.add_user(USER)
    case = next(case for case in every() if case.name == name)
    world.shell(case.sabotage, USER)
    with os.fdopen(3, "w") as out:
        json.dump(record(HOSTS[name]), out)


def without_people() -> None:
    """Leave out the ordinary users of the recording machine; /etc is this world's own."""
    for path in (Path("/etc/subuid"), Path("/etc/subgid")):
        path.write_text("")
    people = ordinary(Path("/etc/passwd").read_text()) | ordinary(Path("/etc/group").read_text())
    for name in ("passwd", "group", "shadow", "gshadow"):
        path = Path("/etc") / name
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if line.partition(":")[0] not in people))


def ordinary(text: str) -> set[str]:
    """The names in passwd(5) or group(5) that have an id from 1000 on, but nobody's."""
    fields = (line.split(":") for line in text.splitlines())
    return {one[0] for one in fields if len(one) > 2 and 1000 <= int(one[2]) < 65534}


def in_a_world(name: str) -> dict[str, Any]:
    case = next(case for case in every() if case.name == name)
    read, write = os.pipe()
    command = world.enter(
        [sys.executable, "-m", "tests.record", "--inside", name], private_sysctls=case.userns
    )
    process = subprocess.Popen(
        ["bash", "-c", f'exec 3>&{write}; exec "$@"', "record", *command], pass_fds=[write]
    )
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    if process.wait():
        raise SystemExit(f"{name}: could not be recorded")
    world.remove_cgroups(USER)
    result: dict[str, Any] = json.loads(text)
    return result


def main(names: Iterable[str]) -> None:
    for name in names or HOSTS:
        write(name, in_a_world(name))
        print(name, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(*sys.argv[2:])
    else:
        main(sys.argv[1:])
