"""lxc-preflight images"""

from __future__ import annotations

import argparse
import time

from audit.errors import Exit, UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    from runner.options import add_server

    parser.epilog = """\
Every variant is listed, also of distributions that have no default one.

example: lxc-preflight images debian --arch amd64"""
    parser.add_argument(
        "filter",
        nargs="?",
        metavar="DIST[/RELEASE[/ARCH[/VARIANT]]]",
        help="only these",
    )
    for name in ("dist", "release", "arch", "variant"):
        parser.add_argument(f"--{name}", metavar=name.upper(), help=f"only this {name}")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--timeout", metavar="S", type=float, default=60.0, help="seconds")
    add_server(parser)


def run(args: argparse.Namespace) -> int:
    from audit.options import warn
    from reports.tables import images
    from runner.errors import Failed
    from runner.images.cache import entries_of
    from runner.images.index import matching
    from runner.images.transfer import Client
    from runner.names import ARCHITECTURES
    from runner.options import server_of

    given = (args.filter or "").split("/") if args.filter else []
    if len(given) > 4:
        raise UsageError(f"{args.filter}: at most DIST/RELEASE/ARCH/VARIANT")
    wanted = [word or None for word in given] + [None] * (4 - len(given))
    for place, name in enumerate(("dist", "release", "arch", "variant")):
        wanted[place] = getattr(args, name) or wanted[place]
    if wanted[2] is not None:
        wanted[2] = ARCHITECTURES.get(wanted[2], wanted[2])
    if args.offline:
        raise UsageError("the list of images is the server's: --offline has none")
    try:
        entries = entries_of(Client(server_of(args), time.monotonic() + args.timeout))
    except Failed as failed:
        warn(str(failed))
        return Exit.FOUND
    found = matching(entries, wanted)
    if not found:
        dists = ", ".join(sorted({entry.image.dist for entry in entries}))
        warn(f"no image matches; there are images of {dists}")
        return Exit.FOUND
    rows = [dict(zip(COLUMNS, (*entry.image, entry.build), strict=True)) for entry in found]
    images(rows, args.format)
    return Exit.PASSED


COLUMNS = ("dist", "release", "arch", "variant", "build")
