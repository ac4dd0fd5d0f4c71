from collections.abc import Iterator

from audit.facts.kconfig import kconfig
from audit.host import Host
from audit.model import Evidence, Finding, Level, Pass, check


@check("The kernel's build options can be read", Level.INFO)
def config(host: Host) -> Iterator[Finding]:
    """One of ten places holds the build configuration of the running kernel.

    Where none does, the checks of build options ask the running kernel itself, which answers for
    most of them.

    Why: an option that is not mentioned proves nothing when the file is of another kernel.
    See: CONFIG_IKCONFIG_PROC; lxc-checkconfig(1) reads the same places
    """
    found = host.get(kconfig)
    if found.exact:
        yield Pass(f"{found.path} is the configuration of the running kernel", Evidence(found.path))
    else:
        yield Pass(
            f"{found.path} lies there, and may be of another kernel than the running one",
            Evidence(found.path),
        )
