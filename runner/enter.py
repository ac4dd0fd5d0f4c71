"""Root acts for a user: in a login session of that user, not with root's rights.

Only a login has what containers need: the groups, the limits, the cgroup, the user manager and its
bus. Under systemd a transient service with PAMName=login gets one (machinectl shell does the same;
`su` inside root's own session would not); elsewhere it is `su -l`.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from shlex import quote
from typing import Any

from audit.errors import UsageError
from audit.facts.accounts import Account, account_named
from audit.host import Host, Request
from audit.live import Live
from audit.model import Unknown
from lxc_preflight import called, location
from runner.errors import Interrupted
from runner.linger import SYSTEMD
from runner.processes import arguments, interruptible, is_terminal, processes, wait

COMMAND = "/usr/local/bin/lxc-preflight"
UNREADABLE, NO_PYTHON = 1, 2
PASSED_ON = ("TERM", "NO_COLOR", "COLUMNS", "LANG", "https_proxy", "http_proxy", "no_proxy")


def owner(given: str | None) -> Account | None:
    """Whose containers are meant when that is not ourselves; None when it is.

    Raises UsageError for root's own (they would be privileged ones), for an unknown user, and for
    an ordinary user who asks for somebody else.
    """
    from audit.identity import asked_user

    me = os.getuid()
    user = asked_user(given)
    if not user or (me == 0 and user in ("root", "0")):
        raise UsageError(
            "a container of root's own is a privileged one: whoever breaks out of it is root here. "
            f"Name the user who will own it: --user NAME (`{called()} audit` lists candidates)"
        )
    try:
        account = Host(Live(), Request(user)).get(account_named, user)
    except Unknown as why:
        raise UsageError(f"cannot look {user} up: {why}") from None
    if account is None:
        raise UsageError(f"there is no user called {user} on this host: name one with --user")
    if account.uid == me:
        return None
    if account.uid == 0:
        raise UsageError("root's containers are privileged ones: name another user with --user")
    if me != 0:
        raise UsageError(f"only root can act for {account.name}: sudo {called()} ...")
    return account


def as_user(account: Account, argv: Sequence[str]) -> int:
    """Run this program again, with these arguments, in a login session of `account`.

    Returns its exit code. What would end us ends it, and is waited for.
    """
    _demand_readable(account)
    token = secrets.token_hex(8)
    inner = ["env", *_variables()]
    inner += [sys.executable, "-c", _PROGRAM, location(), token, *argv]
    process = subprocess.Popen(session_command(account, inner))
    with interruptible():
        try:
            return wait(process)
        except Interrupted as signalled:
            for pid in _called_with(token, account.uid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signalled.number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            if process.poll() is None:
                process.kill()
            raise


# sys.argv[1] is where the code lies, [2] the mark by which the process is found again
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); del sys.argv[1:3]; "
    "from lxc_preflight import main; sys.exit(main())"
)


def session_command(account: Account, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` in a new login session of an account."""
    from shlex import join

    if os.path.isdir(SYSTEMD):
        terminal = "--pty" if is_terminal() else "--pipe"
        command = ["systemd-run", "--quiet", "--collect", "--wait", terminal]
        command += ["-p", f"User={account.name}", "-p", "PAMName=login"]
        command += ["-p", f"WorkingDirectory={account.home}", "-p", "KillMode=mixed"]
        return [*command, "--", *_with_login_environment(account), *argv]
    # -s: a login shell of another kind would read the command in another way
    return ["su", "-l", account.name, "-s", "/bin/sh", "-c", f"exec {join(argv)}"]


def _with_login_environment(account: Account) -> list[str]:
    """A login shell that becomes the command: /etc/profile makes the PATH."""
    return ["/bin/sh", "-lc", 'exec "$@"', "sh"]


def _variables() -> list[str]:
    return [f"{name}={os.environ[name]}" for name in PASSED_ON if name in os.environ]


def _called_with(token: str, uid: int) -> list[int]:
    found = []
    for one in processes():
        if token in arguments(one.pid):
            with suppress(OSError):
                if os.stat(f"/proc/{one.pid}").st_uid == uid:
                    found.append(one.pid)
    return found


def _demand_readable(account: Account) -> None:
    """Raises UsageError when the user could not run this program at all: it lies in /root, say."""
    pid = os.fork()
    if pid == 0:
        code = UNREADABLE
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            if not os.access(sys.executable, os.X_OK):
                code = NO_PYTHON
            elif _can_read_this():
                code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == NO_PYTHON:
        raise UsageError(
            f"{account.name} may not execute {sys.executable}: call lxc-preflight with a Python "
            "that every user can, /usr/bin/python3 for instance"
        )
    if code:
        place = location()
        cure = "install it where every user can (pipx install --global, or a venv below /opt)"
        if not os.path.isdir(place):  # the single file
            cure = f"put it where every user can: install -m 755 {quote(place)} {COMMAND}"
        raise UsageError(
            f"{account.name} may not read {place}, and lxc-preflight runs as that user, too: {cure}"
        )


def _can_read_this() -> bool:
    """Whether this process may still read this module, from a directory or out of the single
    file."""
    assert __spec__ is not None and __spec__.origin is not None
    loader: Any = __spec__.loader
    try:
        loader.get_data(__spec__.origin)
    except OSError:
        return False
    return True


def forwarded(number: int) -> int:
    """The exit code of a process that a signal ended."""
    return 128 + signal.Signals(number).value
