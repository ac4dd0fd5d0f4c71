"""The real newuidmap judges our reading of /etc/subuid. Needs root and the installed shadow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.facts.shadow_version import dialect_of, shadow_version
from audit.facts.subids import covers, granted_by
from audit.host import Host, Request
from audit.live import Live
from audit.testing import PASSWD, made_host

from .newuidmap_oracle import UID, USER

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="newuidmap can only be set a trap by root"),
    pytest.mark.skipif(shutil.which("newuidmap") is None, reason="newuidmap is not installed"),
]

PRIVATE = ("unshare", "--mount", "--propagation", "private")
WORKER = Path(__file__).with_name("newuidmap_oracle.py")


class Oracle:
    """The worker process that runs newuidmap."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [*PRIVATE, sys.executable, str(WORKER), str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            pytest.skip("no private mount namespace can be made here")

    def allows(self, text: str, *maps: tuple[int, int, int]) -> bool:
        """Does newuidmap get as far as writing the map? The kernel is not asked here."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"text": text, "maps": maps}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        if answer["code"] == -1:
            pytest.skip("no user namespace can be made here")
        return answer["code"] == 0 or "write to uid_map failed" in answer["error"]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    oracle = Oracle(tmp_path_factory.mktemp("oracle"))
    yield oracle
    oracle.process.kill()
    oracle.process.wait()


VERSION = None if os.geteuid() else Host(Live(), Request()).get(shadow_version)


def predicted(text: str, start: int, size: int) -> bool:
    """What we say of the same file."""
    assert VERSION is not None
    line = f"{USER}:x:{UID}:{UID}::/:/bin/sh\n"
    host = made_host(
        {"/etc/passwd": PASSWD + line, "/etc/subuid": text, "/etc/login.defs": ""},
        request=Request(user=USER),
    )
    return covers(host.get(granted_by, "uid", dialect_of(VERSION)), start, size)


owners = st.sampled_from([USER, str(UID), "root", "0", " " + USER, USER + " ", f"0{UID}", "", "#"])
bases = st.sampled_from([100000, 100001, 0, 99999, 34464, 32768, 2**32 - 70000, 2**32 - 1, 2**64])
sizes = st.sampled_from([65536, 1, 0, 1000, 65535, 65537, 2**32, 2**63])
shapes = st.sampled_from(
    ["{}", "0{}", "{:#x}", "{:#o}", " {}", "{} ", "{}\t", "\v{}", "-{}", "+{}", "", "{}\r"]
)
ends = st.sampled_from(
    ["\n", "", "\r\n", ":\n", ":rest\n", "\0\n", "\n\n", " \n", "x" * 1100 + "\n"]
)


@st.composite
def lines(draw: st.DrawFn) -> str:
    start = draw(shapes).replace("{:#o}", "0o{:o}").format(draw(bases))
    size = draw(shapes).replace("{:#o}", "0o{:o}").format(draw(sizes))
    return f"{draw(owners)}:{start}:{size}{draw(ends)}"


raw_lines = st.text("t_oracle:0123456789 x\n\t#", max_size=40)
padding = st.sampled_from(["", "# " + "x" * 4090 + "\n", "# " + "x" * 4200 + "\n", "x" * 4095])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(lines() | raw_lines, max_size=4).map("".join),
    padding,
    st.tuples(
        st.sampled_from([100000, 100001, 0, 1, 32768, 165535, 4294897296]),
        st.sampled_from([1, 2, 1000, 65536, 65537]),
    ),
)
def test_newuidmap_and_we_agree_on_every_file(
    oracle: Oracle, body: str, pad: str, asked: tuple[int, int]
) -> None:
    for text in {body + pad, pad + body}:
        assert predicted(text, *asked) == oracle.allows(text, (0, *asked)), text


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (f"{USER}:100000:65536\n", (100000, 65536)),
        (f"{USER}:100000:65536", (100000, 65536)),
        (f"{USER}:100000:65536\n", (100000, 65537)),
        (f"{USER}:100000:32768\n{UID}:132768:32768\n", (100000, 65536)),
        (f"{USER}:100000:65536\r\n", (100000, 1)),
        (f"{USER}:0x186a0:0x10000\n", (100000, 65536)),
        (f"{USER}:0100000:65536\n", (32768, 65536)),
        (f"{USER}:0:0\n", (123456, 10)),
        (f"{USER}:0:-1\n", (123456, 10)),
        (f"{USER}:100000:65536:more\n", (100000, 1)),
        (f"x\0\n{USER}:100000:65536\n", (100000, 1)),
        (f"{USER}:100000:65536\n" + "x" * 4095, (100000, 1)),
        (f"+{USER}:100000:65536\n", (100000, 1)),
    ],
)
def test_the_corners_are_where_newuidmap_has_them(
    oracle: Oracle, text: str, asked: tuple[int, int]
) -> None:
    assert predicted(text, *asked) == oracle.allows(text, (0, *asked))


def test_its_own_uid_needs_no_line(oracle: Oracle) -> None:
    assert oracle.allows("", (0, UID, 1))
    assert not oracle.allows("", (0, UID, 2))
