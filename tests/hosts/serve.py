"""In a user's session on a host: run the commands that come in, one after the other.

It is what somebody typing there is, so it lives as long as the session. `python3 -m
tests.hosts.serve DIRECTORY` reads requests from the FIFO `in` and answers in the FIFO `out`, a line
of JSON each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.truth.reality import bounded


def typed(command: str, seconds: float) -> dict[str, object]:
    """What a command line does; code 124 when it takes longer than `seconds`."""
    done = bounded(["bash", "-c", f"cd; {command}"], seconds)
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr}


def main(directory: Path) -> None:
    with open(directory / "in") as requests, open(directory / "out", "w") as answers:
        for line in requests:
            answers.write(json.dumps(typed(**json.loads(line))) + "\n")
            answers.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
