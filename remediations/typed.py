"""Actions as commands that a person types: short, for one look, without journal or undo."""

from __future__ import annotations

from audit.model import Fix
from remediations.actions import (
    ROOT,
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
    needs_of,
)
from remediations.distro import install_command
from remediations.quoting import word


def steps(fix: Fix, user: str = "") -> tuple[str, ...]:
    """The whole fix as commands that a person can type.

    Where root is needed at all, root types everything, and uses the rights of `user` for what is
    theirs.
    """
    whose = user if ROOT in needs_of(fix) else ""
    return tuple(line for action in fix.actions for line in typed(action, whose))


def typed(action: Action, user: str = "") -> tuple[str, ...]:
    """Commands for a person; `user` is whose rights root should use for what is theirs."""
    lines = _typed(action)
    if not user or not getattr(action, "theirs", False):
        return lines
    return tuple(f"runuser -u {word(user)} -- sh -c {word(line)}" for line in lines)


def _typed(action: Action) -> tuple[str, ...]:
    match action:
        case Install():
            return (install_command(action),)
        case Append(path, line):
            return (f"echo {word(line)} >> {word(path)}",)
        case Replace(path, number, old, new):
            if old == new:
                return (f"echo >> {word(path)}",)
            return (f"sed -i {word(f'{number}s|.*|{_sed(new)}|')} {word(path)}",)
        case Delete(path, number):
            return (f"sed -i {number}d {word(path)}",)
        case Write(path, text):
            above = path.rpartition("/")[0]
            make = () if above in ("", "/etc") else (f"mkdir -p {word(above)}",)
            return (*make, f"printf %b {word(_escaped(text))} > {word(path)}")
        case Plain(path, text):
            return (f"rm -rf -- {word(path)}", *_typed(Write(path, text)))
        case Mode(path, mode):
            return (f"chmod {mode:o} {word(path)}",)
        case Owner(path, uid, gid):
            return (f"chown -h {uid}:{gid} {word(path)}",)
        case Acl(path, entries):
            return (f"setfacl -m {word(entries)} {word(path)}",)
        case Capability(path, text):
            return (f"setcap {word(text) if text else '-r'} {word(path)}",)
        case Directory(path, mode):
            return (f"mkdir -p -m {mode:o} {word(path)}",)
        case Remove(path):
            return (f"rm -- {word(path)}",)
        case Setting(path, value):
            return (f"echo {word(value)} > {word(path)}",)
        case Run(command):
            return (command,)
        case Manual(lines):
            return lines
    raise TypeError(action)


def _escaped(text: str) -> str:
    """What printf's %b turns into the text again."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _sed(text: str) -> str:
    """The right side of a sed substitution that stands for these characters."""
    return text.replace("\\", "\\\\").replace("&", "\\&").replace("|", "\\|").replace("\n", "\\n")
