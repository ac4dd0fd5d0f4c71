"""The real lxc-user-nic, in namespaces of its own, against tables of lxc-usernet and its data base.

Reads cases from standard input and writes what happened, both as JSON; run by `enter()` as root.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HELPER = "/usr/libexec/lxc/lxc-user-nic"
USER, UID = "t_oracle", 52871
GROUPS = {"t_oracle": 52871, "t_ours": 52872, "t_also": 52880, "t_foreign": 52890}
NAMELESS = 52875  # a gid between theirs that has no name
BRIDGES = ("tob0", "tob1", "tob.1")
USERNET, NICS = Path("/etc/lxc/lxc-usernet"), Path("/run/lxc/nics")


def enter(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What lxc-user-nic does in each case: see `play`."""
    world = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc"]
    done = subprocess.run(
        [*world, sys.executable, __file__],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def furnish() -> None:
    """A private /run, /etc/lxc, /sys, account and bridges."""
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    for directory in ("/run", "/etc/lxc"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory], check=True)
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
    accounts = Path("/etc/passwd").read_text() + f"{USER}:x:{UID}:{UID}::/:/bin/sh\n"
    groups = Path("/etc/group").read_text()
    groups += "".join(f"{name}:x:{gid}:\n" for name, gid in GROUPS.items())
    for name, text in (("passwd", accounts), ("group", groups)):
        Path("/run", name).write_text(text)
        subprocess.run(["mount", "--bind", f"/run/{name}", f"/etc/{name}"], check=True)
    for bridge in BRIDGES:
        ip("link", "add", bridge, "type", "bridge")


def guest() -> subprocess.Popen[bytes]:
    """A process of the user in a user and network namespace of its own."""
    before = os.readlink("/proc/self/ns/net")
    process = subprocess.Popen(
        ["unshare", "--user", "--net", "sleep", "1000"], user=UID, group=UID, extra_groups=[UID]
    )
    deadline = time.monotonic() + 5
    while os.readlink(f"/proc/{process.pid}/ns/net") == before and time.monotonic() < deadline:
        time.sleep(0.002)
    return process


def play(case: dict[str, Any]) -> dict[str, Any]:
    """Ask for each of `requests` (bridges) in turn; `live` are interfaces that exist meanwhile."""
    if case["usernet"] is None:
        USERNET.unlink(missing_ok=True)
    else:
        USERNET.write_bytes(case["usernet"].encode("latin-1"))
    NICS.parent.mkdir(exist_ok=True)
    NICS.unlink(missing_ok=True)
    if case.get("nics") is not None:
        NICS.write_bytes(case["nics"].encode("latin-1"))
    for name in case.get("live", ()):
        ip("link", "add", name, "type", "bridge")
    inside = guest()
    answers: list[dict[str, Any]] = []
    for bridge in case["requests"]:
        done = subprocess.run(
            [HELPER, "create", "/", "oracle", str(inside.pid), "veth", bridge],
            user=UID,
            group=UID,
            extra_groups=case.get("groups", [UID]),
            capture_output=True,
            text=True,
        )
        nics = NICS.read_bytes().decode("latin-1")
        made = done.stdout.strip().split(":")
        answers.append(
            {
                "code": done.returncode,
                "nic": made[2] if len(made) > 2 else "",
                "nics": nics,
                "error": done.stderr.strip(),
            }
        )
    for answer in answers:
        if answer["nic"]:
            ip("link", "delete", answer["nic"])
    inside.kill()
    inside.wait()
    for name in case.get("live", ()):
        ip("link", "delete", name)
    return {"answers": answers}


if __name__ == "__main__":
    furnish()
    json.dump([play(case) for case in json.load(sys.stdin)], sys.stdout)
