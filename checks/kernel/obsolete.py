from collections.abc import Iterator

from audit.facts.kconfig import LIFE, is_known_to, kconfig
from audit.facts.kernel import release_text
from audit.host import Host
from audit.model import Finding, Level, Pass, check


@check("Options that this kernel cannot have are not asked for", Level.INFO)
def obsolete(host: Host) -> Iterator[Finding]:
    """Which well-known build options are outside their life span on this kernel.

    Several checkers call them missing on every modern kernel (DEVPTS_MULTIPLE_INSTANCES is gone
    since 4.7, MEMCG_KMEM since 4.6); here they are named once, and nothing leans on them.

    Why: lxc-checkconfig prints "missing" in red for options that no kernel of this age has.
    See: lxc-checkconfig(1), LXC issues 1385 and 3622
    """
    config = host.get(kconfig)
    gone = [name for name in LIFE if not host.get(is_known_to, name) and not config.value(name)]
    yield Pass(f"kernel {host.get(release_text)} has none of {', '.join(sorted(gone)) or 'them'}")
