from collections.abc import Iterator

from audit.facts.accounts import target
from audit.facts.cgroup import UNIFIED, cgroup_layout
from audit.facts.init import SYSTEMD, init_system
from audit.facts.libcgroup import (
    CGRULES,
    DAEMON,
    cgconfig,
    destination,
    moves_logins,
    rule_for_user,
    rules,
)
from audit.facts.pam import login_service
from audit.host import Host
from audit.model import Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from remediations import libcgroup


@check(
    "cgrules.conf takes the user's logins to its cgroup",
    Level.DEGRADED,
    after=("cgroup.cgconfig",),
)
def cgrules(host: Host) -> Iterator[Finding]:
    """A rule of cgrules.conf is for the user, leads to a group of cgconfig.conf, and something acts
    on it: cgrulesengd (service cgred), or pam_cgroup.so in the session stack.

    `USER * USER` puts the shell into USER itself, and then no limit works: a cgroup with processes
    hands no controllers down. `USER cpu,memory,pids USER/login` keeps USER free; with a nested
    group `*` is refused when one controller is missing. cgrulesengd takes every lxc-start back to
    the rule's place; pam_cgroup.so acts at the login only, so that a start may leave it.

    Why: /proc/self/cgroup stays `0::/` and LXC skips the cgroup, or `Failed to set "memory.max"`
    See: cgrules.conf(5), cgrulesengd(8); the wiki's listing of this line is headed cgconfig.conf
    """
    if host.get(init_system) == SYSTEMD:
        raise NotApplicable("systemd makes the user's cgroups")
    if not host.get(cgconfig).files:
        raise NotApplicable("libcgroup is not configured")
    name = host.get(target).name
    rule = host.get(rule_for_user)
    if rule is None:
        place = next((r.source for r in host.get(rules)), CGRULES[1])
        yield Fail(
            f"no rule of cgrules.conf is for {name}: its logins stay where they are",
            Evidence(place, None, "", f"{name} cpu,memory,pids {name}/login"),
            fix=libcgroup.rule(host),
        )
        return
    where = host.get(destination, rule)
    text = f"{rule.user} {','.join(rule.controllers)} {rule.destination}"
    seen = Evidence(rule.source, rule.line, text)
    actor = host.get(moves_logins)
    if not actor:
        yield Fail(
            "nothing acts on cgrules.conf: cgrulesengd does not run, and pam_cgroup.so is in no "
            "login's PAM stack",
            seen,
            fix=libcgroup.actor(host),
        )
        return
    if where not in {group.name.strip("/") for group in host.get(cgconfig).groups}:
        yield Fail(
            f"the rule leads to {where}, which cgconfig.conf does not make",
            seen,
            fix=libcgroup.rule(host),
        )
        return
    if host.get(cgroup_layout) == UNIFIED and "/" not in where:
        yield Fail(
            f"logins go to /{where} itself: with the shell in it that cgroup hands no controllers "
            f"to containers, and every limit fails; lead them to {where}/login",
            seen,
            fix=libcgroup.rule(host),
        )
        return
    if host.get(cgroup_layout) == UNIFIED and actor == DAEMON and host.get(login_service):
        yield Fail(
            f"cgrulesengd takes every lxc-start back to /{where}, where the shell is, so every "
            "limit fails; pam_cgroup.so moves logins and nothing else",
            seen,
            fix=libcgroup.actor(host),
        )
        return
    yield Pass(f"{actor} takes logins of {name} to /{where}", seen)
