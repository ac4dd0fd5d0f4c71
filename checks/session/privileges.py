"""What the session's processes may still gain: no_new_privs, the bounding set, a seccomp filter."""

from collections.abc import Iterator

from audit.facts.session import inherited, is_mine, session_credentials
from audit.host import Host
from audit.model import (
    EVERYTHING,
    Check,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    Unknown,
)
from remediations.session import outer_system, own_login

# linux/capability.h; what the set-user-id helpers of an unprivileged start need
NEEDED = {6: "cap_setgid", 7: "cap_setuid"}

# What starts a system in a container so that nothing in it can have these, and how else.
NO_NEW_PRIVS = ("# without no_new_privs: no --security-opt no-new-privileges, no NoNewPrivileges=",)
BOUNDING = ("# with CAP_SETUID and CAP_SETGID: --cap-add SETUID --cap-add SETGID",)
FILTER = ("# with a filter that lets user namespaces be: --security-opt seccomp=PROFILE",)


def _file(host: Host) -> str:
    return "/proc/self/status" if host.get(is_mine) else "/proc/1/status"


def _whose(host: Host) -> str:
    return "this session" if host.get(is_mine) else "process 1, from which logins descend,"


def _outside(host: Host, *lines: str) -> Fix:
    """A login of its own; where process 1 is confined, so is every login of this system."""
    if host.get(is_mine):
        return own_login(host, "start LXC from a login of its own, outside the sandbox or service")
    return outer_system("start this system with more privilege", *lines)


def no_new_privs(host: Host) -> Iterator[Finding]:
    """Set-user-id programs and file capabilities still work in the session: no_new_privs is off.

    Editors and terminals that were packed as snaps or Electron sandboxes, units with
    NoNewPrivileges= and containers with no-new-privileges switch it on for everything they start.
    newuidmap then has no privilege.

    Why: "newuidmap: write to uid_map failed: Operation not permitted"
    See: prctl(2), PR_SET_NO_NEW_PRIVS; proc_pid_status(5)
    """
    value = host.get(inherited, "NoNewPrivs")
    if value is None:
        raise NotApplicable("this kernel has no no_new_privs")
    seen = Evidence(_file(host), None, f"NoNewPrivs: {value}", "0")
    if value == "0":
        yield Pass(f"{_whose(host)} may gain privileges", seen)
    else:
        yield Fail(
            f"{_whose(host)} runs with no_new_privs: newuidmap and newgidmap get no privilege",
            seen,
            fix=_outside(host, *NO_NEW_PRIVS),
        )


def bounding_set(host: Host) -> Iterator[Finding]:
    """The capability bounding set still has CAP_SETUID and CAP_SETGID, which newuidmap and
    newgidmap need.

    Services with CapabilityBoundingSet= and containers drop them for everything they start.

    Why: "newuidmap: write to uid_map failed: Operation not permitted"
    See: capabilities(7); proc_pid_status(5), CapBnd
    """
    value = host.get(inherited, "CapBnd")
    if value is None:
        raise Unknown(f"{_file(host)} has no CapBnd line")
    try:
        bits = int(value, 16)
    except ValueError:
        raise Unknown(f"{_file(host)}: CapBnd is {value}") from None
    seen = Evidence(_file(host), None, f"CapBnd: {value}", "bits 6 and 7 set")
    lacking = [name for bit, name in NEEDED.items() if not bits >> bit & 1]
    if lacking:
        yield Fail(
            f"the bounding set of {_whose(host)} lacks {' and '.join(lacking)}",
            seen,
            fix=_outside(host, *BOUNDING),
        )
    else:
        yield Pass(f"the bounding set of {_whose(host)} has what the helpers need", seen)


def seccomp(host: Host) -> Iterator[Finding]:
    """No seccomp filter that may forbid new user namespaces lies on the session.

    What a filter forbids cannot be read. Docker's default one and units with RestrictNamespaces=
    refuse unshare(CLONE_NEWUSER); others do not.

    Why: "Operation not permitted - Failed to unshare new user namespace"
    See: seccomp(2); proc_pid_status(5), Seccomp
    """
    value = host.get(inherited, "Seccomp")
    if value is None:
        raise NotApplicable("this kernel has no seccomp")
    seen = Evidence(
        _file(host), None, f"Seccomp: {value}", "0, or a filter that lets user namespaces be"
    )
    if value == "0":
        yield Pass(f"{_whose(host)} has no seccomp filter", seen)
        return
    answer = host.probe("userns", str(host.get(session_credentials)))
    if answer.get("ok") is True:
        yield Pass(f"the seccomp filter of {_whose(host)} allows user namespaces", seen)
    else:
        yield Fail(
            f"a seccomp filter lies on {_whose(host)} and no user namespace can be made",
            seen,
            fix=_outside(host, *FILTER),
        )


CHECKS = tuple(
    Check(f"session.{name}", title, Level.BLOCKING, judge, judge.__doc__ or "", EVERYTHING, after)
    for name, title, judge, after in (
        ("no_new_privs", "The session may gain privileges", no_new_privs, ("host.user",)),
        (
            "bounding_set",
            "The session's bounding set has what the helpers need",
            bounding_set,
            ("host.user",),
        ),
        ("seccomp", "No seccomp filter forbids user namespaces", seccomp, ("host.user",)),
    )
)
