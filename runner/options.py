"""Options that the runner's commands share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.images.kinds import Server

PATHS = ("-f", "--config", "--rootfs", "--metadata", "--ca")
USER = ("-u", "--user")


def add_user(parser: argparse.ArgumentParser) -> None:
    """-u: root acts for a user."""
    parser.add_argument(
        "-u",
        "--user",
        metavar="NAME|UID",
        help="who owns the container (root alone may name somebody else; default: $SUDO_USER "
        "under sudo, else you)",
    )


def add_server(parser: argparse.ArgumentParser) -> None:
    """--server and what goes with it."""
    group = parser.add_argument_group("images")
    group.add_argument(
        "--server",
        metavar="HOST[:PORT]",
        default=os.environ.get("LXC_PREFLIGHT_SERVER") or "images.linuxcontainers.org",
        help="where images come from (default: $LXC_PREFLIGHT_SERVER, else "
        "images.linuxcontainers.org); proxies as in $https_proxy",
    )
    group.add_argument("--ca", metavar="FILE", help="trust these certificate authorities instead")
    group.add_argument(
        "--insecure", action="store_true", help="allow http, and believe any certificate"
    )
    group.add_argument("--refresh", action="store_true", help="ask the server for a newer build")
    group.add_argument(
        "--offline", action="store_true", help="take what is in the cache, whatever its age"
    )


def server_of(args: argparse.Namespace) -> Server:
    """The server that the options name; raises UsageError."""
    from audit.options import warn
    from runner.images.kinds import server

    if args.insecure:
        warn(
            "WARNING: --insecure: nothing proves who sends the image; "
            "whoever is on the way can put anything into the container"
        )
    return server(args.server, args.ca, args.insecure)


def inner_arguments(argv: Sequence[str] | None = None) -> list[str]:
    """Our command line for the user's session: without --user, and with absolute paths, because
    that session begins in the user's home.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    end = words.index("--") if "--" in words else len(words)
    ours, rest = words[:end], words[end:]
    found: list[str] = []
    while ours:
        word = ours.pop(0)
        name, equals, value = word.partition("=")
        if name in USER:
            if not equals:
                del ours[:1]
        elif word[:2] == "-u" and word[:3] != "--":
            continue
        elif name in PATHS:
            given = value if equals else (ours.pop(0) if ours else "")
            is_word = name == "--metadata" and given == "none"
            found += [name, given if is_word or not given else os.path.abspath(given)]
        elif word[:2] == "-f" and len(word) > 2 and word[1] != "-":
            found += ["-f", os.path.abspath(word[2:])]
        else:
            found.append(word)
    return found + rest
