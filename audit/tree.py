"""A root file system tree: a mounted image, a chroot, a backup.

Its own /proc, /sys, /run and /dev are empty and would read as *absent* on every tree, which is the
classic false alarm; they are Unknown here. Symlinks are resolved inside the tree, so that an
absolute link never leaves it.
"""

from __future__ import annotations

import errno
import os

from audit.access import Credentials, may
from audit.live import Live, NotRegular, absent_or_unknown, read_regular, stat_answer
from audit.model import Unknown
from audit.source import Answer

VOLATILE = ("proc", "sys", "run", "dev")
MAX_LINKS = 40  # path_resolution(7)


class Tree:
    """Answers about the host whose root directory is `directory`."""

    kind = "root"

    def __init__(self, directory: str) -> None:
        self.directory = os.path.realpath(directory)
        self._live = Live()

    def ask(self, verb: str, *args: str) -> Answer:
        if verb in ("read", "stat", "list", "xattr", "statvfs", "search", "elf"):
            path, *rest = args
            inside = self._resolve(path)
            return None if inside is None else self._live.ask(verb, self.directory + inside, *rest)
        if verb in ("user_read", "user_list"):
            return self._as_user(verb.removeprefix("user_"), *args)
        if verb in ("lstat", "link"):
            parent = self._resolve(os.path.dirname(args[0]))
            name = os.path.basename(args[0])
            return (
                None
                if parent is None
                else self._live.ask(verb, os.path.join(self.directory + parent, name))
            )
        if verb == "real":
            return self._resolve(args[0])
        if verb == "package":
            from audit.packages import installed_version

            return installed_version(self, args[0])
        if verb == "expiry":
            from audit.shadow import expiry

            text = self.ask("read", "/etc/shadow")
            return expiry(text, args[0]) if isinstance(text, str) else None
        raise Unknown(f"a directory tree cannot be asked for {verb}: that takes the running host")

    def place(self, path: str) -> str | None:
        """Where a path of the tree is found on this machine; None when it is not there."""
        inside = self._resolve(path)
        return None if inside is None else self.directory + inside

    def _resolve(self, path: str) -> str | None:
        """The path inside the tree with every link resolved; None when it is not there."""
        todo = [part for part in path.split("/") if part]
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop(0)
            if part == ".":
                continue
            if part == "..":
                del done[-1:]
                continue
            if not done and part in VOLATILE:
                raise Unknown(f"/{part} of a directory tree says nothing about the running host")
            here = "/".join(("", *done, part))
            try:
                target = os.readlink(self.directory + here)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    absent_or_unknown(here, error)
                    return None
                done.append(part)
                continue
            links += 1
            if links > MAX_LINKS:
                raise Unknown(f"cannot look at {path}: too many levels of symbolic links")
            if target.startswith("/"):
                done = []
            todo = [step for step in target.split("/") if step] + todo
        return "/".join(("", *done)) if done else "/"

    def _as_user(self, verb: str, path: str, who: str) -> Answer:
        inside = self._resolve(path)
        if inside is None:
            return None
        user = Credentials.parse(who)
        steps = [part for part in inside.split("/") if part]
        for depth in range(len(steps)):
            directory = "/" + "/".join(steps[:depth])
            if not self._may(directory, user, "x"):
                return {"denied": os.strerror(errno.EACCES)}
        if not self._may(inside, user, "r"):
            return {"denied": os.strerror(errno.EACCES)}
        if verb == "list":
            return self._live.ask("list", self.directory + inside)
        try:
            return read_regular(self.directory + inside).decode("utf-8", "surrogateescape")
        except NotRegular as why:
            return {"denied": f"it is a {why.kind}"}
        except OSError as error:
            return absent_or_unknown(path, error)

    def _may(self, inside: str, user: Credentials, want: str) -> bool:
        place = self.directory + inside
        return may(
            stat_answer(place, os.stat),
            self._live.ask("xattr", place, "system.posix_acl_access"),
            user,
            want,
        )
