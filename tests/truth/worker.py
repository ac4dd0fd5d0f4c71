"""One worker: an outer world with a healthy user, and case after case in worlds inside it.

Reads names of cases from standard input and answers each with one line of JSON. Runs on the
system's own Python, because a world hides whatever stands in /home or /opt.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import Any

from tests.truth import guest, world
from tests.truth.cases import every
from tests.truth.inside import restored

CASE_SECONDS = 240


def run_case(name: str, number: int, inside: str) -> dict[str, Any]:
    case = next(c for c in every() if c.name == name)
    command = world.enter(
        [world.PYTHON, "-m", inside, name, str(number)],
        private_sysctls=case.userns,
    )
    # A file and not a pipe, which a report would fill. unshare and python pass descriptor 3 on.
    with tempfile.TemporaryFile("w+") as answer, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            ["bash", "-c", f'exec 3>&{answer.fileno()}; exec "$@"', "case", *command],
            pass_fds=[answer.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            process.wait(CASE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return {"case": name, "crashed": f"no answer within {CASE_SECONDS} seconds"}
        answer.seek(0)
        text = answer.read()
        errors.seek(0)
        words = errors.read().strip()[-1500:]
    if not text:
        return {"case": name, "crashed": words or f"exit code {process.returncode}"}
    result: dict[str, Any] = json.loads(text)
    return result


def main(number: int, inside: str, tarball: str) -> None:
    user = world.User(number)
    # Everything is imported by now: what follows may hide the place that we came from.
    world.make_outer(tarball)
    world.add_user(user)
    if tarball:
        guest.shift(user)
    for line in sys.stdin:
        result = run_case(line.strip(), number, inside)
        world.remove_cgroups(user)
        # what the outer world says now is what the host says after the restore
        result["restored"] = restored(user)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:4])
