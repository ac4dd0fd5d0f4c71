from collections.abc import Iterator
from shlex import quote

from audit.facts.accounts import target
from audit.facts.lxcconf import lxcpath
from audit.facts.paths import uncreatable, walk
from audit.facts.places import user_crosser
from audit.facts.session import home_dir, is_mine, variable
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Fix, Level, Pass, check


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
    again = Fix(
        "session-home",
        "Log in as the user, or set HOME",
        (f"export HOME={quote(account.home)}",),
        (),
        "re-login",
    )
    at = host.get(home_dir)
    if value == account.home and at.startswith("/") and not host.get(walk, at).missing:
        yield Pass(f"HOME is {value}", seen)
        return
    obstacle = host.get(uncreatable, host.get(lxcpath), host.get(user_crosser))
    if obstacle is None:
        yield Pass(f"LXC can keep containers in {host.get(lxcpath)}", seen)
    elif value is None:
        yield Fail(
            "HOME is not set: LXC looks for containers in //.local/share/lxc", seen, fix=again
        )
    elif value != account.home:
        yield Fail(
            f"HOME is {value or 'empty'}, where {account.name} may not keep containers:"
            f" its own home is {account.home}",
            seen,
            fix=again if host.get(is_mine) else None,
        )
    else:
        yield Fail(
            f"the home directory {value} does not exist and {account.name} cannot make it",
            seen,
            fix=Fix(
                "make-home",
                f"Make {value}",
                (f"install -d -m 0711 -o {account.uid} -g {account.gid} {quote(value)}",),
            ),
        )
