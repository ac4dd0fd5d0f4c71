"""The command line as a person types it, and three checks to type it about."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from audit import cli
from audit.host import Host
from audit.model import CREATE, EVERYTHING, Check, Evidence, Fail, Finding, Fix, Level, Pass
from remediations.actions import Append

PASSWD = "root:x:0:0:root:/root:/bin/sh\nal:x:1000:1000:Al Doe:/home/al:/bin/sh\n"


def asks_for_subids(host: Host) -> Iterator[Finding]:
    """The user has subordinate uids.

    newuidmap(1) maps nothing else.

    Why: "newuidmap: uid range [0-65536) -> [100000-165536) not allowed"
    See: subuid(5)
    """
    text = host.read("/etc/subuid")
    if not text:
        fix = Fix("subids", "grant some", (Append("/etc/subuid", "al:100000:65536"),), "re-login")
        yield Fail("al has none", Evidence("/etc/subuid", None, "nothing", "al:..."), fix=fix)
    else:
        yield Pass("al has some", Evidence("/etc/subuid", 1, text.strip()))


def asks_for_helpers(host: Host) -> Iterator[Finding]:
    yield Pass("newuidmap is there")


def asks_for_noexec(host: Host) -> Iterator[Finding]:
    yield Fail("could be better")


SUBIDS = Check(
    "idmap.subids",
    "The user has subordinate ids",
    Level.BLOCKING,
    asks_for_subids,
    asks_for_subids.__doc__ or "",
    EVERYTHING,
    aliases=("idmap.old_name",),
)
HELPERS = Check(
    "idmap.helpers",
    "The helpers are there",
    Level.BLOCKING,
    asks_for_helpers,
    "",
    (CREATE,),
    after=("idmap.subids",),
)
HARDENING = Check("storage.noexec", "Better", Level.HARDENING, asks_for_noexec, "")


class Typed:
    """What a command did: exit code, standard output, standard error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *argv: object) -> Typed:
        self.capsys.readouterr()
        try:
            code = cli.main([str(word) for word in argv])
        except SystemExit as ended:  # argparse
            code = int(str(ended.code))
        out, err = self.capsys.readouterr()
        return Typed(int(code), out, err)


def recorded(answers: Mapping[tuple[str, ...], object], **request: object) -> str:
    data = {
        "schema": "lxc-preflight/snapshot/1",
        "request": {"user": "al", **request},
        "answers": [
            [list(question), {"answer": answer}]
            for question, answer in {("read", "/etc/passwd"): PASSWD, **answers}.items()
        ],
    }
    return json.dumps(data)
