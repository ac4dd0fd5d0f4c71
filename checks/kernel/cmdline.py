from collections.abc import Iterator

from audit.facts.kernel import cmdline
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, Pass, check
from remediations.distro import remove_boot_parameter

# Words that switch user namespaces off; RHEL 7 and its clones have the first two.
FORBIDDEN = ("user_namespace.enable=0", "namespace.unpriv_enable=0")


@check(
    "The kernel's command line does not switch user namespaces off",
    Level.BLOCKING,
    stages=EVERYTHING,
)
def cmdline_check(host: Host) -> Iterator[Finding]:
    """No boot parameter forbids users to make user namespaces.

    Boot parameters about cgroups and security modules are judged where they matter.

    Why: "Invalid argument - Failed to unshare new user namespace"
    See: bootparam(7); Red Hat Enterprise Linux 7 release notes
    """
    words = host.get(cmdline)
    # The last of several settings of one parameter is the one in force.
    decided = {word.partition("=")[0]: word for word in words}
    bad = [word for word in decided.values() if word in FORBIDDEN]
    for word in bad:
        yield Fail(
            f"the kernel was booted with {word}",
            Evidence("/proc/cmdline", 1, word, f"no {word}"),
            fix=remove_boot_parameter(host, word),
        )
    if not bad:
        yield Pass("nothing on it forbids user namespaces", Evidence("/proc/cmdline", 1))
