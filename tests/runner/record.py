"""python -m tests.runner.record: write tests/data/lxc_errors.json, as root with LXC.

What the real LXC of this machine says on each broken host of tests/truth/cases/ that stops it, and
how `diagnose` explains it there.
"""

from __future__ import annotations

import json
import queue
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.runner.keep import Owner
from tests.runner.place import Place, number
from tests.truth import run, world
from tests.truth.case import Case
from tests.truth.cases import every

FILE = Path(__file__).parents[1] / "data/lxc_errors.json"


def chosen(names: set[str] | None = None) -> list[Case]:
    """The cases that stop something and can be made here."""
    return [
        case
        for case in every()
        if case.cause
        and case.guest == "plain"
        and not run.tools_missing(case)
        and (names is None or case.name in names)
    ]


def try_all(cases: list[Case], workers: int, first: int) -> dict[str, Any]:
    """What each broken host says, in as many worlds at once as there are workers."""
    waiting: queue.SimpleQueue[Case] = queue.SimpleQueue()
    for case in cases:
        waiting.put(case)
    found: dict[str, Any] = {}

    def work(own: int) -> None:
        place = Place(own)
        try:
            while True:
                case = waiting.get_nowait()
                found[case.name] = one(place, case)
                world.remove_cgroups(place.user)
        except queue.Empty:
            pass
        finally:
            place.close()

    threads = [threading.Thread(target=work, args=(first + n,)) for n in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def one(place: Place, case: Case) -> Any:
    """One case, in a world of its own inside of `place`."""
    argv = world.enter(
        [world.PYTHON, "-m", "tests.runner.broken", case.name, str(place.number)],
        private_sysctls=case.userns,
    )
    done = subprocess.run(
        place.entered(["bash", "-c", f'cd {world.PLACE}; exec "$@"', "case", *argv]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    try:
        return json.loads(done.stdout.strip().rpartition("\n")[2])
    except ValueError:
        return {"crashed": done.stderr[-2000:]}


MOST_LINES = 12


def telling(text: str) -> str:
    """The lines that a person would quote: errors, and what was printed."""
    lines = [
        line for line in text.splitlines() if re.search(r" (ERROR|WARN) +|^(?!lxc-\w+ )", line)
    ]
    errors = [line for line in lines if " WARN " not in line]
    return "\n".join((errors or lines)[:MOST_LINES])


def plain(text: str, user: Owner) -> str:
    """A text without what differs from one recording to the next."""
    text = text.replace(user.name, "alice").replace(str(user.base), "100000")
    text = text.replace(str(user.uid), "1000")
    return re.sub(r" 20\d{12}\.\d+ ", " 20260101000000.000 ", text)


def main() -> None:
    first = number()
    found = try_all(chosen(), 3, first)
    users = [Owner(first + n) for n in range(3)]
    recorded = {}
    for case in chosen():
        entry: dict[str, Any] = {"cause": list(case.cause)}
        for stage in ("create", "start"):
            if stage in found[case.name]:
                text = found[case.name][stage]["text"]
                for user in users:
                    text = plain(text, user)
                entry[stage] = telling(text)
                top = found[case.name][stage]["explained"]
                if not isinstance(top, list) or not top or top[0] not in case.cause:
                    print(f"{case.name} {stage}: {case.cause}: {top}", file=sys.stderr)
        if "crashed" in found[case.name]:
            print(f"{case.name}: {found[case.name]}", file=sys.stderr)
        if len(entry) > 1:
            recorded[case.name] = entry
    FILE.write_text(json.dumps(recorded, indent=1) + "\n")
    print(f"{len(recorded)} of {len(chosen())} recorded")


if __name__ == "__main__":
    main()
