from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.configsyntax import number
from audit.facts.idmap import maps_of
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.config import leave_out


@check(
    "The container's map has the ids that its init runs with",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes", "idmap.container_root"),
)
def init_ids(host: Host) -> Iterator[Finding]:
    """lxc.init.uid and lxc.init.gid are ids that lxc.idmap maps.

    Why: "Invalid argument - Failed to switch to uid 70000"
    See: lxc.container.conf(5) "lxc.init.uid", LXC src/lxc/utils.c (lxc_switch_uid_gid)
    """
    config = host.get(container_config)
    entries = [e for e in (config.last("lxc.init.uid"), config.last("lxc.init.gid")) if e]
    if not entries:
        raise NotApplicable("the init runs as the container's root")
    for entry in entries:
        kind = entry.key.rpartition(".")[2]
        wanted = number(entry.value)
        maps = host.get(maps_of, kind)
        seen = Evidence(entry.file, entry.line, entry.text, f"a {kind} that is mapped")
        if wanted is None or any(m.inside <= wanted < m.inside + m.size for m in maps):
            yield Pass(f"{entry.text} is mapped", seen, subject=kind)
        else:
            fix = leave_out(host, entry, "let init run as the container's root")
            yield Fail(f"{entry.text}: no lxc.idmap maps this {kind}", seen, subject=kind, fix=fix)
