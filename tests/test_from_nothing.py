"""From a bare Debian to a running container by the single file alone, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import bare
from tests.truth import run
from tools import pyz

COMMAND = """
set -eu
export LC_ALL=C.UTF-8
preflight="python3 lxc-preflight.pyz"
# What is not there: LXC, the helpers, sub-ids, the user.
! command -v lxc-create && ! command -v newuidmap && ! id lxc 2>/dev/null
ls -A /etc /home >/run/before
$preflight fix --apply --yes --level blocking --user lxc --template busybox
$preflight audit --user lxc --template busybox >/run/audit
su - lxc -c 'lxc-create -n first -t busybox' >&2
su - lxc -c 'lxc-start -n first'
sleep 2
su - lxc -c 'lxc-info -n first -s' | grep RUNNING
su - lxc -c 'lxc-attach -n first -- /bin/sh -c "id -u; cat /proc/self/uid_map"'
su - lxc -c 'lxc-stop -k -n first; lxc-destroy -n first'
echo "again:"
$preflight fix --user lxc --template busybox --level blocking | grep "say 'nothing to do'"
# `run` works as that user, who cannot read what lies in root's home: one line tells what to do.
! $preflight run second --user lxc --template busybox 2>/run/refused
wc -l </run/refused
cat /run/refused
sh -c "$(sed 's/.*: //' /run/refused)"
lxc-preflight run second --user lxc --template busybox
lxc-preflight exec --user lxc second -- hostname
lxc-preflight destroy --user lxc second --force
echo "then:"
su - lxc -c 'lxc-preflight audit --template busybox' | tail -n 4
"""


def test_fix_alone_makes_a_bare_debian_start_a_container(tmp_path: Path) -> None:
    if reason := bare.obtain() or run.obstacle():
        pytest.skip(reason)
    file = tmp_path / "lxc-preflight.pyz"
    pyz.write(file)
    done = bare.run(COMMAND, file)
    words = f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    if "Could not resolve" in words or "Temporary failure resolving" in words:
        pytest.skip("no package repository can be reached from here")
    assert done.returncode == 0, words
    before, _, after = done.stdout.partition("RUNNING")
    assert "useradd" in before and "lxc" in before, words
    attached, _, again = after.partition("again:")
    assert "0 " in attached, words
    assert "nothing to do" in again
    moved, _, then = again.partition("then:")
    assert "\n1\n" in moved and "lxc may not read /root/lxc-preflight.pyz" in moved, words
    assert "\nsecond\n" in moved, words
    assert "next, as lxc" in then, words
