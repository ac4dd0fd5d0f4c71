from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.executables import Executable, anywhere, candidates, which
from audit.facts.idmap import HELPERS, needs_no_helper
from audit.facts.session import search_path
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.distro import install
from remediations.helpers import executable
from remediations.login_path import add_to_path

USUAL = "/usr/bin"


@check("newuidmap and newgidmap are on the user's PATH", Level.BLOCKING, stages=EVERYTHING)
def helper_present(host: Host) -> Iterator[Finding]:
    """The user finds newuidmap(1) and newgidmap(1) on the PATH of the session and may execute
    them.

    LXC looks for both itself, directory by directory, and needs both: without one of them it
    writes the map with the user's own rights, which the kernel refuses for any id but the user's.
    A helper that the user may not execute is passed over.

    Why: "write_id_mapping: Operation not permitted - Failed to write uid mapping" (about uids,
    even when only newgidmap is missing)
    See: newuidmap(1), user_namespaces(7), LXC src/lxc/conf.c (lxc_map_ids), src/lxc/utils.c
    (on_path)
    """
    if not host.request.user:
        yield from judged_without_user(host)
        return
    account = host.get(target)
    if host.get(needs_no_helper):
        raise NotApplicable(f"{account.name} may write this map without a helper")
    for name in HELPERS.values():
        found = host.get(which, name)
        if found is not None:
            yield Pass(f"{name} is {found.path}", Evidence(found.path), subject=name)
            continue
        closed = host.get(candidates, name)
        if closed:
            one = closed[0]
            yield Fail(
                f"{one.path} is mode {one.stat.mode:04o}: {account.name} may not execute it",
                Evidence(one.path, None, shown(one), "executable for the user"),
                subject=name,
                fix=executable(host, name, one),
            )
        elif host.stat(f"{USUAL}/{name}") is not None:
            path = ":".join(host.get(search_path))
            yield Fail(
                f"{name} is in {USUAL}, which is not on the PATH of {account.name}: {path}",
                Evidence("$PATH", None, path, USUAL),
                subject=name,
                fix=add_to_path(host, USUAL),
            )
        else:
            yield Fail(
                f"{name} is not installed (not on the PATH of {account.name})",
                Evidence(f"{USUAL}/{name}", None, "missing", "a program on the user's PATH"),
                subject=name,
                fix=install(host, "newuidmap"),
            )


def judged_without_user(host: Host) -> Iterator[Finding]:
    """Whether the helpers are there for anybody."""
    for name in HELPERS.values():
        found = host.get(anywhere, name)
        if found is not None:
            yield Pass(f"{name} is {found}", Evidence(found), subject=name)
        else:
            yield Fail(
                f"{name} is not installed",
                Evidence(f"{USUAL}/{name}", None, "missing", "a program for every user"),
                subject=name,
                fix=install(host, "newuidmap"),
            )


def shown(one: Executable) -> str:
    """Mode and owner, as ls(1) has them in numbers."""
    return f"mode {one.stat.mode:04o}, owner {one.stat.uid}:{one.stat.gid}"
