"""What the kernel was built with: the places where a build configuration is kept.

`# CONFIG_X is not set` (this kernel knows X and has it off) and no mention of X (this kernel has
never heard of it, or a menu above it is off) are different answers. An option is only missing
within its life span."""

from __future__ import annotations

import re

from audit.facts.kernel import release, release_text
from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

# In this order; {} is the release of the running kernel.
PLACES = (
    "/proc/config.gz",
    "/boot/config-{}",
    "/usr/lib/modules/{}/config",
    "/lib/modules/{}/build/.config",
    "/usr/lib/ostree-boot/config-{}",
    "/usr/lib/kernel/config-{}",
    "/usr/src/linux-headers-{}/.config",
    "/usr/src/linux-{}/.config",
    "/usr/src/linux/.config",
)
# Alpine's installkernel names it after the flavour (aports main/installkernel): 6.12.90-0-lts
FLAVOUR = re.compile(r"-[0-9]+-(lts|virt|rpi|edge|stable)$")
MAX_UNPACKED = 8 * 1024 * 1024  # the largest distribution configuration has 0.4 MiB

# option -> (first, first no more) kernel release that knows it; an empty tuple is "always". See the
# history of each Kconfig file; named are those that tools wrongly miss on newer or older kernels.
LIFE: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "CGROUP_BPF": ((4, 10), ()),
    "CGROUP_MEM_RES_CTLR": ((), (3, 6)),
    "CGROUP_PIDS": ((4, 3), ()),
    "DEVPTS_MULTIPLE_INSTANCES": ((), (4, 7)),
    "IP_NF_TARGET_MASQUERADE": ((), (5, 2)),
    "MEMCG_KMEM": ((), (4, 6)),
    "MEMCG_SWAP_ENABLED": ((), (5, 8)),
    "NETFILTER_XT_TARGET_MASQUERADE": ((5, 2), ()),
    "NETFILTER_XTABLES_LEGACY": ((6, 17), ()),
    "NF_CONNTRACK_IPV4": ((), (4, 19)),
    "NF_CONNTRACK_IPV6": ((), (4, 19)),
    "NF_NAT_IPV4": ((), (5, 1)),
    "NF_NAT_IPV6": ((), (5, 1)),
    "NF_NAT_NEEDED": ((), (5, 3)),
}


class KernelConfig(NamedTuple):
    """One build configuration. `exact`: it belongs to the running kernel, and is not just what lies
    in /usr/src.
    """

    path: str
    text: str
    exact: bool

    def value(self, option: str) -> str | None:
        """`y`, `m`, another value, `n` for `# CONFIG_X is not set`, None when X is not
        mentioned.
        """
        found = self._place(option)
        return None if found is None else self._value(found)

    def entry(self, option: str) -> tuple[int, str] | None:
        """(line number, value) of an option."""
        found = self._place(option)
        if found is None:
            return None
        return self.text.count("\n", 0, found) + 1, self._value(found)

    def _place(self, option: str) -> int | None:
        """Where the newline before an option's line stands.

        The last line wins (a hand-edited .config may hold several), as in
        scripts/kconfig/confdata.c. `text` starts with a newline of our own, so that the first line
        is found, too.
        """
        key = f"CONFIG_{option}"
        found = max(self.text.rfind(f"\n{key}="), self.text.rfind(f"\n# {key} is not set\n"))
        return None if found < 0 else found

    def _value(self, place: int) -> str:
        line = self.text[place + 1 : self.text.find("\n", place + 1)]
        return "n" if line.startswith("#") else line.partition("=")[2].strip().strip('"')

    def line(self, option: str) -> str:
        """What stands there about an option, for evidence."""
        value = self.value(option)
        if value is None:
            return f"CONFIG_{option} is not mentioned"
        return f"# CONFIG_{option} is not set" if value == "n" else f"CONFIG_{option}={value}"


def parse_kconfig(path: str, text: str, exact: bool) -> KernelConfig:
    return KernelConfig(path, f"\n{text}\n", exact)


def kconfig(host: Host) -> KernelConfig:
    """The build configuration of the running kernel. Raises Unknown when none of the places has
    one.
    """
    name = host.get(release_text)
    hidden: Unknown | None = None
    for path in places(name):
        try:
            raw = host.read(path)
        except Unknown as why:
            hidden = hidden or why
            continue
        text = None if raw is None else unpacked(raw) if path.endswith(".gz") else raw
        if text is not None and "\nCONFIG_" in text:
            named = name in path and not path.startswith("/usr/src/linux")
            exact = named or path == PLACES[0] or _is_for(text, name)
            return parse_kconfig(path, text, exact)
    if hidden is not None:
        raise hidden
    raise Unknown(
        f"the build options of kernel {name} are in none of {len(places(name))} places "
        f"(/proc/config.gz, /boot/config-{name}, ...)"
    )


def places(name: str) -> tuple[str, ...]:
    """Where the build configuration of a kernel release is looked for, in this order."""
    found = [place.format(name) for place in PLACES]
    flavour = FLAVOUR.search(name)
    if flavour is not None:
        found.insert(2, f"/boot/config-{flavour[1]}")
    return tuple(found)


def unpacked(raw: str) -> str | None:
    """The text of a gzip file that was read as text; None when it is no sound gzip of reasonable
    size.
    """
    import zlib

    try:
        data = raw.encode("utf-8", "surrogateescape")
        text = zlib.decompressobj(31).decompress(data, MAX_UNPACKED)
    except (zlib.error, UnicodeEncodeError):
        return None
    return text.decode("utf-8", "replace")


def _is_for(text: str, name: str) -> bool:
    """Whether the heading (`# Linux/x86 6.1.76 Kernel Configuration`) names the running release."""
    heading = re.search(r"^# Linux/\S+ (\S+) Kernel Configuration", text[:4096], re.MULTILINE)
    return heading is not None and name.startswith(heading.group(1))


def is_known_to(host: Host, option: str) -> bool:
    """Whether kernels of the running release have this option at all."""
    since, until = LIFE.get(option, ((), ()))
    if not since and not until:
        return True
    running = host.get(release)
    return since <= running and not (until and running >= until)
