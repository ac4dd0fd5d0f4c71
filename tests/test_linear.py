"""Ten times the input, ten times the work, counted in steps of our own code: no clock is asked.

What hides in one C call (a search in a list) is one step here; benchmarks/ has the clock.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from audit.engine import run
from audit.host import Host
from audit.registry import builtin
from audit.source import Answer, Question, Recorder, Refused
from tests.recordings import HEALTHY, changed, recording

EVERY = builtin()
SMALL = 40
Answers = dict[Question, Answer | Refused]

USER = recording(HEALTHY).request.user
ANSWERS = recording(HEALTHY).source.answers
HOME = f"/home/{USER}"
LXCPATH = f"{HOME}/.local/share/lxc"


def longer(path: str, line: str, size: int) -> Answers:
    """A file with `size` lines more in front, for whoever reads it. `{n}` in the line counts."""
    more = "".join(line.format(n=n) + "\n" for n in range(size))
    texts = {q: a for q, a in ANSWERS.items() if q[0] in ("read", "user_read") and q[1] == path}
    return {q: more + (a if isinstance(a, str) else "") for q, a in texts.items()}


def sub_ids(size: int) -> Answers:
    return {
        **longer("/etc/subuid", "other{n}:{n}00000:65536", size),
        **longer("/etc/subgid", "other{n}:{n}00000:65536", size),
    }


def own_sub_ids(size: int) -> Answers:
    """As many ranges of the user's own, none next to another."""
    return {
        **longer("/etc/subuid", USER + ":{n}00000:5", size),
        **longer("/etc/subgid", USER + ":{n}00000:5", size),
    }


def accounts(size: int) -> Answers:
    return {
        **longer("/etc/passwd", "other{n}:x:7{n:05}:7{n:05}::/home/other{n}:/bin/sh", size),
        **longer("/etc/group", "other{n}:x:7{n:05}:other{n}", size),
    }


def containers(size: int) -> Answers:
    """As many other containers, each with a config of its own."""
    mine = [q for q in ANSWERS if q[0] in ("list", "user_list") and q[1] == LXCPATH]
    names: list[Answer] = [f"c{n}" for n in range(size)]
    found: Answers = dict.fromkeys(mine, names)
    for q, a in ANSWERS.items():
        if len(q) > 1 and q[1] == f"{HOME}/.config/lxc/default.conf":
            found.update({(q[0], f"{LXCPATH}/{name}/config", *q[2:]): a for name in names})
    return found


def usernet(size: int) -> Answers:
    return longer("/etc/lxc/lxc-usernet", "other{n} veth lxcbr{n} 10", size)


def config(size: int) -> Answers:
    return longer(f"{HOME}/.config/lxc/default.conf", "lxc.environment = A{n}=1", size)


def steps(judge: Callable[[], object]) -> int:
    """How many lines of Python a call executes."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        judge()
    finally:
        sys.settrace(before)
    return count


def cost(answers: Answers) -> tuple[int, int]:
    """Steps and questions of a whole audit."""
    host = changed(HEALTHY, answers)
    recorder = Recorder(host.source)
    taken = steps(lambda: run(EVERY, Host(recorder, host.request)))
    return taken, len(recorder.answers)


cost({})  # the first audit of a process also imports and compiles
NOTHING = cost({})


@pytest.mark.parametrize(
    "grow", [sub_ids, own_sub_ids, accounts, containers, usernet, config], ids=lambda f: f.__name__
)
def test_ten_times_the_input_is_at_most_eleven_times_the_work(
    grow: Callable[[int], Answers],
) -> None:
    small, large = cost(grow(SMALL)), cost(grow(10 * SMALL))
    for what, none, one, ten in zip(("steps", "questions"), NOTHING, small, large, strict=True):
        own = max(one - none, SMALL)
        assert ten - none <= 11 * own, (
            f"{what}: {none} without, {one} with {SMALL}, {ten} with ten times that"
        )
