from collections.abc import Iterator

from audit.facts.config import container_config
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
    check,
)

STYLES = ("allowlist", "whitelist", "denylist", "blacklist")


@check(
    "The seccomp policy of the config can be loaded",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes"),
)
def seccomp(host: Host) -> Iterator[Finding]:
    """lxc.seccomp.profile names a policy that the user can read and that begins as one.

    The first line is the version, 1 or 2, the second `denylist` or `allowlist` (LXC before 4.0.6
    calls them blacklist and whitelist). It is read when the container starts, not before. A
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
        yield Fail(f"there is no seccomp policy {entry.value}", said)
    elif isinstance(text, Denied):
        yield Fail(f"the user may not read {entry.value}: {text.reason}", said)
    else:
        why = malformed(text)
        if why:
            yield Fail(f"{entry.value} is no seccomp policy: {why}", said)
        else:
            yield Pass(f"{entry.value} can be read", said)


def inherited_or_zero(host: Host) -> str:
    """The seccomp mode that the container's monitor will inherit; on a tree nobody runs yet."""
    return "0" if host.source.kind == "root" else host.get(inherited, "Seccomp") or "0"


def malformed(text: str) -> str:
    """Why liblxc refuses the head of a policy, empty when it takes it."""
    lines = text.split("\n")
    version = lines[0].strip()
    if version not in ("1", "2"):
        return f"its first line is {version[:20]!r}, not a version (1 or 2)"
    style = lines[1].split() if len(lines) > 1 else []
    if not style or not style[0].startswith(STYLES):
        return f"its second line is {' '.join(style)[:20]!r}, not denylist or allowlist"
    return ""
