from __future__ import annotations

from collections.abc import Iterator

from audit.facts.subids import BLOCK, login_default, login_defs_file
from audit.facts.subids import login_defs as settings
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, Pass, check
from remediations.login_defs import setting

# The numbers of shadow's own src/useradd.c where login.defs says nothing.
DEFAULTS = {"MIN": 100000, "MAX": 600100000, "COUNT": BLOCK}


@check("New users will be given enough subordinate ids", Level.DEGRADED)
def login_defs(host: Host) -> Iterator[Finding]:
    """login.defs makes useradd(8) give 65536 ids to each new user, above the ids of accounts.

    It does not concern users who exist. Distributions put these files under /usr/etc too.

    Why: "newuidmap: uid range [0-1) -> [...) not allowed" for every user made from now on
    See: login.defs(5), useradd(8), newusers(8)
    """
    path = login_defs_file(host)
    lines = host.get(settings)
    for kind, accounts in (("UID", "UID_MAX"), ("GID", "GID_MAX")):
        low, high, size = (
            host.get(login_default, f"SUB_{kind}_{name}", default)
            for name, default in DEFAULTS.items()
        )
        top = host.get(login_default, accounts, 60000)
        bad = {
            f"SUB_{kind}_COUNT": f"gives new users {size} ids" if size < BLOCK else "",
            f"SUB_{kind}_MIN": f"is within the ids of accounts (up to {top})" if low <= top else "",
            f"SUB_{kind}_MAX": f"leaves no room above {low}" if high < low + size - 1 else "",
        }
        for name, why in bad.items():
            if not why:
                continue
            value, line = lines.get(name, (str(DEFAULTS[name.rpartition("_")[2]]), 0))
            good = DEFAULTS[name.rpartition("_")[2]]
            yield Fail(
                f"{name} {value} {why}",
                Evidence(path, line or None, f"{name} {value}", f"{name} {good}"),
                subject=name,
                fix=setting(host, name, str(good)),
            )
        if not any(bad.values()):
            yield Pass(
                f"new users get {size} {kind.lower()}s from {low} on", Evidence(path), subject=kind
            )
