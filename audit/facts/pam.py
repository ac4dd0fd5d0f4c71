"""The PAM stacks of the services that users log in through: pam.d(5)."""

from __future__ import annotations

from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

# How a person gets a session, the usual door first. `su` is what `su -` runs where there is no
# su-l.
LOGIN_SERVICES = ("sshd", "login", "su-l", "su")
DIRECTORIES = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d")
MAX_DEPTH = 16


class Rule(NamedTuple):
    """One line of a stack: `session optional pam_umask.so umask=027`."""

    kind: str  # auth, account, password, session
    control: str
    module: str  # without directory and .so: pam_umask
    arguments: tuple[str, ...]
    file: str
    line: int


def parse_line(line: str) -> tuple[str, str, str, tuple[str, ...]] | None:
    """(type, control, module path, arguments) of a line of pam.d(5), None for what PAM skips."""
    words = line.partition("#")[0].split()
    if len(words) < 2:
        return None
    if words[0] == "@include":
        return "", "@include", words[1], ()
    if words[1].startswith("["):
        end = next((n for n, word in enumerate(words[1:], 1) if word.endswith("]")), len(words))
        words[1 : end + 1] = [" ".join(words[1 : end + 1])]
    if len(words) < 3:
        return None
    return words[0].lstrip("-").lower(), words[1].lower(), words[2], tuple(words[3:])


def service_file(host: Host, service: str) -> str | None:
    """The file that configures a service, None when it has none of its own."""
    for directory in DIRECTORIES:
        path = f"{directory}/{service}"
        if host.read(path) is not None:
            return path
    return None


def stack(host: Host, service: str) -> tuple[Rule, ...]:
    """The rules of a service with everything it includes, in order; empty when it has no file.

    Raises Unknown for files that include each other deeper than PAM follows: it then refuses.
    """
    rules: list[Rule] = []
    _collect(host, service, "", rules, 0)
    return tuple(rules)


def _collect(host: Host, service: str, kind: str, rules: list[Rule], depth: int) -> None:
    path = service if service.startswith("/") else service_file(host, service)
    if path is None:
        return
    if depth > MAX_DEPTH:
        raise Unknown(f"{path} is included more than {MAX_DEPTH} files deep: PAM gives up there")
    text = (host.read(path) or "").replace("\\\n", "  ")
    for number, line in enumerate(text.split("\n"), 1):
        parsed = parse_line(line)
        if parsed is None:
            continue
        own, control, module, arguments = parsed
        if control == "@include":
            _collect(host, module, kind, rules, depth + 1)
        elif kind and own != kind:
            continue
        elif control in ("include", "substack"):
            _collect(host, module, own, rules, depth + 1)
        else:
            name = module.rpartition("/")[2].removesuffix(".so")
            rules.append(Rule(own, control, name, arguments, path, number))


def login_service(host: Host) -> str | None:
    """The service of the next login: the first of LOGIN_SERVICES that is configured; None without
    PAM.
    """
    for service in LOGIN_SERVICES:
        if host.get(service_file, service) is not None:
            return service
    return None


def login_rules(host: Host) -> tuple[Rule, ...]:
    """The session rules of the next login."""
    service = host.get(login_service)
    if service is None:
        return ()
    return tuple(rule for rule in host.get(stack, service) if rule.kind == "session")


def session_rule(host: Host, *modules: str) -> Rule | None:
    """The first session rule of the next login that runs one of these modules."""
    return next((rule for rule in host.get(login_rules) if rule.module in modules), None)
