"""The whole audit over a tree that its user has filled with traps: bounded, readable, honest."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from audit import cli

SECRET = "root:$6$the-secret-hash:1::::::"
CONFIG = "home/al/.config/lxc/default.conf"
FILES = {
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nal:x:1000:1000::/home/al:/bin/sh\n",
    "etc/group": "root:x:0:\nal:x:1000:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\n",
    "etc/subuid": "al:100000:65536\n",
    "etc/subgid": "al:100000:65536\n",
    "etc/shadow": SECRET,
    "etc/os-release": "ID=debian\nVERSION_ID=12\n",
    CONFIG: "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n",
}
ESCAPES = "lxc.uts.name = \x1b[31mred\x1b]0;owned\x07\u202e\nlxc.idmap = [bold]u[/] <b> \udcff\n"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def sparse(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(10 << 30)


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 400)


def escapes(path: Path) -> None:
    path.write_bytes(ESCAPES.encode("utf-8", "surrogateescape"))


def long_line(path: Path) -> None:
    path.write_text("lxc.idmap = " + "u 0 1 " * 100_000)


def itself(path: Path) -> None:
    path.write_text(f"lxc.include = /{CONFIG}\n" * 50)


def secret(path: Path) -> None:
    """A link to what only root may read; the tree's own, and then the running host's."""
    path.symlink_to("/etc/shadow")


def outside(path: Path) -> None:
    path.symlink_to("../" * 30 + "proc/self/environ")


TRAPS = (fifo, directory, loop, sparse, garbage, escapes, long_line, itself, secret, outside)
PLACES = (CONFIG, "etc/subuid", "etc/passwd", "etc/lxc/lxc-usernet", "home/al")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "tree/etc/shadow").chmod(0o600)
    return tmp_path / "tree"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_bounded_readable_and_never_a_crash(
    trap: Callable[[Path], None],
    place: str,
    tree: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tree / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        path.rename(tree / "elsewhere")
    path.unlink(missing_ok=True)
    trap(path)
    started = time.monotonic()
    saved = tree.parent / "report.json"
    options = ["--root", str(tree), "--user", "al", "--no-plugins", "-v", "--save", str(saved)]
    code = cli.main(["audit", *options])
    assert time.monotonic() - started < 30
    out, err = capsys.readouterr()
    for line in (out + err).split("\n"):
        assert line.isprintable()
    for name in ("the-secret-hash", "PATH=", "HOME="):
        assert name not in out + err
    if place == "etc/passwd" and code == 2:
        return  # a passwd file without al: an unknown user
    assert code in (1, 3)
    findings = json.loads(saved.read_text())["findings"]
    assert [one["message"] for one in findings if one["outcome"] == "error"] == []
    assert "the-secret-hash" not in saved.read_text()
