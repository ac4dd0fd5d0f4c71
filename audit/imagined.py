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
        self.brings_files = False
        for action in actions:
            match action:
                case Run(_, _, _, keeping):
                    self.unseen.update(keeping)
                case Install():
                    self.brings_files = True
                case Manual():
                    pass
                case _:
                    self.by_path.setdefault(action.path, []).append(action)

    def ask(self, verb: str, *args: str) -> Answer:
        path = args[0] if args else ""
        if verb == "package" and self.brings_files:
            raise Unknown(LATER)
        if verb in ("run", "probe", "getent", "subids"):
            # They look at the real host.
            if self.by_path or self.unseen:
                raise Unknown(LATER)
            return self.inner.ask(verb, *args)
        if path in self.unseen:
            raise Unknown(LATER)
        if verb in READS and path in self.by_path:
            return self._text(verb, *args)
        if verb in ("stat", "lstat") and path in self.by_path:
            return self._stat(verb, path)
        if verb == "xattr" and any(
            isinstance(one, (Acl, Capability, Owner)) for one in self.by_path.get(path, ())
        ):
            raise Unknown(LATER)
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
        found = self.by_path.get(path, ())
        return any(isinstance(one, (Append, Write, Plain, Directory)) for one in found)

    def _text(self, verb: str, path: str, *rest: str) -> Answer:
        is_new = isinstance(self.by_path[path][0], Plain)
        before = None if is_new else self.inner.ask(verb, path, *rest)
        if isinstance(before, dict):
            raise Unknown(LATER)
        text = before if isinstance(before, str) else None
        for action in self.by_path[path]:
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
        if names is None and not found:
            if self.brings_files:
                raise Unknown(LATER)
            return None
        return [*sorted(str(name) for name in found)]
