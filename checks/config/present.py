from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.lxcconf import lxcconf_path
from audit.host import Host
from audit.model import (
    EVERYTHING,
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    check,
)
from checks.config.leftovers import is_in_the_way
from remediations.new_config import cure, give_back


@check(
    "The container config is there and the user can read it",
    Level.BLOCKING,
    stages=EVERYTHING,
    after=("lxc.installed", "session.home"),
)
def present(host: Host) -> Iterator[Finding]:
    """lxc-create finds the config: ~/.config/lxc/default.conf, or what lxc.conf or -f name.

    An ordinary user's lxc-create never falls back on /etc/lxc/default.conf. Without a config there
    is no id map, and it goes on until it has to chown something. A file made with sudo is root's.

    Why: "No such file or directory - Failed to open file "/home/lxc/.config/lxc/default.conf"",
    then "No uid mapping for container root"
    See: lxc.conf(5) "lxc.default_config", LXC src/lxc/initutils.c, lxc-create(1)
    """
    config = host.get(container_config)
    bad = next((p for p in config.problems if p.line == 0 and p.file == config.path), None)
    if bad is None:
        yield Pass(f"{config.path} can be read", Evidence(config.path, None, "readable"))
        return
    if host.request.container is not None:
        if bad.kind != "denied" and is_in_the_way(host, host.request.container):
            raise NotApplicable("there is no such container: config.leftovers")
        yield Fail(
            f"{host.request.container} is no container of this user: {bad.why}",
            Evidence(config.path, None, bad.why, "the config of a container"),
            fix=give_back(host, config.path) if bad.kind == "denied" else None,
            stages=STARTING,
        )
        return
    evidence = [Evidence(config.path, None, bad.why, "a config that the user can read")]
    if host.request.config is None:
        evidence.append(Evidence(host.get(lxcconf_path), None, f"names {config.path}, or nothing"))
    fix = cure(host, config.path, is_denied=bad.kind == "denied")
    yield Fail(f"there is no usable config for a new container: {bad.why}", *evidence, fix=fix)
