"""One worker: an outer world with a healthy user, and case after case in worlds inside it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from typing import Any

from tests.truth import world
from tests.truth.cases import every
from tests.truth.inside import ROOT_SESSION, audits

APPLICATION = ("audit", "checks", "remediations", "reports", "runner", "lxc_preflight")
CASE_SECONDS = 240


def install() -> None:
    """A copy of the application where every user can read it, compiled as if installed."""
    for folder in APPLICATION:
        shutil.copytree(world.ROOT / folder, f"/opt/lxc-preflight/{folder}", dirs_exist_ok=True)
    subprocess.run(
        ["/usr/bin/python3", "-m", "compileall", "-q", "/opt/lxc-preflight"], check=False
    )


def run_case(name: str, number: int, directory: str) -> dict[str, Any]:
    case = next(c for c in every() if c.name == name)
    command = world.enter(
        [sys.executable, "-m", "tests.truth.inside", name, str(number), directory],
        private_sysctls=case.userns,
    )
    # A file and not a pipe, which a report would fill. unshare and python pass descriptor 3 on.
    with tempfile.TemporaryFile("w+") as answer:
        process = subprocess.Popen(
            ["bash", "-c", f'exec 3>&{answer.fileno()}; exec "$@"', "case", *command],
            cwd=world.ROOT,
            pass_fds=[answer.fileno()],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        try:
            _, errors = process.communicate(timeout=CASE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return {"case": name, "crashed": f"no answer within {CASE_SECONDS} seconds"}
        answer.seek(0)
        text = answer.read()
    if not text:
        return {"case": name, "crashed": errors.strip()[-1500:]}
    result: dict[str, Any] = json.loads(text)
    return result


def main(number: int, directory: str, names: list[str]) -> None:
    user = world.User(number)
    world.make(directory, empty=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/opt"], check=True)
    install()
    world.add_user(user)
    for name in names:
        with world.mount_point() as inner:
            result = run_case(name, number, inner)
        world.remove_cgroups(user)
        # what the outer world says now is what the host says after the restore
        result["restored"] = audits(ROOT_SESSION, user, None)["root"]
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
