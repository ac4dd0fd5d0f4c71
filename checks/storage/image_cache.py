from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.paths import Obstacle, template_crosser, uncreatable
from audit.facts.session import home_dir, variable
from audit.facts.template import judged_template, kind
from audit.host import Host
from audit.model import CREATE, Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check
from remediations.actions import NOBODY, Manual
from remediations.aside import aside
from remediations.directories import give


@check(
    "The download template can write its cache",
    Level.BLOCKING,
    stages=(CREATE,),
    after=("host.user", "session.home", "storage.lxcpath"),
)
def image_cache(host: Host) -> Iterator[Finding]:
    """lxc-download keeps images in ~/.cache/lxc/download and writes there as the container's root.

    The user's own uid and gid are mapped at that step, so a private ~/.cache is fine. A cache that
    root made, with `sudo lxc-create` or a sudo that keeps HOME, is not.

    Why: "mkdir: cannot create directory '/home/u/.cache/lxc//download/...': Permission denied"
    See: LXC templates/lxc-download.in, LXC_CACHE_PATH
    """
    if kind(judged_template(host)) != "download":
        raise NotApplicable("only the download template keeps a cache")
    crosser = host.get(template_crosser)
    if crosser is None:
        raise NotApplicable("the config maps no container root")
    base = host.get(variable, "LXC_CACHE_PATH") or f"{host.get(home_dir)}/.cache/lxc"
    path = f"{base}/download"
    obstacle = host.get(uncreatable, path, crosser)
    if obstacle is None:
        yield Pass(f"{path} can be written", Evidence(path, None, "writable for the template"))
        return
    at, account = obstacle.step.path, host.get(target)
    yield Fail(
        f"the template runs as uid {crosser.who.uid} and may not write to {at}: {obstacle.reason}",
        Evidence(at, None, obstacle.reason, f"owned by {account.name} or the container's root"),
        fix=_fix(host, path, obstacle),
    )


def _fix(host: Host, path: str, obstacle: Obstacle) -> Fix | None:
    step = obstacle.step
    if step.stat is None:
        return None
    if step.stat.kind != "directory":
        return aside(host, f"take {step.path} out of the way", step.path)
    given = give(host, path, host.get(template_crosser), below=True)
    if given is not None or host.get(variable, "LXC_CACHE_PATH") is None:
        return given
    unset = Manual(("unset LXC_CACHE_PATH",), NOBODY)
    return Fix("image_cache", "keep the images in ~/.cache/lxc", (unset,))
