"""One worker: an outer world with a healthy user, and one case after the other in worlds inside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

from tests.truth import world
from tests.truth.cases import every
from tests.truth.inside import ROOT_SESSION, audits

APPLICATION = ("audit", "checks", "remediations", "reports", "runner", "lxc_preflight")
CASE_SECONDS = 240


def install() -> None:
    """A copy of the application where every user can read it, compiled as an installed one would be."""
    for folder in APPLICATION:
        shutil.copytree(world.ROOT / folder, f"/opt/lxc-preflight/{folder}", dirs_exist_ok=True)
    subprocess.run(
        ["/usr/bin/python3", "-m", "compileall", "-q", "/opt/lxc-preflight"], check=False
    )


def run_case(name: str, number: int, directory: str) -> dict[str, Any]:
    case = next(c for c in every() if c.name == name)
    read, write = os.pipe()
    command = world.enter(
        [sys.executable, "-m", "tests.truth.inside", name, str(number), directory],
        private_sysctls=case.userns,
    )
    # unshare and python pass file descriptor 3 on
    process = subprocess.Popen(
        ["bash", "-c", f'exec 3>&{write}; exec "$@"', "case", *command],
        cwd=world.ROOT,
        pass_fds=[write],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        try:
            _, errors = process.communicate(timeout=CASE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return {"case": name, "crashed": f"no answer within {CASE_SECONDS} seconds"}
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
