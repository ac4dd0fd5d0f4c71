"""examples/provision/: the script with a real container, the recipes word by word."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import shlex

import pytest

from audit.cli import COMMANDS
from tests.files import ROOT
from tests.runner.place import TOOL, Place
from tests.truth import world

FOLDER = ROOT / "examples/provision"
RECIPES = ("github-actions.yml", "gitlab-ci.yml", "cloud-init.yml", "ansible.yml", "README.md")
CALL = re.compile(r"^(?:[\s-]*|.*: |\s*run: )(?:sudo )?lxc-preflight (\w+ .*)$", re.MULTILINE)


def calls() -> list[tuple[str, str]]:
    """(file, command line) of everything that a recipe has the tool do."""
    found = []
    for name in RECIPES[:-1]:
        text = (FOLDER / name).read_text()
        found += [(name, line) for line in CALL.findall(text)]
        given = re.findall(r"provision\.sh (\S+) (\S+) (.*)", text)
        found += [(name, f"run {box} --user {user} --linger {more}") for user, box, more in given]
    return found


def test_every_recipe_has_a_gate_and_a_run() -> None:
    by_file: dict[str, set[str]] = {}
    for name, line in calls():
        by_file.setdefault(name, set()).add(line.split()[0])
    assert set(by_file) == set(RECIPES[:-1])
    assert all("run" in words for words in by_file.values())
    for name, words in by_file.items():
        assert "audit" in words or "provision.sh" in (FOLDER / name).read_text()


@pytest.mark.parametrize(("name", "line"), calls())
def test_a_command_is_one_that_the_tool_understands(name: str, line: str) -> None:
    words = shlex.split(re.sub(r"\{\{.*?\}\}", "someone", line))
    assert words[0] in COMMANDS
    module = importlib.import_module(f"audit.command.{words[0]}")
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    module.configure(parser)
    end = words.index("--") if "--" in words else len(words)
    args, unknown = parser.parse_known_args(words[1:end])
    assert not unknown and (args.user or words[0] == "images"), (name, unknown)
    assert end == len(words) or module.TAKES_REST


def test_the_script_makes_a_container_behind_the_gate(place: Place) -> None:
    tool = f"env PYTHONPATH={world.PLACE} PYTHONDONTWRITEBYTECODE=1 {TOOL}"
    place.root("cat >/srv/provision.sh; chmod 755 /srv/provision.sh",
               given=(FOLDER / "provision.sh").read_text())  # fmt: skip
    line = f"cd /srv; LXC_PREFLIGHT='{tool}' ./provision.sh $U box --net none"
    place.root(line)
    report = json.loads(place.root("cat /srv/preflight.json").out)
    assert report["verdict"] == "ready"
    assert place.tool("exec box -- hostname").out == "box\n"
    assert place.tool("destroy box --force").code == 0
    place.root("chmod 700 $H")  # and the gate is one
    try:
        assert place.root(f"{line} >/dev/null 2>&1 || echo $?").out == "1\n"
    finally:
        place.root("chmod 755 $H")
