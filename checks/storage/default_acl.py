from collections.abc import Iterator
from shlex import quote

from audit.facts.accounts import target
from audit.facts.lxcconf import lxcpath
from audit.facts.paths import container_crosser, new_container_dir, passes, reason
from audit.facts.places import user_crosser
from audit.facts.session import session_gid
from audit.host import Host
from audit.model import CREATE, Evidence, Fail, Finding, Fix, Level, NotApplicable, Pass, check


@check(
    "A new container's directory stays open to the user",
    Level.BLOCKING,
    stages=(CREATE,),
    after=("host.user", "session.home", "storage.lxcpath", "storage.filesystem"),
)
def default_acl(host: Host) -> Iterator[Finding]:
    """A default ACL above the containers does not take the group's rights from what lxc-create
    makes.

    lxc-create makes lxcpath/NAME with mode 0770 and gives it to the container's root; the user
    keeps its access by the group. A default ACL (`setfacl -d`) on lxcpath, or on the directory in
    which it will be made, replaces that mode: where its group entry or its mask lacks rwx, the user
    is locked out of the directory it has just made. So it is where lxcpath is setgid for another
    group: LXC then gives the directory to the wrong gid.

    Why: "create_partial: Permission denied - Failed to create "4/partial""
    See: acl(5), "OBJECT CREATION AND DEFAULT ACLs"; LXC src/lxc/lxccontainer.c,
    do_create_container_dir()
    """
    path, user = host.get(lxcpath), host.get(user_crosser)
    if host.get(container_crosser) is None:
        raise NotApplicable("the config maps no container root")
    step = host.get(new_container_dir, path)
    if step is None:
        raise NotApplicable(f"{path} cannot be looked at")
    if passes(step, user, "rwx"):
        seen = Evidence(path, None, "no default ACL" if step.acl is None else "group:rwx")
        yield Pass(f"the user gets at what lxc-create makes in {path}", seen)
        return
    name, where = host.get(target).name, quote(path)
    if step.acl is None:
        why = f"{path} is setgid for a group that is not the user's: {reason(step, user, 'rwx')}"
        yield Fail(
            f"{name} is locked out of the directory that lxc-create makes: {why}",
            Evidence(path, None, "setgid", f"no setgid bit, or group {host.get(session_gid)}"),
            fix=Fix("setgid", "Take the setgid bit away", (f"chmod g-s {where}",), needs=("user",)),
        )
        return
    yield Fail(
        f"the default ACL that {path} has or inherits locks {name} out of a container's directory:"
        f" {reason(step, user, 'rwx')}",
        Evidence(path, None, reason(step, user, "rwx"), "default:group::rwx"),
        fix=Fix(
            "default-acl",
            "Let the default ACL leave the group its rights",
            (
                f"install -d -m 0755 -o {host.get(target).uid} -g {host.get(target).gid} {where}",
                f"setfacl -d -m g::rwx,m::rwx {where}",
            ),
        ),
    )
