"""Lines of the PAM stack that every login of a user goes through."""

from __future__ import annotations

from audit.facts.distro import family
from audit.facts.pam import Rule, login_service, service_file, session_rule, stack
from audit.host import Host
from audit.model import Unknown
from remediations.actions import Action, Append, Manual, Replace
from remediations.distro import needed
from remediations.quoting import word

# family -> the file whose session rules all logins of the distribution include
STACKS = {
    "debian": "/etc/pam.d/common-session",
    "fedora": "/etc/pam.d/postlogin",
    "arch": "/etc/pam.d/system-login",
    "gentoo": "/etc/pam.d/system-login",
    "alpine": "/etc/pam.d/base-session",
}


def session(
    host: Host,
    module: str,
    arguments: str = "",
    package: str = "",
    registers: tuple[str, ...] = (),
) -> tuple[Action, ...]:
    """Have every login run a module, which `package` (of remediations.distro) brings.

    It stands last: after what gives the session its first cgroup. `registers` are the families
    whose package puts the line there by itself.
    """
    before = needed(host, package) if package else ()
    line = f"session optional {module}.so {arguments}".rstrip()
    try:
        found = host.get(session_rule, module)
        if found is not None:
            return (*before, *_with_arguments(host, found, line, arguments))
        if before and host.get(family) in registers:
            return before
        path = _file(host)
    except Unknown:
        path = None
    if path is None:
        where = "the file in /etc/pam.d that every login includes"
        return (*before, Manual((f"# put into {where}: {line}",), "root"))
    return (*before, Append(path, line))


# What jobs of cron's and sudo go through in Debian's family; logins have a stack of their own.
JOBS = "/etc/pam.d/common-session-noninteractive"


def jobs(host: Host, module: str) -> tuple[Action, ...]:
    """Have the jobs that cron starts for a user run a module as well, where they do not yet."""
    try:
        text = host.read(JOBS)
    except Unknown:
        return ()
    if host.get(family) != "debian" or not text or f"{module}.so" in text:
        return ()
    return (Append(JOBS, f"session optional {module}.so"),)


def _with_arguments(host: Host, found: Rule, line: str, arguments: str) -> tuple[Action, ...]:
    """The line that is there, with the arguments that it takes."""
    if not arguments or " ".join(found.arguments) == arguments:
        return ()
    lines = (host.read(found.file) or "").split("\n")
    old = lines[found.line - 1] if found.line <= len(lines) else ""
    if found.module not in old or old.endswith("\\") or not found.file.startswith("/etc/"):
        return (Manual((f"# in {word(found.file)}: {line}",), "root"),)
    return (Replace(found.file, found.line, old, line),)


def _file(host: Host) -> str | None:
    """The distribution's file if the next login reads it, else that of the service itself."""
    usual = STACKS.get(host.get(family) or "")
    service = host.get(login_service)
    if service is None:
        return usual
    if usual is not None and any(rule.file == usual for rule in host.get(stack, service)):
        return usual
    path = host.get(service_file, service)
    # A file of the same name in /etc would hide a packaged one altogether.
    return path if path is not None and path.startswith("/etc/") else None
