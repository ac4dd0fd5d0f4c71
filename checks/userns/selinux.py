from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.lsm import SELINUX, selinux_mode
from audit.facts.session import is_mine, session_credentials
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Finding, Level, NotApplicable, Pass, Unknown, check

# Domains of ordinary login sessions; the reference policy lets each make user namespaces.
LOGIN_DOMAINS = ("unconfined_t", "user_t", "staff_t", "sysadm_t")


@check(
    "SELinux lets the user's session make user namespaces",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("kernel.kconfig.user_ns",),
)
def selinux(host: Host) -> Iterator[Finding]:
    """Under an enforcing policy that knows the class `user_namespace`, the session's domain may
    create one.

    The class came with kernel 6.1. Policies allow it to the domains of login sessions; what a
    service or a sandbox may do takes a try.

    Why: avc: denied { create } ... tclass=user_namespace
    See: kernel security/selinux/hooks.c (selinux_userns_create)
    """
    mode = host.get(selinux_mode)
    if mode != "enforcing":
        raise NotApplicable(f"SELinux is {mode}")
    where = f"{SELINUX}/class/user_namespace"
    if host.stat(where) is None:
        yield Pass("the policy does not know the class", Evidence(where, None, "does not exist"))
        return
    if not host.get(is_mine):
        user = _selinux_user(host)
        if user == "unconfined_u":
            yield Pass("a login of this user is unconfined", Evidence("/etc/selinux", None, user))
            return
        # A process that root made for the user is in root's domain: a try would tell nothing.
        raise Unknown(
            f"logins of this user are {user}: whether they may, only such a login can tell"
        )
    context = (host.read("/proc/self/attr/current") or "").rstrip("\0\n")
    domain = (context.split(":") + [""] * 3)[2]
    if domain in LOGIN_DOMAINS:
        yield Pass(f"{domain} may", Evidence("/proc/self/attr/current", None, context))
        return
    if host.probe("userns", str(host.get(session_credentials)))["ok"]:
        yield Pass(f"{domain} may: it was tried", Evidence("--probe", None, context))
        return
    raise Unknown(f"tried, and it failed: SELinux may not let {domain} create user namespaces")


def _selinux_user(host: Host) -> str:
    """The SELinux user of a login, by seusers(5)."""
    kind = "targeted"
    for line in (host.read("/etc/selinux/config") or "").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "SELINUXTYPE":
            kind = value.strip()
    users: dict[str, str] = {}
    for line in (host.read(f"/etc/selinux/{kind}/seusers") or "").splitlines():
        name, _, rest = line.partition(":")
        if rest and not line.startswith("#"):
            users[name.strip()] = rest.partition(":")[0].strip()
    name = host.get(target).name
    return users.get(name) or users.get("__default__") or "of an unknown SELinux user"
