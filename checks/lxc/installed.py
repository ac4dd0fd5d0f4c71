from collections.abc import Iterator

from audit.facts.executables import anywhere, candidates, which
from audit.facts.session import search_path
from audit.host import Host
from audit.model import (
    CREATE,
    EVERYTHING,
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    Pass,
    Stage,
    check,
)
from remediations.distro import install
from remediations.login_path import add_to_path
from remediations.programs import program

# program -> what cannot be done without it; nothing for what only the runner's comfort needs
PROGRAMS: dict[str, tuple[Stage, ...]] = {
    "lxc-create": (CREATE,),
    "lxc-usernsexec": (CREATE,),
    "lxc-start": STARTING,
    "lxc-attach": (),
    "lxc-stop": (),
    "lxc-info": (),
}


@check("LXC's programs are on the user's PATH", Level.BLOCKING, stages=EVERYTHING)
def installed(host: Host) -> Iterator[Finding]:
    """lxc-create, lxc-start and what they call are found on the PATH of the user's session.

    lxc-create runs its template by `lxc-usernsexec`, which it looks up on the PATH, too; some
    distributions ship that in a package of its own. Old Gentoo put the programs into /usr/sbin,
    which an ordinary user's PATH lacks.

    Why: "lxc-create: command not found", "No such file or directory - Failed to execute template
    lxc-usernsexec"
    See: LXC src/lxc/lxccontainer.c (create_run_template), lxc-usernsexec(1)
    """
    there = {name: host.get(anywhere, name) for name in PROGRAMS}
    if not host.request.user and any(there.values()):
        yield Pass("LXC's programs are there", *(Evidence(p) for p in there.values() if p))
        return
    on_path = bool(host.request.user) and any(
        host.get(which, name) or host.get(candidates, name) for name in PROGRAMS
    )
    if not on_path and not any(there.values()):
        yield Fail(
            "LXC is not installed",
            Evidence("/usr/bin/lxc-start", None, "missing", "LXC's programs"),
            fix=install(host, "lxc"),
        )
        return
    path = ":".join(host.get(search_path))
    for name, stages in PROGRAMS.items():
        found = host.get(which, name)
        if found is not None:
            yield Pass(
                f"{name} is {found.path}", Evidence(found.path, None, "executable"), subject=name
            )
            continue
        level = Level.BLOCKING if stages else Level.DEGRADED
        closed = next((one for one in host.get(candidates, name)), None)
        if closed is not None:
            seen = Evidence(
                closed.path, None, f"mode {closed.stat.mode & 0o7777:04o}", "executable by the user"
            )
            fix = program(host, closed, name, "lxc")
            message = f"the user may not execute {closed.path}"
        else:
            other = there[name]
            seen = Evidence("PATH", None, path, f"a directory with {name}")
            if other:
                message = f"{other} is not on the user's PATH ({path})"
                fix = add_to_path(host, other.rpartition("/")[0])
            else:
                message = f"{name} is not installed"
                fix = install(host, "lxc")
        yield Fail(message, seen, subject=name, fix=fix, stages=stages, level=level)
