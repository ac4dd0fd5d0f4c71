from collections.abc import Iterator

from audit.facts.session import variable
from audit.facts.template import judged_template, kind, script, template_path
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.login_path import export

DEAD = "pool.sks-keyservers.net"


@check("The download template asks a key server that exists", Level.DEGRADED)
def keyserver(host: Host) -> Iterator[Finding]:
    """The template does not fetch its signing key from pool.sks-keyservers.net.

    LXC before 4.0.8 does, and that pool was shut down in 2021. `DOWNLOAD_KEYSERVER` names another,
    `--no-validate` does without; LXC 5 dropped signatures for HTTPS.

    Why: "ERROR: Unable to fetch GPG key from keyserver"
    See: LXC issue 3894, templates/lxc-download.in
    """
    name = judged_template(host)
    if kind(name) != "download":
        raise NotApplicable(f"the template {name} downloads nothing")
    path = host.get(template_path, name)
    if DEAD not in host.get(script, name):
        yield Pass("the template does not ask the dead pool", Evidence(path))
    elif host.get(variable, "DOWNLOAD_KEYSERVER"):
        yield Pass("DOWNLOAD_KEYSERVER names another server", Evidence("DOWNLOAD_KEYSERVER"))
    else:
        yield Fail(
            f"{path} fetches its key from {DEAD}, which is gone: give it --no-validate or a server",
            Evidence(path, None, DEAD, "hkp://keyserver.ubuntu.com"),
            fix=export(host, "DOWNLOAD_KEYSERVER", "hkp://keyserver.ubuntu.com"),
        )
