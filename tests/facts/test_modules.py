"""Kernel modules: loaded, built in, loadable, or kept away."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.kconfig import PLACES
from audit.facts.modules import BLOCK_DIRECTORIES, module_available, parse_blocks
from audit.host import Host
from audit.model import Unknown
from audit.source import Answer

NAME = "6.1.0-18-amd64"
TREE = f"/lib/modules/{NAME}"
DEP = "kernel/drivers/net/veth.ko.xz:\nkernel/net/bridge/bridge.ko.xz: kernel/net/llc/llc.ko.xz\n"


class Made:
    """A host whose files can be searched."""

    kind = "live"

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def ask(self, verb: str, *args: str) -> Answer:
        if verb == "uname":
            return ["Linux", "h", NAME, "x86_64"]
        path = args[0]
        if verb == "stat":
            below = any(name.startswith(path + "/") for name in self.files)
            return ["directory", 0o755, 0, 0, 0, 8, 1] if below else None
        if verb == "list":
            names = {
                f.removeprefix(path + "/").split("/")[0]
                for f in self.files
                if f.startswith(path + "/")
            }
            found: list[Answer] = [*sorted(names)]
            return found or None
        if verb == "link":
            return None
        text = self.files.get(path)
        if verb == "read":
            return text
        if verb == "search":
            if text is None:
                return None
            return [[g or "" for g in m.groups()] for m in re.finditer(args[1], text, re.DOTALL)]
        raise Unknown(f"cannot {verb}")


def state(files: dict[str, str], module: str = "veth") -> str:
    base = {"/proc/cmdline": "quiet", "/proc/modules": ""}
    symbol = {"veth": "veth_newlink", "bridge": "br_add_if"}[module]
    host = Host(Made({**base, **files}))
    return host.get(module_available, module, module.upper(), symbol).state


CONFIG = f"/boot/config-{NAME}"


def test_a_loaded_module_is_there_whatever_the_configuration_says() -> None:
    assert (
        state(
            {
                "/proc/modules": "veth 32768 0 - Live 0x0\n",
                CONFIG: "\n# CONFIG_VETH is not set\n\nCONFIG_A=y\n",
            }
        )
        == "loaded"
    )


def test_y_is_built_in_and_n_is_missing() -> None:
    assert state({CONFIG: "#\nCONFIG_VETH=y\n"}) == "builtin"
    assert state({CONFIG: "#\nCONFIG_X=y\n# CONFIG_VETH is not set\n"}) == "missing"


def test_m_counts_when_the_module_can_be_loaded() -> None:
    assert state({CONFIG: "#\nCONFIG_VETH=m\n", f"{TREE}/modules.dep": DEP}) == "loadable"


def test_a_module_of_a_kernel_that_was_replaced_cannot_be_loaded() -> None:
    assert state({CONFIG: "#\nCONFIG_VETH=m\n"}) == "unloadable"


def test_a_module_that_the_package_lacks_is_missing() -> None:
    assert (
        state({CONFIG: "#\nCONFIG_VETH=m\n", f"{TREE}/modules.dep": "kernel/x.ko:\n"}) == "missing"
    )


@pytest.mark.parametrize(
    "block",
    [
        {"/etc/modprobe.d/cis.conf": "install veth /bin/false\n"},
        {"/usr/lib/modprobe.d/b.conf": "# x\nblacklist veth\n"},
        {"/proc/sys/kernel/modules_disabled": "1\n"},
        {"/proc/cmdline": "quiet modprobe.blacklist=pcspkr,veth"},
        {"/proc/cmdline": "module_blacklist=veth"},
    ],
)
def test_a_module_can_be_kept_from_loading(block: dict[str, str]) -> None:
    files = {CONFIG: "#\nCONFIG_VETH=m\n", f"{TREE}/modules.dep": DEP}
    assert state({**files, **block}) == "blocked"
    assert state({**files, **block, "/proc/modules": "veth 1 0 - Live 0x0\n"}) == "loaded"


def test_a_block_of_another_module_is_none_of_ours() -> None:
    files = {CONFIG: "#\nCONFIG_BRIDGE=m\n", f"{TREE}/modules.dep": DEP}
    assert (
        state({**files, "/etc/modprobe.d/a.conf": "blacklist br-netfilter\n"}, "bridge")
        == "loadable"
    )


def test_without_a_configuration_the_lists_of_modules_and_symbols_answer() -> None:
    assert state({f"{TREE}/modules.dep": DEP}) == "loadable"
    assert state({f"{TREE}/modules.builtin": "kernel/drivers/net/veth.ko\n"}) == "builtin"
    assert state({"/proc/kallsyms": "0000 t veth_newlink\n"}) == "builtin"
    assert state({"/proc/kallsyms": "0000 t something\n"}) in ("missing", "unloadable")


def test_with_nothing_to_look_at_it_is_unknown() -> None:
    with pytest.raises(Unknown):
        state({})


def test_a_blocked_module_names_the_line() -> None:
    found = parse_blocks(
        "/etc/modprobe.d/a.conf", "# a\ninstall dccp \\\n  /bin/true\nblacklist br-x\n"
    )
    assert [(b.module, b.line) for b in found] == [("dccp", 3), ("br_x", 4)]


@given(st.text())
def test_any_text_is_a_modprobe_file(text: str) -> None:
    for block in parse_blocks("/x", text):
        assert block.line is not None and 1 <= block.line <= text.count("\n") + 1


def test_every_place_is_a_place_of_modprobe_d() -> None:
    assert all(path.endswith("/modprobe.d") for path in BLOCK_DIRECTORIES)
    assert len(PLACES) == 9
