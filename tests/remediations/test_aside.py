"""What is in the way is set aside, with the user's rights, and lost in no case."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from audit.host import Host
from audit.source import Answer, Question
from audit.testing import made_host
from remediations.actions import Manual, Remove, Run
from remediations.aside import aside

HOME = "/home/lxc"


def host_of(path: str, kind: str, owner: int = 1001) -> Host:
    """A host with something at a path, whose directories are `owner`'s below the home and root's
    elsewhere.
    """
    answers: dict[Question, Answer] = {("lstat", path): [kind, 0o755, owner, owner, 0, 8, 1]}
    parts = path.split("/")
    for end in range(1, len(parts)):
        place = "/".join(parts[:end]) or "/"
        uid = owner if place.startswith(HOME) else 0
        answers["lstat", place] = ["directory", 0o755, uid, uid, 0, 8, 1]
        answers["real", place] = place
    directory, _, name = path.rpartition("/")
    answers["lstat", f"{directory}/.{name}.aside-1"] = None
    answers["real", HOME] = HOME
    return made_host({}, answers)


def test_a_file_of_the_users_is_taken_away_and_kept_on_record() -> None:
    path = f"{HOME}/bin/newuidmap"
    assert aside(host_of(path, "file"), "t", path).actions == (Remove(path, theirs=True),)


@pytest.mark.parametrize("kind", ["directory", "symlink", "FIFO"])
def test_anything_else_gets_another_name_with_the_users_rights(kind: str, tmp_path: Path) -> None:
    path = f"{HOME}/it's here"
    (run,) = aside(host_of(path, kind), "t", path).actions
    assert isinstance(run, Run) and run.theirs
    here, there = tmp_path / "it's here", tmp_path / ".it's here.aside-1"
    here.mkdir()
    (here / "file").touch()

    def sh(text: str) -> int:
        return subprocess.run(["sh", "-c", text.replace(HOME, str(tmp_path))]).returncode

    assert sh(run.unless) != 0
    assert sh(run.command) == 0
    assert not here.exists() and (there / "file").exists()
    assert sh(run.unless) == 0
    assert sh(run.undo) == 0
    assert (here / "file").exists() and not there.exists()
    there.mkdir()
    assert sh(run.command) != 0, "it must not end up inside of what has the name already"


@pytest.mark.parametrize("path", ["/srv/oci/bin/newuidmap", "/etc/lxc", "/opt/x"])
def test_root_sets_nothing_aside_where_a_user_sent_it(path: str) -> None:
    (action,) = aside(host_of(path, "file", 0), "t", path).actions
    assert isinstance(action, Manual)


def test_root_takes_a_copy_of_an_administrators_away() -> None:
    path = "/usr/local/bin/newuidmap"
    assert aside(host_of(path, "file", 0), "t", path).actions == (Remove(path),)
