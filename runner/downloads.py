"""LXC's own download template, guarded against what its cache does.

It takes whatever lies there for good: a root file system that was cut off, or metadata that was
half unpacked, fail for ever with words about something else.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Sequence

from audit.errors import UsageError
from audit.records import NamedTuple
from lxc_preflight import called
from runner.wishes import Template

SECONDS = 120.0
# Each would be asked for on the terminal.
NEEDED = ("dist", "release", "arch")


class Asked(NamedTuple):
    """What identifies an image in the template's cache."""

    dist: str
    release: str
    arch: str
    variant: str


def is_download(template: Template) -> bool:
    """Whether this is lxc-download, by whatever name or path."""
    return template.name.rpartition("/")[2].removeprefix("lxc-") == "download"


def asked(arguments: Sequence[str]) -> Asked:
    """The image that the template's arguments name.

    Raises UsageError where lxc-download would list, or ask and wait for an answer.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    for name in (*NEEDED, "variant"):
        parser.add_argument(f"-{name[0]}" if name in NEEDED else "--variant", f"--{name}")
    parser.add_argument("-l", "--list", action="store_true")
    try:
        given, _ = parser.parse_known_args(list(arguments))
    except argparse.ArgumentError as error:
        raise UsageError(f"--template download: {error}") from None
    if given.list:
        raise UsageError(f"lxc-create makes a container even when it lists: `{called()} images`")
    for name in NEEDED:
        if not getattr(given, name):
            raise UsageError(
                f"--template download asks for --{name} when it is not given: -- -{name[0]}"
            )
    return Asked(given.dist, given.release, given.arch, given.variant or "default")


def cached(image: Asked) -> str:
    """Where the template keeps an image; the server is no part of it."""
    base = os.environ.get("LXC_CACHE_PATH") or os.path.expanduser("~/.cache/lxc")
    return os.path.join(base, "download", *image)


def poison(directory: str) -> str:
    """Why what lies in the cache would fail for ever; empty when it is well, or not there."""
    if not os.path.isdir(directory):
        return ""
    for name, why in (("build_id", "its download did not end"), ("expiry", "it never expires")):
        try:
            if not os.path.getsize(os.path.join(directory, name)):
                return f"its {name} is empty: {why}"
        except OSError:
            return f"it has no {name}: {why}"
    archive = os.path.join(directory, "rootfs.tar.xz")
    try:
        done = subprocess.run(
            ["xz", "-t", archive], capture_output=True, text=True, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stderr.strip() if done.returncode else ""
