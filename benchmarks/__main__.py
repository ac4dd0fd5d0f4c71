"""python -m benchmarks [--runs N]: four tables, the last two only as root and with LXC installed.

Times differ between machines and hours; ratios taken in one run differ little. So commands that are
compared take turns, and the median of each counts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.rendering import rendering
from tests.truth import world
from tools import pyz

ROOT = Path(__file__).parent.parent
USER = world.User(92)
TOOL = (sys.executable, "-m", "lxc_preflight")
AUDIT = (*TOOL, "audit", "--format", "json")
APPLICATION = ("audit", "checks", "remediations", "reports", "runner", "lxc_preflight")
MAX_GROWTH = 11.0


class Growth(NamedTuple):
    """Something of which a host can have a lot: how to make `size` of them."""

    name: str
    size: int
    make: Callable[[int], None]


def compiled() -> None:
    """Have bytecode, as an installed program has it, also where Python is told to write none."""
    compileall = (sys.executable, "-m", "compileall", "-q", *APPLICATION)
    subprocess.run(compileall, cwd=ROOT, check=True)


def medians(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, float]:
    """The median wall time of each command in milliseconds; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(each[1:]) for name, each in times.items()}


def startup(runs: int, *who: str) -> bool:
    """The first table: commands against what a person would run instead, and the single file
    against the checkout."""
    with tempfile.TemporaryDirectory() as directory:
        single = Path(directory, "lxc-preflight.pyz")
        pyz.write(single)
        return _startup(runs, (sys.executable, str(single)), who)


def _startup(runs: int, single: tuple[str, ...], who: tuple[str, ...]) -> bool:
    commands = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "--help": (*TOOL, "--help"),
        "audit --format json": (*AUDIT, *who),
        "audit": (*TOOL, "audit", *who),
        "single file: --help": (*single, "--help"),
        "single file: audit --format json": (*single, "audit", "--format", "json", *who),
    }
    checkconfig = shutil.which("lxc-checkconfig")
    if checkconfig:
        commands["lxc-checkconfig"] = (checkconfig,)
    took = medians(commands, runs)
    rows = [
        ("--help", "python -c pass", 6.0),
        ("audit --format json", "lxc-checkconfig", 1.0),
        ("single file: --help", "--help", 2.0),
        ("single file: audit --format json", "audit --format json", 6.0),
    ]
    print("| command | ms | compared with | ms | ratio | at most |\n|---|---|---|---|---|---|")
    good = True
    for name, other, limit in rows:
        if other in took:
            ratio = took[name] / took[other]
            good = good and ratio <= limit
            print(
                f"| `{name}` | {took[name]:.1f} | `{other}` | {took[other]:.1f}"
                f" | {ratio:.2f} | {limit:g}{'' if ratio <= limit else ' (missed)'} |"
            )
    print(f"\n`audit` for a person: {took['audit']:.1f} ms\n")
    return good


def lines(path: str, line: str) -> Callable[[int], None]:
    """Put lines in front of a file's own; `{n}` counts."""
    own = Path(path).read_text() if Path(path).exists() else ""

    def make(size: int) -> None:
        Path(path).write_text("".join(line.format(n=n) + "\n" for n in range(size)) + own)

    return make


def both(*makers: Callable[[int], None]) -> Callable[[int], None]:
    def make(size: int) -> None:
        for maker in makers:
            maker(size)

    return make


def containers(size: int) -> None:
    """As many containers of the user, each with a config."""
    lxcpath = USER.home / ".local/share/lxc"
    for old in lxcpath.glob("c[0-9]*"):
        shutil.rmtree(old)
    config = (lxcpath / "base/config").read_text()
    for n in range(size):
        directory = lxcpath / f"c{n}"
        directory.mkdir()
        (directory / "config").write_text(config.replace("/base/", f"/c{n}/"))
        for path in (directory, directory / "config"):
            os.chown(path, USER.uid, USER.uid)


def growth(runs: int) -> bool:
    """The second table: ten times the input."""
    table = (
        Growth(
            "/etc/subuid and /etc/subgid, lines",
            100_000,
            both(
                lines("/etc/subuid", "other{n}:{n}00000:65536"),
                lines("/etc/subgid", "other{n}:{n}00000:65536"),
            ),
        ),
        Growth(
            "accounts and groups",
            10_000,
            both(
                lines("/etc/passwd", "other{n}:x:7{n:05}:7{n:05}::/home/other{n}:/bin/sh"),
                lines("/etc/group", "other{n}:x:7{n:05}:other{n}"),
            ),
        ),
        Growth("containers of the user", 1_000, containers),
        Growth(
            "/etc/lxc/lxc-usernet, lines",
            1_000,
            lines("/etc/lxc/lxc-usernet", "other{n} veth lxcbr{n} 10"),
        ),
    )
    print("| input | tenth, ms | whole, ms | ratio | ratio without the constant part | at most |")
    print("|---|---|---|---|---|---|")
    command = {"audit": (*AUDIT, "--user", USER.name)}
    good = True
    for one in table:
        took = []
        for size in (0, one.size // 10, one.size):
            one.make(size)
            took.append(medians(command, runs)["audit"])
        one.make(0)
        none, tenth, whole = took
        ratio = whole / tenth
        good = good and ratio <= MAX_GROWTH
        own = f"{(whole - none) / (tenth - none):.1f}" if tenth - none > 0.05 * none else "-"
        cells = (f"{one.size} {one.name}", f"{tenth:.1f}", f"{whole:.1f}", f"{ratio:.1f}", own)
        print(f"| {' | '.join(cells)} | {MAX_GROWTH:g} |", flush=True)
    return good


def inside(runs: int) -> bool:
    """In namespaces of our own, with a user who has everything that LXC asks for."""
    world.make_outer()
    world.add_user(USER)
    good = startup(runs, "--user", USER.name)
    return growth(max(3, runs // 3)) and good


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="of each command (default: 15)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    compiled()
    if args.inside:
        return 0 if inside(args.runs) else 1
    good = rendering(args.runs)
    if os.geteuid() or not shutil.which("lxc-create"):
        print("without root and LXC: this host as it is, and no growing input\n", flush=True)
        return 0 if startup(args.runs) and good else 1
    command = [sys.executable, "-m", "benchmarks", "--runs", str(args.runs), "--inside"]
    done = subprocess.run(world.enter(command), cwd=ROOT)
    world.remove_cgroups(USER)
    from benchmarks.running import running

    print(flush=True)
    good &= running(max(3, args.runs // 3))
    return done.returncode or (0 if good else 1)


if __name__ == "__main__":
    sys.exit(main())
