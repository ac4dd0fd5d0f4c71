"""Law 4 for the fixes of idmap.*: sub-ids, their files, helpers, and the maps of configs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from audit.host import Request
from audit.model import Outcome
from audit.registry import builtin
from audit.source import Answer, Question
from tests.remediations.law4 import Entry, law4, script_of
from tests.remediations.lxc_tree import (
    BLOCK,
    CONFIG,
    CONTAINERS,
    HELPER,
    HOME,
    IDMAP,
    SHADOW,
    theirs,
    tree_of,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
CHECKS = builtin()
ANSWERS: Mapping[Question, Answer] = {("uname",): ["Linux", "h", "6.1.0", "x86_64"]}
OTHER = "lxc.idmap = u 0 300000 65536\nlxc.idmap = g 0 100000 65536\n"


class Case(NamedTuple):
    """What is broken, the check that says so, and what a file reads afterwards."""

    name: str
    check: str
    changes: Mapping[str, str | Entry | None]
    after: Mapping[str, str] = {}
    request: Request = Request("lxc")
    cured: Outcome = Outcome.PASS


CASES = (
    Case(
        "no line in either",
        "subid_entry",
        {"/etc/subuid": "other:100000:65536\n", "/etc/subgid": ""},
        {
            "/etc/subuid": "other:100000:65536\nlxc:165536:65536\n",
            "/etc/subgid": "lxc:165536:65536\n",
            CONFIG: "lxc.idmap = u 0 165536 65536\nlxc.idmap = g 0 165536 65536\n",
        },
    ),
    Case(
        "what the config asks for is free",
        "subid_entry",
        {"/etc/subuid": "", "/etc/subgid": ""},
        {"/etc/subuid": f"lxc:{BLOCK}\n", "/etc/subgid": f"lxc:{BLOCK}\n", CONFIG: IDMAP},
    ),
    Case(
        "a block that accounts, groups and lines leave free",
        "subid_entry",
        {
            "/etc/passwd": "root:x:0:0::/root:/bin/sh\nlxc:x:1001:1001::/home/lxc:/bin/sh\n"
            "far:x:170000:170000::/:/bin/sh\n",
            "/etc/group": "root:x:0:\nlxc:x:1001:\nbig:x:300000:\n",
            "/etc/subuid": "a:100000:65536\nb:231072:1",
            "/etc/subgid": "",
        },
        {"/etc/subuid": "a:100000:65536\nb:231072:1\nlxc:362144:65536\n"},
    ),
    Case(
        "subuid is a symlink of root's",
        "subid_files",
        {
            "/etc/subuid": Entry(link="/etc/subuid.d"),
            "/etc/subuid.d": f"lxc:{BLOCK}\n",
        },
        {"/etc/subuid": f"lxc:{BLOCK}\n"},
    ),
    Case(
        "subuid leads to a file of the user's, who would be given what it says",
        "subid_files",
        {"/etc/subuid": Entry(link="/srv/ids"), "/srv/ids": theirs("lxc:0:4294967295\n")},
        {"/etc/subuid": ""},
    ),
    Case("subuid is not there", "subid_files", {"/etc/subuid": None}, {"/etc/subuid": ""}),
    Case("subuid is a directory", "subid_files", {"/etc/subuid": None, "/etc/subuid/": Entry()}),
    Case(
        "no newline, shadow 4.19",
        "subid_files",
        {"/etc/subuid": f"lxc:{BLOCK}", "/var/lib/dpkg/status": SHADOW.format("1:4.19.0-1")},
        {"/etc/subuid": f"lxc:{BLOCK}\n"},
    ),
    Case(
        "the count of new users is 0, shadow 4.19",
        "subid_files",
        {
            "/etc/login.defs": "SUB_UID_COUNT 0\n# SUB_GID_COUNT 0\n",
            "/var/lib/dpkg/status": SHADOW.format("1:4.19.0-1"),
        },
        {"/etc/login.defs": "SUB_UID_COUNT 65536\n# SUB_GID_COUNT 0\n"},
    ),
    Case(
        "others can write subuid",
        "subid_files_safe",
        {"/etc/subuid": Entry(f"lxc:{BLOCK}\n", 0o666, 1001, 1001)},
    ),
    Case(
        "a carriage return",
        "subid_syntax",
        {"/etc/subuid": f"# by hand\nlxc:{BLOCK}\r\n"},
        {"/etc/subuid": f"# by hand\nlxc:{BLOCK}\n"},
    ),
    Case(
        "a range a-b, a blank, an octal zero",
        "subid_syntax",
        {"/etc/subuid": "lxc:100000-165535\n", "/etc/subgid": " lxc:0100000:65536 "},
        {"/etc/subuid": f"lxc:{BLOCK}\n", "/etc/subgid": f"lxc:{BLOCK}\n"},
    ),
    Case(
        "tools differ: by uid, in hexadecimal, and a small line first",
        "subid_notation",
        {"/etc/subuid": "lxc:500000:10\n1001:0x186a0:0x10000"},
        {"/etc/subuid": f"lxc:{BLOCK}\nlxc:500000:10\n"},
    ),
    Case(
        "no newline",
        "subid_notation",
        {"/etc/subuid": f"lxc:{BLOCK}"},
        {"/etc/subuid": f"lxc:{BLOCK}\n"},
    ),
    Case(
        "one id too many",
        "subid_size",
        {"/etc/subuid": "lxc:100000:65537\n"},
        {"/etc/subuid": f"lxc:{BLOCK}\n"},
    ),
    Case(
        "too few ids",
        "subid_size",
        {
            "/etc/subuid": "lxc:100000:1000\n",
            "/etc/subgid": "lxc:100000:1000\n",
            CONFIG: theirs("lxc.idmap = u 0 100000 1000\nlxc.idmap = g 0 100000 1000\n"),
        },
        {"/etc/subuid": "lxc:165536:65536\nlxc:100000:1000\n"},
    ),
    Case(
        "a plugin that is not there",
        "subid_nss",
        {"/etc/nsswitch.conf": "passwd: files\ngroup: files\nSubid:  sss files\nsubid: x\n"},
        {"/etc/nsswitch.conf": "passwd: files\ngroup: files\nsubid: files\nsubid: x\n"},
        cured=Outcome.NOT_APPLICABLE,
    ),
    Case(
        "new users get too few ids",
        "login_defs",
        {"/etc/login.defs": "SUB_UID_COUNT 1\n sub_uid_count\t1000\nUMASK 022\n"},
        {"/etc/login.defs": "SUB_UID_COUNT 1\nSUB_UID_COUNT 65536\nUMASK 022\n"},
    ),
    Case(
        "other numbers in the config",
        "within_subids",
        {CONFIG: theirs(f"# mine\n{OTHER}lxc.tty.max = 1\n")},
        {CONFIG: f"# mine\n{IDMAP}lxc.tty.max = 1\n"},
    ),
    Case(
        "the range of an existing container is free",
        "within_subids",
        {f"{CONTAINERS}/c/": theirs(), f"{CONTAINERS}/c/config": theirs(OTHER)},
        {"/etc/subuid": f"lxc:{BLOCK}\nlxc:300000:65536\n", f"{CONTAINERS}/c/config": OTHER},
        Request("lxc", container="c"),
    ),
    Case(
        "two lines with a gap, of which lxc-usernsexec takes the first",
        "within_subids",
        {"/etc/subuid": "lxc:100000:30000\nlxc:130001:40000\nlxc:7000000:5"},
        {"/etc/subuid": f"lxc:{BLOCK}\nlxc:130001:40000\nlxc:7000000:5\n"},
    ),
    Case(
        "a small line of others' ids first",
        "within_subids",
        {"/etc/subuid": "lxc:7000000:5\n"},
        {"/etc/subuid": f"lxc:{BLOCK}\nlxc:7000000:5\n"},
    ),
    Case(
        "the name in other letters",
        "subid_entry",
        {"/etc/subuid": f"Lxc:{BLOCK}\n"},
        {"/etc/subuid": f"lxc:{BLOCK}\n"},
    ),
    Case(
        "the map is taken back at the end",
        "container_root",
        {CONFIG: theirs(f"{IDMAP}lxc.idmap =\n")},
        {CONFIG: f"{IDMAP}# lxc.idmap =\n"},
    ),
    Case(
        "no map in a container whose files are mapped",
        "container_root",
        {
            f"{CONTAINERS}/c/": theirs(),
            f"{CONTAINERS}/c/config": theirs(f"lxc.rootfs.path = dir:{CONTAINERS}/c/rootfs\n"),
            f"{CONTAINERS}/c/rootfs/": Entry(uid=300000, gid=100000),
            "/etc/subuid": f"lxc:{BLOCK}\nlxc:300000:65536\n",
        },
        {
            f"{CONTAINERS}/c/config": f"lxc.rootfs.path = dir:{CONTAINERS}/c/rootfs\n"
            "lxc.idmap = u 0 300000 65536\nlxc.idmap = g 0 100000 65536\n"
        },
        Request("lxc", container="c"),
    ),
    Case(
        "an existing container with one id too many",
        "within_subids",
        {
            f"{CONTAINERS}/c/": theirs(),
            f"{CONTAINERS}/c/config": theirs(IDMAP.replace("65536", "65537")),
        },
        {f"{CONTAINERS}/c/config": IDMAP, "/etc/subuid": f"lxc:{BLOCK}\n"},
        Request("lxc", container="c"),
    ),
    Case(
        "an existing container with a line too many",
        "disjoint",
        {
            f"{CONTAINERS}/c/": theirs(),
            f"{CONTAINERS}/c/config": theirs(
                f"{IDMAP}lxc.idmap = u 9 100009 2\nlxc.rootfs.path = {CONTAINERS}/c/rootfs\n"
            ),
            f"{CONTAINERS}/c/rootfs/": Entry(uid=100000, gid=100000),
        },
        {f"{CONTAINERS}/c/config": f"{IDMAP}lxc.rootfs.path = {CONTAINERS}/c/rootfs\n"},
        Request("lxc", container="c"),
    ),
    Case("no lxc.idmap", "container_root", {CONFIG: theirs("lxc.tty.max = 1")}),
    Case("only uids", "container_root", {CONFIG: theirs(IDMAP.split("lxc.idmap = g")[0])}),
    Case(
        "swapped columns",
        "container_root",
        {CONFIG: theirs("lxc.idmap = u 100000 0 65536\r\nlxc.idmap = g 0 100000 65536\n")},
        {CONFIG: IDMAP},
    ),
    Case(
        "lines that share ids",
        "disjoint",
        {CONFIG: theirs(f"{IDMAP}lxc.idmap = u 10 100010 5\nlxc.idmap = u 10 100010 5\n")},
        {CONFIG: IDMAP},
    ),
    Case(
        "the host's root",
        "host_root",
        {
            "/etc/subuid": f"lxc:0:65536\nlxc:{BLOCK}\n",
            CONFIG: theirs("lxc.idmap = u 0 0 65536\nlxc.idmap = g 0 100000 65536\n"),
        },
        {CONFIG: IDMAP},
    ),
    Case(
        "ids 0 to 999",
        "size",
        {CONFIG: theirs("lxc.idmap = u 0 100000 1000\nlxc.idmap = g 0 100000 65536\n")},
        {CONFIG: IDMAP},
    ),
    Case(
        "an existing container with ids 0 to 999",
        "size",
        {
            f"{CONTAINERS}/c/": theirs(),
            f"{CONTAINERS}/c/config": theirs(
                "lxc.idmap = u 0 100000 1000\nlxc.idmap = g 0 100000 65536\n"
            ),
        },
        {f"{CONTAINERS}/c/config": IDMAP},
        Request("lxc", container="c"),
    ),
    Case("not setuid", "helper_privileged", {"/usr/bin/newuidmap": Entry(HELPER, 0o755)}),
    Case("daemon's", "helper_privileged", {"/usr/bin/newuidmap": Entry(HELPER, 0o4755, 1, 1)}),
    Case("not for everybody", "helper_present", {"/usr/bin/newgidmap": Entry(HELPER, 0o4750)}),
    Case("in a directory of others", "helper_safe", {"/usr/": Entry(mode=0o777)}),
    Case(
        "a copy on the PATH",
        "helper_privileged",
        {
            f"{HOME}/.profile": theirs('PATH="$HOME/bin:$PATH"\n'),
            f"{HOME}/bin/": theirs(),
            f"{HOME}/bin/newuidmap": theirs(HELPER, 0o755),
        },
    ),
    Case(
        "a PATH without /usr/bin",
        "helper_present",
        {f"{HOME}/.profile": theirs("PATH=/opt/bin\n")},
        {f"{HOME}/.profile": 'PATH=/opt/bin\nexport PATH="$PATH:/usr/bin"\n'},
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fail_fix_pass_again_undo(tmp_path: Path, case: Case) -> None:
    tree = tree_of(tmp_path, case.changes)
    check = CHECKS[f"idmap.{case.check}"]
    text = law4(check, tree, answers=ANSWERS, request=case.request, cured=(case.cured,))
    assert tree.run(text).returncode == 0
    for path, after in case.after.items():
        assert (tree.place / path.strip("/")).read_bytes() == after.encode()


def test_a_fifo_becomes_a_file_and_a_fifo_again(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"/etc/subuid": None})
    os.mkfifo(tree.place / "etc/subuid", 0o640)
    law4(CHECKS["idmap.subid_files"], tree, answers=ANSWERS)


UNTRUSTED: tuple[tuple[str, str, Mapping[str, str | Entry | None]], ...] = (
    (
        "helper_privileged",
        "a helper of another user's is not made setuid root",
        {"/usr/bin/newuidmap": Entry(HELPER, 0o755, 1002, 1002)},
    ),
    (
        "helper_privileged",
        "nor is the user's own, where there is no other",
        {
            f"{HOME}/.profile": theirs("PATH=/home/lxc/bin:/usr/bin\n"),
            f"{HOME}/bin/": theirs(),
            f"{HOME}/bin/newuidmap": theirs(HELPER, 0o755),
            "/usr/bin/newuidmap": None,
        },
    ),
    (
        "helper_present",
        "what the user's link leads to is not opened",
        {
            f"{HOME}/.profile": theirs("PATH=/home/lxc/bin:/usr/bin\n"),
            f"{HOME}/bin/": theirs(),
            f"{HOME}/bin/newuidmap": theirs(link="/etc/shadow"),
            "/etc/shadow": Entry("root:*:::::::\n", 0o600),
            "/usr/bin/newuidmap": None,
        },
    ),
    (
        "helper_safe",
        "directories where the user's PATH leads are not closed",
        {
            f"{HOME}/.profile": theirs("PATH=/srv/share/bin:/usr/bin\n"),
            "/srv/share/bin/": Entry(mode=0o775, gid=100),
            "/srv/share/bin/newuidmap": theirs(HELPER, 0o4755),
            "/srv/share/bin/newgidmap": theirs(HELPER, 0o4755),
        },
    ),
)


@pytest.mark.parametrize(("check", "what", "changes"), UNTRUSTED, ids=lambda value: value)
def test_what_a_user_could_have_planted_gets_nothing(
    tmp_path: Path, check: str, what: str, changes: Mapping[str, str | Entry | None]
) -> None:
    tree = tree_of(tmp_path, changes)
    before = tree.state()
    text = script_of(CHECKS[f"idmap.{check}"], tree.host(ANSWERS))
    done = tree.run(text)
    assert done.returncode == 0, done.stderr
    assert tree.state() == before
