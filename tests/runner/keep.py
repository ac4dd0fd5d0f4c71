"""The first process of a world: makes it, says so, and keeps it until its standard input ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.truth import world

MOST = 8000  # owners: every id stays below 2^31, where ps(1) prints it as it is


class Owner(world.User):
    """The user of a world of these tests: with other names and ids than those of tests/truth/."""

    def __init__(self, number: int) -> None:
        self.name = f"runner{number}"
        self.uid = 40_000 + number
        self.base = 400_000_000 + number * 100_000
        self.home = Path("/home") / self.name


def main(number: int, tarball: str) -> None:
    world.make_outer(tarball)
    world.add_user(Owner(number))
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
