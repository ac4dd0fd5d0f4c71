"""Files we write are whole, private when they should be, and never written through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audit.errors import UsageError
from audit.output import PRIVATE, write_file


def test_a_new_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    write_file(str(path), "text\n", PRIVATE)
    assert path.read_text() == "text\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["snapshot.json"]


def test_an_old_file_is_replaced_and_not_kept_open_to_others(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text("old")
    path.chmod(0o644)
    write_file(str(path), "new", PRIVATE)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_through_a_link_or_into_a_fifo(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "link").symlink_to(victim)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "dangling", "fifo", "."):
        with pytest.raises(UsageError, match="no regular file"):
            write_file(f"{tmp_path}/{name}", "text")
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nothing").exists()


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        write_file(f"{tmp_path}/nowhere/file", "text")
    with pytest.raises(UsageError, match="names a directory"):
        write_file(f"{tmp_path}/nowhere/", "text")
    with pytest.raises(UsageError, match="too long"):
        write_file(f"{tmp_path}/{'x' * 300}", "text")


def test_a_failed_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        write_file(f"{tmp_path}/file", "text")
    assert os.listdir(tmp_path) == []
