"""One case, in a world of its own: break, fix, start, undo. Answers in JSON on descriptor 3."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.truth import guest, reality, world
from tests.truth.case import Case
from tests.truth.cases import every
from tests.truth.inside import AUDIT

# What only a systemd guest misses here brings packages, and minutes for each case.
LEVEL = "blocking"
State = dict[str, tuple[Any, ...]]
# What the container's own life, logins and package tools leave behind says nothing about undo.
NOT_OURS = ("/etc/ld.so.cache", "/etc/mtab")


def about(case: Case, user: world.User, container: str) -> str:
    name = "" if container == "new" else f" -n {container}"
    return f"--user {user.name} --guest {case.guest} --template {case.template}{name}"


def command(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"{AUDIT} {line}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
    )


def audited(what: str) -> dict[str, Any]:
    """The verdict, and what fails; `refused` where there is no report."""
    done = command(f"audit --format json {what}")
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return {"verdict": "refused", "failed": [done.stderr.strip()[-300:]], "manual": []}
    failed = [
        one for one in report["findings"] if one["outcome"] == "fail" and one["level"] == "blocking"
    ]
    return {
        "verdict": report["verdict"],
        "network": report["stages"]["network"]["verdict"],
        "failed": sorted({one["check"] for one in failed}),
        "steps": [step for one in failed if one["fix"] for step in one["fix"]["steps"]],
    }


def state(user: world.User) -> State:
    """What a fix may change on a disk: /etc, the helpers, and the way to the user's containers."""
    found: State = {}
    home = user.home
    places = [Path("/etc"), *Path("/usr/bin").glob("new?idmap*"), Path("/usr/bin"), home]
    places += [home / part for part in (".local", ".local/share", ".local/share/lxc", ".config")]
    places += [*(home / ".config").rglob("*"), *(home / ".local/share/lxc").glob("base*/config")]
    places += [*Path("/usr/lib").glob("*/lxc/lxc-user-nic"), *Path("/usr/libexec/lxc").glob("*")]
    for top in places:
        inside = sorted(Path("/etc").rglob("*")) if top == Path("/etc") else []
        for path in (top, *inside):
            try:
                info = path.lstat()
            except OSError:
                continue
            if str(path) in NOT_OURS:
                continue
            digest = ""
            if stat.S_ISREG(info.st_mode) and info.st_size < 1 << 24:
                digest = hashlib.sha1(path.read_bytes()).hexdigest()
            elif stat.S_ISLNK(info.st_mode):
                digest = os.readlink(path)
            attributes = {
                key: os.getxattr(path, key, follow_symlinks=False).hex()
                for key in os.listxattr(path, follow_symlinks=False)
                if not key.startswith("trusted.")
            }
            entry = (info.st_mode, info.st_uid, info.st_gid, digest, tuple(attributes.items()))
            found[str(path)] = entry
    return found


def mend(case: Case, user: world.User) -> dict[str, Any]:
    """What became of each container, and whether undo left the host as it had been broken."""
    containers = ["new", "base"]
    if case.guest == "systemd":
        guest.install(user)
        containers = ["deb"]
    world.shell("echo 'nameserver 127.0.0.1' >/etc/resolv.conf", user)  # refuses at once
    world.shell(case.sabotage, user)
    before = {name: audited(about(case, user, name)) for name in containers}
    was = state(user)
    rows: dict[str, dict[str, Any]] = {}
    for name in containers:
        if before[name]["verdict"] != "not-ready":
            continue
        fixed = command(f"fix --apply --yes --level {LEVEL} {about(case, user, name)}")
        words = (fixed.stderr.strip() + "\n" + fixed.stdout.strip())[-1500:]
        rows[name] = {"code": fixed.returncode, "words": words}
    after = {name: audited(about(case, user, name)) for name in containers}
    typed = reality.typist(case, user)
    ours = was.keys() | state(user).keys()  # what LXC makes from here on is not the fixes'
    for name in rows:
        if after[name]["verdict"] != "ready":
            continue
        outcomes = []
        if name == "new":
            outcomes.append(reality.create(typed, name, case.template, case.template_args))
        if all(one.works for one in outcomes):
            started = reality.start(typed, name, case.guest, case.limits)
            outcomes += [started.start, *filter(None, [started.limits])]
            # an interface that nothing brings up is degraded, and the prediction says no
            outcomes += [started.network] if after[name]["network"] == "yes" else []
        rows[name]["works"] = all(one.works for one in outcomes)
        rows[name]["error"] = "; ".join(one.error for one in outcomes if not one.works)
    undone: list[str] = []
    while rows and len(undone) < 20:
        done = command("fix --undo --yes")
        if "nothing has been applied" in done.stdout:
            break
        undone.append((done.stdout + done.stderr).strip()[-1500:])
    now = state(user)
    said = " ".join(undone)
    different = sorted(
        path
        for path in ours
        if was.get(path) != now.get(path)
        # LXC put something there since: undo says so, and leaves it
        and f"{path}: there is a new one" not in said
        and f"{path}: something is in it by now" not in said
    )
    again = {name: audited(about(case, user, name)) for name in containers if name != "new"}
    return {
        "case": case.name,
        "before": before,
        "after": after,
        "rows": rows,
        "undone": undone,
        "different": different,
        "again": again,
    }


def main(name: str, number: int) -> None:
    case = next(c for c in every() if c.name == name)
    world.make()
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    result = mend(case, world.User(number))
    with os.fdopen(3, "w") as out:
        json.dump(result, out)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
