"""A Debian whose init is systemd, on a real bridge: started, entered, limited, restarted."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runner.place import Place, number, obstacle
from tests.truth import guest, world

ROOTFS = "/srv/debian.tar.xz"


def packed() -> Path:
    """The tar file of tests/truth/guest.py in xz, kept beside it."""
    path = guest.cached().with_suffix(".tar.xz")
    if not path.exists() or path.stat().st_mtime < guest.cached().stat().st_mtime:
        made = path.with_suffix(".new")
        with open(made, "wb") as out:
            subprocess.run(["xz", "-0", "-T0", "-c", str(guest.cached())], stdout=out, check=True)
        made.rename(path)
    return path


@pytest.fixture(scope="module")
def debian() -> Iterator[Place]:
    """A world with a bridge, a user who may have two interfaces in it, and the archive."""
    if reason := obstacle() or guest.obtain():
        pytest.skip(reason)
    place = Place(number(1))
    with open(packed(), "rb") as file:
        subprocess.run(
            place.entered(["bash", "-c", f"cat >{ROOTFS}; chmod 644 {ROOTFS}"]),
            stdin=file,
            check=True,
        )
    place.root(
        "ip link add name tbr0 type bridge; ip addr add 10.77.0.1/24 dev tbr0;"
        'ip link set tbr0 up; mkdir -p /etc/lxc; echo "$U veth tbr0 2" >/etc/lxc/lxc-usernet'
    )
    yield place
    place.context = ""
    place.tidy()
    place.close()


def test_a_guest_with_systemd_lives_its_life(debian: Place) -> None:
    place = debian
    place.delegate()
    net = "--net tbr0 --ip 10.77.0.5/24 --gateway 10.77.0.1"
    limits = "--memory 256M --pids 200"
    done = place.tool(f"run deb1 --rootfs {ROOTFS} {net} {limits} --format json", seconds=300)
    assert done.code == 0, done
    up = done.json
    assert up["state"] == "RUNNING" and "10.77.0.5" in up["addresses"]
    # init is systemd, and has moved itself into its scope
    cgroups = place.root(f"cat /proc/{up['pid']}/cgroup").out
    assert "lxc.payload.deb1/init.scope" in cgroups
    inside = place.tool("exec deb1 -- systemctl is-system-running --wait", seconds=120).out.strip()
    assert inside in ("running", "degraded")  # no device of its own to mount debugfs
    # the network is really there: a veth of the bridge, one of two that the user may have
    place.root("busybox ping -c 1 -W 5 10.77.0.5")
    pinged = place.tool("exec deb1 -- bash -c 'exec 3<>/dev/tcp/10.77.0.1/9 || echo refused'")
    assert "refused" in (pinged.out + pinged.err).lower()  # the bridge answers: nobody listens
    assert place.root("cat /run/lxc/nics").out.count(f"{place.user.name} veth tbr0") == 1
    # the limits are in its own cgroups
    assert _limit(place, cgroups, "memory", "memory.limit_in_bytes") == str(256 << 20)
    assert _limit(place, cgroups, "pids", "pids.max") == "200"
    rows = {row["name"]: row for row in place.tool("list --format json").json}
    assert rows["deb1"]["addresses"] == ["10.77.0.5"] and rows["deb1"]["memory"] > 1 << 20
    # chpasswd, which Debian has and busybox has not
    assert place.tool("passwd deb1", given="correct horse\n").code == 0
    assert place.tool("exec deb1 -- grep -c '^root:[$]' /etc/shadow").out == "1\n"
    # stopped by its own shutdown, and started again as it was
    place.tool("exec deb1 -- touch /root/kept")
    began = time.monotonic()
    assert place.tool("stop deb1 --timeout 90", seconds=120).code == 0
    assert time.monotonic() - began < 60  # it was not killed
    again = place.tool("run deb1 --format json", seconds=120)
    assert again.code == 0 and "10.77.0.5" in again.json["addresses"], again
    assert place.tool("exec deb1 -- ls /root").out == "kept\n"
    assert place.tool("stop deb1", seconds=60).code == 0
    assert place.tool("destroy deb1").code == 0
    assert place.leftovers() == []


def _limit(place: Place, cgroups: str, controller: str, file: str) -> str:
    """A file of the container's own cgroup."""
    for line in cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            head = path.partition("/init.scope")[0]
            assert "lxc.payload.deb1" in head, cgroups
            return place.root(f"cat /sys/fs/cgroup/{controller}{head}/{file}").out.strip()
    raise AssertionError(f"no {controller} in {cgroups}")


def test_the_quota_of_the_bridge_is_kept(debian: Place) -> None:
    place = debian
    place.context = ""
    for n in (1, 2):
        assert place.tool(f"run q{n} --net tbr0 --ip 10.77.0.2{n}/24").code == 0
    done = place.tool("run q3 --net tbr0 --ip 10.77.0.23/24")
    assert done.code == 1 and "network.usernet_quota" in done.err, done
    for n in (1, 2):
        assert place.tool(f"destroy q{n} --force").code == 0
    assert place.leftovers() == []


def test_a_bridge_that_is_not_there_and_one_without_dhcp(debian: Place) -> None:
    place = debian
    done = place.tool("run nobr --net br9 --ip 10.0.0.1/24")
    assert done.code == 1 and "network.bridge_exists" in done.err, done
    done = place.tool("run dhcp --net tbr0 --timeout 6")
    assert done.code == 0 and "no address" in done.err, done
    assert place.tool("destroy dhcp --force").code == 0


def test_the_default_guest_takes_an_address_from_a_dhcp_server(debian: Place) -> None:
    place = debian
    place.root(
        "dnsmasq --port=0 --interface=tbr0 --bind-interfaces --except-interface=lo --leasefile-ro"
        " --dhcp-range=10.77.0.50,10.77.0.90 --dhcp-authoritative --pid-file=/run/dhcp.pid"
        " --no-ping"
    )
    done = place.tool("run leased --net tbr0 --format json")
    assert done.code == 0, done
    assert any(one.startswith("10.77.0.") for one in done.json["addresses"]), done
    assert "10.77.0.1" in place.tool("exec leased -- ip route").out
    assert place.tool("destroy leased --force").code == 0
    place.root("kill $(cat /run/dhcp.pid)")


def test_without_a_cgroup_the_gate_knows_that_systemd_would_die(debian: Place) -> None:
    place = debian
    place.context = ""
    done = place.tool(f"run deb2 --rootfs {ROOTFS}", seconds=120)
    assert done.code == 1 and "cgroup.user_cgroup" in done.err, done
    assert place.leftovers() == []
    # told otherwise by nobody: LXC says 0, and the guest is dead
    place.delegate()
    assert place.tool(f"run deb2 --rootfs {ROOTFS}", seconds=120).code == 0
    assert place.tool("stop deb2 -k").code == 0
    place.context = ""
    rc = place.as_user("lxc-start -n deb2; sleep 3; lxc-info -n deb2 -s").out
    assert "STOPPED" in rc
    assert place.tool("destroy deb2 --force").code == 0


def test_on_a_pure_cgroup2_it_starts_in_a_fresh_cgroup_of_the_users(debian: Place) -> None:
    """As a host without systemd that delegates cgroup2: nothing but the better seat works."""
    place = debian
    name = f"truth-{place.user.name}"
    place.root(
        f"unified; mkdir -p /sys/fs/cgroup/{name}/top/shell;chown -R $U: /sys/fs/cgroup/{name}/top"
    )
    place.context = f"echo $BASHPID >/sys/fs/cgroup/{name}/top/shell/cgroup.procs"
    try:
        done = place.tool(f"run deb3 --rootfs {ROOTFS} --format json", seconds=120)
        assert done.code == 0, done
        assert "fresh cgroup" in done.json["way"]
        path = place.root(f"cat /proc/{done.json['pid']}/cgroup").out.strip()
        assert "/lxc-preflight-deb3-" in path, path
        assert place.tool("exec deb3 -- id -u").out == "0\n"
        assert place.tool("stop deb3", seconds=60).code == 0
        assert place.tool("destroy deb3").code == 0
        left = place.root(f"find /sys/fs/cgroup/{name} -type d").out
        assert "lxc-preflight" not in left, left
    finally:
        place.context = ""


def test_by_root_for_the_user(debian: Place) -> None:
    """Where the login gives no cgroup, root is told the same."""
    tool = f"PYTHONDONTWRITEBYTECODE=1 {world.PYTHON} -m lxc_preflight"
    said = debian.root(f"{tool} run deb4 --user $U --rootfs {ROOTFS} 2>&1 || echo $?").out
    assert said.endswith("1\n") and "cgroup.user_cgroup" in said, said
    assert json.loads(debian.root(f"{tool} list --user $U --format json").out)[0]["name"] == "base"
