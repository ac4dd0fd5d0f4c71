"""Kernel features that may be modules, for what the container's config asks for: one row each."""

from __future__ import annotations

from collections.abc import Iterator

from audit.facts.modules import ModuleState, module_available
from audit.facts.nics import veths
from audit.host import Host
from audit.model import (
    STARTING,
    Check,
    Evidence,
    Fail,
    Finding,
    Fix,
    Judge,
    Level,
    NotApplicable,
    Pass,
    Stage,
)
from audit.records import NamedTuple
from remediations.distro import kernel_option
from remediations.module_block import boot_installed, unblock, unblock_at_boot


class Row(NamedTuple):
    """A feature: its module, its option, and a function that the kernel lists when it has the
    feature.
    """

    key: str
    option: str
    symbol: str
    title: str
    level: Level
    stages: tuple[Stage, ...]
    without: str


ROWS = (
    Row(
        "veth",
        "VETH",
        "veth_newlink",
        "The kernel can make veth pairs",
        Level.BLOCKING,
        STARTING,
        "Failed to create vethX-vethXp, then: Quota reached",
    ),
    Row(
        "bridge",
        "BRIDGE",
        "br_add_if",
        "The kernel has bridges",
        Level.BLOCKING,
        STARTING,
        "Could not get MTU for netdev",
    ),
    Row(
        "nf_tables",
        "NF_TABLES",
        "nf_tables_newtable",
        "The kernel can translate addresses with nftables",
        Level.DEGRADED,
        (),
        "lxc-net falls back to iptables, and without that containers reach nothing outside",
    ),
)


def _is_asked_for(row: Row, host: Host) -> None:
    wanted = host.get(veths)
    if not wanted:
        raise NotApplicable("the config has no veth network")
    if row.key == "bridge" and not any(nic.link for nic in wanted):
        raise NotApplicable("the config attaches no veth to a bridge")


def problem(name: str, state: ModuleState) -> str:
    """Why a module is not to be had, in one line."""
    return {
        "blocked": f"{name} is kept from loading: {state.observed}",
        "unloadable": f"{name} is a module, and {state.source} is gone: this kernel was replaced",
        "missing": f"this kernel has no {name}: {state.observed}",
    }[state.state]


def cure(host: Host, row: Row, state: ModuleState) -> Fix:
    """What brings the module back, by what is in its way."""
    if state.state == "missing":
        return kernel_option(host, row.option)
    if state.state == "unloadable":
        return boot_installed()
    if state.line is None:
        return unblock_at_boot(host, row.key, state.source, state.observed)
    return unblock(host, row.key, state.source, state.line)


def _judge(row: Row) -> Judge:
    def judge(host: Host) -> Iterator[Finding]:
        _is_asked_for(row, host)
        state = host.get(module_available, row.key, row.option, row.symbol)
        seen = Evidence(state.source, state.line, state.observed)
        if state.is_available:
            yield Pass(f"{row.key} is {state.state}", seen)
        else:
            yield Fail(problem(row.key, state), seen, fix=cure(host, row, state))

    return judge


def _check(row: Row) -> Check:
    doc = f"""{row.title}: built in, loaded, or a module that loads by itself.

    CONFIG_{row.option}=m is worth something only while the module is loaded or can be: not after
    its kernel was replaced on disk and not yet rebooted, not with a `blacklist` or
    `install {row.key} /bin/false` line, not with kernel.modules_disabled=1.

    Why: "{row.without}"
    See: modprobe.d(5), lxc-checkconfig(1)
    """
    return Check(f"kernel.modules.{row.key}", row.title, row.level, _judge(row), doc, row.stages)


CHECKS = tuple(_check(row) for row in ROWS)
