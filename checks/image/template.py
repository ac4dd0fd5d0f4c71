from collections.abc import Iterator

from audit.access import may
from audit.facts.session import session_credentials
from audit.facts.template import TOOLS, judged_template, kind, script, template_path
from audit.host import Host
from audit.model import CREATE, Evidence, Fail, Finding, Fix, Level, Pass, check
from remediations.actions import USER, Install, Manual
from remediations.distro import install, part_of_lxc
from remediations.programs import readable

OTHER = "lxc-create -t download -n NAME -- -d DISTRIBUTION -r RELEASE -a ARCHITECTURE"
REFUSAL = "can't be used for unprivileged containers"


@check(
    "The template that fills the container can be run by a user",
    Level.BLOCKING,
    stages=(CREATE,),
    after=("lxc.installed",),
)
def template(host: Host) -> Iterator[Finding]:
    """lxc-create -t finds the script, the user may execute it, and it works without root.

    Judged is busybox for a plain guest and download for a systemd guest. The old templates
    (debian, ubuntu, alpine...) make device nodes, so they stop at once in a user namespace; of
    LXC's own only busybox, download, local and oci do not. Packages split them: lxc-templates,
    Alpine's lxc-download.

    Why: "bad template: download", "This template can't be used for unprivileged containers."
    See: lxc-create(1), LXC src/lxc/utils.c (get_template_path), templates/
    """
    name = judged_template(host)
    path = host.get(template_path, name)
    stat = host.stat(path)
    if stat is None:
        seen = Evidence(path, None, "absent", "an executable script")
        message = f"the template {name} is not installed: there is no {path}"
        yield Fail(message, seen, fix=_bring(host, name))
        return
    mode = f"{stat.kind}, mode {stat.mode & 0o7777:04o}"
    seen = Evidence(path, None, mode, "executable by the user")
    acl = host.xattr(path, "system.posix_acl_access")
    if stat.kind != "file" or not may(list(stat), acl, host.get(session_credentials), "x"):
        fix = readable(host, path, _bring(host, name), "rx")
        yield Fail(f"the user may not execute the template {path}", seen, fix=fix)
    elif REFUSAL in host.get(script, name):
        yield Fail(
            f"the template {name} makes device nodes, which takes root: use -t download",
            Evidence(path, None, REFUSAL, "a template for unprivileged containers"),
            fix=Fix("other_template", "take another template", (Manual((OTHER,), USER),)),
        )
    else:
        yield Pass(f"{path} can be run", seen)


def _bring(host: Host, name: str) -> Fix:
    """LXC's own come with it; where the others are installed, nobody has one of this name."""
    if kind(name) in TOOLS:
        return part_of_lxc(host, f"lxc-{kind(name)}")
    fix = install(host, "lxc-templates")
    installs = next((one for one in fix.actions if isinstance(one, Install)), None)
    if installs is None or not installs.again:
        return fix
    return Fix("other_template", "take another template", (Manual((OTHER,), USER),))
