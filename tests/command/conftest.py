"""Hosts made of a few answers, for the commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import registry
from audit.model import Check
from tests.command.shell import HARDENING, HELPERS, PASSWD, SUBIDS, Shell, recorded


@pytest.fixture(autouse=True)
def few_checks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Check]:
    """Three checks and no plugins, whatever the checkout and the environment hold."""
    checks = {one.id: one for one in (HELPERS, SUBIDS, HARDENING)}
    monkeypatch.setattr(registry, "builtin", lambda: checks)
    monkeypatch.setattr("audit.plugins.any_installed", lambda *_: False)
    monkeypatch.setenv("COLUMNS", "100")
    return checks


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.json"
    path.write_text(recorded({("read", "/etc/subuid"): "al:100000:65536\n"}))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.json"
    path.write_text(recorded({("read", "/etc/subuid"): None}))
    return path


@pytest.fixture
def blind(tmp_path: Path) -> Path:
    path = tmp_path / "blind.json"
    path.write_text(recorded({}))
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root file system with root, al (uid 1000) and bo, who has subordinate ids."""
    root = tmp_path / "tree"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "passwd").write_text(f"{PASSWD}bo:x:1001:1001::/home/bo:/bin/sh\n")
    (root / "etc" / "nsswitch.conf").write_text("passwd: files\ngroup: files\n")
    (root / "etc" / "group").write_text("root:x:0:\n")
    (root / "etc" / "subuid").write_text("bo:100000:65536\n")
    return root
