from collections.abc import Iterator

from audit.facts.paths import walk
from audit.facts.places import container_dir
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check
from remediations.access import is_theirs
from remediations.actions import Mode


@check(
    "Other accounts cannot reach the container's files",
    Level.HARDENING,
    after=("host.user",),
)
def container_open(host: Host) -> Iterator[Finding]:
    """The container's directory (lxcpath/NAME) gives others no x, so that no account of the host
    reads the rootfs.

    lxc-create makes it 0770. A set-user-id program that the guest's root puts into its rootfs is
    otherwise there to be run by other accounts of the host.

    Why: a set-user-id program in a rootfs that others reach runs as the container's root for them
    See: Debian README.Debian of lxc, step 3; lxc.container.conf(5)
    """
    directory = host.get(container_dir)
    if directory is None:
        raise NotApplicable("no container was named with -n")
    way = host.get(walk, directory)
    step = way.steps[-1]
    if way.missing or way.closed or step.stat is None:
        raise NotApplicable(f"{directory} cannot be reached")
    seen = Evidence(step.path, None, f"mode {step.stat.mode:04o}", "others have no x")
    if step.stat.mode & 0o001:
        yield Fail(
            f"{step.path} is open to every account (mode {step.stat.mode:04o})",
            seen,
            fix=Fix(
                "close_container",
                f"close {step.path} to others",
                (Mode(step.path, step.stat.mode & ~0o007, is_theirs(host, step)),),
            ),
        )
    else:
        yield Pass(f"{step.path} is closed to others", seen)
