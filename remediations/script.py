"""Steps as one POSIX shell script: to read, to run (twice, too), and to undo."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from audit.records import NamedTuple
from audit.untrusted import visible
from remediations.actions import ROOT, USER, Action, Install, Manual, Run
from remediations.plan import Step
from remediations.quoting import word, words
from remediations.verbs import call

THEN = {
    "re-login": "end all sessions of the user (log out everywhere), and log in anew",
    "reboot": "reboot",
}


class Subject(NamedTuple):
    """Whom and what a script is for. `uid` and `gid` are None while there is no such account."""

    user: str
    uid: int | None
    gid: int | None
    home: str
    host: str = ""  # name and system, for the reader
    written: str = ""  # when and by which version, for the reader
    called: str = "lxc-preflight"  # what to type to call the program again


def script(steps: Iterable[Step], subject: Subject, first: int = 1) -> str:
    """The whole text. It holds no control characters but newline: a terminal can show it.

    `first` is the number of the first step, where earlier scripts belong to the same run.
    """
    steps = tuple(steps)
    lines = ["#!/bin/sh", *(f"# {line}".rstrip() for line in _header(steps, subject))]
    ids = ["" if one is None else str(one) for one in (subject.uid, subject.gid)]
    lines += [
        "set -eu",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND=noninteractive",
        "export PATH DEBIAN_FRONTEND",
        f"user={word(subject.user)} uid={ids[0]} gid={ids[1]}",
        f"home={word(subject.home)}",
        "",
        *_package_manager(steps),
        *(line for number, step in enumerate(steps, first) for line in _block(number, step)),
        "fix() {",
        f"    {_attempt(steps, first)}",
        *_afterwards(steps),
        "}",
        "",
    ]
    return "\n".join(lines) + "\n" + library() + '\nmain "$@"\n'


@cache
def library() -> str:
    """The verbs. Part of this program, as its code is: no host was asked for it."""
    from importlib.resources import files

    return files("remediations").joinpath("library.sh").read_text("utf-8")


def undo_script(flag: str = "--undo") -> str:
    """A script that has nothing to do but to take the last one back (or, `--done`, to close it)."""
    return (
        "set -eu\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        f"export PATH\nuser= uid= gid= home=\nfix() {{ :; }}\n{library()}\nmain {flag}\n"
    )


def _header(steps: tuple[Step, ...], subject: Subject) -> list[str]:
    done = [step for step in steps if not step.is_manual]
    actions = [action for step in done for action in step.actions]
    whose = f" for {subject.user}" if subject.user else ""
    where = f" on {subject.host}" if subject.host else ""
    head = [
        visible(f"Makes unprivileged LXC containers work{whose}{where}."),
        visible(subject.written),
        "",
        *_listed("It changes", _paths(actions)),
        *_listed("It runs", [_command(one) for one in actions if isinstance(one, (Run, Install))]),
        *_listed("It leaves to a person", [step.title for step in steps if step.is_manual]),
        "Nothing else is touched; it neither reboots nor logs anybody out.",
        "",
        "Read it, then run it with sh, as root. A second run changes nothing. `--undo` takes the",
        visible(f"last run back, and so does `{subject.called} fix --undo`."),
    ]
    return [line for line in head if line is not None]


def _listed(title: str, items: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(visible(item) for item in items))
    return [f"{title}:", *(f"    {item}" for item in found)] if found else []


def _paths(actions: Iterable[Action]) -> list[str]:
    return [action.path for action in actions if not isinstance(action, (Install, Run, Manual))]


def _command(action: Run | Install) -> str:
    if isinstance(action, Run):
        return action.command
    from remediations.distro import install_command

    return install_command(action)


def _attempt(steps: tuple[Step, ...], first: int) -> str:
    if not steps:
        return "say 'nothing to do'"
    return " ".join(("attempt", *(f"step_{first + n}" for n in range(len(steps)))))


def _package_manager(steps: tuple[Step, ...]) -> list[str]:
    """What packages of library.sh needs to know of the host's."""
    from remediations.distro import MANAGERS

    families = {
        action.family for step in steps for action in step.actions if isinstance(action, Install)
    }
    if not families:
        return []
    manager = MANAGERS[families.pop()]
    test = manager.test.format('"$1"')
    return [f"is_installed() {{ {test}; }}", f"refresh() {{ {manager.before or ':'}; }}", ""]


def _block(number: int, step: Step) -> list[str]:
    """A step: which check asks for it and why, whose rights it takes, and what it does."""
    lines = [f"# {number}. {one.check}: {visible(one.message)}" for one in step.findings]
    needs = " and ".join(step.needs) or "nobody's rights"
    undo = "" if step.is_manual else f" · undo: {step.undo}"
    lines.append(f"#    needs: {needs} · then: {step.then or 'nothing'}{undo}")
    whose = ROOT if ROOT in step.needs else USER if USER in step.needs else "nobody"
    lines.append(f"step_{number}() {{")
    lines.append(f"    step {number} {whose} {word(visible(step.title))} || return 0")
    for action in step.actions:
        if isinstance(action, Manual):
            lines.append(f"    manual {words(*(visible(line) for line in action.lines))}")
        else:
            # a here-document's lines stay where they are
            first, *rest = call(action).split("\n")
            lines += [f"    {first}", *rest]
    return [*lines, "}", ""]


def _afterwards(steps: tuple[Step, ...]) -> list[str]:
    words = afterwards(step.then for step in steps)
    if not words:
        return []
    # fix --apply says it itself, after the last of its scripts
    return [f'    [ -n "${{LXC_PREFLIGHT_GOES_ON:-}}" ] || say {word(words)}']


def afterwards(thens: Iterable[str | None]) -> str:
    """What a person has to do before all that was fixed is in force; empty when nothing."""
    wanted = set(thens)
    found = "; and ".join(words for then, words in THEN.items() if then in wanted)
    return f"For all of it to be in force: {found}." if found else ""
