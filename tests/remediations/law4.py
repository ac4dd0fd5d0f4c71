"""Law 4, on a tree: a check fails, its fix is applied by the real script, and the check passes;
applied again nothing changes; undone, the tree is what it was to the byte.

    Tree(tmp_path, {"/etc/subuid": "lxc:1:1\n", "/home/lxc/": Entry(mode=0o700, uid=1001)})

makes a directory tree with the accounts of audit.testing (`lxc`, uid 1001). Paths that end with a
slash are directories. `law4(check, tree, answers=...)` does the rest and returns the script, for
more assertions. What a tree cannot say (/proc, /sys, the session) comes from `answers`.
"""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from audit.engine import judge
from audit.facts.accounts import target
from audit.host import Host, Request
from audit.model import Check, NotApplicable, Outcome, Unknown
from audit.source import Answer, Question, Refused
from audit.testing import BASE
from audit.tree import Tree as TreeSource
from remediations.plan import Asked, conflicts, steps_of
from remediations.script import Subject, script


class Entry(NamedTuple):
    """A file or directory of a tree; `link` makes it a symlink, `acl` is for setfacl --set."""

    text: str | bytes = ""
    mode: int | None = None
    uid: int = 0
    gid: int = 0
    link: str = ""
    acl: str = ""


class Tree:
    """A directory tree that stands for a host. Needs root: its files belong to several users."""

    def __init__(self, place: Path, entries: Mapping[str, str | Entry]) -> None:
        assert os.geteuid() == 0, "law 4 takes root: files of several owners"
        # pytest closes its own directories to other users again with each session.
        self._directory = tempfile.TemporaryDirectory(prefix=f"{place.name}-")
        os.chmod(self._directory.name, 0o755)
        self.place = Path(self._directory.name, "tree")
        self.place.mkdir(mode=0o755)
        base = {path: text for path, text in BASE.items() if text is not None}
        for path, entry in {"/var/lib/": "", "/etc/": "", **base, **entries}.items():
            self.add(path, entry if isinstance(entry, Entry) else Entry(entry))

    def add(self, path: str, entry: Entry) -> None:
        at = self.place / path.strip("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        if entry.link:
            at.symlink_to(entry.link)
        elif path.endswith("/"):
            at.mkdir(exist_ok=True)
        elif isinstance(entry.text, bytes):
            at.write_bytes(entry.text)
        else:
            at.write_bytes(entry.text.encode("utf-8", "surrogateescape"))
        os.chown(at, entry.uid, entry.gid, follow_symlinks=False)
        if not entry.link:
            at.chmod(entry.mode if entry.mode is not None else 0o755 if at.is_dir() else 0o644)
        if entry.acl:
            subprocess.run(["setfacl", "--set", entry.acl, str(at)], check=True)

    def state(self) -> dict[str, tuple[object, ...]]:
        """Everything there is to a tree but times: type, mode, owners, content, xattrs."""
        found: dict[str, tuple[object, ...]] = {}
        for directory, directories, files in os.walk(self.place):
            for name in (".", *directories, *files):
                at = Path(directory, name)
                info = at.lstat()
                attributes = {
                    key: os.getxattr(at, key, follow_symlinks=False)
                    for key in os.listxattr(at, follow_symlinks=False)
                }
                content: object = None
                if stat.S_ISLNK(info.st_mode):
                    content = os.readlink(at)
                elif stat.S_ISREG(info.st_mode):
                    content = at.read_bytes()
                found[str(at)] = (info.st_mode, info.st_uid, info.st_gid, content, attributes)
        return found

    def host(
        self,
        answers: Mapping[Question, Answer | Refused] | None = None,
        request: Request | None = None,
    ) -> Host:
        return Host(Layered(TreeSource(str(self.place)), answers or {}), request or Request("lxc"))

    def run(self, text: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a script on the tree, by `sh` unless TEST_SH names another shell."""
        shell = os.environ.get("TEST_SH", "sh").split()
        return subprocess.run(
            [*shell, "-c", text, "fix", *words],
            env={"ROOT": str(self.place), "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )


class Layered:
    """A tree, and answers for what a tree cannot say."""

    kind = "root"

    def __init__(self, tree: TreeSource, answers: Mapping[Question, Answer | Refused]) -> None:
        self.tree, self.answers = tree, answers

    def ask(self, verb: str, *args: str) -> Answer:
        question = (verb, *args)
        if question in self.answers:
            answer = self.answers[question]
            if isinstance(answer, Refused):
                raise Unknown(str(answer))
            return answer
        return self.tree.ask(verb, *args)


def subject_of(host: Host) -> Subject:
    try:
        account = host.get(target)
    except (Unknown, NotApplicable):
        return Subject(host.request.user, None, None, "")
    return Subject(account.name, account.uid, account.gid, account.home)


def script_of(check: Check, host: Host) -> str:
    """The script of all fixes that a check asks for."""
    findings = judge(check, host).findings
    asked = [Asked(check.id, one.message, one.fix) for one in findings if one.fix is not None]
    steps = steps_of(asked)
    assert not conflicts(steps)
    return script(steps, subject_of(host))


def outcomes(check: Check, host: Host) -> set[Outcome]:
    return {finding.outcome for finding in judge(check, host).findings}


def law4(
    check: Check,
    tree: Tree,
    *,
    answers: Mapping[Question, Answer | Refused] | None = None,
    request: Request | None = None,
    cured: tuple[Outcome, ...] = (Outcome.PASS,),
) -> str:
    """Fail, fix, pass, fix again, undo; returns the script."""
    before = tree.state()
    found = outcomes(check, tree.host(answers, request))
    assert Outcome.FAIL in found, f"{check.id} does not fail: {found}"
    text = script_of(check, tree.host(answers, request))
    applied = tree.run(text)
    assert applied.returncode == 0, f"{applied.stdout}{applied.stderr}\n{text}"
    findings = judge(check, tree.host(answers, request)).findings
    assert {one.outcome for one in findings} <= set(cured), (
        f"{[one.message for one in findings]}\n{applied.stdout}"
    )
    once = tree.state()
    again = tree.run(text)
    assert again.returncode == 0, again.stdout + again.stderr
    assert tree.state() == once, f"a second run changes something:\n{again.stdout}"
    undone = tree.run(text, "--undo")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    after = tree.state()
    different = [
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    ]
    assert not different, f"not undone: {different}\n{undone.stdout}"
    return text
