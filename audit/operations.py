"""The real operations that LXC will need, each tried once: what --probe adds to an audit.

What has to have a name is called `lxc-preflight-probe-...`, so that what a killed run left is
known, and removed by the next one.

An answer is {"ok": True, ...} or {"ok": False, "step", "errno", "detail"}; {"ok": False, "unknown":
reason} when the operation could not be tried at all.

This module runs in a process of its own, as the user, and imports nothing of the application but
its sandbox."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

from audit.sandbox import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    Failed,
    Result,
    become,
    become_root_inside,
    die_with_parent,
    in_child,
    in_pid_namespace,
    in_user_namespace,
    mount,
    outcome,
    run,
    unshare,
)

PREFIX = "lxc-preflight-probe-"


def _become() -> Result:
    return {"ok": True}


def _userns() -> Result:
    unshare("user")
    return {"ok": True}


def _idmap(env: str, uids: str, gids: str) -> Result:
    return in_user_namespace(mapper(env, uids, gids), _show_maps)


def _show_maps() -> Result:
    become_root_inside()
    with open("/proc/self/uid_map") as uid_map, open("/proc/self/gid_map") as gid_map:
        return {"ok": True, "uid_map": uid_map.read().split(), "gid_map": gid_map.read().split()}


def mapper(env: str, uids: str, gids: str) -> Callable[[int], None]:
    """Map ids as LXC does: newuidmap and newgidmap through the user's PATH, gids after uids."""
    variables = environment(env)

    def write(pid: int) -> None:
        for helper, triples in (("newuidmap", uids), ("newgidmap", gids)):
            command = f"exec {helper} {pid} {triples}"
            code, said = run(variables, "/bin/sh", "-c", command)
            if code:
                raise Failed(f"{helper} {triples}", 0, said or f"exit status {code}")

    return write


def environment(env: str) -> dict[str, str]:
    """`NAME=value` lines -> environment."""
    pairs = (line.partition("=") for line in env.split("\n"))
    return {name: value for name, equals, value in pairs if equals and name}


def _namespaces(env: str, uids: str, gids: str, names: str) -> Result:
    def inside() -> Result:
        become_root_inside()
        for name in names.split():
            if name == "pid":
                result = in_pid_namespace(lambda: {"ok": True})
                if not result["ok"]:
                    return result
            else:
                unshare(name)
        return {"ok": True, "names": names}

    return in_user_namespace(mapper(env, uids, gids), inside)


def _mounts(env: str, uids: str, gids: str, sys_mode: str) -> Result:
    def first() -> Result:
        # Over /mnt, or whatever is there: only this mount namespace sees it.
        place = next(
            (path for path in ("/mnt", "/tmp", "/srv", "/run") if os.path.isdir(path)), "/"
        )
        mount("none", "/", "none", MS_REC | MS_PRIVATE)
        mount("tmpfs", place, "tmpfs", MS_NODEV | MS_NOSUID)
        for name in ("proc", "sys", "pts"):
            os.mkdir(f"{place}/{name}")
        mount("proc", f"{place}/proc", "proc", MS_NODEV | MS_NOEXEC | MS_NOSUID)
        if sys_mode:
            safe = MS_NODEV | MS_NOEXEC | MS_NOSUID
            flags = {"ro": MS_RDONLY, "rw": 0}.get(sys_mode, safe)
            mount("sysfs", f"{place}/sys", "sysfs", flags)
        options = "newinstance,ptmxmode=0666,mode=0620"
        mount("devpts", f"{place}/pts", "devpts", MS_NOSUID | MS_NOEXEC, options)
        return {"ok": True}

    def inside() -> Result:
        become_root_inside()
        for name in ("mnt", "net", "ipc"):
            unshare(name)
        return in_pid_namespace(first)

    return in_user_namespace(mapper(env, uids, gids), inside)


def _chown(env: str, uids: str, gids: str, directory: str, owners: str) -> Result:
    """Give a nameless file of the user in `directory` to each `uid:gid` (ids inside) of
    `owners`.
    """
    while not os.path.isdir(directory):  # not there yet: LXC will make it on this file system
        directory = os.path.dirname(directory)
    fd = nameless_file(directory)

    def inside() -> Result:
        become_root_inside()
        for owner in owners.split():
            uid, gid = (int(part) for part in owner.split(":"))
            try:
                os.fchown(fd, uid, gid)
            except OSError as error:
                raise Failed(f"chown to {owner} in {directory}", error.errno or 0) from error
        return {"ok": True}

    result = in_user_namespace(mapper(env, uids, gids), inside)
    if not result["ok"]:
        return result
    # File systems that quietly ignore chown are worse than those that refuse it.
    found = os.fstat(fd)
    if found.st_uid == os.getuid():
        raise Failed(f"chown in {directory}", 0, "it had no effect: the owner is still the user")
    return {"ok": True, "uid": found.st_uid, "gid": found.st_gid}


def nameless_file(directory: str) -> int:
    """A file in `directory` that vanishes with its descriptor."""
    try:
        return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        pass  # not every file system has O_TMPFILE
    for name in os.listdir(directory):
        if name.startswith(PREFIX):
            os.unlink(f"{directory}/{name}")
    path = f"{directory}/{PREFIX}{os.getpid()}"
    try:
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Failed(f"make a file in {directory}", error.errno or 0) from error
    os.unlink(path)
    return fd


def _access(env: str, uids: str, gids: str, directory: str) -> Result:
    def inside() -> Result:
        become_root_inside()
        parts = [part for part in directory.split("/") if part]
        for length in range(len(parts) + 1):
            path = "/" + "/".join(parts[:length])
            try:
                if not os.access(path, os.F_OK):
                    os.stat(path)
            except FileNotFoundError:
                return {"ok": True, "missing": path}
            except OSError as error:
                raise Failed(f"look at {path}", error.errno or 0) from error
            if not os.access(path, os.X_OK):
                raise Failed(f"pass {path}", 13)
        return {"ok": True}

    return in_user_namespace(mapper(env, uids, gids), inside)


def _cgroup(directory: str, controllers: str) -> Result:
    """Make a cgroup below `directory`, move a process into it, hand the controllers down, remove
    it.
    """
    for name in os.listdir(directory):
        if name.startswith(PREFIX):
            _rmdir(f"{directory}/{name}")
    path = f"{directory}/{PREFIX}{os.getpid()}"
    try:
        os.mkdir(path)
    except OSError as error:
        raise Failed(f"mkdir in {directory}", error.errno or 0) from error
    try:
        return _use_cgroup(directory, path, controllers)
    finally:
        _rmdir(path)


def _use_cgroup(directory: str, path: str, controllers: str) -> Result:
    def enter() -> Result:
        try:
            # Never made here: outside of a cgroup file system there must be nothing to remove.
            procs = os.open(f"{path}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
            os.write(procs, str(os.getpid()).encode())
        except OSError as error:
            raise Failed(f"move a process below {directory}", error.errno or 0) from error
        return {"ok": True}

    result = in_child(enter)
    if not result["ok"] or not os.path.exists(f"{path}/cgroup.controllers"):
        return result
    with open(f"{path}/cgroup.controllers") as file:
        offered = file.read().split()
    missing = [name for name in controllers.split() if name not in offered]
    return {"ok": True, "controllers": offered, "missing": missing}


def _rmdir(path: str) -> None:
    for _ in range(100):  # the kernel counts a process that has just ended as a member for a moment
        try:
            os.rmdir(path)
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return


def _scope(env: str) -> Result:
    code, said = run(
        environment(env),
        *("systemd-run", "--user", "--scope", "--quiet", "--collect"),
        *("-p", "Delegate=yes", f"--unit={PREFIX}{os.getpid()}", "--", "/bin/true"),
        seconds=20,
    )
    if code:
        raise Failed("systemd-run --user --scope", 0, said or f"exit status {code}")
    return {"ok": True}


def _usernic(program: str, lxcpath: str, bridge: str) -> Result:
    """Ask lxc-user-nic for a veth pair into a network namespace of our own; the pair dies with
    it.
    """
    ready, done = os.pipe(), os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(ready[0])
        os.close(done[1])
        _hold_network(parent, ready[1], done[0])
    os.close(ready[1])
    os.close(done[0])
    try:
        answer = os.read(ready[0], 200)
        if answer != b"ok":
            raise Failed("make a network namespace", 0, answer.decode("utf-8", "replace"))
        command = (program, "create", lxcpath, f"{PREFIX}nic", str(child), "veth", bridge, "eth0")
        code, said = run({}, *command)
        if code:
            raise Failed("lxc-user-nic create", 0, said or f"exit status {code}")
        return {"ok": True, "names": said.splitlines()[-1]}
    finally:
        os.close(done[1])
        os.close(ready[0])
        os.waitpid(child, 0)


def _hold_network(parent: int, ready: int, done: int) -> None:
    """Be the process whose network namespace is used, until the other end of `done` closes."""
    try:
        unshare("user")
        unshare("net")
        die_with_parent(parent)
        os.write(ready, b"ok")
        os.read(done, 1)
    except Failed as failed:
        os.write(ready, f"{failed.result['step']}: {failed.result['detail']}".encode())
    finally:
        os._exit(0)


PROBES: dict[str, Callable[..., Result]] = {
    "become": _become,
    "userns": _userns,
    "idmap": _idmap,
    "namespaces": _namespaces,
    "mounts": _mounts,
    "chown": _chown,
    "access": _access,
    "cgroup": _cgroup,
    "scope": _scope,
    "usernic": _usernic,
}


def main() -> None:
    """Try the operation that the command line names: PARENT-PID UID:GID:GID,... NAME ARGUMENT..."""
    parent, who, name, *args = sys.argv[1:]
    uid, gid, groups = who.split(":")

    def work() -> Result:
        become(int(uid), int(gid), [int(number) for number in groups.split(",") if number])
        die_with_parent(int(parent))
        return PROBES[name](*args)

    sys.stdout.write(json.dumps(outcome(work)))
