"""One case, in a world of its own: break, ask, try for real. Answers in JSON on descriptor 3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from tests.truth import guest, peers, reality, world
from tests.truth.case import Case
from tests.truth.cases import every

AUDIT = f"{world.PYTHON} -m lxc_preflight"
HEALTHY = Case("healthy session")
Done = subprocess.CompletedProcess[str]


def audits(case: Case, user: world.User, container: str | None) -> dict[str, Any]:
    """What each way of asking says: root for the user, a snapshot, the user, --probe."""
    what = f"--guest {case.guest} --template {case.template}"
    if container:
        what += f" -n {container}"

    def as_user(options: str) -> Done:
        typed = f"bash -c 'cd {world.PLACE}; exec {AUDIT} audit --format json {options}'"
        return reality.ask(case, user, typed)

    def as_root(options: str) -> Done:
        return run(f"{AUDIT} audit --format json --user {user.name} {options}")

    def from_snapshot() -> Done:
        with tempfile.TemporaryDirectory() as directory:
            shot = f"{directory}/snapshot.json"
            return run(
                f"{AUDIT} collect --user {user.name} -o {shot} {what} >&2"
                f" && {AUDIT} audit --snapshot {shot} --format json {what}"
            )

    asked: dict[str, Callable[[], Done]] = {"user": lambda: as_user(what)}
    if case.in_session:  # root is asked about the next login, and that one is not broken
        asked["probe"] = lambda: as_user(f"--probe {what}")
    else:
        asked["root"] = lambda: as_root(what)
        asked["snapshot"] = from_snapshot
        asked["probe"] = lambda: as_root(f"--probe {what}")
    return {way: said(ask()) for way, ask in asked.items()}


def restored(user: world.User) -> dict[str, Any]:
    """What root is told about the host that we are in."""
    return said(run(f"{AUDIT} audit --format json --user {user.name} --template busybox"))


def run(line: str, seconds: float = 120) -> Done:
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=seconds)


def said(done: Done) -> dict[str, Any]:
    """What matters of a report; `refused`: why an audit found its input unusable."""
    try:
        report = json.loads(done.stdout)
    except ValueError:
        words = (done.stderr.strip() or done.stdout.strip())[-2000:]
        key = "refused" if done.returncode == 2 else "failed"
        return {key: words or f"exit code {done.returncode}"}
    return {
        "verdict": report["verdict"],
        "stages": report["stages"],
        "causes": causes(report),
        "findings": [
            {key: one[key] for key in ("check", "level", "outcome", "stages", "message")}
            for one in report["findings"]
            if one["outcome"] in ("unknown", "error")
            or (one["outcome"] == "fail" and one["level"] in ("blocking", "degraded"))
        ],
    }


def causes(report: dict[str, Any]) -> list[str]:
    """The checks whose failure stops a stage, in the order in which the text report shows them."""
    failed: dict[str, list[dict[str, Any]]] = {}
    consequences: dict[str, int] = {}
    for one in report["findings"]:
        if one["outcome"] == "fail" and one["level"] in ("blocking", "degraded") and one["stages"]:
            failed.setdefault(one["check"], []).append(one)
        for cause in one["skipped_because"]:
            consequences[cause] = consequences.get(cause, 0) + 1

    def place(name: str) -> tuple[bool, int, int, str]:
        own = failed[name]
        blocking = any(one["level"] == "blocking" for one in own)
        widest = max(len(one["stages"]) for one in own)
        return not blocking, -widest, -consequences.get(name, 0), name

    return sorted(failed, key=place)


def judge(case: Case, user: world.User) -> dict[str, Any]:
    """Break the host, ask everybody, then let LXC answer."""
    containers = ["new", "base"]
    if case.guest == "systemd":
        guest.install(user)
        containers = ["deb"]
    _, healthy = peers.complaints(HEALTHY, user)
    world.shell(case.sabotage, user)
    typed = reality.typist(case, user)
    locked_out = typed("true", 60).returncode != 0
    reports = {name: audits(case, user, None if name == "new" else name) for name in containers}
    asked = {}
    if not locked_out:
        by_code, by_words = peers.checkconfig(healthy, *peers.complaints(case, user))
        howto = peers.howto(case, user)
        asked = {"checkconfig": by_code, "its words": by_words, "howto": howto}
    real: dict[str, dict[str, reality.Outcome | None]] = {}
    for name in containers:
        real[name] = {}
        if name == "new":
            created = real[name]["create"] = reality.create(
                typed, name, case.template, case.template_args
            )
            if not created.works:
                continue
        started = reality.start(typed, name, case.guest, case.limits)
        # a plain lxc-start is what is tried here
        real[name] |= {"bare_start": started.start, **started._asdict()}
    return {
        "case": case.name,
        "locked_out": locked_out,
        "reports": reports,
        "peers": {name: answer._asdict() for name, answer in asked.items()},
        "reality": {
            name: {stage: one._asdict() for stage, one in stages.items() if one is not None}
            for name, stages in real.items()
        },
    }


def main(name: str, number: int) -> None:
    case = next(c for c in every() if c.name == name)
    world.make()
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    result = judge(case, world.User(number))
    with os.fdopen(3, "w") as out:
        json.dump(result, out)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
