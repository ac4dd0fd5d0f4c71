"""--probe: have an operation of audit/operations.py tried by a process that is the target user.

That process is a fresh interpreter, not a fork: a fork of a root audit still has in its memory what
root has read, and once it is the user's own process that user may look into it. It starts as root,
imports what it needs (the user may be unable to read the files that root runs), and becomes the
user for good before it tries anything.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from audit.access import Credentials
from audit.model import Unknown
from audit.source import Answer

SECONDS = 40
MODULES = ("audit.sandbox", "audit.operations")
BOOT = """
import json, sys, types
sys.modules["audit"] = types.ModuleType("audit")
for name, text in json.load(sys.stdin):
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
module.main()
"""


def run_probe(name: str, *args: str) -> Answer:
    """Try one operation. The first argument of every probe is `who`: `uid:gid:gid,gid,...`.

    Raises Unknown for what is no probe; an operation that cannot be tried here is an answer with
    `unknown`."""
    if not args:
        raise Unknown(f"probe {name} does not say for whom")
    who = Credentials.parse(args[0])
    if os.geteuid() not in (0, who.uid):
        return {"ok": False, "unknown": f"only root or uid {who.uid} can try what that user can do"}
    return _ask(who, name, *args[1:])


def _ask(who: Credentials, *words: str) -> Answer:
    import json
    import subprocess

    try:
        process = subprocess.Popen(
            (sys.executable, "-I", "-c", BOOT, str(os.getpid()), str(who), *words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"LC_ALL": "C"},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        return {"ok": False, "unknown": f"cannot run {sys.executable}: {error.strerror}"}
    try:
        out, err = process.communicate(json.dumps(_sources()).encode(), timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.terminate()  # it tidies up on SIGTERM
        try:
            process.communicate(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        return {"ok": False, "step": "end in time", "errno": "ETIMEDOUT", "detail": ""}
    try:
        result: Answer = json.loads(out)
    except ValueError:
        last = err.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return {"ok": False, "unknown": f"the probe did not answer: {last or process.returncode}"}
    return result


def _sources() -> list[tuple[str, str]]:
    """Name and source of each module, wherever it was loaded from (a directory, a zip file)."""
    from importlib.util import find_spec

    found: list[tuple[str, str]] = []
    for name in MODULES:
        spec = find_spec(name)
        loader: Any = spec.loader if spec is not None else None
        if loader is None:
            raise Unknown(f"the source of {name} cannot be read")
        found.append((name, loader.get_source(name)))
    return found
