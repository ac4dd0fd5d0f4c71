from collections.abc import Iterator

from audit.facts.lxcconf import lxcpath
from audit.facts.paths import Obstacle, container_crosser, predicted_steps, traversal, walk
from audit.facts.session import umask
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    check,
)
from remediations.access import listed, traverse


@check(
    "The container's root can pass every directory down to lxcpath",
    Level.BLOCKING,
    stages=STARTING,
    after=("host.user", "session.home"),
)
def path_access(host: Host) -> Iterator[Finding]:
    """lxc-start becomes the container's root and then needs x on each directory from / to lxcpath.

    On the host that is an ordinary uid and gid in no further group: the owner's permissions do not
    help, o+x does not help when its gid is the directory's group and lacks x, and an ACL entry does
    not help when the mask cuts it (a later `chmod 700` does that). Where the user's own uid and gid
    are in the id map, its private directories are open to the container's root. Directories that
    lxc-create will make are judged by the umask of the session.

    Why: "Could not access /home/u. Please grant it x access, or add an ACL for the container root"
    See: LXC src/lxc/start.c, print_top_failing_dir(); acl(5); path_resolution(7);
    user_namespaces(7)
    """
    path, crosser = host.get(lxcpath), host.get(container_crosser)
    if crosser is None:
        raise NotApplicable("the config maps no container root")
    uid = crosser.who.uid
    every = host.get(traversal, path, crosser)
    # A FUSE mount that lets nobody in is storage.filesystem's finding, what is no directory
    # storage.lxcpath's.
    obstacles = [one for one in every if one.step.stat and one.step.stat.kind == "directory"]
    if every and not obstacles:
        raise NotApplicable(f"{every[0].step.path} is no directory that others may enter")
    if not obstacles:
        steps = (*host.get(walk, path).steps, *host.get(predicted_steps, path))
        seen = Evidence(path, None, f"x on {len(dict.fromkeys(steps))} directories for uid {uid}")
        yield Pass(f"the container's root (uid {uid}) can pass every directory to {path}", seen)
        return
    names = [one.step.path for one in obstacles]
    yield Fail(
        f"the container's root (uid {uid}) cannot pass {listed(names)}: {_why(host, obstacles[0])}",
        *(Evidence(one.step.path, None, one.reason, f"x for uid {uid}") for one in obstacles),
        fix=traverse(host, obstacles, crosser),
    )


def _why(host: Host, obstacle: Obstacle) -> str:
    if obstacle.step.predicted:
        return f"lxc-create will make it with the umask {host.get(umask):03o}: {obstacle.reason}"
    return obstacle.reason
