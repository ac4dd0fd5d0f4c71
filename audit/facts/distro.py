"""Which distribution: os-release(5), and the family whose package manager and boot files it has."""

from __future__ import annotations

from audit.host import Host
from audit.model import Unknown

PATHS = ("/etc/os-release", "/usr/lib/os-release")  # os-release(5): the first one that exists

# ID, or a word of ID_LIKE -> family; a family is what shares package names and boot files
FAMILIES = {
    "debian": "debian",
    "ubuntu": "debian",
    "devuan": "debian",
    "raspbian": "debian",
    "fedora": "fedora",
    "rhel": "fedora",
    "centos": "fedora",
    "almalinux": "fedora",
    "rocky": "fedora",
    "amzn": "fedora",
    "ol": "fedora",
    "arch": "arch",
    "archarm": "arch",
    "artix": "arch",
    "manjaro": "arch",
    "gentoo": "gentoo",
    "funtoo": "gentoo",
    "alpine": "alpine",
    "postmarketos": "alpine",
}


def parse_os_release(text: str) -> dict[str, str]:
    """The assignments of os-release(5): shell syntax without expansion, the last of a name wins."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name.isidentifier() and name.isascii():
            found[name] = _unquoted(value)
    return found


def _unquoted(value: str) -> str:
    """A value without its quotes; backslash escapes are undone where a shell would undo them."""
    quote = value[:1]
    if quote == "'":
        return value[1:].partition("'")[0]
    inside = quote == '"'
    out: list[str] = []
    characters = iter(value[1:] if inside else value)
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            # sh(1): inside double quotes a backslash is special before these four only
            out.append(following if not inside or following in '$"\\`' else "\\" + following)
        elif character == '"':
            break
        else:
            out.append(character)
    return "".join(out)


def os_release(host: Host) -> dict[str, str]:
    """The host's os-release(5), {} when it has none. Raises Unknown when it cannot be looked at."""
    why: Unknown | None = None
    for path in PATHS:
        try:
            text = host.read(path)
        except Unknown as unknown:
            why = why or unknown
            continue
        if text is not None:
            return parse_os_release(text)
    if why is not None:
        raise why
    return {}


def family(host: Host) -> str | None:
    """debian, fedora, arch, gentoo or alpine, by ID, then ID_LIKE; None for any other."""
    release = host.get(os_release)
    words = (release.get("ID", ""), *release.get("ID_LIKE", "").split())
    return next((FAMILIES[word] for word in words if word in FAMILIES), None)
