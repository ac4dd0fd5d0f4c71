from collections.abc import Iterator

from audit.facts.accounts import local_accounts, local_groups, target
from audit.facts.cgroup import UNIFIED, cgroup_layout, root_controllers
from audit.facts.init import SYSTEMD, init_system
from audit.facts.libcgroup import Group, cgconfig, destination, rule_for_user
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations import libcgroup


@check("cgconfig.conf gives the user a cgroup", Level.DEGRADED)
def cgconfig_(host: Host) -> Iterator[Finding]:
    """The file is one that cgconfigparser can read, and the group that cgrules.conf leads to is in
    it, belongs to the user, and names only controllers that exist.

    Both uid and gid of `task` (who may move processes in) and `admin` (who may make cgroups and set
    limits) have to be the user's. A controller that the kernel does not have (hugetlb, often) makes
    the group fail. On a systemd host systemd owns the tree and libcgroup is not needed.

    Why: "cgconfigparser; error loading /etc/cgconfig.conf: Cgroup, requested group parameter does
    not exist"; "parsing failed at line N"
    See: cgconfig.conf(5); Gentoo has it in /etc/cgroup/
    """
    if host.get(init_system) == SYSTEMD:
        raise NotApplicable("systemd makes the user's cgroups")
    config = host.get(cgconfig)
    if not config.files:
        raise NotApplicable("libcgroup is not configured")
    for problem in config.problems:
        yield Fail(
            f"cgconfigparser stops at line {problem.line}: {problem.why}",
            Evidence(problem.source, problem.line, problem.why),
            subject=problem.source,
            fix=libcgroup.readable(problem),
        )
    group = host.get(_own_group)
    name = host.get(target).name
    if group is None:
        if not config.problems:
            yield Fail(
                f"no group of cgconfig.conf is for {name}",
                Evidence(config.files[0], None, "", f"group {name} {{ perm {{ ... }} ... }}"),
                fix=libcgroup.group(host),
            )
        return
    bad = 0
    for key, value, wanted in _owners(host, group):
        if value not in wanted:
            bad += 1
            yield Fail(
                f"{key} of group {group.name} is {value or 'unset'}: it must be {wanted[0]}",
                Evidence(group.source, group.line, f"{key} = {value}", f"{key} = {wanted[0]}"),
                subject=key,
                fix=libcgroup.owners(host, group),
            )
    for controller in group.controllers:
        if host.get(cgroup_layout) == UNIFIED and controller not in host.get(root_controllers):
            bad += 1
            yield Fail(
                f"group {group.name} names {controller}, which this kernel does not offer: "
                "cgconfigparser fails",
                Evidence(group.source, group.line, f"{controller} {{}}"),
                subject=controller,
                fix=libcgroup.without(host, group, controller),
            )
    if not bad and not config.problems:
        yield Pass(
            f"group {group.name} belongs to {name}", Evidence(group.source, group.line, group.name)
        )


def _own_group(host: Host) -> Group | None:
    """The group the user's rule leads to; without a rule, the one named like the user."""
    rule = host.get(rule_for_user)
    wanted = host.get(target).name if rule is None else host.get(destination, rule)
    return next((g for g in host.get(cgconfig).groups if g.name.strip("/") == wanted), None)


def _owners(host: Host, group: Group) -> list[tuple[str, str, tuple[str, ...]]]:
    account = host.get(target)
    users = (account.name, str(account.uid))
    known = {one.name for one in host.get(local_accounts) if one.uid == account.uid}
    groups = [name for name, gid, _ in host.get(local_groups) if gid == account.gid]
    gids = (*groups, str(account.gid))
    return [
        ("task.uid", group.task_uid, (*users, *known)),
        ("task.gid", group.task_gid, gids),
        ("admin.uid", group.admin_uid, (*users, *known)),
        ("admin.gid", group.admin_gid, gids),
    ]
