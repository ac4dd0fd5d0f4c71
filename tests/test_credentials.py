"""Looking with a user's rights: what cannot be tried is unknown, never denied."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from audit.live import Live, credentials
from audit.model import Unknown


class Process:
    """The ids of a process; each change is written down, one of them fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fails: str, error: int) -> None:
        self.changes: list[str] = []
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(os, "getegid", lambda: 0)
        monkeypatch.setattr(os, "getgroups", lambda: [0, 7])
        for name in ("setgroups", "setegid", "seteuid"):
            monkeypatch.setattr(os, name, self._change(name, fails, error))

    def _change(self, name: str, fails: str, error: int) -> object:
        def change(value: object) -> None:
            if name == fails and value not in (0, [0, 7]):
                raise OSError(error, os.strerror(error))
            self.changes.append(f"{name} {value}")

        return change


@pytest.mark.parametrize(
    ("fails", "error"),
    [("setgroups", errno.EPERM), ("setegid", errno.EINVAL), ("seteuid", errno.EPERM)],
)
def test_who_cannot_become_the_user_does_not_know(
    monkeypatch: pytest.MonkeyPatch, fails: str, error: int
) -> None:
    process = Process(monkeypatch, fails, error)
    with pytest.raises(Unknown, match="cannot become uid 1001"), credentials("1001:1001:100"):
        raise AssertionError("never reached")
    assert process.changes[-3:] == ["seteuid 0", "setegid 0", "setgroups [0, 7]"]


def test_the_rights_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(monkeypatch, "nothing", 0)
    with pytest.raises(ZeroDivisionError), credentials("1001:1002:100,1002"):
        assert process.changes == ["setgroups [100, 1002]", "setegid 1002", "seteuid 1001"]
        raise ZeroDivisionError
    assert process.changes[3:] == ["seteuid 0", "setegid 0", "setgroups [0, 7]"]


def test_another_user_cannot_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Unknown, match="only root or uid 1001"), credentials("1001:1001:"):
        raise AssertionError("never reached")


def test_the_user_itself_needs_no_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    who = f"{os.geteuid()}:{os.getegid()}:"
    assert Live().ask("user_read", str(tmp_path / "file"), who) == "text"


def test_a_nul_in_a_name_is_unknown() -> None:
    with pytest.raises(Unknown, match="NUL"):
        Live().ask("read", "/etc/\0passwd")
