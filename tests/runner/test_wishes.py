"""Options as typed."""

from __future__ import annotations

import pytest

from audit.errors import UsageError
from runner.options import inner_arguments
from runner.wishes import Limits, Network, limits, network


def test_limits() -> None:
    assert limits(None, None, None).files() == ()
    assert limits("512M", 100, 0.5).files() == (
        ("memory.max", "memory.limit_in_bytes", "512M"),
        ("pids.max", "pids.max", "100"),
        ("cpu.max", "cpu.cfs_quota_us", "50000"),
    )
    assert limits("1G", None, None) == Limits("1G")
    for memory in ("", "0", "1.5G", "-1", "1X", "G", "1 G"):
        with pytest.raises(UsageError):
            limits(memory, None, None)
    for cpus in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError):
            limits(None, None, cpus)


def test_network() -> None:
    assert network(None, None, None) == Network()
    assert network("none", None, None) == Network("")
    assert network("br0.1", "10.0.0.5/24", "10.0.0.1") == Network(
        "br0.1", "10.0.0.5/24", "10.0.0.1"
    )
    assert network("br0", "fd00::5/64", None).address == "fd00::5/64"
    for words in (
        (None, "10.0.0.1/24", None),
        ("none", "10.0.0.1/24", None),
        ("br0", None, "10.0.0.1"),
        ("br0", "10.0.0.300/24", None),
        ("br0", "10.0.0.1/24", "fe80::1"),
        ("a b", None, None),
        ("x" * 16, None, None),
        ("br0\nlxc.hook.pre-start = x", None, None),
    ):
        with pytest.raises(UsageError):
            network(*words)


def test_what_the_inner_process_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    typed = ["run", "c", "--user", "al", "--config=x", "--rootfs", "/abs", "-f", "y", "--metadata",
             "none", "--template", "t", "--", "-u", "kept", "--config", "z"]  # fmt: skip
    assert inner_arguments(typed) == [
        *("run", "c", "--config", f"{tmp_path}/x", "--rootfs", "/abs", "-f", f"{tmp_path}/y"),
        *("--metadata", "none", "--template", "t", "--", "-u", "kept", "--config", "z"),
    ]
    assert inner_arguments(["list", "-ual"]) == ["list"]
    assert inner_arguments(["list", "--user=al"]) == ["list"]
