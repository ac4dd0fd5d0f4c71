from __future__ import annotations

from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.idmap import WRITES_HOST_ROOT_DIRECTLY, idmaps, maps_of, root_id
from audit.facts.lxc import lxc_version
from audit.host import Host
from audit.model import EVERYTHING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.idmap import grant, map_as_owned, use_granted


@check("The config does not map the host's root", Level.BLOCKING, stages=EVERYTHING)
def host_root(host: Host) -> Iterator[Finding]:
    """No `lxc.idmap` line has the host's id 0 in it, whatever /etc/subuid grants.

    A container with the host's uid 0 is a privileged one. From LXC 4.0.10 on such a map is not
    handed to newuidmap at all: LXC writes it with the user's rights, which the kernel refuses.

    Why: "Failed to write uid mapping to ...", "Failed to write mapping: 0 0 65536"
    See: LXC src/lxc/conf.c (lxc_map_ids), user_namespaces(7), kernel commit db2e718a4798 (5.12)
    """
    if not host.get(idmaps):
        raise NotApplicable("the config has no lxc.idmap")
    bad = False
    for kind in ("uid", "gid"):
        for one in host.get(maps_of, kind):
            if not one.outside <= 0 < one.outside + one.size:
                continue
            if host.get(root_id, kind) is None:
                raise NotApplicable("the container's id 0 is not mapped")
            bad = True
            # A group 0 goes through newgidmap like any other, and so does uid 0 of an old LXC.
            refused = (
                kind == "uid"
                and host.get(target).uid != 0
                and host.get(lxc_version) >= WRITES_HOST_ROOT_DIRECTLY
            )
            yield Fail(
                f"{one.text} maps the host's {kind} 0 into the container",
                Evidence(one.file, one.line, one.text, "a range without id 0"),
                subject=kind,
                fix=use_granted(host, kind) or grant(host, kind) or map_as_owned(host, kind),
                level=None if refused else Level.HARDENING,
                stages=None if refused else (),
            )
    if not bad:
        yield Pass("the host's id 0 is not mapped", Evidence(host.get(idmaps)[0].file))
