from collections.abc import Iterator
from contextlib import suppress

from audit.facts.accounts import target
from audit.facts.lxcconf import lxcpath
from audit.facts.session import session_gid
from audit.facts.userfiles import Denied, user_list
from audit.host import Host
from audit.model import (
    CREATE,
    STARTING,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    Unknown,
    check,
)
from remediations.aside import aside

SHOWN = 10


@check(
    "No half-made container is left over",
    Level.BLOCKING,
    stages=(CREATE, *STARTING),
    after=("lxc.installed", "storage.lxcpath"),
)
def leftovers(host: Host) -> Iterator[Finding]:
    """Every directory in lxcpath is a container: it has a config, and no file called `partial`.

    A create that failed half way leaves its directory, often with files of the mapped ids, which
    the user cannot remove without lxc-usernsexec. Its name cannot be used again; and LXC destroys
    what is marked `partial` when it is started. Only the container named with -n is in the way of
    anything, so others are told as a nuisance.

    Why: "Container already exists", "Failed to create "4/partial"", "Container is not defined"
    See: lxc-destroy(1), LXC src/lxc/lxccontainer.c (ongoing_create, create_container_dir)
    """
    path = host.get(lxcpath)
    names = host.get(user_list, path)
    if names is None or isinstance(names, Denied):
        raise NotApplicable(f"there are no containers in {path}")
    chosen = host.request.container
    if chosen is not None:
        yield from named(host, path, chosen, chosen in names)
        return
    found, closed = [], []
    for name in names:
        try:
            if not name.startswith(".") and is_leftover(host, path, name):
                found.append(name)
        except Unknown:
            closed.append(name)
    if closed:
        yield Undecided(
            f"whether {', '.join(closed[:SHOWN])} in {path} is a container cannot be seen",
            Evidence(f"{path}/{closed[0]}", None, "closed to the asking process"),
            level=Level.DEGRADED,
            stages=(),
        )
    if not found:
        if not closed:
            yield Pass(f"{len(names)} entries in {path}, none half-made", Evidence(path))
        return
    shown = ", ".join(found[:SHOWN]) + (", ..." if len(found) > SHOWN else "")
    yield Fail(
        f"{path} has leftovers of failed creates, whose names cannot be used: {shown}",
        *(Evidence(f"{path}/{name}", None, "no config", "a container") for name in found[:SHOWN]),
        fix=clear(host, path, *found),
        level=Level.DEGRADED,
        stages=(),
    )


def named(host: Host, path: str, name: str, there: bool) -> Iterator[Finding]:
    """The container given with -n."""
    place = f"{path}/{name}"
    if not there:
        raise NotApplicable(f"there is no {place}")
    if host.lstat(f"{place}/partial") is not None:
        yield Fail(
            f"{name} is half-made: LXC destroys it when it is started",
            Evidence(f"{place}/partial", None, "present", "absent"),
            fix=clear(host, path, name),
        )
    elif host.lstat(f"{place}/config") is None:
        if is_empty_and_own(host, place):
            yield Pass(f"{place} is empty and the user's own: lxc-create takes it", Evidence(place))
            return
        yield Fail(
            f"{place} is no container, and in the way of a new one of that name",
            Evidence(place, None, "no config", "a container, or nothing"),
            fix=clear(host, path, name),
        )
    else:
        yield Pass(f"{place} is a whole container", Evidence(f"{place}/config"))


def is_empty_and_own(host: Host, place: str) -> bool:
    """Whether lxc-create would go on in this directory."""
    stat = host.lstat(place)
    # With another group LXC gives the directory to a gid that shuts the user out.
    mine = stat is not None and (stat.uid, stat.gid) == (
        host.get(target).uid,
        host.get(session_gid),
    )
    return mine and not host.list(place)


def is_in_the_way(host: Host, name: str) -> bool:
    """Whether this check says of a container given with -n that there is none; where that cannot
    be seen, it does not.
    """
    path = host.get(lxcpath)
    with suppress(Unknown):
        names = host.get(user_list, path)
        if names is not None and not isinstance(names, Denied) and name in names:
            return is_leftover(host, path, name) and not is_empty_and_own(host, f"{path}/{name}")
    return False


def is_leftover(host: Host, path: str, name: str) -> bool:
    """A directory without a config."""
    if host.lstat(f"{path}/{name}/config") is not None:
        return False
    stat = host.lstat(f"{path}/{name}")
    return stat is not None and stat.kind == "directory"


def clear(host: Host, path: str, *names: str) -> Fix:
    """Rename what is left, which may hold something that somebody misses; a name with a dot in
    front is no container.
    """
    title = f"set aside what is left of {', '.join(names[:SHOWN])}"
    fixes = [aside(host, title, f"{path}/{name}") for name in names]
    return Fix("leftover", title, tuple(action for one in fixes for action in one.actions))
