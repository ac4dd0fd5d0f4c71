"""What a run was asked for, checked as far as words can be checked."""

from __future__ import annotations

import ipaddress
import re

from audit.errors import UsageError
from audit.records import NamedTuple
from runner.names import Image

MEMORY = re.compile(r"[1-9][0-9]{0,17}[kKmMgGtT]?", re.ASCII)
LINK = re.compile(r"[A-Za-z0-9_.:-]{1,15}")  # an interface name (IFNAMSIZ)
CPU_PERIOD = 100_000  # microseconds, the kernel's default


class Limits(NamedTuple):
    """What the container may use: bytes as the kernel reads them, tasks, processors."""

    memory: str | None = None
    pids: int | None = None
    cpus: float | None = None

    def files(self) -> tuple[tuple[str, str, str], ...]:
        """(file of cgroup2, file of cgroup v1, value) of each limit that is set."""
        found: list[tuple[str, str, str]] = []
        if self.memory is not None:
            found.append(("memory.max", "memory.limit_in_bytes", self.memory))
        if self.pids is not None:
            found.append(("pids.max", "pids.max", str(self.pids)))
        if self.cpus is not None:
            quota = round(self.cpus * CPU_PERIOD)
            found.append(("cpu.max", "cpu.cfs_quota_us", str(quota)))
        return tuple(found)


class Network(NamedTuple):
    """--net, --ip and --gateway. `bridge` None: what the config says; empty: no network."""

    bridge: str | None = None
    address: str = ""
    gateway: str = ""


class Archive(NamedTuple):
    """--rootfs and --metadata; `metadata` is empty for the tool's own."""

    rootfs: str
    metadata: str = ""


class Template(NamedTuple):
    """--template NAME -- ARGS."""

    name: str
    arguments: tuple[str, ...] = ()


class Embedded(NamedTuple):
    """The root file system that the tool makes of the host's static busybox."""


What = Image | Archive | Template | Embedded


class Wishes(NamedTuple):
    """One `run`. `what` None: the default for a container that is not there yet."""

    name: str
    what: What | None = None
    config: str | None = None
    network: Network = Network()
    limits: Limits = Limits()
    foreground: bool = False
    timeout: float = 600.0  # seconds, the download included
    accepted: tuple[str, ...] = ()  # globs over ids of checks that may stay undecided
    dry_run: bool = False
    linger: bool = False


def limits(memory: str | None, pids: int | None, cpus: float | None) -> Limits:
    """The limits as typed; raises UsageError for what the kernel would not take."""
    if memory is not None and MEMORY.fullmatch(memory) is None:
        raise UsageError(f"--memory {memory}: a number of bytes, or of K, M, G, T: 512M")
    if pids is not None and pids < 1:
        raise UsageError(f"--pids {pids}: at least 1")
    if cpus is not None and not 0.01 <= cpus <= 10_000:
        raise UsageError(f"--cpus {cpus:g}: a number of processors such as 0.5 or 2")
    return Limits(memory, pids, cpus)


def network(net: str | None, ip: str | None, gateway: str | None) -> Network:
    """The network as typed; raises UsageError for what contradicts itself."""
    if net is None and (ip or gateway):
        raise UsageError("--ip and --gateway need a bridge: --net BRIDGE")
    if net == "none" and (ip or gateway):
        raise UsageError("--net none is no network: it has no address")
    if net is not None and net != "none" and LINK.fullmatch(net) is None:
        raise UsageError(f"--net {net}: it is the name of a bridge, or none")
    if gateway and not ip:
        raise UsageError("--gateway needs the address that goes with it: --ip A/B")
    bridge = "" if net == "none" else net
    if not ip:
        return Network(bridge)
    try:
        own = ipaddress.ip_interface(ip)
        way = ipaddress.ip_address(gateway) if gateway else None
    except ValueError as error:
        raise UsageError(f"--ip, --gateway: {error}") from None
    if "/" not in ip:
        raise UsageError(f"--ip {ip}: with the length of its network, as in {ip}/24")
    if way is not None and way.version != own.version:
        raise UsageError(f"--gateway {gateway} is of another family than --ip {ip}")
    return Network(bridge, own.with_prefixlen, str(way) if way is not None else "")
