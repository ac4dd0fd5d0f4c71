from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.init import SYSTEMD, init_system
from audit.facts.systemd import lingers
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations import systemd


@check("The user's containers outlive its last logout", Level.DEGRADED)
def linger(host: Host) -> Iterator[Finding]:
    """The user lingers: its systemd starts at boot and does not end with the last session.

    A container in a scope lives below user@UID.service. Without lingering that ends about ten
    seconds after the last logout, and takes all containers with it.

    Why: nothing is logged: the containers are gone.
    See: loginctl(1), enable-linger
    """
    if host.get(init_system) != SYSTEMD:
        raise NotApplicable("systemd does not run here")
    name = host.get(target).name
    seen = Evidence(f"/var/lib/systemd/linger/{name}", None)
    if host.get(lingers):
        yield Pass(f"{name} lingers", seen._replace(observed="present"))
        return
    yield Fail(
        f"{name} does not linger: its containers are killed seconds after the last logout",
        seen._replace(observed="missing", expected="present"),
        fix=systemd.linger(host),
    )
