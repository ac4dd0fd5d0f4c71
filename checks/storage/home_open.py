from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.lxcconf import lxcpath
from audit.facts.paths import container_crosser, passes, walk
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.access import close


@check(
    "The home directory is open to the container's root, not to everybody",
    Level.HARDENING,
    after=("host.user", "storage.path_access"),
)
def home_open(host: Host) -> Iterator[Finding]:
    """The container's root passes the home directory by an ACL entry of its own, not by `chmod
    o+x`.

    An ACL shows as mode 0710 and keeps CIS, STIG and Lynis (HOME-9304) content; o+x lets every
    account and every service of the host try names below the home.

    Why: "Lynis HOME-9304: Users directories permissions", CIS "home directories are mode 750"
    See: acl(5), setfacl(1); Debian README.Debian of lxc, step 3
    """
    home, path = host.get(target).home.rstrip("/"), host.get(lxcpath)
    crosser = host.get(container_crosser)
    if crosser is None or not home or not path.startswith(f"{home}/"):
        raise NotApplicable("containers are not kept below the home directory")
    step = host.get(walk, home).steps[-1]
    if step.stat is None or step.path.rstrip("/") == "":
        raise NotApplicable(f"{home} is not there")
    seen = Evidence(step.path, None, f"mode {step.stat.mode:04o}", "others have no x")
    uid = crosser.who.uid
    if not step.stat.mode & 0o001:
        yield Pass(f"{step.path} is closed to others", seen)
    elif passes(step, crosser):
        yield Fail(
            f"{step.path} is open to everybody (mode {step.stat.mode:04o}): an ACL entry for uid"
            f" {uid} is all that containers need",
            seen,
            fix=close(host, step, crosser),
        )
    else:
        raise NotApplicable(f"the container's root cannot pass {step.path} at all")
