from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.login import login as next_login
from audit.facts.login import logind_runtime_dir
from audit.facts.paths import Obstacle, passes, reason, uncreatable, walk
from audit.facts.places import RUN, RunDir, lock_dir, user_crosser
from audit.facts.places import run_dir as place_of
from audit.facts.session import is_mine
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Fix, Level, Pass, check
from remediations.actions import NOBODY, ROOT, Manual
from remediations.aside import aside
from remediations.directories import give, hand_over
from remediations.quoting import word


@check(
    "LXC can keep its locks in the session's run directory",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("host.user", "session.home"),
)
def run_dir(host: Host) -> Iterator[Finding]:
    """Every lxc command locks the container with a file below $XDG_RUNTIME_DIR, else below
    ~/.cache/lxc/run.

    An unset variable is fine. One that names another user's directory (kept by `su` without a dash
    or `sudo -E`) or one that does not exist is fatal, because LXC does not look elsewhere. Without
    the variable, a ~/.cache that root made is fatal.

    Why: "Failed to create directory "/run/user/0/lxc/"", "Failed to open
    "/home/u/.cache/lxc/run//lxc/lock/...""
    See: LXC src/lxc/utils.c, get_rundir(), src/lxc/lxclock.c; pam_systemd(8)
    """
    place = host.get(place_of)
    where = _variable(place)
    if not host.get(is_mine) and place.path == host.get(logind_runtime_dir):
        yield Pass(
            f"logind makes {place.path} at the next login", Evidence(where, None, place.path)
        )
        return
    if not host.get(is_mine) and place.path.rstrip("/") in host.get(next_login).made:
        yield Pass(f"the login makes {place.path}", Evidence(where, None, place.path))
        return
    user, locks = host.get(user_crosser), host.get(lock_dir)
    obstacle = host.get(uncreatable, locks, user) or _lock_file(host, locks)
    if obstacle is None:
        yield Pass(f"LXC can keep its locks below {place.path}", Evidence(where, None, place.path))
        return
    name, at = host.get(target).name, obstacle.step.path
    because = (
        f"{where} is {place.path or 'empty'}"
        if where != RUN
        else f"{name} shares the owner or group of /run"
    )
    yield Fail(
        f"{because}, and {name} may not write to {at}: {obstacle.reason}",
        Evidence(where, None, place.path, f"a directory of {name}"),
        Evidence(at, None, obstacle.reason, f"writable by {name}"),
        fix=_fix(host, place, locks),
    )


def _variable(place: RunDir) -> str:
    return {"XDG_RUNTIME_DIR": "$XDG_RUNTIME_DIR", "HOME": "the run directory"}.get(
        place.because, place.because
    )


def _lock_file(host: Host, locks: str) -> Obstacle | None:
    """The lock of the container of -n, when it is there and not the user's to open."""
    if host.request.container is None or host.get(walk, locks).missing:
        return None
    path = f"{locks}/.{host.request.container}"
    way, user = host.get(walk, path), host.get(user_crosser)
    if way.missing or passes(way.steps[-1], user, "rw"):
        return None
    return Obstacle(way.steps[-1], reason(way.steps[-1], user, "rw"))


def _fix(host: Host, place: RunDir, locks: str) -> Fix | None:
    account = host.get(target)
    if place.because == "XDG_RUNTIME_DIR":
        return Fix(
            "session_runtime_dir",
            "start from a login of the user's own, or without the variable",
            (Manual(("unset XDG_RUNTIME_DIR",), NOBODY),),
            "re-login",
        )
    if place.because == RUN:
        group = f"usermod -g {word(account.name)} {word(account.name)}"
        title = f"give {account.name} a primary group of its own"
        return Fix("primary_group", title, (Manual((group,), ROOT),), "re-login")
    obstacle = host.get(uncreatable, locks, host.get(user_crosser))
    if obstacle is None:
        lock = _lock_file(host, locks)
        return None if lock is None else hand_over(host, ((lock.step, "rw"),))
    if obstacle.step.stat is not None and obstacle.step.stat.kind != "directory":
        return aside(host, f"take {obstacle.step.path} out of the way", obstacle.step.path)
    return give(host, locks)
