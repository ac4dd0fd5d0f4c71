"""python -m tests.fuzz [--seconds 60] [--only GLOB] [--seed N] [--list]

Each target gets its time. A target fails when it raises what it does not document, or does not
come back; the text is then written to fuzz-failures/ and printed.
Inputs that reach lines of ours that no earlier one reached are kept and changed further.
"""

from __future__ import annotations

import argparse
import fnmatch
import random
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import Target, targets

FAILURES = Path("fuzz-failures")
HANG_SECONDS = 3  # of processor time, under the tracer; ten times what the slowest target needs
TRACED = 4  # every so many runs, the lines that are reached are looked at


class Hang(Exception):
    """The target did not return in time."""


def _alarm(number: int, frame: FrameType | None) -> None:
    raise Hang(f"no answer within {HANG_SECONDS} seconds")


def attempt(target: Target, text: str) -> BaseException | None:
    """What the target did wrong with a text, if anything."""
    signal.setitimer(signal.ITIMER_PROF, HANG_SECONDS)
    try:
        target.run(text)
    except target.allowed:
        return None
    except Exception as error:
        return error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return None


def reached(target: Target, text: str) -> tuple[set[tuple[str, int]], BaseException | None]:
    """The lines of ours that a run executes, and what it did wrong."""
    lines: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if "/audit/" not in frame.f_code.co_filename:
            return None
        lines.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        error = attempt(target, text)
    finally:
        sys.settrace(None)
    return lines, error


def fuzz(
    target: Target, chance: random.Random, *, seconds: float = 0, runs: int = 0
) -> tuple[int, str | None, BaseException | None]:
    """Change and run until time or runs are up: (runs, the text that failed, how it failed)."""
    signal.signal(signal.SIGPROF, _alarm)
    corpus = list(target.seeds) or [""]
    seen: set[tuple[str, int]] = set()
    end = time.monotonic() + seconds
    count = 0
    while count < runs or time.monotonic() < end:
        text = mutated(chance.choice(corpus), target.seeds or ("",), chance)
        if count % TRACED:
            error = attempt(target, text)
        else:
            lines, error = reached(target, text)
            if not lines <= seen:
                seen |= lines
                corpus.append(text)
        count += 1
        if error is not None:
            return count, text, error
    return count, None, None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="per target (default: 60)")
    parser.add_argument("--only", default="*", help="targets whose name matches this glob")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--list", action="store_true", help="print the targets and stop")
    args = parser.parse_args()
    chosen = [t for name, t in targets().items() if fnmatch.fnmatch(name, args.only)]
    if args.list:
        print("\n".join(target.name for target in chosen))
        return 0
    print(f"{len(chosen)} targets, {args.seconds:g} s each, --seed {args.seed}", flush=True)
    failed = 0
    for target in chosen:
        chance = random.Random(f"{args.seed} {target.name}")
        count, text, error = fuzz(target, chance, seconds=args.seconds)
        print(f"{target.name}: {count} runs, {'FAILED' if error else 'clean'}", flush=True)
        if error is not None and text is not None:
            failed += 1
            FAILURES.mkdir(exist_ok=True)
            place = FAILURES / target.name.replace("/", "_")
            place.write_text(repr(text) + "\n")
            print(
                f"  {type(error).__name__}: {error}\n  {text[:300]!r}\n  whole: {place}", flush=True
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
