"""Security modules: which are active, and what AppArmor's loaded policy says about LXC's
programs.
"""

from __future__ import annotations

import re

from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

APPARMOR_ENABLED = "/sys/module/apparmor/parameters/enabled"
APPARMOR = "/sys/kernel/security/apparmor"
SELINUX = "/sys/fs/selinux"
POLICY = "/etc/apparmor.d"
MOST_INCLUDED = 200
RESTRICT_USERNS = "kernel.apparmor_restrict_unprivileged_userns"


class Profile(NamedTuple):
    """A profile of a policy file: what it attaches to, and whether its programs may make a user
    namespace.
    """

    name: str
    attachment: str  # a path with AppArmor's globs; "" when it attaches to nothing by itself
    path: str
    line: int
    allows_userns: bool  # by a line of its own
    includes: tuple[str, ...] = ()


def active_lsms(host: Host) -> tuple[str, ...]:
    """The active security modules, in their order. Raises Unknown where securityfs is not
    mounted.
    """
    text = host.read("/sys/kernel/security/lsm")
    if text is None:
        raise Unknown("/sys/kernel/security/lsm is not there: securityfs is not mounted")
    return tuple(name for name in text.strip().split(",") if name)


def is_apparmor_enabled(host: Host) -> bool:
    """What liblxc asks (src/lxc/lsm/apparmor.c): does the module's parameter say `Y`?"""
    return (host.read(APPARMOR_ENABLED) or "").startswith("Y")


def selinux_mode(host: Host) -> str:
    """`enforcing`, `permissive` or `off`."""
    text = host.read(f"{SELINUX}/enforce")
    if text is None:
        return "off"
    return "enforcing" if text.strip() == "1" else "permissive"


def loaded_profiles(host: Host) -> frozenset[str]:
    """The names of the profiles in the kernel. Raises Unknown when neither list of them can be
    read.
    """
    try:
        text = host.read(f"{APPARMOR}/profiles")
        if text is not None:
            return frozenset(line.rpartition(" (")[0] or line for line in text.splitlines() if line)
    except Unknown:
        # The list takes CAP_MAC_ADMIN; the directory beside it is for everybody, with / written as
        # a dot.
        if host.list(f"{APPARMOR}/policy/profiles") is None:
            raise
    names = host.list(f"{APPARMOR}/policy/profiles")
    if names is None:
        raise Unknown(f"{APPARMOR} is not there: securityfs is not mounted")
    return frozenset(mangled.rpartition(".")[0] for mangled in names)


def is_loaded(host: Host, profile: str) -> bool:
    """Whether a profile is in the kernel, by its name or by the name its directory has."""
    loaded = host.get(loaded_profiles)
    return profile in loaded or mangle(profile) in loaded


def mangle(name: str) -> str:
    """A profile's name as its directory in securityfs has it (kernel
    security/apparmor/apparmorfs.c, mangle_name).
    """
    name = name.lstrip("/")
    return "".join("." if c == "/" else c for c in name if c == "/" or c.isalnum() or c in "._-")


def profiles_on_disk(host: Host) -> tuple[Profile, ...]:
    """The top-level profiles of the policy files in /etc/apparmor.d, disabled ones left out."""
    found: list[Profile] = []
    disabled = frozenset(host.list(f"{POLICY}/disable") or ())
    for name in host.list(POLICY) or ():
        path = f"{POLICY}/{name}"
        if name in disabled or name.startswith(".") or name.endswith((".dpkg-new", "~")):
            continue
        status = host.stat(path)
        if status is not None and status.kind == "file":
            found.extend(parse_profiles(path, host.read(path) or ""))
    return tuple(found)


# Lengths are bounded: a name that could end anywhere costs the square of its line. A profile's
# first line: its name and what it attaches to, or a path that is both. Compiled on first use: only
# hosts that restrict user namespaces are asked.
HEADER = (
    r"(?m)^[ \t]*(?:profile[ \t]+(?P<name>\"[^\"\n]*\"|[^\s\"{(]{1,500})"
    r"(?:[ \t]+(?P<at>\"[^\"\n]*\"|[/@][^\s\"(]{0,500}))?"
    r"|(?P<path>\"/[^\"\n]*\"|/[^\s\"]{1,500}))(?P<rest>[^\n{]*)\{[ \t]*(?:#[^\n]*)?$"
)

INCLUDE = r"(?m)^[ \t]*#?include[ \t]+(?:if[ \t]+exists[ \t]+)?[<\"]([^>\"\n]{1,300})[>\"]"


def parse_profiles(path: str, text: str) -> list[Profile]:
    """The profiles of one policy file.

    A profile allows user namespaces by a `userns` rule, or by an ABI older than 4.0, under which
    the kernel does not mediate them at all (apparmor.d(5), "FEATURE ABI")."""
    abi = re.search(r"^\s*abi\s+<abi/([0-9]+)", text, re.MULTILINE)
    unmediated = abi is None or int(abi.group(1)) < 4
    headers = list(re.finditer(HEADER, text))
    found: list[Profile] = []
    for position, header in enumerate(headers):
        end = headers[position + 1].start() if position + 1 < len(headers) else len(text)
        body = text[header.end() : end]
        name = (header["name"] or header["path"]).strip('"')
        at = (header["at"] or "").strip('"') or (name if name.startswith("/") else "")
        allowed = unmediated or _has_userns(body)
        line = text.count("\n", 0, header.start()) + 1
        found.append(Profile(name, at, path, line, allowed, _included(body)))
    return found


def _has_userns(text: str) -> bool:
    return re.search(r"^\s*(?:allow\s+)?userns\b", text, re.MULTILINE) is not None


def _included(text: str) -> tuple[str, ...]:
    """The files and directories that rules include: apparmor.d(5), "#include mechanism"."""
    found = (one[1].strip() for one in re.finditer(INCLUDE, text))
    return tuple(one if one.startswith("/") else f"{POLICY}/{one}" for one in found)


def allows_userns(host: Host, profile: Profile) -> bool:
    """Whether a profile has the rule, itself or in what it includes: Ubuntu's profile of lxc-start
    has it in abstractions/lxc/start-container.
    """
    if profile.allows_userns:
        return True
    todo, seen = list(profile.includes), set[str]()
    while todo and len(seen) < MOST_INCLUDED:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        status = host.stat(path)
        if status is not None and status.kind == "directory":
            todo += [f"{path}/{name}" for name in host.list(path) or ()]
        elif status is not None:
            text = host.read(path) or ""
            if _has_userns(text):
                return True
            todo += _included(text)
    return False


def attaches(attachment: str, program: str) -> bool:
    """Whether an attachment with AppArmor's globs (`*`, `**`, `?`, `[]`, `{a,b}`) names a
    program.
    """
    if not attachment or len(attachment) > 4096:
        return False
    pattern = re.sub(r"@\{bin\}", "/{,usr/}{,s}bin", attachment)
    try:
        return re.fullmatch(_expression(pattern), program) is not None
    except re.error:
        return False


def _expression(pattern: str) -> str:
    out: list[str] = []
    depth = 0
    i = 0
    while i < len(pattern):
        letter = pattern[i]
        if pattern.startswith("**", i):
            out.append(".*")
            i += 1
        elif letter == "*":
            out.append("[^/]*")
        elif letter == "?":
            out.append("[^/]")
        elif letter == "{":
            depth += 1
            out.append("(?:")
        elif letter == "}" and depth:
            depth -= 1
            out.append(")")
        elif letter == "," and depth:
            out.append("|")
        elif letter in "[]":
            out.append(letter)
        else:
            out.append(re.escape(letter))
        i += 1
    return "".join(out) + ")" * depth
