from collections.abc import Iterator

from audit.facts.lxc import template_dir
from audit.facts.template import judged_template, kind
from audit.facts.userfiles import Denied, user_read
from audit.host import Host
from audit.model import (
    CREATE,
    EVERYTHING,
    STARTING,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    check,
)
from remediations.distro import part_of_lxc
from remediations.programs import readable

# What the configs of today's images include.
FILES = ("common.conf", "userns.conf", "common.seccomp")
IMAGES = ("download", "local", "oci")


@check(
    "LXC's shared configs, which every image includes, can be read",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("lxc.installed",),
)
def shared_config(host: Host) -> Iterator[Finding]:
    """common.conf and userns.conf lie beside the templates and the user can read them.

    The config of a downloaded image is little more than includes of these two. lxc-create reads the
    new config back when the template is done, and fails when one is missing.

    Why: "Failed to open file "/usr/share/lxc/config/common.conf""
    See: LXC config/templates/, templates/lxc-download.in (LXC_TEMPLATE_CONFIG)
    """
    name = judged_template(host)
    if kind(name) not in IMAGES:
        raise NotApplicable(f"the template {name} includes none of them")
    directory = f"{host.get(template_dir).rpartition('/')[0]}/config"
    for file in FILES:
        path = f"{directory}/{file}"
        text = host.get(user_read, path)
        if text is not None and not isinstance(text, Denied):
            yield Pass(f"{path} can be read", Evidence(path), subject=file)
            continue
        what = "does not exist" if text is None else "cannot be read by the user"
        yield Fail(
            f"{path}, which images include, {what}",
            Evidence(path, None, what, "readable"),
            subject=file,
            fix=_fix(host, path, text is None),
            # the policy is read when the container starts, the configs when the template is done
            stages=STARTING if file.endswith(".seccomp") else (CREATE,),
        )


def _fix(host: Host, path: str, absent: bool) -> Fix:
    package = part_of_lxc(host, "config")
    return package if absent else readable(host, path, package)
