"""The installed LXC: its tools, its version, and the paths that were compiled into it.

Nothing is run: liblxc's own strings say what `lxc-start --version` and `lxc-config` would.
"""

from __future__ import annotations

from audit.facts.executables import which
from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

# String constants of the library: they are NUL-delimited. "1.0.0" is the OCI version that hooks are
# told, not LXC's own.
_CONSTANTS = (
    r"([/0-9Bl])(?<=\x00.)(?:"  # the first character, sought before the NUL: that is twice as fast
    r"(\d?\.\d{1,2}\.\d{1,3}(?:-[\w.~]{1,20})?)"
    r"|([!-~]{1,200}/lxc-user-nic)"
    r"|([!-~]{1,200}/rootfs)"
    r"|([!-~]{1,200}/lxc/templates)"
    r"|uilt without (AppArmor|SELinux) support"
    r"|ib(seccomp|cap)\.so[.\d]*"
    r")(?=\x00)"
)
_OCI_VERSION = "1.0.0"
_LIBRARIES = {"seccomp": "seccomp", "cap": "capabilities"}  # lib*.so -> what LXC cannot do without
_LIBRARY = "liblxc.so.1"
_CACHED = r"\x00(/[^\x00]{1,200}/liblxc\.so\.1)(?=\x00)"
# Debian's names for the directories that ld.so(8) searches last.
_TRIPLETS = {
    "x86_64": "x86_64-linux-gnu",
    "aarch64": "aarch64-linux-gnu",
    "i686": "i386-linux-gnu",
    "armv7l": "arm-linux-gnueabihf",
    "ppc64le": "powerpc64le-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
    "s390x": "s390x-linux-gnu",
}
_PACKAGES = ("liblxc1", "liblxc1t64", "lxc-libs", "liblxc", "lxc", "app-containers/lxc")


class Constants(NamedTuple):
    """What was compiled into liblxc; a path is None when the library holds no such string."""

    library: str
    versions: tuple[str, ...]
    user_nic: str | None
    rootfs_mount: str | None
    template_dir: str | None
    without: frozenset[str]  # of AppArmor, SELinux, seccomp, capabilities: not built in


def tool(host: Host, name: str) -> str | None:
    """Where the user's shell finds one of LXC's tools, None when it does not."""
    found = host.get(which, name)
    return None if found is None else found.path


def library(host: Host) -> str | None:
    """The liblxc of the user's lxc-start, as ld.so(8) finds it; None when there is none.

    An LXC below /usr/local brings its own library next to its tools; the loader's cache decides
    between that one and the distribution's.
    """
    for candidate in _candidates(host):
        if host.stat(candidate) is not None:
            return candidate
    return None


def _candidates(host: Host) -> list[str]:
    """In the loader's order: its cache (the first entry wins), its default directories; then the
    directories beside the tool.
    """
    cached = host.search("/etc/ld.so.cache", _CACHED)
    paths = [row[0] for row in cached or ()]
    for directory in ("/lib", "/usr/local/lib", "/usr/lib", "/lib64", "/usr/lib64"):
        paths.append(f"{directory}/{_LIBRARY}")
    for triplet in _TRIPLETS.values():
        paths.append(f"/usr/lib/{triplet}/{_LIBRARY}")
    start = host.get(tool, "lxc-start")
    if start is not None:
        prefix = start.rpartition("/")[0].rpartition("/")[0]
        for directory in ("lib", "lib64", *(f"lib/{name}" for name in _TRIPLETS.values())):
            paths.append(f"{prefix}/{directory}/{_LIBRARY}")
    return list(dict.fromkeys(paths))


def constants(host: Host) -> Constants:
    """The strings of liblxc that decide where it looks. Raises Unknown when there is no LXC."""
    path = host.get(library) or host.get(tool, "lxc-start")
    if path is None:
        raise Unknown("LXC is not installed", cause="lxc.installed")
    rows = host.search(path, _CONSTANTS)
    if rows is None:
        raise Unknown(f"{path} went away")
    columns = [[row[0] + row[n] for row in rows if row[n]] for n in range(1, 5)]
    mounts = sorted(columns[2], key=lambda found: "lxc" not in found)
    linked = {row[6] for row in rows}
    without = {row[5] for row in rows if row[5]}
    without |= {name for library, name in _LIBRARIES.items() if library not in linked}
    return Constants(
        path,
        tuple(dict.fromkeys(text for text in columns[0] if text != _OCI_VERSION)),
        next(iter(columns[1]), None),
        next(iter(mounts), None),
        next(iter(columns[3]), None),
        frozenset(without),
    )


def version_text(host: Host) -> str:
    """The version as `lxc-start --version` prints it ("5.0.2", "6.0.4-devel").

    Raises Unknown without LXC.
    """
    found = host.get(constants).versions
    if len(found) == 1:
        return found[0]
    packaged = host.get(package_version)
    for text in found:
        if packaged is not None and packaged.startswith(text):
            return text
    if packaged is not None:
        return packaged
    raise Unknown(f"{host.get(constants).library} does not tell its version")


def package_version(host: Host) -> str | None:
    """The distribution's package version without its epoch, None when LXC is no package here."""
    for name in _PACKAGES:
        text = host.package(name)
        if text is not None:
            return text.partition(":")[2] or text
    return None


def lxc_version(host: Host) -> tuple[int, int, int]:
    """The version of LXC as numbers, (5, 0, 2). Raises Unknown without LXC."""
    return parse_version(host.get(version_text))


def parse_version(text: str) -> tuple[int, int, int]:
    """`5.0.2-1+deb12u4` -> (5, 0, 2); missing parts are 0. Raises Unknown for anything else."""
    parts: list[int] = []
    for word in text.split(".")[:3]:
        digits = word[: next((n for n, c in enumerate(word) if c not in "0123456789"), len(word))]
        if not digits:
            break
        parts.append(int(digits[:6]))
        if digits != word:
            break
    if not parts:
        raise Unknown(f"{text!r} is not a version of LXC")
    major, minor, patch = (*parts, 0, 0)[:3]
    return major, minor, patch


def usernic_path(host: Host) -> str:
    """The setuid helper for unprivileged networks; liblxc calls it by this path, never by $PATH."""
    return host.get(constants).user_nic or "/usr/libexec/lxc/lxc-user-nic"


def rootfs_mount(host: Host) -> str:
    """Where a container's root file system is mounted, unless `lxc.rootfs.mount` says otherwise."""
    return host.get(constants).rootfs_mount or "/usr/lib/lxc/rootfs"


def template_dir(host: Host) -> str:
    """Where lxc-create looks for a template given by its short name."""
    return host.get(constants).template_dir or "/usr/share/lxc/templates"
