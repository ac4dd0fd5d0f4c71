"""From a bare Debian to a running container by `fix --apply` alone, and back."""

from __future__ import annotations

import pytest

from tests import bare
from tests.truth import run

COMMAND = """
set -eu
export LC_ALL=C.UTF-8
preflight="python3 -m lxc_preflight"
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
"""


def test_fix_alone_makes_a_bare_debian_start_a_container() -> None:
    if reason := bare.obtain() or run.obstacle():
        pytest.skip(reason)
    done = bare.run(COMMAND)
    words = f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    if "Could not resolve" in words or "Temporary failure resolving" in words:
        pytest.skip("no package repository can be reached from here")
    assert done.returncode == 0, words
    before, _, after = done.stdout.partition("RUNNING")
    assert "useradd" in before and "lxc" in before, words
    assert "0 " in after.partition("again:")[0], words
    assert "nothing to do" in after
