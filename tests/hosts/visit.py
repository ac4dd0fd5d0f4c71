"""python -m tests.hosts.visit VARIANT [LINE...]: boot a host of the matrix and run commands on it.

The host is set up and broken as the variant says. Each LINE is shell, run as root; `lxc: LINE` is
typed by the user in a login of their own. Without a LINE they are read from standard input. The
project lies in /opt/lxc-preflight there. When the input ends, so does the host.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable

from tests.hosts import machine, ready
from tests.hosts.channel import HostGone
from tests.hosts.image import NoImage
from tests.hosts.variants import MATRIX

USER = "lxc: "


def visit(name: str, lines: Iterable[str]) -> int:
    """Run every line; the exit code is that of the last."""
    variant = next((one for one in MATRIX if one.name == name), None)
    if variant is None:
        names = " ".join(one.name for one in MATRIX)
        print(f"visit: there is no {name}; there are {names}", file=sys.stderr)
        return 2
    print(f"booting {name}: {variant.what}", file=sys.stderr, flush=True)
    code = 0
    with ready.boot(variant.boot) as host:
        host.shell(variant.sabotage)
        for line in lines:
            words = line.strip()
            if words.startswith(USER):
                words = f"su - lxc -c {shlex.quote(words.removeprefix(USER))}"
            done = host.run(["bash", "-c", words])
            print(done.stdout, end="", flush=True)
            print(done.stderr, end="", file=sys.stderr, flush=True)
            code = done.returncode
    return code


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    if reason := machine.obstacle():
        print(f"visit: {reason}", file=sys.stderr)
        return 2
    try:
        return visit(sys.argv[1], sys.argv[2:] or sys.stdin)
    except (NoImage, HostGone) as error:
        print(f"visit: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
