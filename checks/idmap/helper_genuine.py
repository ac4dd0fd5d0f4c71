from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.executables import which
from audit.facts.idmap import HELPERS, needs_no_helper, writes_directly
from audit.facts.session import is_mine
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.distro import install

PROGRAM = r"\A(\x7fELF).*?[ug]id_map"


@check(
    "newuidmap and newgidmap are the programs of that name",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("idmap.helper_present",),
)
def helper_genuine(host: Host) -> Iterator[Finding]:
    """The helpers that LXC will run are ELF programs that know how to write an id map.

    A wrapper script of that name cannot work: the kernel ignores setuid on scripts, and a program
    that exits early leaves the map empty without a word.

    Why: 'newuidmap failed to write mapping ""' with nothing between the quotes
    See: execve(2) ("Interpreter scripts"), user_namespaces(7)
    """
    if host.get(needs_no_helper) and (host.get(target).uid == 0 or host.get(writes_directly)):
        raise NotApplicable("this map is written without a helper")
    judged = False
    for name in HELPERS.values():
        one = host.get(which, name)
        if one is None or one.stat.kind != "file":
            continue
        if host.get(is_mine) and not one.stat.mode & 0o004:
            continue  # 4711 is how some distributions ship it: to be run and not to be read
        judged = True
        if host.search(one.real, PROGRAM):
            yield Pass(f"{one.path} is {name}", Evidence(one.real, None, "an ELF program"))
        else:
            yield Fail(
                f"{one.path} is not {name}: it is no ELF program that writes an id map",
                Evidence(one.real, None, "something else", f"the {name} of shadow"),
                subject=name,
                fix=install(host, "newuidmap"),
            )
    if not judged:
        raise NotApplicable("there is no helper that this user may read")
