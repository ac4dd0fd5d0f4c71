"""The first process of a world: makes it, says so, and keeps it until its standard input ends."""

from __future__ import annotations

import os
import sys

from tests.truth import world


def main(number: int, tarball: str) -> None:
    world.make_outer(tarball)
    world.add_user(world.User(number))
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
