from collections.abc import Iterator

from audit.facts.session import home_dir, variable
from audit.facts.template import judged_template, kind
from audit.facts.userfiles import user_list
from audit.host import Host
from audit.model import CREATE, Evidence, Fail, Finding, Level, NotApplicable, Pass, check

PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
# /proc/net/route: destination and mask of a default route; /proc/net/ipv6_route the same in hex.
DEFAULT_V6 = "0" * 32 + " 00 "


@check("The host has a way to an image server", Level.DEGRADED)
def server(host: Host) -> Iterator[Finding]:
    """There is a default route, a proxy, or an image in the user's cache.

    Without one lxc-create -t download can only use a server in a network of the host's own
    (`--server`). Nothing is sent: whether the server answers is only known after asking it.

    Why: "ERROR: Failed to download https://images.linuxcontainers.org//meta/1.0/index-user"
    See: lxc-create(1), LXC templates/lxc-download.in, wget(1) "https_proxy"
    """
    name = judged_template(host)
    if kind(name) != "download":
        raise NotApplicable(f"the template {name} downloads nothing")
    for proxy in PROXIES:
        value = host.get(variable, proxy)
        if value:
            yield Pass(f"{proxy} is set", Evidence(proxy, None, "set"))
            return
    cache = f"{host.get(home_dir)}/.cache/lxc/download"
    cached = host.get(user_list, cache)
    if isinstance(cached, tuple) and cached and not hasattr(cached, "reason"):
        yield Pass(f"the cache has images of {', '.join(cached[:5])}", Evidence(cache))
        return
    v4 = host.read("/proc/net/route") or ""
    v6 = host.read("/proc/net/ipv6_route") or ""
    has_route = any(line.split()[1:2] == ["00000000"] for line in v4.splitlines()[1:])
    has_route = has_route or any(
        line.startswith(DEFAULT_V6) and not line.rstrip().endswith(" lo")
        for line in v6.splitlines()
    )
    seen = Evidence("/proc/net/route", None, "a default route" if has_route else "no default route")
    if has_route:
        yield Pass("there is a default route; whether the server answers was not tried", seen)
    else:
        # Nobody has said yet that it will be this template.
        stages = () if host.request.template is None else (CREATE,)
        yield Fail("no default route, no proxy, and no image in the cache", seen, stages=stages)
