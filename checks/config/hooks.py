from collections.abc import Iterator

from audit.facts.config import Entry, container_config
from audit.facts.executables import which
from audit.facts.guest import inside
from audit.facts.outputs import unrunnable
from audit.facts.paths import Crosser, container_crosser
from audit.facts.session import session_credentials
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    check,
)
from remediations.hooks import correct, repair

# Who runs a hook: the user on the host, or the container's root before it leaves the host's files.
BY_USER = ("lxc.hook.pre-start", "lxc.hook.start-host")
BY_ROOT = ("lxc.hook.pre-mount", "lxc.hook.mount", "lxc.hook.autodev")
INSIDE = "lxc.hook.start"
IGNORED = ("lxc.hook.stop", "lxc.hook.post-stop")  # a failure is logged, nothing more
# Where the hooks that come with LXC and lxcfs lie; they are written to succeed on a host like this.
SHIPPED = ("/usr/share/lxc/", "/usr/share/lxcfs/", "/usr/libexec/lxc/", "/usr/lib/lxc/")
SHELL = frozenset("\"'`$;|&<>()\\*?[]#~")


@check(
    "Every hook of the config can be run",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes"),
)
def hooks(host: Host) -> Iterator[Finding]:
    """Each lxc.hook.* is a program that exists and that whoever runs it may execute.

    pre-start and start-host run as the user, pre-mount, mount and autodev as the container's root,
    which passes no directory that is closed to others; start runs inside the container. A hook
    that fails stops the start; stop and post-stop hooks do not. What a hook of your own does
    cannot be told from outside: it is unknown, unless it cannot run at all.

    Why: "Script exited with status 127", "Failed to run lxc.hook.pre-start for container"
    See: lxc.container.conf(5) "CONTAINER HOOKS", LXC src/lxc/conf.c (run_script_argv)
    """
    config = host.get(container_config)
    autodev = config.get("lxc.autodev") != "0"
    entries = [
        entry
        for entry in config.below("lxc.hook.")
        if entry.key in (*BY_USER, *BY_ROOT, INSIDE, *IGNORED)
        and (autodev or entry.key != "lxc.hook.autodev")
    ]
    if not entries:
        raise NotApplicable("the config has no hooks that run at a start")
    for entry in entries:
        yield judge(host, entry)


def judge(host: Host, entry: Entry) -> Finding:
    """One hook. Its line goes through `sh -c "exec ..."`, so the first word is the program."""
    seen = Evidence(entry.file, entry.line, entry.text)
    program = entry.value.split()[0]
    if SHELL & set(program):
        return Undecided(f"{entry.text[:80]} is for the shell to read", seen, subject=entry.key)
    if entry.key == INSIDE:
        return in_container(host, entry, program, seen)
    why = obstacle(host, entry, program)
    if why is None and entry.key not in IGNORED and not program.startswith(SHIPPED):
        message = (
            f"whether {program} succeeds is known only when it runs: {entry.key} can stop a start"
        )
        return Undecided(message, seen, subject=entry.key)
    if why is None:
        return Pass(f"{entry.key} can run {program}", seen, subject=entry.key)
    fix = repair(host, entry, program)
    if entry.key in IGNORED:
        message = f"{entry.key} will fail, which stops nothing: {why}"
        return Fail(message, seen, subject=entry.key, fix=fix, stages=(), level=Level.DEGRADED)
    return Fail(f"{entry.key} cannot run {program}: {why}", seen, subject=entry.key, fix=fix)


def obstacle(host: Host, entry: Entry, program: str) -> str | None:
    """Why the program of a hook cannot be run from the host's files."""
    crosser: Crosser | None = Crosser(host.get(session_credentials))
    if entry.key in BY_ROOT:
        crosser = host.get(container_crosser)
    if crosser is None:
        return None  # without a mapped root nothing starts: idmap.container_root says so
    if "/" not in program:
        found = host.get(which, program)
        return "it is not on the user's PATH" if found is None else None
    if not program.startswith("/"):
        return "a relative path depends on where lxc-start is typed"
    return unrunnable(host, program, crosser)


def in_container(host: Host, entry: Entry, program: str, seen: Evidence) -> Finding:
    """A start hook runs after the root has been changed."""
    if host.request.container is None:
        message = f"whether a new container has {program} is not known before it is there"
        return Undecided(message, seen, subject=entry.key)
    found = host.get(inside, program)
    if found is None:
        fix = correct(host, entry)
        return Fail(f"the container has no {program}", seen, subject=entry.key, fix=fix)
    if found.stat.kind != "file" or not found.stat.mode & 0o111:
        message = f"{program} of the container is not executable"
        return Fail(message, seen, subject=entry.key, fix=correct(host, entry))
    return Pass(f"the container has {program}", seen, subject=entry.key)
