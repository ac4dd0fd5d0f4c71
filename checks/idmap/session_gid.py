from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.idmap import needs_no_helper, writes_directly
from audit.facts.session import session_gid as real_gid
from audit.facts.shadow_version import dialects
from audit.facts.subids import grants_auxiliary_group
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check
from remediations.actions import Manual


@check(
    "The session has the group that the account has in passwd",
    Level.BLOCKING,
    stages=EVERYTHING,
)
def session_gid(host: Host) -> Iterator[Finding]:
    """The gid of the session is the primary group of the account.

    newuidmap compares them. They differ after sg(1) or newgrp(1), in a service with Group=, and
    when the primary group was changed while the user was logged in. With GRANT_AUX_GROUP_SUBIDS in
    login.defs it does not matter (shadow 4.9 and later).

    Why: "newuidmap: Target process N is owned by a different user: ... gid:G pw_gid:P st_gid:G"
    See: newuidmap(1), newgrp(1), login.defs(5), shadow src/newuidmap.c
    """
    account = host.get(target)
    if host.get(needs_no_helper) and (account.uid == 0 or host.get(writes_directly)):
        raise NotApplicable(f"{account.name} may write this map without newuidmap")
    gid = host.get(real_gid)
    seen = Evidence("getgid(2)", None, str(gid), f"{account.gid} as in passwd")
    if gid == account.gid:
        yield Pass(f"the session's gid is {gid}, as in passwd", seen)
    elif host.get(grants_auxiliary_group) and all(one.asks_nss for one in host.get(dialects)):
        yield Pass(f"gid {gid} will do: GRANT_AUX_GROUP_SUBIDS is set in login.defs", seen)
    else:
        yield Fail(
            f"the session runs with gid {gid}, {account.name} has {account.gid} in passwd: "
            "newuidmap refuses that",
            seen,
            fix=Fix(
                "login",
                "start from a new login, not from sg or newgrp",
                (Manual(("# log out of this session, and log in anew",)),),
                "re-login",
            ),
        )
