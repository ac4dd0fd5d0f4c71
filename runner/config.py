"""The config that a run writes. Pure: facts and wishes in, text out."""

from __future__ import annotations

from collections.abc import Iterable

from audit.errors import UsageError
from audit.facts.apparmor import DEFAULT_WITH_CGROUP_NAMESPACES
from audit.facts.config import config_lines, config_path, container_config
from audit.facts.configsyntax import idmap
from audit.facts.idmap import KINDS, is_granted
from audit.facts.lsm import is_apparmor_enabled, is_loaded
from audit.facts.seats import run_seat
from audit.facts.subids import Range, granted
from audit.facts.userfiles import Denied, user_read
from audit.host import Host
from audit.records import NamedTuple
from runner.wishes import Limits, Network

USUAL = 65536  # ids: what distributions grant, and what images use
HEADER = "# Written by `lxc-preflight run`."


class Written(NamedTuple):
    """A config to create a container with; `notes` are for the person."""

    text: str
    notes: tuple[str, ...] = ()


def write(host: Host, network: Network, limits: Limits, console: str) -> Written:
    """The config of a new container.

    It begins with the config that `host` is asked about (-f, or the user's own default.conf, which
    may be missing), less what the options replace. Without a map in it, or with one that newuidmap
    would refuse, the map is written from what /etc/subuid and /etc/subgid really grant. Raises
    UsageError when the file of -f cannot be had.
    """
    base, notes = _base(host)
    own = _maps_of(base)
    lines = list(base)
    maps: list[str] = []
    if not _includes(host, base, "lxc.idmap") and (not own or not _all_granted(host, own)):
        maps = id_maps(host.get(granted, "uid"), host.get(granted, "gid"))
        if maps:
            lines = [line for line in lines if not _sets(line, "lxc.idmap")]
            if own:
                notes.append(
                    f"{host.get(config_path)} maps ids that are not granted; "
                    "the container gets those that are"
                )
    lines += maps
    if network.bridge is not None:
        lines = [line for line in lines if not _sets(line, "lxc.net")]
    if network.bridge is not None and _includes(host, base, "lxc.net"):
        raise UsageError(
            f"--net: an lxc.include of {host.get(config_path)} brings a network of its own, which "
            "cannot be taken away: leave the line out, or name another --config"
        )
    has_own = any(_sets(line, "lxc.net") for line in lines) or _includes(host, base, "lxc.net")
    lines += _network(network, has_own=has_own)
    for file, legacy, value in limits.files():
        keys = {f"lxc.cgroup2.{file}", f"lxc.cgroup.{legacy}"}
        lines = [line for line in lines if not any(_sets(line, key, whole=True) for key in keys)]
        lines.append(_limit(host, file, legacy, value))
    lines += _apparmor(host, lines)
    if console and not any(_sets(line, "lxc.console.logfile") for line in lines):
        lines += [f"lxc.console.logfile = {console}", "lxc.console.size = 1MB"]
    return Written("\n".join((HEADER, *lines, "")), tuple(notes))


def _base(host: Host) -> tuple[list[str], list[str]]:
    """The lines of the config at hand that mean something, none when it is missing."""
    path = host.get(config_path)
    text = host.get(user_read, path)
    if host.request.config is not None and not isinstance(text, str):
        why = "there is no such file" if text is None else text.reason
        raise UsageError(f"--config {path}: {why}")
    if text is None:
        return [], []
    if isinstance(text, Denied):
        return [], [f"{path} cannot be read: {text.reason}"]
    return [line.text.rstrip(" \t\r") for line in config_lines(text)], []


def _sets(line: str, key: str, *, whole: bool = False) -> bool:
    name = line.partition("=")[0].rstrip(" \t")
    return name == key or (not whole and name.startswith(f"{key}."))


def _includes(host: Host, base: Iterable[str], key: str) -> bool:
    """Whether a file that the config includes sets a key."""
    if not any(_sets(line, "lxc.include") for line in base):
        return False
    path = host.get(config_path)
    return any(
        entry.file != path and (entry.key == key or entry.key.startswith(f"{key}."))
        for entry in host.get(container_config).live
    )


def _maps_of(lines: Iterable[str]) -> list[tuple[str, int, int, int]]:
    values = [line.partition("=")[2].strip(" \t") for line in lines if _sets(line, "lxc.idmap")]
    return [found for value in values if (found := idmap(value)) is not None]


def _all_granted(host: Host, maps: Iterable[tuple[str, int, int, int]]) -> bool:
    return all(host.get(is_granted, KINDS[letter], out, size) for letter, _, out, size in maps)


def id_maps(uids: tuple[Range, ...], gids: tuple[Range, ...]) -> list[str]:
    """lxc.idmap lines for the container's ids from 0 on; empty when nothing is granted.

    Of several ranges the first that has 65536 ids, else the largest.
    """
    if not uids or not gids:
        return []
    lines = []
    for letter, ranges in (("u", uids), ("g", gids)):
        enough = [span for span in ranges if span[1] - span[0] + 1 >= USUAL]
        first, last = enough[0] if enough else max(ranges, key=lambda span: span[1] - span[0])
        lines.append(f"lxc.idmap = {letter} 0 {first} {min(last - first + 1, USUAL)}")
    return lines


def _network(network: Network, *, has_own: bool) -> list[str]:
    if not network.bridge:
        return [] if has_own else ["lxc.net.0.type = empty"]
    lines = [
        "lxc.net.0.type = veth",
        f"lxc.net.0.link = {network.bridge}",
        "lxc.net.0.flags = up",
        "lxc.net.0.name = eth0",
    ]
    family = "ipv6" if ":" in network.address else "ipv4"
    if network.address:
        lines.append(f"lxc.net.0.{family}.address = {network.address}")
    if network.gateway:
        lines.append(f"lxc.net.0.{family}.gateway = {network.gateway}")
    return lines


def _limit(host: Host, file: str, legacy: str, value: str) -> str:
    """One limit, under the name that this host's cgroups have for it."""
    controller = file.partition(".")[0]
    seat = host.get(run_seat)
    if seat.lines != 1 and seat.legacy(controller) is not None:
        return f"lxc.cgroup.{legacy} = {value}"
    return f"lxc.cgroup2.{file} = {value}"


def _apparmor(host: Host, lines: Iterable[str]) -> list[str]:
    """`unconfined` where AppArmor is on and LXC's own profile is not loaded: the only other one
    that an ordinary user can have.
    """
    if any(_sets(line, "lxc.apparmor.profile") or _sets(line, "lxc.include") for line in lines):
        return []
    if not host.get(is_apparmor_enabled) or host.get(is_loaded, DEFAULT_WITH_CGROUP_NAMESPACES):
        return []
    return ["lxc.apparmor.profile = unconfined"]
