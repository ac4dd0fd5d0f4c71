from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.lxcconf import lxcpath
from audit.facts.paths import Crosser, container_crosser, uncreatable, walk
from audit.facts.places import user_crosser
from audit.facts.session import home_dir, is_mine, variable
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Fix, Level, Pass, Unknown, check
from remediations.actions import NOBODY, USER, Manual
from remediations.directories import make_home
from remediations.quoting import word


@check(
    "HOME names the user's own home directory",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("host.user",),
)
def home(host: Host) -> Iterator[Finding]:
    """LXC finds a user's containers below $HOME, and never asks passwd for it.

    With HOME unset it looks below `/`, with somebody else's (sudo that keeps HOME, `su` without a
    dash) below a directory where it may not write. A HOME that differs from passwd's is fine where
    LXC can keep containers.

    Why: "Failed to create directory "//.local/"", "You lack access to //.local/share/lxc"
    See: environ(7); LXC src/lxc/initutils.c, lxc_global_config_value()
    """
    account, value = host.get(target), host.get(variable, "HOME")
    seen = Evidence("$HOME", None, "unset" if value is None else value, account.home)
    at = host.get(home_dir)
    if value == account.home and at.startswith("/") and not host.get(walk, at).missing:
        yield Pass(f"HOME is {value}", seen)
        return
    obstacle = host.get(uncreatable, host.get(lxcpath), host.get(user_crosser))
    if obstacle is None:
        yield Pass(f"LXC can keep containers in {host.get(lxcpath)}", seen)
    elif value is None:
        yield Fail(
            "HOME is not set: LXC looks for containers in //.local/share/lxc",
            seen,
            fix=_named(host),
        )
    elif value != account.home:
        yield Fail(
            f"HOME is {value or 'empty'}, where {account.name} may not keep containers:"
            f" its own home is {account.home}",
            seen,
            fix=_named(host),
        )
    else:
        yield Fail(
            f"the home directory {value} does not exist and {account.name} cannot make it",
            seen,
            fix=make_home(host, _crosser(host)),
        )


def _named(host: Host) -> Fix:
    """HOME as passwd has it: in this session, or in what sets it for the next login."""
    home = word(host.get(target).home)
    if host.get(is_mine):
        manual = Manual((f"export HOME={home}",), NOBODY)
    else:
        where = "the start-up files of the user's shell and /etc/environment"
        manual = Manual((f"# take out what sets HOME in {where}: it is to be {home}",), USER)
    return Fix("session_home", "log in as the user, or set HOME", (manual,), "re-login")


def _crosser(host: Host) -> Crosser | None:
    try:
        return host.get(container_crosser)
    except Unknown:
        return None
