"""Actions as calls of library.sh: one verb each, with every value quoted."""

from __future__ import annotations

from remediations.actions import (
    Acl,
    Action,
    Append,
    Capability,
    Delete,
    Directory,
    Install,
    Manual,
    Mode,
    Owner,
    Plain,
    Remove,
    Replace,
    Run,
    Setting,
    Write,
)
from remediations.distro import MANAGERS
from remediations.quoting import word, words


def call(action: Action) -> str:
    """The line (or lines, for a whole file) of a script that does it, a verb of library.sh."""
    return ("as_user " if getattr(action, "theirs", False) else "") + _call(action)


def _call(action: Action) -> str:
    match action:
        case Install():
            manager = MANAGERS[action.family]
            verb, command = (
                ("reinstall", manager.again) if action.again else ("packages", manager.install)
            )
            return f"{verb} {word(command)} {words(*action.packages)}"
        case Append(path, line):
            return f"append {words(path, line, *filter(None, [action.behind]))}"
        case Replace(path, number, old, new):
            return f"replace {word(path)} {number} {words(old, new)}"
        case Delete(path, number, old, alike):
            return f"delete {word(path)} {number}/{alike} {word(old)}"
        case Write(path, text, mode):
            return f"write {word(path)} {mode:o} {_document(text)}"
        case Plain(path, text, mode):
            return f"plain {word(path)} {mode:o} {_document(text)}"
        case Mode(path, mode):
            return f"mode {word(path)} {mode:o}"
        case Owner(path, uid, gid):
            return f"owner {word(path)} {uid}:{gid}"
        case Acl(path, entries):
            return f"acl {words(path, entries)}"
        case Capability(path, text):
            return f"capability {words(path, text or '-r')}"
        case Directory(path, mode):
            return f"directory {word(path)} {mode:o}"
        case Remove(path):
            return f"remove {word(path)}"
        case Setting(path, value):
            return f"setting {words(path, value)}"
        case Run(command, unless, undo, keeping):
            parts = ["run", word(command)]
            parts += ["unless", word(unless)] if unless else []
            parts += ["undo", word(undo)] if undo else []
            parts += ["keeping", words(*keeping)] if keeping else []
            return " ".join(parts)
        case Manual(lines):
            return f"manual {words(*lines)}"
    raise TypeError(action)


def _document(text: str) -> str:
    mark = "END"
    while mark in text.split("\n"):
        mark += "_"
    body = text if text.endswith("\n") or not text else text + "\n"
    return f"<<'{mark}'\n{body}{mark}"
