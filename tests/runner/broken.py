"""One broken host: what LXC really says there, and how `diagnose` explains it.

Runs inside of a world, in a world of its own, and answers in JSON.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.runner.keep import Owner
from tests.truth import reality, world
from tests.truth.case import Case
from tests.truth.cases import every

TOOL = f"{world.PYTHON} -m lxc_preflight"
MOST = 6000  # characters that are kept of a text


def said(case: Case, user: world.User, command: str, directory: str) -> str:
    """What a command of LXC says when it fails, empty when it does not."""
    log = Path(directory, "log")
    log.unlink(missing_ok=True)
    done = reality.run(case, user, f"{command} -l WARN -o {log}", 40)
    if done.returncode == 0:
        return ""
    text = log.read_text(errors="replace") if log.exists() else ""
    return f"{text}{done.stdout}{done.stderr}"[:MOST]


def explained(case: Case, user: world.User, text: str, options: str, directory: str) -> Any:
    """The ids that diagnose names, the likeliest first."""
    path = Path(directory, "said")
    path.write_text(text)
    path.chmod(0o644)
    options = f"{path} --guest {case.guest} --template {case.template} --format json {options}"
    line = f"cd {world.PLACE}; exec {TOOL} diagnose {options}"
    done = reality.ask(case, user, f"bash -c {shlex.quote(line)}")
    if not case.in_session and not done.stdout.startswith("["):  # nobody gets in
        root = f"cd {world.PLACE}; exec {TOOL} diagnose --user {user.name} {options}"
        done = subprocess.run(["bash", "-c", root], capture_output=True, text=True, timeout=120)
    try:
        return [one["check"] for one in json.loads(done.stdout)]
    except ValueError:
        return f"{done.stdout}{done.stderr}"[-2000:]


def main(name: str, number: int) -> None:
    case = next(one for one in every() if one.name == name)
    user = Owner(number)
    world.make()
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    world.shell(case.sabotage, user)
    arguments = f" -- {case.template_args}" if case.template_args else ""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o1777)
        text = (
            said(case, user, f"lxc-create -n new -t {case.template}{arguments}", directory)
            if not arguments
            else ""
        )
        if text:
            ids = explained(case, user, text, "", directory)
            found["create"] = {"text": text, "explained": ids}
        text = said(case, user, "lxc-start -n base", directory)
        if text:
            ids = explained(case, user, text, "-n base", directory)
            if isinstance(ids, str):  # LXC does not find the container, and neither do we
                ids = explained(case, user, text, "", directory)
            found["start"] = {"text": text, "explained": ids}
        reality.run(case, user, "lxc-stop -k -n base", 20)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
