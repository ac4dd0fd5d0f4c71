"""AppArmor: who may make user namespaces, what is loaded, and what a user's container asks for."""

from __future__ import annotations

import re

from audit.facts.config import container_config
from audit.facts.executables import Executable
from audit.facts.init import OPENRC, SYSVINIT
from audit.facts.lsm import APPARMOR, Profile
from audit.host import Host
from audit.model import Fix, NotApplicable, Unknown
from remediations.actions import ROOT, USER, Manual, Run, Write
from remediations.config import append_fix, put
from remediations.distro import init_of, needed, service
from remediations.helpers import is_trusted
from remediations.quoting import word

DIRECTORY = "/etc/apparmor.d"
PARSERS = ("/usr/sbin/apparmor_parser", "/sbin/apparmor_parser")
# What a policy file can hold as it is: no globs, blanks and quotes.
PLAIN = re.compile(r"/[\w./+-]+", re.ASCII)
PROFILE = """\
# LXC makes user namespaces for containers of ordinary users. Written by lxc-preflight.
abi <abi/4.0>,
include <tunables/global>

profile {name} {path} flags=(unconfined) {{
  userns,
}}
"""


def allow_userns(host: Host, program: Executable, name: str) -> Fix:
    """Give one program of LXC a profile that allows it user namespaces and takes nothing from it.

    Only a program of root's: one that a user can replace would be the user's way around the
    restriction. The restriction itself stays on.
    """
    path = program.real
    title = f"give {path} an AppArmor profile with userns"
    own = f"lxc-preflight{path.replace('/', '.')}"
    text = PROFILE.format(name=own, path=path)
    if not is_trusted(host, program, name) or not PLAIN.fullmatch(path):
        line = f"# install LXC where only root can write: {path} would get a profile with userns"
        return Fix("apparmor_userns", title, (Manual((line,), ROOT),))
    file = f"{DIRECTORY}/{own}"
    actions = (*needed(host, "apparmor"), Write(file, text), _load(file, own))
    return Fix("apparmor_userns", title, actions)


def add_userns(profile: Profile) -> Fix:
    """A profile that somebody wrote covers a program, and has no rule for user namespaces."""
    lines = (
        f"# add the line `userns,` to profile {profile.name}:",
        f"${{EDITOR:-vi}} +{profile.line} {word(profile.path)}",
        f"apparmor_parser -r {word(profile.path)}",
    )
    title = f"let profile {profile.name} allow user namespaces"
    return Fix("apparmor_userns", title, (Manual(lines, ROOT),))


def load(profile: Profile) -> Fix:
    """Load a profile that lies on the disk; at boot its service does."""
    title = f"load the AppArmor profile {profile.name}"
    return Fix("apparmor_load", title, (_load(profile.path, profile.name),))


def unconfined(host: Host) -> Fix:
    """Let the container run without a profile of AppArmor: its user namespace confines it."""
    fix = _set(host, "lxc.apparmor.profile", "unconfined")
    return fix._replace(title="let the container run unconfined by AppArmor")


def default_profile(host: Host) -> Fix:
    """Have LXC's own profile loaded. Its unit for systemd does that at boot, with what the package
    apparmor brings; scripts of other init systems do not.
    """
    try:
        has_parser = any(host.stat(path) is not None for path in PARSERS)
    except Unknown:
        has_parser = True
    if init_of(host) in (OPENRC, SYSVINIT) or not has_parser:
        return unconfined(host)
    return service(host, "lxc")


def incomplete(host: Host) -> Fix:
    """Let the container start where the kernel enforces a part of its profile."""
    fix = _set(host, "lxc.apparmor.allow_incomplete", "1")
    return fix._replace(title="let the container start with a part of its AppArmor profile")


def _set(host: Host, key: str, value: str) -> Fix:
    """A key of the judged config: of several lines the last one counts, and what is included stands
    before one at the end.
    """
    config = host.get(container_config)
    entry = config.last(key)
    try:
        if entry is not None and entry.file == config.path:
            return put(host, entry, value)
        return append_fix(host, f"{key} = {value}")
    except (Unknown, NotApplicable):
        line = f"echo {word(f'{key} = {value}')} >> {word(config.path)}"
        return Fix("config_line", "", (Manual((line,), USER),))


def _load(file: str, name: str) -> Run:
    known = f"grep -qF -- {word(f'{name} (')} {APPARMOR}/profiles"
    gone = f"printf %s {word(name)} > {APPARMOR}/.remove"
    return Run(f"apparmor_parser -r {word(file)}", known, gone)
