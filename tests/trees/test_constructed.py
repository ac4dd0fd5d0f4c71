"""Audits and fixes on root trees of distributions that cannot be booted here.

The trees are constructed, not recorded: see tests/trees/constructed.py, docs/trees.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.engine import level_of, run
from audit.facts.distro import family
from audit.facts.init import init_system
from audit.facts.kconfig import kconfig
from audit.facts.libcgroup import cgconfig_file
from audit.facts.lxc import lxc_version, rootfs_mount, template_dir, usernic_path
from audit.facts.lxcnet import CONFIG_OF
from audit.facts.openrc import cgroup_mode
from audit.host import Host, Request
from audit.model import Level, Outcome
from audit.planning import plan
from audit.registry import builtin
from remediations.script import script
from remediations.typed import typed
from tests.files import ROOT
from tests.remediations.law4 import subject_of
from tests.trees import constructed
from tests.trees.__main__ import page
from tests.trees.constructed import HEAD, STATES, USER, Constructed, Expected, distribution

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: files of several owners")
CHECKS = builtin()
BAD = (Level.BLOCKING, Level.DEGRADED)
KEYS = constructed.names()
EXPECTED = [(key, one) for key in KEYS for one in distribution(key).expected]
MANAGERS = {
    "debian": r"\bapt-get\b|\bdpkg\b",
    "fedora": r"\bdnf\b|\brpm -",
    "arch": r"\bpacman\b",
    "gentoo": r"\bemerge\b",
    "alpine": r"\bapk\b",
}
INITS = {
    "systemd": r"\bsystemctl\b|\bloginctl\b",
    "openrc": r"\brc-update\b|\brc-service\b",
}


def label(value: object) -> str:
    if not isinstance(value, Expected):
        return str(value)
    return "-".join((value.state, value.template, *(f"no_{one}" for one in value.without)))


every_expectation = pytest.mark.parametrize(("key", "expected"), EXPECTED, ids=label)


def made(place: Path, key: str, expected: Expected) -> Constructed:
    return Constructed(place, key, expected.state, expected.without)


def host_of(tree: Constructed, template: str = "download") -> Host:
    return tree.host({}, Request(USER, template=template))


def failing(host: Host) -> Iterator[tuple[str, Level]]:
    """The checks that fail, or crash, and how bad that is."""
    for result in run(CHECKS, host):
        for finding in result.findings:
            assert finding.outcome is not Outcome.ERROR, (result.check.id, finding.message)
            if finding.outcome is Outcome.FAIL:
                yield result.check.id, level_of(result.check, finding)


def of_level(host: Host, *levels: Level) -> set[str]:
    return {check for check, found in failing(host) if found in levels}


@pytest.mark.parametrize("key", KEYS)
def test_every_constructed_tree_says_that_it_is_constructed_and_from_what(key: str) -> None:
    text = (constructed.DIRECTORY / f"{key}.toml").read_text()
    assert text.startswith(HEAD)
    found = distribution(key)
    assert found.title and found.made_from
    used = {one.source for state in STATES for one in found.files[state]}
    used |= {one.source for state in STATES for one in found.packages[state]}
    assert used <= set(found.sources), used - set(found.sources)
    assert {one.state for one in found.expected} == set(STATES)


def test_the_page_of_constructed_trees_is_what_make_docs_writes() -> None:
    assert (ROOT / "docs" / "trees.md").read_text() == page()


@as_root
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("key", KEYS)
def test_facts_of_the_constructed_tree(tmp_path: Path, key: str, state: str) -> None:
    found = distribution(key)
    facts = found.facts
    tree = Constructed(tmp_path, key, state)
    host = host_of(tree)
    assert (host.get(family), host.get(init_system)) == (found.family, found.init)
    versions = {**facts["versions"]}
    for one in constructed.up_to(state):
        versions |= facts.get(f"{one}_state", {}).get("versions", {})
    assert {name: host.package(name) for name in versions} == versions
    mode = host.get(cgroup_mode) if found.init == "openrc" else None
    assert (mode.value if mode else "") == facts.get("cgroup_mode", "")
    if "kconfig" in facts:
        assert host.get(kconfig).path == facts["kconfig"]
    if "cgconfig" in facts:
        assert host.get(cgconfig_file) == facts["cgconfig"]
    if state == "fresh":
        assert host.package("lxc") is None
        return
    assert host.get(lxc_version) == tuple(int(part) for part in facts["lxc"].split("."))
    assert host.get(usernic_path) == facts["user_nic"]
    assert host.get(rootfs_mount) == facts["rootfs_mount"]
    assert host.get(template_dir) == facts["template_dir"]
    assert CONFIG_OF[found.family] == facts["lxc_net"]


@as_root
@every_expectation
def test_causes_of_the_constructed_tree(tmp_path: Path, key: str, expected: Expected) -> None:
    tree = made(tmp_path, key, expected)
    found = set(failing(host_of(tree, expected.template)))
    assert {check for check, level in found if level is Level.BLOCKING} == expected.causes
    assert {check for check, level in found if level is Level.DEGRADED} == expected.degraded


@as_root
@every_expectation
def test_the_script_for_the_constructed_tree_is_its_distributions_and_cures_it(
    tmp_path: Path, key: str, expected: Expected
) -> None:
    """In the words of its package manager and init system; again it changes nothing, and undo
    brings the tree back.
    """
    found = distribution(key)
    tree = made(tmp_path, key, expected)
    before = tree.state()
    host = host_of(tree, expected.template)
    what = plan(host, CHECKS, level="degraded")
    assert not what.conflicts and not what.broken and not what.without_fix
    lines = [line for step in what.steps for action in step.actions for line in typed(action)]
    assert set(expected.commands) <= set(lines), lines
    text = script(what.steps, subject_of(host))
    foreign = [words for name, words in MANAGERS.items() if name != found.family]
    foreign += [words for name, words in INITS.items() if name != found.init]
    assert not re.findall("|".join(foreign), "\n".join((*lines, text)))
    applied = tree.run(text)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert of_level(host_of(tree, expected.template), *BAD) == expected.left, applied.stdout
    for path, line in expected.files.items():
        assert line in (tree.place / path.strip("/")).read_text().splitlines()
    once = tree.state()
    again = tree.run(text)
    assert again.returncode == 0 and tree.state() == once, again.stdout
    undone = tree.run(text, "--undo")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert tree.state() == before


@as_root
@pytest.mark.parametrize("key", KEYS)
def test_the_command_audits_the_constructed_tree(tmp_path: Path, key: str) -> None:
    expected = next(one for one in distribution(key).expected if one.state == "manual")
    tree = made(tmp_path, key, expected)
    asked = ("audit", "--root", str(tree.place), "--user", USER, "--template", expected.template)
    done = subprocess.run(
        [sys.executable, "-m", "lxc_preflight", *asked, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    report = json.loads(done.stdout)
    found = {
        one["check"]
        for one in report["findings"]
        if one["outcome"] == "fail" and one["level"] == "blocking"
    }
    assert found == expected.causes
    assert done.returncode == (1 if expected.causes else 3)  # a tree cannot say everything
