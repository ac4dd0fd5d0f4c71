from __future__ import annotations

from collections.abc import Iterator

from audit.facts.shadow_version import shadow_version as installed
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check
from remediations.actions import ROOT, Manual
from remediations.distro import install

FIRST = (4, 2)
# fixed in -> what could be done before
HOLES = (
    ((4, 3, 1), "CVE-2016-6252: a count beyond 2^32 in the map makes newuidmap map host ids"),
    ((4, 6), "CVE-2018-7169: newgidmap lets a user drop a group that denies access"),
)
# Distributions fix these without a new version number.
PATCHED = "unless the distribution has patched it"

UPGRADE = Fix(
    "shadow_upgrade",
    "have shadow 4.6 or later",
    (Manual(("# upgrade to a release of the distribution that has shadow 4.6 or later",), ROOT),),
)


@check("The installed shadow knows subordinate ids and has no known hole", Level.HARDENING)
def shadow_version(host: Host) -> Iterator[Finding]:
    """newuidmap and newgidmap come from a shadow of 4.6 or later.

    Subordinate ids came with 4.2. Older ones cannot give a user any range, so no unprivileged
    container starts; 4.2 to 4.5 have holes in the helpers themselves.

    Why: before 4.2 newuidmap does not exist; before 4.6 a user gains rights by it
    See: shadow's release notes, CVE-2016-6252, CVE-2018-7169
    """
    version = host.get(installed)
    if version is None:
        raise NotApplicable("no package of shadow is installed")
    shown = ".".join(str(part) for part in version)
    seen = Evidence("package shadow", None, shown, "4.6 or later")
    if version < FIRST:
        yield Fail(
            f"shadow {shown} has no subordinate ids: they came with 4.2",
            seen,
            fix=UPGRADE,
            level=Level.BLOCKING,
            stages=EVERYTHING,
        )
        return
    holes = [text for fixed, text in HOLES if version < fixed]
    for text in holes:
        yield Fail(f"shadow {shown} has {text}, {PATCHED}", seen, fix=install(host, "newuidmap"))
    if not holes:
        yield Pass(f"shadow {shown}", seen)
