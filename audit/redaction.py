"""Take out of a record what no check needs, before it leaves the host.

Whole values go, never whole lines: numbers of lines and fields stay, so that every parser sees what
it saw. A record judges the same before and after (tests/test_redaction.py and the laws).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from audit.source import Answer, Question, Refused

HIDDEN = "redacted"

# What `redacted` in a snapshot tells its reader.
RULES = (
    "passwd and group: passwords, full names, comments",
    "kernel command line: values of parameters that no check reads",
    "container configs: values of lxc.environment",
    "mount options: names and addresses of network file systems",
    "shadow files: everything",
)

# Kernel parameters whose values decide something for containers; systemd reads its own from there.
BOOT_PARAMETERS = re.compile(
    r"(systemd|cgroup|lsm|security|apparmor|selinux|smack|tomoyo|landlock|yama|lockdown|"
    r"user_namespace|namespace|userns|sysctl|modprobe|SYSTEMD_|rc_|overlay|fuse|veth|bridge|ipv6)"
    r".*|enforcing|swapaccount|psi|init|rdinit|module_blacklist|softlevel|audit"
)
BOOT_WORD = re.compile(r'(?:"[^"]*"?|[^\s"])+')
LXC_ENVIRONMENT = re.compile(
    r"^([^\S\n]*lxc\.environment(?:\.\w+)?[^\S\n]*=[^\n=]*=)[^\n]*", re.MULTILINE
)
MOUNT_SECRETS = re.compile(
    r"\b((?:user(?:name)?|pass(?:word)?|domain|credentials|addr|clientaddr|mountaddr|unc)=)[^,\s]+"
)
SHADOW = re.compile(r"/etc/g?shadow-?")


def redact(
    answers: Mapping[Question, Answer | Refused], *, hide_hostname: bool = False
) -> dict[Question, Answer | Refused]:
    """The same record without what no check needs."""
    redacted = {question: _redacted(question, answer) for question, answer in answers.items()}
    if hide_hostname:
        if isinstance(uname := redacted.get(("uname",)), list):
            redacted["uname",] = [uname[0], HIDDEN, *uname[2:]]
        if isinstance(redacted.get(("read", "/etc/hostname")), str):
            redacted["read", "/etc/hostname"] = f"{HIDDEN}\n"
    return redacted


def _redacted(question: Question, answer: Answer | Refused) -> Answer | Refused:
    if not isinstance(answer, str) or isinstance(answer, Refused):
        return answer
    verb, *args = question
    if verb == "getent" and args[0] in ("passwd", "group"):
        return _account_lines(answer)
    if verb in ("read", "user_read"):
        for path, hide in BY_PATH:
            if path.fullmatch(args[0]):
                return hide(answer)
        return (
            LXC_ENVIRONMENT.sub(rf"\1{HIDDEN}", answer) if "lxc.environment" in answer else answer
        )
    return answer


def _account_lines(text: str) -> str:
    return "\n".join(_account_line(line) for line in text.split("\n"))


def _account_line(line: str) -> str:
    """A passwd(5) or group(5) line without password and full name.

    Which of the two: a passwd line has a number in its fourth field, where members are in a group.
    """
    if line.lstrip().startswith("#"):
        return "#"
    fields = line.split(":")
    if len(fields) > 1 and fields[1] not in ("", "x", "*", "!"):
        fields[1] = HIDDEN
    if len(fields) > 4:
        fields[4] = ""
    return ":".join(fields)


def _boot_parameters(text: str) -> str:
    def word(found: re.Match[str]) -> str:
        name, equals, _ = found[0].partition("=")
        if not equals or BOOT_PARAMETERS.fullmatch(name.lstrip('"')):
            return found[0]
        return f"{name}={HIDDEN}" + '"' * (name.count('"') % 2)

    return BOOT_WORD.sub(word, text)


def _mount_options(text: str) -> str:
    return MOUNT_SECRETS.sub(rf"\1{HIDDEN}", text)


def _all(text: str) -> Answer | Refused:
    return Refused("not recorded: passwords")


BY_PATH: tuple[tuple[re.Pattern[str], Callable[[str], Answer | Refused]], ...] = (
    (SHADOW, _all),
    (re.compile(r"/etc/(passwd|group)-?"), _account_lines),
    (re.compile(r"/proc/cmdline"), _boot_parameters),
    (re.compile(r"/proc/(self|\d+)/mount(info|s)|/etc/fstab|/etc/mtab"), _mount_options),
)
