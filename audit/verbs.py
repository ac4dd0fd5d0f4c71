"""What a host can be asked: the verbs of `Source.ask`, and the shape of each answer.

verb      | arguments       | answer (None: it is not there)
----------|-----------------|---------------------------------------------------------------------
read      | path            | text of a regular file, at most MAX_FILE bytes
user_read | path, who       | the same with a user's credentials (`who`), or {"denied": reason}
stat      | path            | [type, mode, uid, gid, size, major, minor], symlinks followed
lstat     | path            | the same of the link itself
link      | path            | where a symlink points; None also when it is no symlink
real      | path            | the path with every symlink resolved
list      | path            | sorted names in a directory
user_list | path, who       | the same with a user's credentials, or {"denied": reason}
xattr     | path, name      | the extended attribute in hexadecimal
statvfs   | path            | [flags, free bytes, free inodes, inodes, free fraction in percent]
search    | path, pattern   | groups of each match of a bytes regular expression in a file
elf       | path            | {"class", "machine", "type", "interpreter", "needed"} of an ELF file
package   | name            | installed version by the host's package database
expiry    | user            | {"expires": days or None, "locked": bool} out of /etc/shadow
getent    | database, key   | the line NSS gives
groups    | user            | [gid, ...] of a new login, primary first
subids    | uid\\|gid, user | what getsubids(1) answers: a list of [start, count]
env       | name            | a variable of the asking process
self      |                 | {"uid", "gid", "groups", "umask"} of the asking process
uname     |                 | [sysname, nodename, release, machine]
today     |                 | days since 1970-01-01, which shadow(5) counts in
mounts    |                 | mounts in this namespace, reachable or not; None before Linux 6.11
address   | interface       | [IPv4 address, netmask] of an interface
run       | argv...         | {"code", "out", "err"} of a read-only command, C locale, fixed PATH
probe     | name, args...   | {"ok": bool, ...}: a real operation as the user; only with --probe

`who` is `uid:gid:gid,gid,...`: user, primary group, all groups.
"""

from __future__ import annotations

from collections.abc import Callable

from audit.source import Answer

MAX_FILE = (
    32 * 1024 * 1024
)  # a million subuid lines are 25 MB; whatever is larger is no configuration


def _is_none_or(kind: type | tuple[type, ...]) -> Callable[[Answer], bool]:
    return lambda answer: answer is None or isinstance(answer, kind)


def _ints(length: int) -> Callable[[Answer], bool]:
    return lambda answer: (
        answer is None
        or (
            isinstance(answer, list)
            and len(answer) == length
            and all(type(n) is int for n in answer)
        )
    )


def _hexadecimal(answer: Answer) -> bool:
    return answer is None or (
        isinstance(answer, str)
        and len(answer) % 2 == 0
        and all(digit in "0123456789abcdef" for digit in answer)
    )


def _strings(answer: Answer) -> bool:
    return answer is None or (isinstance(answer, list) and all(isinstance(n, str) for n in answer))


def _stat(answer: Answer) -> bool:
    return answer is None or (
        isinstance(answer, list)
        and len(answer) == 7
        and isinstance(answer[0], str)
        and all(type(n) is int for n in answer[1:])
    )


def _denied_or(valid: Callable[[Answer], bool]) -> Callable[[Answer], bool]:
    return lambda answer: (
        valid(answer)
        or (
            isinstance(answer, dict)
            and list(answer) == ["denied"]
            and isinstance(answer["denied"], str)
        )
    )


def _matches(answer: Answer) -> bool:
    return answer is None or (isinstance(answer, list) and all(_strings(row) for row in answer))


def _pairs(answer: Answer) -> bool:
    return answer is None or (
        isinstance(answer, list)
        and all(
            isinstance(row, list) and len(row) == 2 and all(type(n) is int for n in row)
            for row in answer
        )
    )


def _ran(answer: Answer) -> bool:
    return (
        isinstance(answer, dict)
        and type(answer.get("code")) is int
        and isinstance(answer.get("out"), str)
        and isinstance(answer.get("err"), str)
    )


def _int_list(answer: Answer) -> bool:
    return answer is None or (isinstance(answer, list) and all(type(n) is int for n in answer))


def _self(answer: Answer) -> bool:
    return (
        isinstance(answer, dict)
        and all(type(answer.get(name)) is int for name in ("uid", "gid", "umask"))
        and _int_list(answer.get("groups"))
        and answer.get("groups") is not None
    )


def _probe(answer: Answer) -> bool:
    return isinstance(answer, dict) and isinstance(answer.get("ok"), bool)


def _expiry(answer: Answer) -> bool:
    return answer is None or (
        isinstance(answer, dict)
        and isinstance(answer.get("locked"), bool)
        and (answer.get("expires") is None or type(answer.get("expires")) is int)
    )


# verb -> does a recorded answer have the shape that facts rely on? A snapshot is a stranger's file.
SHAPES: dict[str, Callable[[Answer], bool]] = {
    "read": _is_none_or(str),
    "user_read": _denied_or(_is_none_or(str)),
    "stat": _stat,
    "lstat": _stat,
    "link": _is_none_or(str),
    "real": _is_none_or(str),
    "list": _strings,
    "user_list": _denied_or(_strings),
    "xattr": _hexadecimal,
    "statvfs": _ints(5),
    "search": _matches,
    "elf": _is_none_or(dict),
    "package": _is_none_or(str),
    "expiry": _expiry,
    "getent": _is_none_or(str),
    "groups": _int_list,
    "subids": _pairs,
    "env": _is_none_or(str),
    "self": _self,
    "today": lambda answer: type(answer) is int,
    "mounts": lambda answer: answer is None or type(answer) is int,
    "uname": lambda answer: isinstance(answer, list) and len(answer) == 4 and _strings(answer),
    "address": _strings,
    "run": _ran,
    "probe": _probe,
}
