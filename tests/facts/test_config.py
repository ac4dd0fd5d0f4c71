"""Configs are read as liblxc reads them: its lines, its includes, its refusals."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.config import Config, config_lines, container_config, key_of, problems
from audit.facts.lxc import Constants, constants, lxc_version, parse_version
from audit.facts.session import home_dir, variable
from audit.host import Host, Request
from audit.model import Unknown
from audit.source import Answer, Question, Refused
from audit.testing import WHO, made_host
from tests.primed import CONFIG, primed
from tests.refusals import ACCEPTED, REFUSED

BUILT = Constants("/usr/lib/liblxc.so.1", ("5.0.2",), None, None, None, frozenset())


def host_with(
    files: dict[str, str | None],
    answers: dict[Question, Answer | Refused] | None = None,
    request: Request | None = None,
    version: tuple[int, int, int] = (5, 0, 2),
) -> Host:
    facts = {lxc_version: version, constants: BUILT, home_dir: "/home/lxc"}
    host = primed(made_host(files, answers, request), facts)
    host._facts[(variable, "HOME")] = "/home/lxc", None, frozenset()
    host._facts[(variable, "NOPE")] = None, None, frozenset()
    return host


def read(text: str, version: tuple[int, int, int] = (5, 0, 2)) -> Config:
    request = Request(user="lxc", config=CONFIG)
    return host_with({CONFIG: text}, None, request, version).get(container_config)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lxc.arch = amd64", [(1, "lxc.arch", "amd64")]),
        ("\n\n  lxc.arch=amd64\t \n", [(3, "lxc.arch", "amd64")]),
        ("lxc.a = 1\r\nlxc.b = 2\r\n", [(1, "lxc.a", "1"), (2, "lxc.b", "2")]),
        ("lxc.a = 1\rlxc.b = 2", [(1, "lxc.a", "1"), (1, "lxc.b", "2")]),
        ("lxc.a = 1\0lxc.b = 2\nlxc.c = 3", [(1, "lxc.a", "1")]),
        ("# lxc.a = 1\n #lxc.b\nfoo = 1\nLXC.c = 1\n", []),
        ('lxc.a = "b c"', [(1, "lxc.a", "b c")]),
        ("lxc.a = '\"b\"'", [(1, "lxc.a", '"b"')]),
        ('lxc.a = "b', [(1, "lxc.a", '"b')]),
        ('lxc.a = "', [(1, "lxc.a", '"')]),
        ("lxc.a = b = c", [(1, "lxc.a", "b = c")]),
        ("lxc.a =", [(1, "lxc.a", "")]),
        ("lxc.a foo", [(1, None, "")]),
        ("lxc.a\x0b= \x0cb", [(1, "lxc.a\x0b", "\x0cb")]),
    ],
)
def test_lines_are_split_as_parse_line_splits_them(
    text: str, expected: list[tuple[int, str | None, str]]
) -> None:
    found = [(line.number, line.key, line.value) for line in config_lines(text)]
    assert found == expected


def test_the_last_of_two_values_counts_and_an_empty_one_clears() -> None:
    config = read("lxc.tty.max = 1\nlxc.tty.max = 2\nlxc.uts.name = a\nlxc.uts.name =\n")
    assert (config.get("lxc.tty.max"), config.get("lxc.uts.name")) == ("2", None)
    assert len(config.entries) == 4


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("lxc.idmap = u 0 1 1\nlxc.idmap =\nlxc.idmap = g 0 1 1", ["lxc.idmap"]),
        ("lxc.net.0.type = veth\nlxc.net.1.type = empty\nlxc.net.0 =", ["lxc.net.1.type"]),
        ("lxc.net.0.type = veth\nlxc.net.0.link = br0\nlxc.net.0.type =", []),
        ("lxc.net.0.type = veth\nlxc.net =\nlxc.net.0.type = empty", ["lxc.net.0.type"]),
        ("lxc.cgroup2.memory.max = 1\nlxc.cgroup2.pids.max = 2\nlxc.cgroup2 =", []),
        (
            "lxc.cgroup2.memory.max = 1\nlxc.cgroup2.pids.max = 2\nlxc.cgroup2.memory.max =",
            ["lxc.cgroup2.pids.max"],
        ),
        ("lxc.hook.mount = /a\nlxc.hook.start = /b\nlxc.hook =", []),
        ("lxc.cap.drop = mknod\nlxc.cap.keep =", []),
        ("lxc.net.00.type = veth", ["lxc.net.0.type"]),
    ],
)
def test_an_empty_value_clears_what_liblxc_clears(text: str, left: list[str]) -> None:
    assert [entry.key for entry in read(text).live] == left


def test_a_file_includes_files_and_the_conf_files_of_directories() -> None:
    host = host_with(
        {
            CONFIG: "lxc.include = /a.conf\nlxc.include = /d/\nlxc.tty.max = 9\n",
            "/a.conf": "lxc.tty.max = 1\n",
            "/d/b.conf": "lxc.pty.max = 2\n",
            "/d/README": "lxc.foo\n",
        },
        {
            ("stat", "/d/"): ["directory", 0o755, 0, 0, 0, 8, 1],
            ("user_list", "/d/", WHO): ["README", ".conf", "b.conf"],
        },
        Request(user="lxc", config=CONFIG),
    )
    config = host.get(container_config)
    assert [(e.key, e.value, e.file) for e in config.live if e.key != "lxc.include"] == [
        ("lxc.tty.max", "1", "/a.conf"),
        ("lxc.pty.max", "2", "/d/b.conf"),
        ("lxc.tty.max", "9", CONFIG),
    ]
    assert config.problems == ()


def test_a_missing_directory_is_no_error_and_a_missing_file_is() -> None:
    host = host_with(
        {CONFIG: "lxc.include = /gone/\nlxc.include = /gone.conf\n", "/gone.conf": None},
        {("stat", "/gone/"): None, ("user_list", "/gone/", WHO): None},
        Request(user="lxc", config=CONFIG),
    )
    assert [(p.kind, p.line) for p in host.get(container_config).problems] == [("include", 2)]


def test_a_circle_of_includes_ends() -> None:
    host = host_with(
        {CONFIG: "lxc.include = /a.conf\n", "/a.conf": f"lxc.include = {CONFIG}\n"},
        None,
        Request(user="lxc", config=CONFIG),
    )
    assert [p.kind for p in host.get(container_config).problems] == ["include"]


def test_files_that_include_each_other_twice_do_not_explode() -> None:
    files: dict[str, str | None] = {CONFIG: "lxc.include = /0.conf\n"}
    for number in range(40):
        files[f"/{number}.conf"] = f"lxc.include = /{number + 1}.conf\n" * 2
    files["/40.conf"] = ""
    host = host_with(files, None, Request(user="lxc", config=CONFIG))
    with pytest.raises(Unknown, match="includes more than"):
        host.get(container_config)


def test_what_the_user_may_not_read_liblxc_does_not_read_either() -> None:
    answers: dict[Question, Answer | Refused] = {
        ("user_read", CONFIG, WHO): {"denied": "Permission denied"}
    }
    host = host_with({CONFIG: "lxc.foo = 1"}, answers, Request(user="lxc", config=CONFIG))
    assert [p.kind for p in host.get(container_config).problems] == ["denied"]


def test_every_refused_line_is_told_with_its_number() -> None:
    config = read("lxc.foo = 1\n\nlxc.tty.max = x\nlxc.bar\nlxc.arch = amd64\n")
    assert [(p.line, p.kind) for p in config.problems] == [(1, "key"), (3, "value"), (4, "syntax")]
    assert [entry.key for entry in config.live] == ["lxc.arch"]


@pytest.mark.parametrize(
    ("name", "version", "known"),
    [
        ("lxc.idmap", (5, 0, 2), True),
        ("lxc.id_map", (5, 0, 2), False),
        ("lxc.archive", (4, 0, 6), True),
        ("lxc.archive", (4, 0, 12), False),
        ("lxc.cgroup.memory.limit_in_bytes", (6, 0, 4), True),
        ("lxc.cgroup.memory.limit_in_bytes", (7, 0, 0), False),
        ("lxc.cgroup.dir", (7, 0, 0), True),
        ("lxc.net.0.type", (5, 0, 2), True),
        ("lxc.net.0.veth.vlan.id", (4, 0, 12), False),
        ("lxc.net.0.veth.vlan.id", (5, 0, 0), True),
        ("lxc.net.type", (5, 0, 2), True),  # the table has lxc.net.*, the value is refused
        ("lxc.time.offset.boot", (4, 0, 12), False),
    ],
)
def test_keys_are_those_of_the_installed_release(
    name: str, version: tuple[int, int, int], known: bool
) -> None:
    assert (key_of(name, version) is not None) is known


@given(st.text(alphabet=st.sampled_from("lxc.net0=\"' \t\r\n#\0abc"), max_size=200))
def test_no_text_stops_the_reader(text: str) -> None:
    config = read(text)
    assert len(config.live) <= len(config.entries) <= len(config_lines(text))


def refuses(tool: Path, directory: Path, text: str) -> bool:
    """Whether the installed liblxc refuses a config."""
    place = directory / "x"
    (place / "rootfs").mkdir(parents=True, exist_ok=True)
    (place / "config").write_text(text, newline="")
    env = {"HOME": "/root", "PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(directory)}
    command = [str(tool), "-P", str(directory), "-n", "x", "-c", "lxc.uts.name"]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    return "Failed to parse config" in ran.stderr or "Failed to load config" in ran.stderr


def installed_version() -> tuple[int, int, int] | None:
    tool = shutil.which("lxc-info")
    if tool is None:
        return None
    ran = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False)
    return parse_version(ran.stdout.strip() or "0")


@pytest.mark.skipif(installed_version() != (5, 0, 2), reason="needs lxc-info of LXC 5.0.2")
def test_the_installed_liblxc_refuses_the_same_lines(tmp_path: Path) -> None:
    tool = Path(shutil.which("lxc-info") or "")
    wrong = [
        text
        for text, mine in [*((t, False) for t in ACCEPTED), *((t, True) for t in REFUSED)]
        if refuses(tool, tmp_path, text) is not mine
    ]
    assert wrong == []


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_config_that_liblxc_takes_has_no_problems(text: str) -> None:
    assert read(text).problems == ()


@pytest.mark.parametrize("text", REFUSED)
def test_a_config_that_liblxc_refuses_has_a_problem(text: str) -> None:
    assert read(text).problems != ()


def test_problems_are_found_by_their_kind() -> None:
    host = host_with({CONFIG: "lxc.a\nlxc.foo = 1\n"}, None, Request(user="lxc", config=CONFIG))
    assert [p.text for p in host.get(problems, "key")] == ["lxc.foo = 1"]
