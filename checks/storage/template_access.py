from collections.abc import Iterator

from audit.facts.lxcconf import lxcpath
from audit.facts.paths import template_crosser, traversal
from audit.host import Host
from audit.model import CREATE, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations.access import traverse


@check(
    "The template can reach the new container's directory",
    Level.BLOCKING,
    stages=(CREATE,),
    after=("host.user", "session.home", "storage.lxcpath"),
)
def template_access(host: Host) -> Iterator[Finding]:
    """lxc-create runs the template as the container's root, with the user's own uid and gid mapped
    as well.

    That makes a private home (0700, user and primary group the user's own) no obstacle at this
    step. A directory whose owner or group is somebody else's is one: a home of group `users` for a
    session of another gid, say.

    Why: "mkdir: cannot create directory ...: Permission denied", "Failed to create container from
    template"
    See: LXC src/lxc/lxccontainer.c, create_run_template(); kernel privileged_wrt_inode_uidgid()
    """
    path, crosser = host.get(lxcpath), host.get(template_crosser)
    if crosser is None:
        raise NotApplicable("the config maps no container root")
    every = host.get(traversal, path, crosser)
    obstacles = [one for one in every if one.step.stat is not None]
    if every and not obstacles:
        raise NotApplicable(f"{every[0].step.path} lets nobody but its owner in")
    if not obstacles:
        yield Pass(
            f"a template can reach {path}",
            Evidence(path, None, f"x for uid {crosser.who.uid} with the user's own ids mapped"),
        )
        return
    step = obstacles[0].step
    uid = crosser.who.uid
    yield Fail(
        f"the template runs as uid {uid} and cannot pass {step.path}: {obstacles[0].reason}",
        *(Evidence(o.step.path, None, o.reason, f"x for uid {uid}") for o in obstacles),
        fix=traverse(host, obstacles, crosser),
    )
