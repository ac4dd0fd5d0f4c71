import re
from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.lxc import lxc_version
from audit.facts.session import inherited
from audit.facts.userfiles import Denied, user_read
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    check,
)
from remediations.seccomp import instead_of

OLD_STYLES = ("whitelist", "blacklist")
STYLES = ("allowlist", "denylist", *OLD_STYLES)
NEW_STYLES_SINCE = (4, 0, 4)


@check(
    "The seccomp policy of the config can be loaded",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes"),
)
def seccomp(host: Host) -> Iterator[Finding]:
    """lxc.seccomp.profile names a policy that the user can read and that begins as one.

    The first line is the version, 1 or 2, the second `denylist` or `allowlist` (LXC before 4.0.4
    knows only blacklist and whitelist). It is read when the container starts, not before. A
    session that is itself confined by seccomp skips it.

    Why: "Failed to open seccomp policy file /usr/share/lxc/config/common.seccomp"
    See: lxc.container.conf(5) "SECCOMP CONFIGURATION", LXC src/lxc/seccomp.c
    """
    entry = host.get(container_config).last("lxc.seccomp.profile")
    if entry is None:
        raise NotApplicable("the config has no seccomp policy of its own")
    if (
        inherited_or_zero(host) != "0"
        and host.get(container_config).get("lxc.seccomp.allow_nesting") != "1"
    ):
        raise NotApplicable("the session is confined by seccomp already: LXC reads no policy")
    said = Evidence(entry.file, entry.line, entry.text)
    text = "" if entry.value == "/dev/null" else host.get(user_read, entry.value)
    if text is None:
        yield Fail(f"there is no seccomp policy {entry.value}", said, fix=instead_of(host, entry))
    elif isinstance(text, Denied):
        why = f"the user may not read {entry.value}: {text.reason}"
        yield Fail(why, said, fix=instead_of(host, entry))
    else:
        why = malformed(text, host.get(lxc_version))
        if why:
            why = f"{entry.value} is no seccomp policy: {why}"
            yield Fail(why, said, fix=instead_of(host, entry))
        elif text.split("\n")[1].startswith(("allowlist", "whitelist")):
            yield Undecided(
                f"whether {entry.value} allows all that an init calls takes a try", said
            )
        else:
            yield Pass(f"{entry.value} can be loaded", said)


def inherited_or_zero(host: Host) -> str:
    """The seccomp mode that the container's monitor will inherit; on a tree nobody runs yet."""
    return "0" if host.source.kind == "root" else host.get(inherited, "Seccomp") or "0"


def malformed(text: str, version: tuple[int, int, int]) -> str:
    """Why liblxc refuses a policy, empty when it takes it."""
    lines = text.split("\n")
    number = lines[0].strip()
    if number not in ("1", "2"):
        return f"its first line is {number[:20]!r}, not a version (1 or 2)"
    style = lines[1] if len(lines) > 1 else ""
    if not style.startswith(OLD_STYLES if version < NEW_STYLES_SINCE else STYLES):
        return f"its second line is {style[:20]!r}, not denylist or allowlist"
    if number == "1":
        return ""
    wrong = refused_action(style.partition(" ")[2])
    if wrong:
        return f"line 2 has {wrong[:40]!r}, which is no action"
    for place, line in enumerate(lines[2:], 3):
        rule = line.partition("#")[0].strip()
        if not rule or rule.startswith("["):
            continue
        # `reject_force_umount` and a system call alone take the action of the second line
        action = rule.partition(" ")[2].partition("[")[0]
        wrong = refused_action(action)
        if wrong:
            return f"line {place} has {wrong[:40]!r}, which is no action"
    return ""


def refused_action(text: str) -> str:
    """The part of a rule that is no action, empty when it is one or there is none."""
    action = text.strip(" \n\r\t")
    if action.startswith("errno"):
        return "" if re.match(r"\s*[+-]?[0-9]", action[5:]) else action
    return "" if action.startswith(("kill", "allow", "trap", "notify")) else action
