"""How libcgroup gives a user a cgroup where no systemd does, now and at every boot.

Logins go to a leaf of it: a cgroup2 with a shell in it hands no controllers to containers. They
are moved by pam_cgroup.so, which acts at the login alone; cgrulesengd, for hosts without PAM,
takes every lxc-start back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

from audit.facts.accounts import local_groups, target
from audit.facts.cgroup import ROOT, UNIFIED, cgroup_layout, root_controllers
from audit.facts.init import OPENRC
from audit.facts.libcgroup import (
    DAEMON,
    PAM,
    PIDFILES,
    SOCKETS,
    Group,
    Rule,
    Syntax,
    broken_rule,
    cgconfig,
    cgconfig_file,
    cgrules_file,
    destination,
    moves_logins,
    rule_for_user,
)
from audit.facts.pam import login_service
from audit.facts.systemd import CONTROLLERS
from audit.host import Host
from audit.model import Fix, Unknown
from remediations import pam
from remediations.actions import (
    Action,
    Append,
    Delete,
    Directory,
    Install,
    Manual,
    Replace,
    Run,
    Write,
)
from remediations.distro import (
    REBOOT,
    enabled,
    family_of,
    init_of,
    needed,
    service,
    stopped,
)
from remediations.quoting import word
from remediations.services import Own, own

LEAF = ("cpu", "memory", "pids")  # a nested group with a controller too many is refused
_NAME = re.compile(r"[A-Za-z0-9_.-]+")  # what both files take without quotes
_MODULES = "/lib*/security/pam_cgroup.so /usr/lib*/security/pam_cgroup.so"

_DAEMON = """#!/sbin/openrc-run
# Written by lxc-preflight.
description="Moves processes to the cgroups of {file}"
command=/usr/sbin/cgrulesengd
command_args="-n -s"
command_background=yes
pidfile=/run/cgred.pid

depend() {{
    after lxc-cgroups
    before sshd
}}
"""


def own_cgroup(host: Host, *controllers: str) -> Fix:
    """Give the user a cgroup of its own, with these controllers among others, and its logins a
    leaf in it: what is missing of that.
    """
    return _fix(
        "own_cgroup",
        f"give {host.get(target).name} a cgroup of its own",
        lambda: (*_packages(host), *_groups(host, *controllers), *_rule(host), *_acts(host)),
        _once_made(host),
    )


def group(host: Host) -> Fix:
    """Give the user a group in cgconfig.conf, and the one that its logins go to."""
    return _fix(
        "cgconfig", f"give {host.get(target).name} a group", lambda: _groups(host), _once_made(host)
    )


def rule(host: Host) -> Fix:
    """Lead the user's logins to a leaf of its group."""
    return _fix(
        "cgrules",
        f"lead logins of {host.get(target).name} to a leaf of its group",
        lambda: (*_groups(host), *_rule(host)),
        _once_made(host),
    )


def actor(host: Host) -> Fix:
    """Have something act on the rules."""
    return _fix(
        "pam_cgroup",
        "act on cgrules.conf at logins",
        lambda: (*_packages(host), *_acts(host)),
    )


def owners(host: Host, found: Group) -> Fix:
    """Put owners right that stand in a group of cgconfig.conf, and add those that do not."""

    def make() -> tuple[Action, ...]:
        uid, gid = _owner(host)
        wanted = {"task.uid": uid, "task.gid": gid, "admin.uid": uid, "admin.gid": gid}
        there = [one for one in found.spots if one.name in wanted]
        missing = [key for key in wanted if key not in {one.name for one in there}]
        changes = [(one.start, one.end, wanted[one.name]) for one in there]
        if missing:
            more = "".join(
                f"{what} {{ {' '.join(f'{key[-3:]} = {wanted[key]};' for key in keys)} }} "
                for what in ("task", "admin")
                if (keys := [key for key in missing if key.startswith(what)])
            )
            changes.append((found.opening, found.opening, f" perm {{ {more}}}"))
        return (*_edits(host, found, changes), _load(host, found.source, found.name.strip("/")))

    return _fix("cgconfig", f"give group {found.name} to {host.get(target).name}", make)


def without(host: Host, found: Group, controller: str) -> Fix:
    """Take a controller out of a group of cgconfig.conf."""
    changes = [(one.start, one.end, "") for one in found.spots if one.name == controller]
    return _fix(
        "cgconfig",
        f"take {controller} out of group {found.name}",
        lambda: (*_edits(host, found, changes), _load(host, found.source, found.name.strip("/"))),
    )


def readable(problem: Syntax) -> Fix:
    """What a line was meant to say, only its author knows."""
    lines = (
        f"${{EDITOR:-vi}} +{problem.line} {word(problem.source)}",
        f"cgconfigparser -l {word(problem.source)}",
    )
    title = f"correct line {problem.line} of {problem.source}"
    return Fix("cgconfig", title, (Manual(lines, "root"),), "re-login")


def is_unified(host: Host) -> bool:
    """Whether cgroup2 alone is mounted; taken for granted where that cannot be told."""
    try:
        return host.get(cgroup_layout) == UNIFIED
    except Unknown:
        return True


def _once_made(host: Host) -> str:
    """From when on new groups are there: see _groups."""
    return "re-login" if is_unified(host) else REBOOT


def _fix(
    mechanism: str, title: str, make: Callable[[], tuple[Action, ...]], then: str = "re-login"
) -> Fix:
    try:
        actions = tuple(dict.fromkeys(make()))
    except Unknown as why:
        actions = (Manual((f"# {title}; what is there could not be seen: {why}",), "root"),)
    return Fix(mechanism, title, actions, then)


def _edits(host: Host, found: Group, changes: list[tuple[int, int, str]]) -> tuple[Action, ...]:
    """The lines of a config in which places get another text; by hand where that is no edit of
    lines.
    """
    text = host.read(found.source) or ""
    changed = text
    for start, end, new in sorted(changes, reverse=True):
        changed = changed[:start] + new + changed[end:]
    before, after = text.split("\n"), changed.split("\n")
    if len(before) != len(after) or "\0" in text:
        return (Manual((f"${{EDITOR:-vi}} +{found.line} {word(found.source)}",), "root"),)
    alike = Counter(before)
    actions: list[Action] = []
    for number in range(len(before), 0, -1):  # from below, so that the numbers above stay right
        old, new = before[number - 1], after[number - 1]
        if old == new:
            continue
        if new.strip():
            actions.append(Replace(found.source, number, old, new))
        else:
            actions.append(Delete(found.source, number, old, alike[old]))
            alike[old] -= 1
    return tuple(actions)


def _places(host: Host) -> tuple[str, str]:
    """The user's group, and the leaf for its logins. A rule of the user's own decides; where a rule
    for many leads, no single user's group may be.
    """
    name, found = host.get(target).name, host.get(rule_for_user)
    where = name if found is None else host.get(destination, found)
    if found is not None and found.user != name and where.partition("/")[0] != name:
        where = name
    top, slash, _ = where.rpartition("/")
    return (top, where) if slash else (where, f"{where}/login")


def _groups(host: Host, *controllers: str) -> tuple[Action, ...]:
    """The groups that are not in cgconfig.conf, controllers that the user's lacks, and what loads
    it all.
    """
    name, group_name = _owner(host)
    top, leaf = _places(host)
    path = host.get(cgconfig_file)
    if not all(_NAME.fullmatch(one.replace("/", "")) for one in (top, leaf)):
        return (Manual((f"# give uid {host.get(target).uid} groups in {path} by hand",), "root"),)
    owner = f"uid = {name}; gid = {group_name};"
    perm = f"perm {{ task {{ {owner} }} admin {{ {owner} }} }}"
    there = {one.name.strip("/"): one for one in host.get(cgconfig).groups}
    offered = _offered(host)
    lines = [
        f"group {place} {{ {perm} {' '.join(f'{one} {{}}' for one in names)} }}"
        for place, names in ((top, offered), (leaf, [one for one in LEAF if one in offered]))
        if place not in there
    ]
    edits: tuple[Action, ...] = ()
    if (found := there.get(top)) is not None:
        more = "".join(f" {one} {{}}" for one in controllers if one not in found.controllers)
        edits = _edits(host, found, [(found.opening, found.opening, more)])
    edits = (*edits, *(Append(path, line) for line in lines))
    if not is_unified(host):  # they are made at the boot that mounts cgroup2
        return edits
    wanted = [one for one in controllers if one in offered]
    return (*edits, _load(host, path, top, leaf, wanted))


def _load(host: Host, path: str, top: str, leaf: str = "", wanted: Iterable[str] = ()) -> Run:
    """Make the cgroups now: the user's, and the leaf in it; with controllers that are wanted.

    What was configured before is made as it was by the same command; what was not goes again.
    """
    places = [word(f"{ROOT}/{place}") for place in (leaf, top) if place]
    files = " ".join(f"{place}/cgroup.subtree_control" for place in places)
    owned = f'[ "$(stat -c %u $file)" = {host.get(target).uid} ] || exit 1'
    tests = [f"for file in {files}; do {owned}; done"]
    tests += [f"grep -qw {one} {places[-1]}/cgroup.controllers" for one in wanted]
    command = f"cgconfigparser -l {word(path)}"
    is_new = top not in {one.name.strip("/") for one in host.get(cgconfig).groups}
    gone = f"find {places[-1]} -depth -type d -exec rmdir {{}} + 2>/dev/null || :"
    undo = gone if is_new else command
    return Run(command, " && ".join(tests), undo, alters=(f"{ROOT}/{top}",))


def _rule(host: Host) -> tuple[Action, ...]:
    """The user's rule: one more, or the one that is there, led to a leaf."""
    name = host.get(target).name
    path, (_, leaf) = host.get(cgrules_file), _places(host)
    offered = _offered(host)
    line = f"{name}  {','.join(one for one in LEAF if one in offered)}  {leaf}"
    broken = host.get(broken_rule)
    first: tuple[Action, ...] = ()
    if broken is not None:
        first = (Replace(broken[0], broken[1], broken[2], f"# {broken[2]}"),)
    found = host.get(rule_for_user)
    if found is None:
        return (*first, Append(path, line))
    if "/" in host.get(destination, found):
        return first
    return (*first, _led(host, found, line))


def _led(host: Host, found: Rule, line: str) -> Action:
    """Rules are tried in their order: who else a rule is for keeps it."""
    if found.user == host.get(target).name:
        old = (host.read(found.source) or "").split("\n")[found.line - 1]
        return Replace(found.source, found.line, old, line)
    where = f"${{EDITOR:-vi}} +{found.line} {word(found.source)}"
    return Manual((where, f"# put this line above line {found.line}: {line}"), "root")


def _acts(host: Host) -> tuple[Action, ...]:
    """What makes the groups at boot, and what moves logins."""
    boot, now = _at_boot(host), host.get(moves_logins)
    if _without_pam(host):
        return boot if now else (*boot, *_daemon(host))
    if now == PAM:
        return boot
    at_logins = (*pam.session(host, "pam_cgroup"), *pam.jobs(host, "pam_cgroup"))
    return (*boot, *at_logins, *(_no_daemon(host) if now == DAEMON else ()))


def _at_boot(host: Host) -> tuple[Action, ...]:
    """Gentoo ships a service that loads cgconfig.conf; Debian and Alpine do not."""
    if family_of(host) == "gentoo":
        return enabled(host, "cgconfig")
    path = host.get(cgconfig_file)
    service = Own("lxc-cgroups", f"The cgroups of {path}", (f"cgconfigparser -l {path}",))
    return own(host, service, now=False)


def _daemon(host: Host) -> tuple[Action, ...]:
    """What moves logins where no PAM does."""
    if family_of(host) == "gentoo":
        return service(host, "cgred").actions
    made = Directory(host.get(cgconfig_file).removesuffix(".conf") + ".d")  # it wants it
    if init_of(host) != OPENRC:
        return (made, Manual(("# run cgrulesengd at every boot",), "root"))
    text = _DAEMON.format(file=host.get(cgrules_file))
    return (made, Write("/etc/init.d/cgred", text, 0o755), *service(host, "cgred").actions)


def _no_daemon(host: Host) -> tuple[Action, ...]:
    """Nothing takes an lxc-start back to where its login is."""
    services = stopped(host, "cgred") if host.stat("/etc/init.d/cgred") is not None else ()
    running = "pgrep -x cgrulesengd >/dev/null"
    places = (*SOCKETS, *PIDFILES)
    left = " ".join(places)
    gone = f"! {running} && for file in {left}; do [ ! -e $file ] || exit 1; done"
    kill = f"pkill -x cgrulesengd; rm -f {left}"
    return (*services, Run(kill, gone, "cgrulesengd -s", alters=places))


def _packages(host: Host) -> tuple[Action, ...]:
    """libcgroup with its PAM module; on Gentoo that is a USE flag."""
    actions = needed(host, "libcgroup")
    if family_of(host) != "gentoo" or _without_pam(host):
        return actions
    flag, package = "dev-libs/libcgroup pam", "dev-libs/libcgroup"
    return (
        Append(_package_use(host), flag),
        *(one for one in actions if not isinstance(one, Install)),
        Run(f"emerge --oneshot --changed-use {package}", f"ls {_MODULES} 2>/dev/null | grep -q ."),
    )


def _package_use(host: Host) -> str:
    path = "/etc/portage/package.use"
    try:
        found = host.stat(path)
    except Unknown:
        found = None
    return path if found is not None and found.kind == "file" else f"{path}/lxc-preflight"


def _owner(host: Host) -> tuple[str, str]:
    """The user and its group, by name where that is a word of cgconfig.conf."""
    account = host.get(target)
    names = [name for name, gid, _ in host.get(local_groups) if gid == account.gid]
    group_name = next((name for name in names if _NAME.fullmatch(name)), str(account.gid))
    return account.name if _NAME.fullmatch(account.name) else str(account.uid), group_name


def _offered(host: Host) -> tuple[str, ...]:
    try:
        names = host.get(root_controllers)
    except Unknown:
        names = ()
    return tuple(one for one in CONTROLLERS if one in names) or LEAF


def _without_pam(host: Host) -> bool:
    try:
        return host.get(login_service) is None
    except Unknown:
        return False
