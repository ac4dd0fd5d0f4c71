"""From a bare Debian to a container with network, by the single file, on a host that is booted.

It takes minutes, so here it is the one with systemd; `make bare` does OpenRC's too.
"""

from __future__ import annotations

import pytest

from tests.hosts import bare, image, machine


def test_what_apt_says_is_left_out_and_what_we_say_is_not() -> None:
    printed = """\
1. install xz-utils
   apt-get install -y xz-utils
Reading package lists...

2. start it
   rc-service lxc-net start
Starting LXC network bridge: :   as wanted: x

READY: containers
  create yes
next

For all of it to be in force: log in anew."""
    assert bare.trimmed(printed).splitlines() == [
        "1. install xz-utils",
        "   apt-get install -y xz-utils",
        "   [... 1 line of apt-get or a service]",
        "2. start it",
        "   rc-service lxc-net start",
        "   [... 1 line of apt-get or a service]",
        "",
        "READY: containers",
        "  create yes",
        "next",
        "",
        "For all of it to be in force: log in anew.",
    ]


def test_one_file_and_one_fix_make_a_container_with_network() -> None:
    if reason := machine.obstacle():
        pytest.skip(reason)
    try:
        story = bare.told(bare.HOSTS[0])
    except image.BuildFailed:
        raise
    except (image.NoImage, bare.NoMirror) as why:
        pytest.skip(str(why))
    first, *others = story.lines
    assert first.code == 2
    assert "lxc-preflight.pyz fix --user lxc" in first.printed
    for line in others:
        assert line.code == 0, f"{line.command}: {line.printed[-3000:]}"
    fixed = story.printed("lxc-preflight fix")
    assert "\nREADY: unprivileged LXC containers for lxc" in fixed, fixed[-3000:]
    assert "(by hand)" not in fixed
    assert "network yes · limits yes" in fixed
    up = story.printed("lxc-preflight run")
    assert up.startswith("web1  RUNNING") and "address 10.0.3." in up, up
    assert story.printed(bare.CGROUP).split() == ["67108864", "100"]
    assert "1 packets received" in story.printed("lxc-preflight exec")
    assert "web1" not in story.lines[-1].printed
