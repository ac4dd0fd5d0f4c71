from __future__ import annotations

from collections.abc import Iterator

from audit.facts.shadow_version import dialects
from audit.facts.subids import named_plugin, plugin
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check
from remediations.actions import Append, Replace


@check("The source of subordinate ids in nsswitch.conf is in force", Level.DEGRADED)
def subid_nss(host: Host) -> Iterator[Finding]:
    """What `subid:` in /etc/nsswitch.conf names first is `files`, or a plugin that is installed.

    With a plugin the two files count for nothing. A plugin whose library is missing is passed over
    and the files count again, with a complaint on every call of newuidmap: so containers start, or
    not, by what the administrator believes to be switched off.

    Why: "Error opening libsubid_sss.so ... Using files"
    See: subuid(5), nsswitch.conf(5), shadow lib/nss.c (nss_init)
    """
    name = host.get(named_plugin)
    if name is None:
        raise NotApplicable("nsswitch.conf names no plugin for subid: the files count")
    seen = Evidence("/etc/nsswitch.conf", None, f"subid: {name}", "files, or an installed plugin")
    if not any(one.asks_nss for one in host.get(dialects)):
        raise NotApplicable("this shadow asks no plugin: that came with 4.9")
    if host.get(plugin) == name:
        yield Pass(f"the plugin {name} decides; /etc/subuid and /etc/subgid are not read", seen)
        return
    yield Fail(
        f"nsswitch.conf names the plugin {name} for subid, which is not installed: the files count",
        seen,
        fix=Fix("nsswitch", "have the files decide, as they do", (first_source(host),)),
    )


def first_source(host: Host) -> Append | Replace:
    """The first line for subid is the one that shadow reads."""
    path, new = "/etc/nsswitch.conf", "subid: files"
    for number, old in enumerate((host.read(path) or "").split("\n"), 1):
        if old[:6].lower() == "subid:" and old[6:].split():
            return Replace(path, number, old, new)
    return Append(path, new)
