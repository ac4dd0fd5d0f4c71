from collections.abc import Iterator

from audit.facts.config import container_config
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Fix, Level, Pass, Unknown, check

Span = tuple[int, int, int]


@check("The ids of the config exist on this host", Level.BLOCKING, stages=EVERYTHING)
def nested(host: Host) -> Iterator[Finding]:
    """Every host id of lxc.idmap is an id of the user namespace this host lives in.

    Outside of containers that is every id. A host that is itself a container has only what it was
    given, and can pass on nothing else.

    Why: "newuidmap: write to uid_map failed: Operation not permitted"
    See: user_namespaces(7), lxc.container.conf(5) lxc.idmap
    """
    if host.source.kind == "root":
        raise Unknown("a directory tree does not show which ids its host has")
    config = host.get(container_config)
    for kind, path, word in (
        ("u", "/proc/self/uid_map", "uid"),
        ("g", "/proc/self/gid_map", "gid"),
    ):
        text = host.read(path)
        if text is None:
            raise Unknown(f"{path} is not there")
        spans = parse_map(text)
        missing = False
        for entry in config.all("lxc.idmap"):
            fields = entry.value.split()
            if len(fields) != 4 or fields[0] != kind or not all(f.isdigit() for f in fields[1:]):
                continue
            first, count = int(fields[2]), int(fields[3])
            if covers(spans, first, count):
                continue
            missing = True
            yield Fail(
                f"{word}s {first} to {first + count - 1} do not exist here: this host is a "
                f"container that was given {sum(span[2] for span in spans)} {word}s",
                Evidence(entry.file, entry.line, f"lxc.idmap = {entry.value}"),
                Evidence(path, None, " ".join(text.split()), f"{first} to {first + count - 1}"),
                fix=Fix("outer_idmap", "give the outer container more ids", (), ("root outside",)),
            )
        if not missing:
            yield Pass(f"every {word} of the config exists", Evidence(path), subject=word)


def parse_map(text: str) -> tuple[Span, ...]:
    """Lines of a uid_map: (first id here, first id outside, count)."""
    rows = (line.split() for line in text.splitlines())
    return tuple(
        (int(row[0]), int(row[1]), int(row[2]))
        for row in rows
        if len(row) == 3 and all(field.isdecimal() for field in row)
    )


def covers(spans: tuple[Span, ...], first: int, count: int) -> bool:
    """Whether every id from `first` on exists here; the kernel wants each range inside one line of
    the map.
    """
    return any(start <= first and first + count <= start + length for start, _, length in spans)
