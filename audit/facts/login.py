"""The target user's next login: environment, umask and limits, as PAM and the shell will make them.

What no file says is taken from how the login services are built: a session starts with init's umask
of 022 and with the PATH of login.defs(5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from audit.facts import limits
from audit.facts.accounts import Account, target
from audit.facts.pam import session_rule
from audit.facts.startup import UNKNOWN, Shell
from audit.facts.userfiles import user_read
from audit.host import Host
from audit.records import NamedTuple

DEFAULT_PATH = "/usr/local/bin:/bin:/usr/bin"  # util-linux include/pathnames.h, _PATH_DEFPATH
DEFAULT_UMASK = 0o022
LOGIND = ("/usr/lib/systemd/systemd-logind", "/lib/systemd/systemd-logind")
ELOGIND = ("/usr/libexec/elogind", "/usr/lib/elogind/elogind", "/lib/elogind/elogind")
POSIX_SHELLS = ("sh", "dash", "ash", "ksh", "ksh93", "mksh", "busybox", "yash")


class Login(NamedTuple):
    """What a session starts with."""

    environment: Mapping[str, str]
    umask: int
    umask_from: str  # the file that sets it, empty when none does
    limits: Mapping[str, tuple[int, str]]  # what the start-up files set with ulimit, and where
    made: frozenset[str]  # directories that the start-up files make


def login(host: Host) -> Login:
    """The next login, after the login service, PAM and the shell's start-up files."""
    account = host.get(target)
    variables = {
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        "SHELL": account.shell or "/bin/sh",
        "PATH": host.get(login_defs).get("ENV_PATH", DEFAULT_PATH).removeprefix("PATH="),
        **host.get(pam_environment),
    }
    runtime = host.get(logind_runtime_dir)
    if runtime is not None:
        variables["XDG_RUNTIME_DIR"] = runtime
    start, start_from = host.get(pam_umask)
    shell = Shell(host, {**variables, **_shell_variables(account)})
    for path in start_files(account, shell):
        shell.source(path)
    umask, umask_from = shell.umask or (start, start_from)
    environment = {name: value for name, value in shell.variables.items() if UNKNOWN not in value}
    if "PATH" in shell.variables:
        entries = shell.variables["PATH"].split(":")
        environment["PATH"] = ":".join(entry for entry in entries if UNKNOWN not in entry)
    return Login(environment, umask, umask_from, shell.limits, frozenset(shell.made))


def environment(host: Host) -> Mapping[str, str]:
    """The variables of the next login; those whose value only a command would tell are missing."""
    return host.get(login).environment


def umask(host: Host) -> int:
    """The file mode creation mask of the next login."""
    return host.get(login).umask


def start_files(account: Account, shell: Shell) -> tuple[str, ...]:
    """The files that an interactive login shell of this account reads, in order."""
    name, home = (account.shell or "/bin/sh").rpartition("/")[2], account.home
    if name in ("bash", "rbash"):
        own = (f"{home}/.bash_profile", f"{home}/.bash_login", f"{home}/.profile")
        first = next((p for p in own if isinstance(shell.host.get(user_read, p), str)), None)
        return ("/etc/profile", first) if first else ("/etc/profile",)
    if name == "zsh":
        stages = ("zshenv", "zprofile", "zshrc", "zlogin")
        return tuple(
            path
            for stage in stages
            for path in (f"/etc/zsh/{stage}", f"/etc/{stage}", f"{home}/.{stage}")
        )
    if name in POSIX_SHELLS:
        return "/etc/profile", f"{home}/.profile"
    return ()


def _shell_variables(account: Account) -> dict[str, str]:
    name = account.shell.rpartition("/")[2]
    own = {"BASH": account.shell, "BASH_VERSION": "5", "EUID": str(account.uid)}
    return {"UID": str(account.uid), "PS1": "$ ", **(own if name in ("bash", "rbash") else {})}


def login_defs(host: Host) -> Mapping[str, str]:
    """/etc/login.defs: name -> value, the last line wins (login.defs(5))."""
    values: dict[str, str] = {}
    for line in (host.read("/etc/login.defs") or "").split("\n"):
        name, _, value = line.strip().replace("\t", " ").partition(" ")
        if name and not name.startswith("#"):
            values[name] = value.strip().strip('"')
    return values


def parse_environment(text: str) -> dict[str, str]:
    """/etc/environment as pam_env reads it: KEY=VALUE lines, `export` and one pair of quotes
    ignored.
    """
    values: dict[str, str] = {}
    for line in text.split("\n"):
        line = line.partition("#")[0].strip()
        line = re.sub(r"^export\s+", "", line)
        name, equals, value = line.partition("=")
        if equals and re.fullmatch(r"\w+", name):
            if value[:1] in ("'", '"'):
                value = value[1:]
            values[name] = value.removesuffix("'").removesuffix('"')
    return values


def pam_environment(host: Host) -> Mapping[str, str]:
    """The variables that pam_env sets out of /etc/environment, when it is in the stack of the
    login.
    """
    rule = host.get(session_rule, "pam_env")
    if rule is None or "readenv=0" in rule.arguments:
        return {}
    return parse_environment(host.read("/etc/environment") or "")


def pam_umask(host: Host) -> tuple[int, str]:
    """The umask before the shell starts and the file that sets it (pam_umask(8))."""
    rule = host.get(session_rule, "pam_umask")
    if rule is None:
        return DEFAULT_UMASK, ""
    value, source = _umask_text(host, dict(_pairs(rule.arguments)), f"{rule.file}")
    mask = int(value, 8) & 0o777 if re.fullmatch(r"[0-7]{1,6}", value) else DEFAULT_UMASK
    account = host.get(target)
    groups = "usergroups" in rule.arguments
    if "nousergroups" not in rule.arguments and not groups:
        groups = source == "/etc/login.defs" and _usergroups(host)
    if groups and account.uid != 0 and _primary_group_name(host, account) == account.name:
        mask = mask & 0o707 | (mask & 0o700) >> 3
    return mask, source


def _usergroups(host: Host) -> bool:
    return host.get(login_defs).get("USERGROUPS_ENAB", "no").lower() == "yes"


def _umask_text(host: Host, arguments: Mapping[str, str], file: str) -> tuple[str, str]:
    gecos = _gecos(host)
    for part in gecos.split(","):
        if part.startswith("umask="):
            return part.removeprefix("umask="), "/etc/passwd"
    if "umask" in arguments:
        return arguments["umask"], file
    defs = host.get(login_defs)
    if "UMASK" in defs:
        return defs["UMASK"], "/etc/login.defs"
    default = parse_environment(host.read("/etc/default/login") or "")
    return default.get("UMASK", ""), "/etc/default/login"


def _pairs(arguments: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (word.partition("=") for word in arguments)]


def _gecos(host: Host) -> str:
    account = host.get(target)
    for line in (host.read("/etc/passwd") or "").split("\n"):
        fields = line.split(":")
        if fields[0] == account.name and len(fields) >= 7:
            return fields[4]
    return ""


def _primary_group_name(host: Host, account: Account) -> str | None:
    from audit.facts.accounts import local_groups

    return next((name for name, gid, _ in host.get(local_groups) if gid == account.gid), None)


def logind_rule(host: Host) -> bool:
    """Whether the next login is registered with logind or elogind by its PAM stack."""
    return host.get(session_rule, "pam_systemd", "pam_elogind") is not None


def logind_runs(host: Host) -> bool:
    """Whether logind or elogind answers at the next login; of a directory tree, whether it will.

    /run/systemd/seats alone says nothing: packages and images leave it behind. logind runs where
    systemd does (sd_booted(3)); elogind is started by D-Bus.
    """
    if host.source.kind != "root":
        if host.stat("/run/systemd/system") is not None:
            return host.stat("/run/systemd/seats") is not None
        if host.stat("/run/dbus/system_bus_socket") is None:
            return False
        return any(host.stat(path) is not None for path in ELOGIND)
    return any(host.stat(path) is not None for path in (*LOGIND, *ELOGIND))


def logind_runtime_dir(host: Host) -> str | None:
    """The XDG_RUNTIME_DIR that logind makes for the next login; None when nobody makes one."""
    if not host.get(logind_rule) or not host.get(logind_runs):
        return None
    return f"/run/user/{host.get(target).uid}"


def soft_limit(host: Host, limit: str) -> tuple[int, str] | None:
    """The soft limit (`nofile`, `nproc`, `fsize`: a count or bytes) that a file sets for the next
    login.

    None when nothing sets it: the session then has init's.
    """
    by_shell = host.get(login).limits.get(limit)
    if by_shell is not None:
        return by_shell
    if host.get(session_rule, "pam_limits") is None:
        return None
    return host.get(limits.configured, limit)
