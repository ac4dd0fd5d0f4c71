from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.executables import (
    CAP_SETGID,
    CAP_SETUID,
    CAPABILITIES,
    Executable,
    candidates,
    lacks,
    which,
)
from audit.facts.idmap import HELPERS, needs_no_helper, writes_directly
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check
from remediations.aside import aside
from remediations.helpers import privileged

NEEDS = {"newuidmap": CAP_SETUID, "newgidmap": CAP_SETGID}


@check(
    "newuidmap and newgidmap run with the privilege they need",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("idmap.helper_present",),
)
def helper_privileged(host: Host) -> Iterator[Finding]:
    """The helpers that LXC will run are setuid root, or have cap_setuid (newuidmap) and cap_setgid
    (newgidmap) as file capabilities; both ways are fine.

    What counts is the first hit on the user's PATH: a copy in ~/bin or in a conda environment
    has no privilege and hides the good one. A backup restored without root leaves the setuid bit
    to somebody else, an image built without extended attributes loses the capabilities.

    Why: "Failed to write uid mapping" when LXC sees no privilege; "newuidmap: write to uid_map
    failed: Operation not permitted" or "open of uid_map failed" when only the kernel sees it
    See: capabilities(7), newuidmap(1), LXC src/lxc/conf.c (idmaptool_on_path_and_privileged)
    """
    account = host.get(target)
    if host.get(needs_no_helper) and (account.uid == 0 or host.get(writes_directly)):
        raise NotApplicable(f"{account.name} may write this map without a helper")
    found = False
    for name in HELPERS.values():
        one = host.get(which, name)
        if one is None:
            continue
        found = True
        why = lacks(host, one, NEEDS[name], account.uid)
        seen = Evidence(
            one.path, None, described(one), "setuid root or " + CAPABILITIES[NEEDS[name]]
        )
        if not why:
            yield Pass(f"{one.path} has the privilege", seen, subject=name)
            continue
        better = behind(host, name, one)
        hidden = "" if better is None else f"; it hides {better.path}"
        yield Fail(f"{one.path}: {why}{hidden}", seen, subject=name, fix=cure(host, name, one))
    if not found:
        raise NotApplicable("neither newuidmap nor newgidmap is there")


def behind(host: Host, name: str, first: Executable) -> Executable | None:
    """A helper further down the PATH that would do."""
    uid = host.get(target).uid
    for one in host.get(candidates, name):
        if one.runnable and one.real != first.real and not lacks(host, one, NEEDS[name], uid):
            return one
    return None


def described(one: Executable) -> str:
    """Mode, owner and capabilities."""
    names = [word for number, word in CAPABILITIES.items() if one.caps and one.caps.has(number)]
    flags = "=ep" if one.caps and one.caps.effective else "=p"
    caps = f", {','.join(names)}{flags}" if names else ""
    return f"mode {one.stat.mode:04o}, owner {one.stat.uid}:{one.stat.gid}{caps}"


def cure(host: Host, name: str, one: Executable) -> Fix:
    """Take the hiding copy away, else give the helper its privilege."""
    better = behind(host, name, one)
    if better is None:
        return privileged(host, name, one, NEEDS[name])
    return aside(host, f"take the {one.stat.kind} away that hides {better.path}", one.path)
