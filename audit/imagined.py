"""A host as it would be once some actions were done: what a plan is held against before it is real.

What the actions write is known; what commands and packages bring is not, and unknown here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.model import Unknown
from audit.source import Answer, Source
from remediations.actions import (
    Acl,
    Action,
    Append,
    Capability,
    Delete,
    Directory,
    Install,
    Manual,
    Mode,
    Owner,
    Plain,
    Remove,
    Replace,
    Run,
    Setting,
    Write,
)
from remediations.edits import Changed, edited

READS = ("read", "user_read")
CREATORS = (Append, Write, Plain, Directory)
ACL = "system.posix_acl_access"
LATER = "that would have to be looked at after the fixes"


class Imagined:
    """Answers as `inner` does, with the actions done. `owner` is (uid, gid) of what is theirs."""

    def __init__(
        self, inner: Source, actions: Iterable[Action], owner: tuple[int, int] | None
    ) -> None:
        self.inner, self.kind = inner, inner.kind
        self.owner = owner
        self.by_path: dict[str, list[Any]] = {}
        self.unseen: set[str] = set()
        self.altered: tuple[str, ...] = ()  # with all below
        self.brings_files = False
        for action in actions:
            match action:
                case Run(keeping=keeping, alters=alters):
                    self.unseen.update(keeping)
                    self.altered += alters
                case Install():
                    self.brings_files = True
                case Manual():
                    pass
                case _:
                    self.by_path.setdefault(action.path, []).append(action)
        self._add_parents()

    def _add_parents(self) -> None:
        """The directories that a script makes on its way to a file."""
        for path, found in [*self.by_path.items()]:
            if not isinstance(found[0], CREATORS):
                continue
            theirs = getattr(found[0], "theirs", False)
            above = path.rpartition("/")[0]
            while above and above not in self.by_path and self._is_absent(above):
                self.by_path[above] = [Directory(above, 0o755, theirs)]
                above = above.rpartition("/")[0]

    def _is_absent(self, path: str) -> bool:
        try:
            return self.inner.ask("lstat", path) is None
        except Unknown:
            return False

    def ask(self, verb: str, *args: str) -> Answer:
        path = args[0] if args else ""
        if verb == "package" and self.brings_files:
            raise Unknown(LATER)
        if verb in ("run", "probe", "getent", "subids"):
            # They look at the real host.
            if self.by_path or self.unseen or self.altered:
                raise Unknown(LATER)
            return self.inner.ask(verb, *args)
        if path in self.unseen or any(f"{path}/".startswith(f"{it}/") for it in self.altered):
            raise Unknown(LATER)
        if isinstance(self.by_path.get(path, (None,))[-1], Remove):
            return self._gone(verb, *args)
        if verb in READS and path in self.by_path:
            return self._text(verb, *args)
        if verb in ("stat", "lstat") and path in self.by_path:
            return self._stat(verb, path)
        if verb == "xattr" and path in self.by_path:
            return self._xattr(path, args[1])
        if verb in ("list", "user_list"):
            return self._list(verb, *args)
        answer = self.inner.ask(verb, *args)
        if verb == "real" and answer is None and self._exists(path):
            return path
        if isinstance(answer, dict) and "denied" in answer and self._opens(path):
            raise Unknown(LATER)
        if answer is None and (self.brings_files or self._opens(path)):
            raise Unknown(LATER)
        return answer

    def _opens(self, path: str) -> bool:
        """Whether an action changes who may pass a directory on the way to it."""
        return any(
            isinstance(one, (Mode, Acl, Owner))
            for place, found in self.by_path.items()
            if path == place or path.startswith(place.rstrip("/") + "/")
            for one in found
        )

    def _exists(self, path: str) -> bool:
        return any(isinstance(one, CREATORS) for one in self.by_path.get(path, ()))

    def _gone(self, verb: str, *args: str) -> Answer:
        """Nothing is there; but who may not pass a directory on the way cannot even tell that."""
        if verb.startswith("user_") and isinstance(self.inner.ask(verb, *args), dict):
            raise Unknown(LATER)
        return None

    def _xattr(self, path: str, name: str) -> Answer:
        actions = self.by_path[path]
        before = self.inner.ask("xattr", path, name)
        changes = (Acl, Mode) if before is not None else (Acl,)
        if isinstance(actions[0], Plain) or any(
            isinstance(one, changes if name == ACL else (Capability, Owner)) for one in actions
        ):
            raise Unknown(LATER)
        return before

    def _text(self, verb: str, path: str, *rest: str) -> Answer:
        actions = self.by_path[path]
        if isinstance(actions[0], Directory) and self._is_absent(path):
            if verb == "user_read":
                self._demand_readable(path, None)
                return {"denied": "it is a directory"}
            raise Unknown(f"{path} is a directory, not a regular file")
        before = None
        if not isinstance(actions[0], Plain):
            before = self.inner.ask(verb, path, *rest)
        if verb == "user_read":
            self._demand_readable(path, before)
        if isinstance(before, dict):
            return before
        text = before if isinstance(before, str) else None
        for action in actions:
            match action:
                case Write(_, new) | Plain(_, new):
                    text = new
                case Setting(_, value):
                    text = f"{value}\n"
                case Remove():
                    text = None
                case Append() | Replace() | Delete():
                    try:
                        after = edited(text or "", action)
                    except Changed as why:
                        raise Unknown(str(why)) from None
                    text = text if after is None else after
        return text

    def _demand_readable(self, path: str, before: Answer) -> None:
        """Raises Unknown where the user may be able to read what it could not, or the reverse."""
        if self._opens(path):
            raise Unknown(LATER)
        if before is not None or getattr(self.by_path[path][0], "theirs", False):
            return
        stat = self._stat("stat", path)
        if not (isinstance(stat, list) and int(str(stat[1])) & 0o004):
            raise Unknown(LATER)
        while path := path.rpartition("/")[0]:
            above = self.ask("stat", path)
            if not (isinstance(above, list) and int(str(above[1])) & 0o001):
                raise Unknown(LATER)

    def _stat(self, verb: str, path: str) -> Answer:
        stat = self.inner.ask(verb, path)
        for action in self.by_path[path]:
            match action:
                case Remove():
                    stat = None
                case Setting():
                    pass
                case Directory(_, mode, theirs) if stat is None:
                    stat = self._made("directory", path, mode, theirs=theirs)
                case Plain(_, _, mode):
                    stat = self._made("file", path, mode, theirs=False)
                case Append() | Write() if stat is None:
                    mode = action.mode if isinstance(action, Write) else 0o644
                    stat = self._made("file", path, mode, theirs=action.theirs)
                case Mode(_, mode) if isinstance(stat, list):
                    stat = [stat[0], mode, *stat[2:]]
                case Owner(_, uid, gid) if isinstance(stat, list):
                    stat = [*stat[:2], uid, gid, *stat[4:]]
                case Acl():
                    raise Unknown(LATER)
        return stat

    def _made(self, kind: str, path: str, mode: int, *, theirs: bool) -> Answer:
        parent = path.rpartition("/")[0] or "/"
        around = self.ask("stat", parent)
        device = around[5:] if isinstance(around, list) else [0, 0]
        uid, gid = self.owner if theirs and self.owner else (0, 0)
        return [kind, mode, uid, gid, 0, *device]

    def _list(self, verb: str, path: str, *rest: str) -> Answer:
        names = self.inner.ask(verb, path, *rest)
        if isinstance(names, dict):
            if self._opens(path):
                raise Unknown(LATER)
            return names
        top = path.rstrip("/") + "/"
        found = set(names) if isinstance(names, list) else set()
        for place, actions in self.by_path.items():
            if not place.startswith(top):
                continue
            name, slash, _ = place.removeprefix(top).partition("/")
            if slash or not isinstance(actions[-1], Remove):
                if self._exists(place):
                    found.add(name)
            else:
                found.discard(name)
        is_made = isinstance(self.by_path.get(path, (None,))[0], Directory)
        if names is None and verb == "user_list" and is_made:
            self._demand_readable(path, None)
        if names is None and not found and not is_made:
            if self.brings_files:
                raise Unknown(LATER)
            return None
        return [*sorted(str(name) for name in found)]
