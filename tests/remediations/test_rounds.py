"""Several causes at once, on a tree: one plan in rounds, one script, one undo."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from audit.engine import run
from audit.model import Outcome
from audit.planning import plan
from audit.registry import builtin
from audit.source import Answer, Question
from remediations.script import script
from tests.remediations.law4 import Entry, subject_of
from tests.remediations.lxc_tree import CONFIG, HELPER, IDMAP, theirs, tree_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
ANSWERS: Mapping[Question, Answer] = {("uname",): ["Linux", "h", "6.1.0", "x86_64"]}
AREAS = ("idmap", "config", "host", "lxc")
CHECKS = {name: one for name, one in builtin().items() if one.area in AREAS}

BROKEN: dict[str, tuple[Mapping[str, str | Entry | None], str]] = {
    "a tutorial of 2014, whose ids are somebody else's": (
        {
            "/etc/subuid": "other:100000:65536\nlxc:165536:65536\n",
            "/etc/subgid": "lxc:165536:65536\r\n",
            CONFIG: theirs(
                "lxc.network.type = empty\n"
                "lxc.id_map = u 0 100000 65536\nlxc.id_map = g 0 100000 65536\n"
            ),
        },
        "lxc.net.0.type = empty\nlxc.idmap = u 0 165536 65536\nlxc.idmap = g 0 165536 65536\n",
    ),
    "nothing but the account": (
        {"/etc/subuid": None, "/etc/subgid": Entry(link="/nowhere"), CONFIG: None},
        f"# what new containers begin with\n{IDMAP}",
    ),
    "old keys, no ids, no setuid bit": (
        {
            "/etc/subuid": "",
            "/etc/subgid": "# none yet",
            "/usr/bin/newuidmap": Entry(HELPER, 0o755),
            CONFIG: theirs("lxc.id_map = u 0 100000 65536\nlxc.id_map = g 0 0 65536\n"),
        },
        "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n",
    ),
    "a line of Incus, a bad value, a bad word": (
        {CONFIG: theirs("lxc.idmap = b 0 100000 65536\nlxc.tty.max = x\nlxc.foo\n")},
        "lxc.idmap = u 0 100000 65536\n# lxc.tty.max = x\n# lxc.foo\n"
        "lxc.idmap = g 0 100000 65536\n",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_plan_cures_what_hides_behind_one_another(tmp_path: Path, name: str) -> None:
    changes, after = BROKEN[name]
    tree = tree_of(tmp_path, changes, config=None)
    before = tree.state()
    host = tree.host(ANSWERS)
    found = plan(host, CHECKS, level="degraded")
    assert not found.conflicts and not found.broken and not found.without_fix
    text = script(found.steps, subject_of(host))
    done = tree.run(text)
    assert done.returncode == 0, done.stdout + done.stderr
    failed = [
        (result.check.id, finding.message)
        for result in run(CHECKS, tree.host(ANSWERS))
        for finding in result.findings
        if finding.outcome is Outcome.FAIL and result.check.level in ("blocking", "degraded")
    ]
    assert not failed, done.stdout
    assert (tree.place / CONFIG.strip("/")).read_text() == after
    once = tree.state()
    assert tree.run(text).returncode == 0
    assert tree.state() == once
    assert tree.run(text, "--undo").returncode == 0
    assert tree.state() == before
