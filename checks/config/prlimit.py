from collections.abc import Iterator

from audit.facts.config import Entry
from audit.facts.prlimits import UNLIMITED, hard_limit, is_resource, limits_file, wanted
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    check,
)
from remediations.config import Change, leave_out, put, rewrite


@check(
    "The resource limits of the config do not exceed the session's hard limits",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes"),
)
def prlimit(host: Host) -> Iterator[Finding]:
    """Each lxc.prlimit.NAME is a resource that LXC knows, with a hard limit that a user may set.

    The monitor, which is the user, sets the limits of the container's init. It can lower them, and
    raise the soft one up to the hard one; only root raises a hard limit. A single number sets both.

    Why: "Operation not permitted - Failed to set limit nofile", "Unknown resource NOFILE"
    See: prlimit(2), lxc.container.conf(5) "RESOURCE LIMITS", limits.conf(5)
    """
    found = host.get(wanted)
    if not found:
        raise NotApplicable("the config sets no resource limits")
    for entry, name, soft, hard in found:
        seen = Evidence(entry.file, entry.line, entry.text)
        if not is_resource(name):
            yield Fail(
                f"LXC knows no resource {name}: the names are lower case",
                seen,
                subject=name,
                fix=named(host, entry, name),
            )
            continue
        if soft > hard:
            message = f"the soft limit of {name} is above its hard limit"
            limit_text = "unlimited" if hard == UNLIMITED else str(hard)
            fix = put(host, entry, f"{limit_text}:{limit_text}")
            yield Fail(message, seen, subject=name, fix=fix)
            continue
        have = host.get(hard_limit, name)
        if have is None:
            message = f"what hard limit of {name} the session will have is not known"
            yield Undecided(message, seen, subject=name)
        elif hard > have:
            limit = Evidence(host.get(limits_file), None, f"hard limit of {name}: {have}")
            lower = f"{min(soft, have)}:{have}"
            yield Fail(
                f"{entry.text} is above the session's hard limit of {have}, which only root raises",
                seen,
                limit,
                subject=name,
                fix=put(
                    host,
                    entry,
                    lower,
                    f"ask for no more than the session has: {entry.key} = {lower}",
                ),
            )
        else:
            limit_text = "unlimited" if have == UNLIMITED else str(have)
            yield Pass(f"{entry.text} is within {limit_text}", seen, subject=name)


def named(host: Host, entry: Entry, name: str) -> Fix:
    """Name the resource as LXC does; what it has not got, it cannot limit."""
    known = name.lower().removeprefix("rlimit_")
    if not is_resource(known):
        return leave_out(host, entry)
    new = f"lxc.prlimit.{known} = {entry.value}"
    return rewrite(host, f"write {new}", Change(entry.file, entry.line, entry.text, new))
