"""How a container is started and entered, and the config that is written: from facts alone."""

from __future__ import annotations

from typing import Any

import pytest

from audit.errors import UsageError
from audit.facts.accounts import Account
from audit.facts.cgroup import Hierarchy
from audit.facts.cgstart import Plan, Start, run_plan
from audit.facts.config import Config, Entry, config_path, container_config
from audit.facts.idmap import is_granted
from audit.facts.lsm import is_apparmor_enabled, is_loaded
from audit.facts.lxc import lxc_version
from audit.facts.seats import (
    LEAF,
    OWN_SCOPE,
    SCOPE,
    SESSION,
    Seat,
    asks_systemd,
    leaf_seat,
    run_seat,
)
from audit.facts.session import variable
from audit.facts.subids import granted
from audit.facts.systemd import UserManager, own_runtime_dir, user_manager
from audit.facts.userfiles import Denied, user_read
from audit.host import Host, Request
from audit.testing import made_host
from runner import enter
from runner.config import id_maps, write
from runner.plan import IN_SCOPE, in_scope, to_attach, to_start
from runner.wishes import Limits, Network
from tests.primed import primed

RUNS = UserManager("running", "", "/run/user/1001/systemd/private", "present")
NONE = UserManager("none", "", "", "")
CGROUP2 = Hierarchy("", "/sys/fs/cgroup/top/lxc-preflight-N", ("cpu", "memory"), busy=False)


def seat(kind: str) -> Seat:
    return Seat(kind, 1, (CGROUP2,), "/top")


def planned(kind: str, version: tuple[int, int, int] = (5, 0, 2), **more: Any) -> Host:
    facts: dict[Any, Any] = {
        run_plan: Plan(seat(kind), Start("unified"), frozenset()),
        run_seat: seat(kind),
        lxc_version: version,
        asks_systemd: kind == OWN_SCOPE,
        user_manager: RUNS if kind in (SCOPE, OWN_SCOPE) else NONE,
        leaf_seat: seat(LEAF) if kind == LEAF else None,
        own_runtime_dir: "/run/user/1001",
    }
    return in_session(primed(made_host(), facts | more), "/run/user/1001")


def in_session(host: Host, runtime_dir: str | None) -> Host:
    """The host asked from a session with this XDG_RUNTIME_DIR."""
    host._facts[(variable, "XDG_RUNTIME_DIR")] = (runtime_dir, None, frozenset())
    return host


def test_the_start_follows_the_seat_that_the_audit_judged() -> None:
    assert to_start(planned(SESSION), "t").prefix == ()
    assert to_start(planned(OWN_SCOPE), "t").prefix == ()
    assert to_start(planned(SCOPE), "t").command("lxc-start")[:3] == [
        "systemd-run",
        "--user",
        "--scope",
    ]
    leaf = to_start(planned(LEAF), "web1-7")
    assert leaf.leaf == "/sys/fs/cgroup/top/lxc-preflight-web1-7"
    assert leaf.prefix[:2] == ("sh", "-c") and leaf.prefix[-1] == "cpu memory"


def test_a_job_of_crons_is_told_where_the_users_manager_is() -> None:
    assert planned(SCOPE).get(in_scope) == IN_SCOPE
    job = in_session(planned(SCOPE), None)
    expected = ("env", "XDG_RUNTIME_DIR=/run/user/1001", *IN_SCOPE)
    assert to_start(job, "t").prefix == to_attach(job, "t").prefix == expected


@pytest.mark.parametrize(
    ("kind", "version", "prefix"),
    [
        (SCOPE, (4, 0, 6), IN_SCOPE),
        (SCOPE, (5, 0, 2), IN_SCOPE),
        (OWN_SCOPE, (5, 0, 2), IN_SCOPE),
        (OWN_SCOPE, (6, 0, 4), ()),
        (SCOPE, (6, 0, 4), ()),
        (SESSION, (5, 0, 2), ()),
    ],
)
def test_attaching_takes_a_scope_on_lxc_4_and_5(
    kind: str, version: tuple[int, int, int], prefix: tuple[str, ...]
) -> None:
    assert to_attach(planned(kind, version), "t").prefix == prefix


def test_attaching_from_outside_of_a_delegated_cgroup_goes_through_it() -> None:
    assert to_attach(planned(LEAF, (6, 0, 4)), "x").leaf == "/sys/fs/cgroup/top/lxc-preflight-x"


PATH = "/home/lxc/.config/lxc/default.conf"


def host(text: str | Denied | None, *, asked: str | None = None, apparmor: bool = False) -> Host:
    """A host with this default.conf, where 100000 to 165535 are granted."""
    found = primed(
        made_host(request=Request("lxc", asked)),
        {
            config_path: asked or PATH,
            run_seat: seat(SESSION),
            is_apparmor_enabled: apparmor,
        },
    )
    settled: dict[tuple[Any, ...], Any] = {
        (user_read, asked or PATH): text,
        (granted, "uid"): ((100000, 165535),),
        (granted, "gid"): ((100000, 165535),),
        (is_granted, "uid", 100000, 65536): True,
        (is_granted, "gid", 100000, 65536): True,
        (is_granted, "uid", 5, 65536): False,
        (is_loaded, "lxc-container-default-cgns"): False,
    }
    for key, value in settled.items():
        found._facts[key] = (value, None, frozenset())
    return found


GOOD = "lxc.net.0.type = veth\nlxc.net.0.link = lxcbr0\nlxc.idmap = u 0 100000 65536\n"
GOOD += "lxc.idmap = g 0 100000 65536\n"
MAPS = ["lxc.idmap = u 0 100000 65536", "lxc.idmap = g 0 100000 65536"]


def lines(text: str) -> list[str]:
    return text.splitlines()[1:]


def test_the_users_own_config_is_where_it_begins() -> None:
    written = write(host(f"# mine\n\n{GOOD}foreign = line\n"), Network(), Limits(), "")
    assert lines(written.text) == GOOD.splitlines() and written.notes == ()


def test_without_one_the_map_is_what_is_granted_and_there_is_no_network() -> None:
    assert lines(write(host(None), Network(), Limits(), "").text) == [
        *MAPS,
        "lxc.net.0.type = empty",
    ]


def test_a_map_that_is_not_granted_is_replaced_and_said() -> None:
    bad = GOOD.replace("u 0 100000", "u 0 5")
    written = write(host(bad), Network(), Limits(), "")
    assert lines(written.text)[-2:] == MAPS and "u 0 5" not in written.text
    assert "not granted" in written.notes[0]


def test_options_replace_what_the_config_says_of_the_same() -> None:
    text = f"{GOOD}lxc.cgroup2.memory.max = 1\nlxc.cgroup.memory.limit_in_bytes = 1\n"
    network = Network("br0", "10.0.0.5/24", "10.0.0.1")
    written = write(host(text), network, Limits("64M", 50, 0.5), "/c.log")
    assert lines(written.text) == [
        *MAPS,
        "lxc.net.0.type = veth",
        "lxc.net.0.link = br0",
        "lxc.net.0.flags = up",
        "lxc.net.0.name = eth0",
        "lxc.net.0.ipv4.address = 10.0.0.5/24",
        "lxc.net.0.ipv4.gateway = 10.0.0.1",
        "lxc.cgroup2.memory.max = 64M",
        "lxc.cgroup2.pids.max = 50",
        "lxc.cgroup2.cpu.max = 50000",
        "lxc.console.logfile = /c.log",
        "lxc.console.size = 1MB",
    ]
    none = write(host(GOOD), Network(""), Limits(), "")
    assert lines(none.text) == [*MAPS, "lxc.net.0.type = empty"]


def test_limits_are_called_as_the_hosts_cgroups_call_them() -> None:
    v1 = Seat(SESSION, 9, (Hierarchy("memory", "/sys/fs/cgroup/memory", ("memory",)),), "/")
    found = host(GOOD)
    found._facts[(run_seat,)] = (v1, None, frozenset())
    written = write(found, Network(), Limits("64M", 50), "")
    assert lines(written.text)[-2:] == [
        "lxc.cgroup.memory.limit_in_bytes = 64M",
        "lxc.cgroup2.pids.max = 50",  # no pids on v1 there
    ]


def test_what_an_include_brings_is_not_written_over() -> None:
    included = "/etc/lxc/site.conf"
    found = host("lxc.include = /etc/lxc/site.conf\n")
    entries = tuple(
        Entry(key, value, included, n)
        for n, (key, value) in enumerate(
            (("lxc.idmap", "u 0 100000 65536"), ("lxc.net.0.type", "veth")), 1
        )
    )
    config = Config(PATH, entries, (), (included,), entries)
    found._facts[(container_config,)] = (config, None, frozenset())
    written = write(found, Network(), Limits(), "")
    assert lines(written.text) == ["lxc.include = /etc/lxc/site.conf"]
    with pytest.raises(UsageError, match=r"--net: an lxc\.include"):
        write(found, Network("br0"), Limits(), "")


def test_apparmor_without_lxcs_profile_means_unconfined() -> None:
    on = write(host(GOOD, apparmor=True), Network(), Limits(), "")
    assert "lxc.apparmor.profile = unconfined" in on.text
    own = write(host(f"{GOOD}lxc.apparmor.profile = x\n", apparmor=True), Network(), Limits(), "")
    assert "unconfined" not in own.text


def test_a_config_that_was_named_has_to_be_there() -> None:
    for text in (None, Denied("no")):
        with pytest.raises(UsageError, match="--config /x"):
            write(host(text, asked="/x"), Network(), Limits(), "")


def test_maps_of_several_ranges() -> None:
    small, large = (10, 19), (100, 70000)
    assert id_maps((small, large), (large,)) == [
        "lxc.idmap = u 0 100 65536",
        "lxc.idmap = g 0 100 65536",
    ]
    assert id_maps((small,), (small, (30, 32)))[0] == "lxc.idmap = u 0 10 10"
    assert id_maps((), (large,)) == []


AL = Account("al", 1001, 1001, "/home/al", "/bin/zsh")


def test_a_session_is_entered_by_what_the_host_offers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(enter, "SYSTEMD", "/no/such/directory")
    assert enter.session_command(AL, ["a b", "$c"]) == [
        *("su", "-l", "al", "-s", "/bin/sh", "-c", "exec 'a b' '$c'"),
    ]
    monkeypatch.setattr(enter, "SYSTEMD", str(tmp_path))
    command = enter.session_command(AL, ["a b", "$c"])
    assert command[0] == "systemd-run" and "PAMName=login" in command and "User=al" in command
    assert command[-2:] == ["a b", "$c"]
    # systemd refuses KillMode=process for a service with PAM
    assert "KillMode=process" not in command
