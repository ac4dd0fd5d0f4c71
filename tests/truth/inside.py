"""One case, in a world of its own: break, audit, try for real. Prints one JSON line on file descriptor 3."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

from tests.truth import reality, world
from tests.truth.case import Case
from tests.truth.cases import every

AUDIT = "/usr/bin/python3 -m lxc_preflight"
ROOT_SESSION = Case("root")


def audits(case: Case, user: world.User, container: str | None) -> dict[str, Any]:
    """The report of each way to ask: as root for the user, from a snapshot, as the user in the session."""
    what = f"--guest {case.guest} --template {case.template}"
    if container:
        what += f" -n {container}"
    options = f"--format json {what}"
    command = f"cd /opt/lxc-preflight && {AUDIT}"
    with tempfile.TemporaryDirectory() as directory:
        shot = f"{directory}/snapshot.json"
        asked = {
            "root": f"{command} audit --user {user.name} {options}",
            "snapshot": f"{command} collect --user {user.name} -o {shot} {what} >&2"
            f" && {AUDIT} audit --snapshot {shot} --format json {what}",
        }
        reports = {way: _report(["bash", "-c", line]) for way, line in asked.items()}
    typed = f"bash -c 'cd /opt/lxc-preflight; exec {AUDIT} audit {options}'"
    reports["user"] = _parse(reality.run(case, user, typed, 60))
    return reports


def _report(argv: list[str]) -> Any:
    import subprocess

    return _parse(subprocess.run(argv, capture_output=True, text=True, timeout=120))


def _parse(done: Any) -> Any:
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {
            "failed": (done.stderr.strip() or done.stdout.strip() or str(done.returncode))[-2000:]
        }


def judge(case: Case, user: world.User) -> dict[str, Any]:
    """Break the host, ask the audit, then let LXC answer."""
    world.shell(case.sabotage, user)
    locked_out = reality.run(case, user, "true").returncode != 0
    reports = {"new": audits(case, user, None), "base": audits(case, user, "base")}
    created = reality.create(case, user, "new")
    started, limits = reality.Outcome(None), {}
    if created.works:
        started, limits = reality.start(case, user, "new")
    old, old_limits = reality.start(case, user, "base")
    return {
        "case": case.name,
        "in_session": case.in_session,
        "locked_out": locked_out,
        "reports": reports,
        "create": created._asdict(),
        "start": started._asdict(),
        "start_base": old._asdict(),
        "limits": {"wanted": list(case.limits), "found": limits or old_limits},
    }


def main(name: str, number: int, directory: str) -> None:
    case = next(c for c in every() if c.name == name)
    world.make(directory)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    result = judge(case, world.User(number))
    with os.fdopen(3, "w") as out:
        json.dump(result, out)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
