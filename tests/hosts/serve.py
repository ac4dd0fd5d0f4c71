"""In a user's session on a host: run the commands that come in, one after the other.

It is what somebody typing there is, so it lives as long as the session. `python3 -m
tests.hosts.serve DIRECTORY` reads requests from the FIFO `in` and answers in the FIFO `out`, a line
of JSON each.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path


def typed(command: str, seconds: float) -> dict[str, object]:
    """What a command line does; code 124 when it takes longer than `seconds`."""
    # files and not pipes: a started container keeps them open
    with (
        tempfile.TemporaryFile("w+", errors="replace") as out,
        tempfile.TemporaryFile("w+", errors="replace") as err,
    ):
        process = subprocess.Popen(
            ["bash", "-c", f"cd; {command}"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            process_group=0,
        )
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = 124
        out.seek(0)
        err.seek(0)
        return {"code": code, "out": out.read(), "err": err.read()}


def main(directory: Path) -> None:
    with open(directory / "in") as requests, open(directory / "out", "w") as answers:
        for line in requests:
            answers.write(json.dumps(typed(**json.loads(line))) + "\n")
            answers.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
