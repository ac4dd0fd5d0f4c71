"""The rest of a container's life: entering, stopping, removing, listing. As its owner."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from audit.errors import UsageError
from audit.facts.lxcconf import lxcpath
from audit.host import Host
from audit.records import NamedTuple
from lxc_preflight import called
from runner import cleanup, journal, plan
from runner.errors import Failed
from runner.execute import host_of, leaves_of, lxcpath_of
from runner.info import RUNNING, STOPPED, Info, age, info, memory
from runner.places import log_file
from runner.processes import plain_environment, run
from runner.states import State, config_text, state


class Row(NamedTuple):
    """One container as `list` shows it. What does not run has no pid, addresses, memory, age."""

    name: str
    state: str
    pid: int
    addresses: tuple[str, ...]
    idmap: tuple[str, ...]
    memory: int | None  # bytes, None where it has no cgroup that counts
    age: float | None  # seconds


def listing() -> list[Row]:
    """All of the user's containers, by name; directories that are none are left out."""
    where = lxcpath_of()
    try:
        names = sorted(os.listdir(where))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot look into {where}: {error.strerror}") from None
    found = []
    for name in names:
        with suppress(OSError):
            if os.path.isdir(os.path.join(where, name)):
                text = config_text(where, name)
                if text is not None:
                    found.append(_row(name, text))
    return found


def _row(name: str, config: str) -> Row:
    maps = tuple(
        value.strip()
        for line in config.splitlines()
        for key, equals, value in (line.partition("="),)
        if equals and key.strip() == "lxc.idmap"
    )
    try:
        found = info(name, addresses=True)
    except Failed:
        return Row(name, "BROKEN", 0, (), maps, None, None)
    if not found.pid:
        return Row(name, found.state, 0, (), maps, None, None)
    return Row(
        name, found.state, found.pid, found.addresses, maps, memory(found.pid), age(found.pid)
    )


def existing(name: str) -> Host:
    """The host, asked about a container that is there; raises UsageError when it is not."""
    host = host_of(container=name)
    where = host.get(lxcpath)
    if state(where, name) in (State.ABSENT, State.STUB):
        raise UsageError(f"there is no container {name} in {where}: `{called()} list`")
    return host


def running(name: str) -> tuple[Host, Info]:
    """A container that runs; raises UsageError when it does not."""
    host = existing(name)
    found = info(name)
    if found.state != RUNNING:
        raise UsageError(f"{name} is {found.state}: `{called()} run {name}` starts it")
    return host, found


def attach(name: str, command: Sequence[str]) -> int:
    """lxc-attach from wherever we are: with our terminal, and with the exit code of the command."""
    host, _ = running(name)
    way = plan.to_attach(host, f"{name}-{os.getpid()}")
    argv = ["lxc-attach", "-n", name, "--clear-env", "-v", f"TERM={os.environ.get('TERM', 'dumb')}"]
    if command:
        argv += ["--", *command]
    try:
        process = subprocess.Popen(way.command(*argv))
    except FileNotFoundError as error:
        raise UsageError(f"{error.filename} is not installed") from None
    try:
        # Ctrl-C is for the command inside; it ends, and so do we.
        while True:
            with suppress(KeyboardInterrupt):
                code = process.wait()
                break
    finally:
        if way.leaf:
            cleanup.remove_leaves([way.leaf])
    return code if code >= 0 else 128 - code


def set_password(name: str, account: str, password: str) -> None:
    """Set a password inside: through a pipe, so that it is on no command line and in no log.

    Raises Failed when the guest's own program refuses it.
    """
    if "\n" in password or not password:
        raise UsageError("the password is empty, or has a line break in it")
    if ":" in account or not account.isprintable() or account[:1] in ("-", ""):
        raise UsageError(f"{account!r} is no name of an account")
    host, _ = running(name)
    way = plan.to_attach(host, f"{name}-{os.getpid()}")
    inside = ["lxc-attach", "-n", name, "--clear-env", "--", "sh", "-c", SET, "sh", account]
    try:
        done = run(
            way.command(*inside),
            seconds=cleanup.SECONDS,
            env=plain_environment(),
            given=f"{password}\n{password}\n",
        )
    finally:
        if way.leaf:
            cleanup.remove_leaves([way.leaf])
    if done.code:
        said = done.said.replace(password, "***").strip().rpartition("\n")[2]
        raise Failed(f"{name} did not take the password of {account}: {said or done.code}")


# chpasswd where there is one; busybox may have passwd alone, which asks twice.
SET = """
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if command -v chpasswd >/dev/null; then
    read -r password && printf '%s:%s\\n' "$1" "$password" | chpasswd
else
    passwd "$1"
fi
"""


def stop(name: str, seconds: float, *, kill: bool) -> bool:
    """Ask a container to halt, and kill it when it has not within `seconds`. Returns whether it
    ran. Raises Failed when it cannot be stopped.
    """
    host = existing(name)
    if info(name).state == STOPPED:
        return False
    way = plan.to_attach(host, f"{name}-{os.getpid()}")
    argv = ["-k"] if kill else ["-t", f"{seconds:.0f}"]
    try:
        done = run(
            way.command("lxc-stop", "-n", name, *argv),
            seconds=seconds + cleanup.SECONDS,
            env=plain_environment(),
        )
    finally:
        if way.leaf:
            cleanup.remove_leaves([way.leaf, *leaves_of(way.leaf, name)])
    if info(name).state != STOPPED:
        raise Failed(f"{name} is still {info(name).state}", done.said)
    return True


def destroy(name: str, *, force: bool) -> None:
    """Remove a container and its logs. Raises UsageError when it runs and is not to be forced."""
    where = lxcpath_of()
    if not os.path.lexists(os.path.join(where, name)):
        raise UsageError(f"there is no container {name} in {where}: `{called()} list`")
    text = config_text(where, name) or ""
    maps = [
        line.partition("=")[2].strip() for line in text.splitlines() if line.startswith("lxc.idmap")
    ] or _default_maps()
    with journal.entry(name, where):
        with suppress(Failed):
            if state(where, name) == State.COMPLETE and info(name).state != STOPPED:
                if not force:
                    raise UsageError(f"{name} runs: `{called()} stop {name}` first, or --force")
                stop(name, 0, kill=True)
        _demand_own_rootfs(where, name, text)
        cleanup.remove(where, name, maps)
    for kind in ("create", "start", "console"):
        with suppress(OSError):
            os.unlink(log_file(name, kind))


def _default_maps() -> list[str]:
    """What a container without a config was made with: the ids that are granted."""
    from audit.facts.subids import granted
    from runner.config import id_maps

    host = host_of()
    lines = id_maps(host.get(granted, "uid"), host.get(granted, "gid"))
    return [line.partition("=")[2].strip() for line in lines]


def _demand_own_rootfs(where: str, name: str, config: str) -> None:
    """lxc-destroy deletes what lxc.rootfs.path names: in a config that was copied from another
    container, the root file system of that one.
    """
    for line in config.splitlines():
        key, _, value = line.partition("=")
        path = value.strip().removeprefix("dir:")
        if key.strip() == "lxc.rootfs.path" and path.startswith(f"{where}/"):
            owner = path[len(where) + 1 :].partition("/")[0]
            if owner != name:
                raise UsageError(
                    f"{name} has lxc.rootfs.path = {value.strip()}, which is {owner}'s: "
                    "removing it would delete that one"
                )


def logs(name: str) -> list[tuple[str, str]]:
    """(what, text) of each log that the last run of a container left."""
    found = []
    for kind in ("create", "start", "console"):
        with suppress(OSError), open(log_file(name, kind), encoding="utf-8", errors="replace") as f:
            found.append((kind, f.read(4 << 20)))
    return found
