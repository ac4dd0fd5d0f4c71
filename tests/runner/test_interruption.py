"""Whatever ends a run: no process, no half container, no lock is left, and the next run works.

The template and the hook of these tests sleep, so that the run is caught in the middle for certain.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.runner.place import Place
from tests.runner.site import Server

SLOW_TEMPLATE = """\
#!/bin/sh
# what lxc-local does, and then it takes its time
sh /usr/share/lxc/templates/lxc-local "$@" || exit 1
sleep 1000 & wait
"""


@pytest.fixture
def slow(place: Place) -> Place:
    """A world with a template and a config that never come to an end."""
    place.root(
        "cat >/srv/lxc-slow; chmod 755 /srv/lxc-slow;"
        "{ echo 'lxc.hook.pre-start = /srv/sleeps'; cat $CONF; } >/srv/slow.conf;"
        "printf '#!/bin/sh\\nsleep 1000\\n' >/srv/sleeps; chmod 755 /srv/sleeps",
        given=SLOW_TEMPLATE,
    )
    assert place.tool("run first").code == 0  # makes the embedded archives
    assert place.tool("destroy first --force").code == 0
    return place


def creating(place: Place) -> tuple[subprocess.Popen[str], int]:
    """A run that is in lxc-create, and its pid."""
    place.root("ln -sfn $H/.cache/lxc-preflight/images/embedded/* /srv/embedded")
    archives = "--metadata /srv/embedded/meta.tar.xz --fstree /srv/embedded/rootfs.tar.xz"
    process = place.start(f"run c1 --template /srv/lxc-slow -- {archives}")
    pid = place.wait_for_runner("c1", '"made": true')
    place.wait_until("pgrep -f 'sleep 1000'")
    return process, pid


def starting(place: Place) -> tuple[subprocess.Popen[str], int]:
    """A run whose lxc-start is at its hook, and its pid."""
    process = place.start("run c1 --config /srv/slow.conf --accept-unknown config.hooks")
    pid = place.wait_for_runner("c1", '"log"')
    place.wait_until("pgrep -f 'sleep 1000'")
    return process, pid


@contextmanager
def fetching(place: Place, server: Server) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run that is at its download, and its pid."""
    server.faults({"rootfs": {"rate": 50_000}})
    process = place.start(f"run c1 --image busybox/1 {server.options()}")
    pid = place.wait_for_runner("c1")
    place.wait_until(f"ls {place.cache}/images/*/busybox/1/amd64/default/*/rootfs.tar.xz.part")
    yield process, pid
    server.faults({})


NAMES = {"INT": 130, "TERM": 143, "HUP": 129}


def ended(place: Place, process: subprocess.Popen[str], pid: int, name: str) -> None:
    """Send a signal; the run ends soon, with the exit code of that signal, and leaves nothing."""
    place.root(f"kill -{name} {pid}")
    _, err = process.communicate(timeout=60)
    if name == "KILL":
        assert process.returncode in (137, 128 + signal.SIGKILL)
    else:
        assert process.returncode == NAMES[name], err
        assert "c1 was taken back" in err
    assert place.leftovers() == []


@pytest.mark.parametrize("name", [*NAMES, "KILL"])
def test_in_lxc_create(slow: Place, name: str) -> None:
    process, pid = creating(slow)
    ended(slow, process, pid, name)
    works(slow)


@pytest.mark.parametrize("name", [*NAMES, "KILL"])
def test_in_lxc_start(slow: Place, name: str) -> None:
    process, pid = starting(slow)
    ended(slow, process, pid, name)
    works(slow)


@pytest.mark.parametrize("name", [*NAMES, "KILL"])
def test_in_the_download(place: Place, server: Server, name: str) -> None:
    with fetching(place, server) as (process, pid):
        ended(place, process, pid, name)
    done = place.tool(f"run c1 --image busybox/1 {server.options()}")
    assert done.code == 0, done
    assert place.tool("destroy c1 --force").code == 0


def works(place: Place) -> None:
    """The next run of the same name does."""
    done = place.tool("run c1")
    assert done.code == 0, done
    assert place.tool("destroy c1 --force").code == 0


def test_two_signals_and_then_the_whole_group(slow: Place) -> None:
    process, pid = creating(slow)
    slow.root(f"kill -TERM {pid}; kill -INT {pid}; kill -TERM {pid}")
    assert process.wait(60) in (130, 143)  # several that wait are seen in any order
    assert slow.leftovers() == []
    process, pid = creating(slow)
    slow.root(f"kill -KILL -- -$(ps -o pgid= -p {pid} | tr -d ' ')")
    process.wait(60)
    assert slow.leftovers() == []
    works(slow)


def test_the_runner_and_its_guard_die(slow: Place) -> None:
    """As after a loss of power: the next command finds the journal and cleans up."""
    process, pid = creating(slow)
    slow.root(f"kill -KILL $(pgrep -P {pid} -f lxc_preflight) {pid}")
    process.wait(60)
    assert slow.leftovers() != []
    assert slow.tool("run other").code == 0
    assert slow.tool("destroy other --force").code == 0
    assert slow.leftovers() == []
    works(slow)


def test_the_time_is_up(slow: Place, server: Server) -> None:
    archives = "--metadata /srv/embedded/meta.tar.xz --fstree /srv/embedded/rootfs.tar.xz"
    slow.root("ln -sfn $H/.cache/lxc-preflight/images/embedded/* /srv/embedded")
    server.faults({"rootfs": {"hang": 30}})
    for words in (
        f"run c1 --timeout 2 --template /srv/lxc-slow -- {archives}",
        "run c1 --timeout 2 --config /srv/slow.conf --accept-unknown config.hooks",
        f"run c1 --timeout 2 --image busybox/1 {server.options()}",
    ):
        began = time.monotonic()
        done = slow.tool(words)
        assert done.code == 1, done
        assert time.monotonic() - began < 25  # and not the thirty that the server takes
        assert slow.leftovers() == []
    server.faults({})
    works(slow)


def test_two_runs_with_one_name(slow: Place) -> None:
    process, pid = creating(slow)
    second = slow.tool("run c1")
    assert second.code == 2 and f"another run works on c1 (pid {pid})" in second.err, second
    assert slow.tool("destroy c1 --force").code == 2
    ended(slow, process, pid, "TERM")


def test_many_at_once_from_one_cold_image(place: Place, server: Server) -> None:
    names = [f"m{n}" for n in range(8)]
    started = [place.start(f"run {name} --image busybox/1 {server.options()}") for name in names]
    said = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0] * len(names), said
    assert server.requests("rootfs.tar.xz") == 1
    rows = {row["name"]: row["state"] for row in place.tool("list --format json").json}
    assert [rows[name] for name in names] == ["RUNNING"] * len(names)
    for name in names:
        assert place.tool(f"destroy {name} --force").code == 0


def test_a_full_disk(place: Place, server: Server) -> None:
    """First where images are kept, then where containers are."""
    place.root(
        f"mkdir -p {place.cache}; mount -t tmpfs -o size=200k,mode=700 tmpfs {place.cache};"
        f"chown $U: {place.cache}"
    )
    try:
        for words in (f"--image busybox/1 {server.options()}", ""):
            done = place.tool(f"run c1 {words}")
            assert done.code == 1 and "No space left" in done.err, done
            assert place.leftovers() == []
    finally:
        place.root(f"umount -l {place.cache}")
    works(place)
    place.root("remount mount -t tmpfs -o size=2500k tmpfs")
    try:
        done = place.tool("run c1")
        assert done.code == 1 and ("MiB free" in done.err or "space" in done.err), done
        assert place.leftovers() == []
    finally:
        place.root("umount -l $LXC; rm -rf $LXC.kept")
    works(place)


def test_what_a_killed_lxc_create_left_is_cleared_away(slow: Place) -> None:
    """Not ours: LXC's own `partial`, which LXC never cleans up itself."""
    slow.root("ln -sfn $H/.cache/lxc-preflight/images/embedded/* /srv/embedded")
    archives = "--metadata /srv/embedded/meta.tar.xz --fstree /srv/embedded/rootfs.tar.xz"
    line = f"lxc-create -n c1 -t /srv/lxc-slow -- {archives}"
    process = subprocess.Popen(slow.session(line), start_new_session=True)
    slow.wait_until("pgrep -f 'sleep 1000'")
    done = slow.tool("run c1")
    assert done.code == 2 and "another lxc-create" in done.err, done
    slow.root("pkill -KILL lxc-create; pkill -KILL -f 'sleep 1000|lxc-slow'")
    process.wait(60)
    done = slow.tool("run c1")
    assert done.code == 0 and "removing what an earlier lxc-create left" in done.err, done
    assert slow.tool("destroy c1 --force").code == 0


def test_what_is_no_container_is_not_touched(place: Place) -> None:
    place.root(f"su $U -c 'mkdir {place.lxcpath}/mine; echo data >{place.lxcpath}/mine/file'")
    done = place.tool("run mine")
    assert done.code == 2 and "is there and no container" in done.err, done
    assert place.root(f"cat {place.lxcpath}/mine/file").out == "data\n"
    place.root(f"rm -r {place.lxcpath}/mine")


def test_a_broken_journal_is_no_obstacle(place: Place) -> None:
    for text in ("", "{", "[]", json.dumps({"name": "../../x", "lxcpath": "/etc", "made": True})):
        place.root(
            f"su $U -c 'mkdir -p {place.cache}/journal; cat >{place.cache}/journal/c1.json'",
            given=text,
        )
        works(place)
