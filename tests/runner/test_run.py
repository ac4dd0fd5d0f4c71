"""Real containers of an ordinary user, from the gate to the end of their life."""

from __future__ import annotations

import json
import re

import pytest

from tests.runner.place import Place

# name, state, pid, perhaps addresses, seconds
LINE = re.compile(r"(\S+)  RUNNING  pid (\d+)(?:  address (\S+))*  in (\d+\.\d\d) s\n")


def destroyed(place: Place, *names: str) -> None:
    for name in names:
        assert place.tool(f"destroy {name} --force").code == 0


def test_a_container_runs_and_lives_its_life(place: Place) -> None:
    done = place.tool("run web1")
    line = LINE.fullmatch(done.out)
    assert done.code == 0 and line and line[1] == "web1", done
    assert place.root(f"cat /proc/{line[2]}/comm").out == "init\n"
    assert place.tool("exec web1 -- sh -c 'hostname; id -u; exit 7'")[:2] == (7, "web1\n0\n")
    assert place.tool("exec web1 -- cat", given="through").out == "through"
    assert place.tool("shell web1", given="echo $((6*7))\n").out == "42\n"
    again = place.tool("run web1 --format json")
    assert again.json["pid"] == int(line[2]) and "already" in again.json["way"]
    assert place.tool("stop web1").code == 0
    assert place.tool("exec web1 -- true").err.endswith("`lxc-preflight run web1` starts it\n")
    assert LINE.fullmatch(place.tool("run web1").out)
    logs = place.tool("logs web1")
    assert logs.code == 0 and "==> start <==\n" in logs.out and "==> console <==\n" in logs.out
    assert place.tool("destroy web1").code == 2  # it runs
    destroyed(place, "web1")
    assert place.tool("destroy web1").code == 2  # it is not there


def test_list_tells_what_there_is(place: Place) -> None:
    assert place.tool("run one").code == 0
    rows = {row["name"]: row for row in place.tool("list --format json").json}
    assert set(rows) == {"base", "one"}
    assert rows["one"]["state"] == "RUNNING" and 0 <= rows["one"]["age"] < 60
    assert rows["one"]["idmap"] == [f"{kind} 0 {place.user.base} 65536" for kind in "ug"]
    assert rows["base"] == {**rows["base"], "state": "STOPPED", "pid": 0, "age": None}
    table = place.tool("list").out.splitlines()
    assert table[0].split() == ["NAME", "STATE", "PID", "ADDRESSES", "IDMAP", "MEMORY", "AGE"]
    assert re.match(r"one +RUNNING +\d+ +- +u 0 ", table[2])
    destroyed(place, "one")


def test_a_password_is_set_and_seen_nowhere(place: Place) -> None:
    assert place.tool("run pw").code == 0
    secret = "tr0ub4dor-and-3"
    before = place.tool("exec pw -- cat /etc/shadow").out
    done = place.tool("passwd pw", given=f"{secret}\n")
    assert done.code == 0, done
    after = place.tool("exec pw -- cat /etc/shadow").out
    assert re.match(r"root:\$\w+\$", after) and after != before
    assert secret not in done.out + done.err + place.tool("logs pw").out
    assert place.tool("passwd pw --account nobody-there", given="x\n").code == 1
    assert place.tool("passwd pw", given="\n").code == 2
    destroyed(place, "pw")


def test_a_dry_run_does_nothing(place: Place) -> None:
    done = place.tool("run dry --memory 64M --net none --dry-run")
    assert "lxc-create -n dry -f" in done.out + done.err or done.code == 1
    done = place.tool("run dry --dry-run")
    assert done.code == 0
    assert f"lxc.idmap = u 0 {place.user.base} 65536" in done.out
    assert re.search(r"^ +lxc-create -n dry -f \S+ .*-t local -- --metadata", done.out, re.M)
    assert re.search(r"^ +lxc-start -n dry -d ", done.out, re.M)


@pytest.mark.parametrize("name", ["../x", "a;b", "a&b", ".hid", "-x", "a" * 64, "a b", "a\nb"])
def test_a_bad_name_stops_everything_before_it_starts(place: Place, name: str) -> None:
    import shlex

    for command in ("run --net none", "destroy", "stop", "exec"):
        rest = " -- true" if command == "exec" else ""
        done = place.tool(f"{command} {shlex.quote(name)}{rest}")
        assert done.code == 2, (command, done)
    assert not place.root(f"ls {place.home}/.local/share").out.replace("lxc\n", "")


def test_the_gate_names_what_stops_it(place: Place) -> None:
    place.root("chmod 700 $H")
    try:
        done = place.tool("run shut")
    finally:
        place.root("chmod 755 $H")
    assert done.code == 1 and done.out == ""
    assert "not run: 1 thing stops it" in done.err
    assert f"cannot pass {place.home}" in done.err and "to cure it" in done.err


def test_what_is_not_granted_is_not_written(place: Place) -> None:
    """The user's own config maps ids that newuidmap refuses: the container gets those granted."""
    place.root("sed -i 's/lxc.idmap = u 0 .*/lxc.idmap = u 0 77 65536/' $CONF")
    try:
        done = place.tool("run mapped")
        assert done.code == 0 and "maps ids that are not granted" in done.err, done
        rows = {row["name"]: row for row in place.tool("list --format json").json}
        assert rows["mapped"]["idmap"][0] == f"u 0 {place.user.base} 65536"
    finally:
        place.root('sed -i "s/lxc.idmap = u 0 .*/lxc.idmap = u 0 $BASE 65536/" $CONF')
    destroyed(place, "mapped")


def test_without_a_config_of_the_users_own(place: Place) -> None:
    place.root("mv $CONF $CONF.kept")
    try:
        assert place.tool("run bare").code == 0
    finally:
        place.root("mv $CONF.kept $CONF")
    destroyed(place, "bare")


def test_limits_that_nobody_could_set_are_refused(place: Place) -> None:
    done = place.tool("run limited --memory 64M --pids 50")
    assert done.code == 1 and "cgroup" in done.err, done


def test_limits_are_in_force_in_its_own_cgroup(place: Place) -> None:
    place.delegate()
    done = place.tool("run limited --memory 64M --pids 50 --format json")
    assert done.code == 0, done
    cgroups = place.root(f"cat /proc/{done.json['pid']}/cgroup").out
    found = {}
    for line in cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        own = re.match(r"(.*/lxc\.payload\.limited)", path)
        for file, controller in (("memory.limit_in_bytes", "memory"), ("pids.max", "pids")):
            if controller in controllers.split(","):
                assert own is not None, cgroups
                found[file] = place.root(f"cat /sys/fs/cgroup/{controller}{own[1]}/{file}").out
    assert found == {"memory.limit_in_bytes": "67108864\n", "pids.max": "50\n"}
    rows = {row["name"]: row for row in place.tool("list --format json").json}
    assert rows["limited"]["memory"] > 0
    assert place.tool("exec limited -- true").code == 0
    destroyed(place, "limited")


def test_options_that_contradict_each_other(place: Place) -> None:
    for words in (
        "--ip 10.0.0.1/24",
        "--net none --ip 10.0.0.1/24",
        "--net br0 --ip 10.0.0.1",
        "--net br0 --ip 10.0.0.1/24 --gateway fe80::1",
        "--memory lots",
        "--pids 0",
        "--cpus 0",
        "--timeout 0",
        "--metadata x",
        "--image debian",
        "-- words",
        "--image a/b --template c",
        "--rootfs /no/such/file",
        "--config /no/such/file",
        "--template download -- -d debian",
        "--template download -- --list",
    ):
        done = place.tool(f"run new {words}")
        assert done.code == 2 and done.err, (words, done)


def test_a_template_of_lxcs_own(place: Place) -> None:
    done = place.tool("run tpl --template busybox")
    assert done.code == 0, done
    assert place.tool("exec tpl -- hostname").out == "tpl\n"
    destroyed(place, "tpl")


def test_a_root_file_system_of_ones_own(place: Place) -> None:
    """A tarball in gzip, then the directory it was made of."""
    place.root(
        "mkdir /srv/own; tar -C /srv/own -xf $(ls -d $H/.cache/lxc-preflight/images/embedded/*/"
        "rootfs.tar.xz); echo mine >/srv/own/etc/mine; chmod 755 /srv/own/root /srv/own/etc/shadow;"
        "tar -C /srv/own -czf /srv/own.tar.gz ."
    )
    for name, path in (("tarball", "/srv/own.tar.gz"), ("folder", "/srv/own")):
        done = place.tool(f"run {name} --rootfs {path} --metadata none")
        assert done.code == 0, done
        assert place.tool(f"exec {name} -- cat /etc/mine").out == "mine\n"
        destroyed(place, name)
    place.root("rm -rf /srv/own /srv/own.tar.gz")


def test_in_the_foreground_until_it_is_asked_to_end(place: Place) -> None:
    process = place.start("run fg --foreground")
    pid = place.wait_for_runner("fg")
    place.wait_until(f"grep -q BusyBox {place.cache}/logs/fg.console.log")
    place.root(f"kill -TERM {pid}")
    out, err = process.communicate(timeout=90)
    assert process.returncode == 143, (process.returncode, out, err)
    assert "BusyBox" in out, out  # what the shell on its console says
    rows = {row["name"]: row["state"] for row in place.tool("list --format json").json}
    assert rows["fg"] == "STOPPED"
    destroyed(place, "fg")


def test_a_guest_that_dies_is_not_up_and_does_not_stay(place: Place) -> None:
    place.root("{ echo 'lxc.init.cmd = /bin/sleep 1'; cat $CONF; } >/srv/dies.conf")
    done = place.tool("run dies --config /srv/dies.conf --accept-unknown config.init")
    assert done.code == 1 and "ended" in done.err, done


def test_a_failed_start_is_diagnosed(place: Place) -> None:
    """What the hook will do, nobody knows beforehand; told to take the risk, LXC fails, and the
    reason is found.
    """
    place.root("{ echo 'lxc.hook.pre-start = /bin/false'; cat $CONF; } >/srv/hook.conf")
    done = place.tool("run hooked --config /srv/hook.conf")
    assert done.code == 3 and "--accept-unknown 'config.hooks'" in done.err, done
    done = place.tool("run hooked --config /srv/hook.conf --accept-unknown config.h*")
    assert done.code == 1, done
    assert "hooked did not start" in done.err and "config.hooks" in done.err, done


def test_root_runs_it_for_a_user_and_never_for_root(place: Place) -> None:
    tool = "PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m lxc_preflight"
    done = place.root(f"{tool} run byroot --user $U --net none")
    assert LINE.fullmatch(done.out), done
    rows = json.loads(place.root(f"{tool} list --user $U --format json").out)
    assert [row["state"] for row in rows if row["name"] == "byroot"] == ["RUNNING"]
    assert place.root(f"{tool} exec -u $U byroot -- hostname").out == "byroot\n"
    assert place.tool("exec byroot -- hostname").out == "byroot\n"  # the same for the user
    place.root(f"{tool} destroy --user $U byroot --force")
    for who in ("", "--user root", "--user 0"):
        said = place.root(f"{tool} run byroot {who} 2>&1 || echo $?").out
        assert said.endswith("2\n") and "--user NAME" in said, said
    assert place.tool("run other --user root").code == 2
    assert place.root(f"{tool} run x --user nobody-there 2>&1 || echo $?").out.endswith("2\n")
