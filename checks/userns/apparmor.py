from collections.abc import Iterator

from audit.facts.executables import Executable, which
from audit.facts.lsm import (
    RESTRICT_USERNS,
    allows_userns,
    attaches,
    is_apparmor_enabled,
    is_loaded,
    profiles_on_disk,
)
from audit.facts.sysctl import sysctl
from audit.host import Host
from audit.model import (
    EVERYTHING,
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Stage,
    Undecided,
    Unknown,
    check,
)
from remediations.apparmor import add_userns, allow_userns, load

# What makes user namespaces: lxc-create itself and the lxc-usernsexec that runs its template;
# lxc-start.
PROGRAMS = (
    ("lxc-create", EVERYTHING),
    ("lxc-usernsexec", EVERYTHING),
    ("lxc-start", STARTING),
)


@check(
    "AppArmor lets LXC's programs make user namespaces",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("kernel.kconfig.user_ns",),
)
def apparmor(host: Host) -> Iterator[Finding]:
    """Where AppArmor restricts user namespaces, a profile with `userns,` covers each of LXC's
    programs.

    Ubuntu has the restriction since 23.10 and it is on since 24.04. A program that no profile
    covers gets its namespace, but no rights in it; so LXC fails in the next step. The profiles of
    Ubuntu's packages name /usr/bin/lxc-*: an LXC below /usr/local is not covered.

    Why: "unshare failed: Permission denied", audit: operation="userns_create"
    profile="unprivileged_userns"
    See: apparmor.d(5) "userns rules",
    https://ubuntu.com/blog/ubuntu-23-10-restricted-unprivileged-user-namespaces"""
    if host.source.kind == "root":
        raise Unknown("a directory tree does not show whether AppArmor restricts user namespaces")
    value = host.get(sysctl, RESTRICT_USERNS)
    if value is None or value == "0" or not host.get(is_apparmor_enabled):
        state = "does not restrict them" if value is None else f"{RESTRICT_USERNS} is {value}"
        yield Pass(f"AppArmor {state}", Evidence(f"/proc/sys/{RESTRICT_USERNS.replace('.', '/')}"))
        return
    found = False
    for name, stages in PROGRAMS:
        program = host.get(which, name)
        if program is None or (name != "lxc-start" and host.request.container is not None):
            continue
        found = True
        yield _judge(host, program, name, stages)
    if not found:
        raise NotApplicable("LXC is not installed")


def _judge(host: Host, program: Executable, name: str, stages: tuple[Stage, ...]) -> Finding:
    # The kernel attaches by the path of the file itself, links resolved.
    path = program.real
    restricted = f"{RESTRICT_USERNS} is 1 and"
    covering = [p for p in host.get(profiles_on_disk) if attaches(p.attachment, path)]
    if not covering:
        return Fail(
            f"{restricted} no AppArmor profile covers {path}",
            Evidence("/etc/apparmor.d", None, "no profile for it", f"a profile for {path}"),
            subject=path,
            fix=allow_userns(host, program, name),
            stages=stages,
        )
    # The most specific attachment wins; exact paths are longer than globs that name them.
    profile = max(covering, key=lambda p: (p.attachment == path, len(p.attachment)))
    seen = Evidence(profile.path, profile.line, f"profile {profile.name}", "userns,")
    if not host.get(allows_userns, profile):
        return Fail(
            f"{restricted} profile {profile.name} of {path} has no userns rule",
            seen,
            subject=path,
            fix=add_userns(profile),
            stages=stages,
        )
    try:
        if not host.get(is_loaded, profile.name):
            return Fail(
                f"{restricted} profile {profile.name} is not loaded",
                seen,
                subject=path,
                fix=load(profile),
                stages=stages,
            )
    except Unknown as why:
        return Undecided(f"whether {profile.name} is loaded: {why}", seen, subject=path)
    return Pass(f"profile {profile.name} allows it", seen, subject=path)
