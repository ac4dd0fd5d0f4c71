from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.idmap import KINDS
from audit.facts.kernel import release, release_text
from audit.host import Host
from audit.model import EVERYTHING, STARTING, Evidence, Fail, Finding, Level, Pass, check
from remediations.idmap_lines import join

# user_namespaces(7), "Defining user and group ID mappings"
MANY, FEW, SINCE = 340, 5, (4, 15)
PAGE = 4096  # LXC_IDMAPLEN (LXC src/lxc/conf.h): the command line of newuidmap has to fit


@check(
    "The kernel takes as many id map lines as the config has",
    Level.BLOCKING,
    stages=EVERYTHING,
)
def idmap_lines(host: Host) -> Iterator[Finding]:
    """`lxc.idmap` has at most 340 lines for users and 340 for groups; 5 each before kernel 4.15.

    All lines of one kind are handed over in one write, which LXC prepares in a buffer of 4096
    bytes. lxc-create fails with them in the template, after its first step, so that half a
    container is left behind.

    Why: "newuidmap: write to uid_map failed: Invalid argument", "Too many uid mappings defined"
    See: user_namespaces(7), LXC src/lxc/conf.c (lxc_map_ids)
    """
    config = host.get(container_config)
    stages = STARTING if host.request.container is not None else EVERYTHING
    most = MANY if host.get(release) >= SINCE else FEW
    bad = False
    for kind, word in (("u", "user"), ("g", "group")):
        lines = [e for e in config.all("lxc.idmap") if e.value.split()[:1] == [kind]]
        length = sum(len(" ".join(entry.value.split()[1:4])) + 1 for entry in lines)
        if len(lines) <= most and length < PAGE:
            continue
        bad = True
        if len(lines) > most:
            last = lines[most]
            why = f"kernel {host.get(release_text)} takes {most}"
        else:
            last = lines[-1]
            why = f"they have {length} bytes, and LXC takes {PAGE - 1}"
        yield Fail(
            f"{len(lines)} lxc.idmap lines for {word} ids are too many: {why}",
            Evidence(last.file, last.line, f"lxc.idmap = {last.value}", f"at most {most} lines"),
            fix=join(host, KINDS[kind], most),
            stages=stages,
        )
    if not bad:
        yield Pass(f"at most {most} lines of a kind", Evidence(config.path))
