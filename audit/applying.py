"""Run a fix script: the only place that changes a host for `fix`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from audit.live import SAFE_PATH


def run_script(text: str, *words: str, root: str | None = None, goes_on: bool = False) -> int:
    """Run a script with sh, its words on our standard output; the exit code.

    It runs from a private file, with an environment of its own. `goes_on`: more scripts of the
    same run follow, and undo is to take them back together.
    """
    sys.stdout.flush()
    environment = {
        "PATH": SAFE_PATH,
        "LC_ALL": "C.UTF-8",
        "HOME": os.environ.get("HOME", "/"),
    }
    for name in ("XDG_STATE_HOME", "http_proxy", "https_proxy", "no_proxy", "TMPDIR"):
        if name in os.environ:
            environment[name] = os.environ[name]
    if root is not None:
        environment["ROOT"] = os.path.realpath(root)
    if goes_on:
        environment["LXC_PREFLIGHT_GOES_ON"] = "1"
    with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(
            ["sh", file.name, *words], env=environment, stdin=subprocess.DEVNULL, check=False
        )
    return done.returncode
