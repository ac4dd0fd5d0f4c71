from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.idmap import Obstacle, is_granted, obstacle
from audit.facts.paths import (
    Crosser,
    Step,
    container_crosser,
    passes,
    reason,
    traversal,
    walk,
)
from audit.facts.places import container_dir, rootfs_path, user_crosser
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
from remediations.shifted import let_user_in, rename, shift


@check(
    "The container's root can enter its rootfs",
    Level.BLOCKING,
    stages=STARTING,
    after=(
        *("host.user", "session.home", "storage.path_access", "storage.lxcpath"),
        *("config.present", "config.leftovers"),
    ),
)
def rootfs(host: Host) -> Iterator[Finding]:
    """lxc.rootfs.path of the container is there, and both the user and the container's root can get
    into it.

    A tree that was copied or restored without shifting its ids, or a changed id map, leaves a
    container directory (mode 0770) that the new container root may not pass. A rootfs that belongs
    to somebody else and is open to others still starts; its root then cannot write.

    Why: "Failed to open "/home/u/.local/share/lxc/NAME/rootfs"", "Failed to mount rootfs",
    "No container config specified" when the user cannot pass the container directory.
    See: LXC src/lxc/storage/dir.c, dir_mount(); lxc.container.conf(5), lxc.rootfs.path
    """
    directory = host.get(container_dir)
    if directory is None:
        raise NotApplicable("no container was named with -n")
    way = host.get(walk, directory)
    if way.missing:
        raise NotApplicable(f"{directory} is not there")
    user = host.get(user_crosser)
    closed = [step for step in way.steps if not passes(step, user)]
    if closed:
        yield _unreadable(host, closed, user)
        return
    path, crosser = host.get(rootfs_path), host.get(container_crosser)
    if path is None:
        raise NotApplicable("its rootfs is no directory")
    if crosser is None:
        raise NotApplicable("the config maps no container root")
    yield from _judge(host, path, crosser)


def _unreadable(host: Host, closed: list[Step], user: Crosser) -> Finding:
    name, step = host.get(target).name, closed[0]
    return Fail(
        f"{name} cannot look into {step.path}: {reason(step, user)}",
        Evidence(step.path, None, reason(step, user), f"x for {name}"),
        fix=let_user_in(host, closed),
    )


def _judge(host: Host, path: str, crosser: Crosser) -> Iterator[Finding]:
    way = host.get(walk, path)
    uid = crosser.who.uid
    if way.missing:
        place = f"{way.here.rstrip('/')}/{way.missing[0]}"
        yield Fail(
            f"{place} is not there, but lxc.rootfs.path is {path}",
            Evidence(path, None, f"{place} does not exist", "a directory"),
            fix=rename(host),
        )
        return
    obstacles = host.get(traversal, path, crosser)
    if obstacles:
        foreign = host.get(obstacle, "uid") is Obstacle.RANGE
        if foreign and not host.get(is_granted, "uid", uid, 1):
            raise NotApplicable(f"uid {uid} is not the user's to map: idmap.within_subids")
        first = obstacles[0]
        yield Fail(
            f"the container's root (uid {uid}) cannot pass {first.step.path}: {first.reason}",
            *(Evidence(o.step.path, None, o.reason, f"x for uid {uid}") for o in obstacles),
            fix=shift(host, [one.step for one in obstacles], crosser),
        )
        return
    step = way.steps[-1]
    if step.stat is not None and step.stat.kind != "directory":
        yield Fail(
            f"{path} is a {step.stat.kind}, not a directory",
            Evidence(path, None, step.stat.kind, "a directory"),
        )
    elif step.stat is not None and not crosser.overrides(step.stat):
        yield Fail(
            f"{path} belongs to {step.stat.uid}:{step.stat.gid}, which the container does not have:"
            " it starts, and its root cannot write there",
            Evidence(path, None, f"{step.stat.uid}:{step.stat.gid}", f"uid {uid}"),
            fix=shift(host, [step], crosser),
            level=Level.DEGRADED,
            stages=(),
        )
    else:
        yield Pass(
            f"the container's root can enter {path}", Evidence(path, None, f"x for uid {uid}")
        )
