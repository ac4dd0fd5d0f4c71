from __future__ import annotations

from collections.abc import Iterator

from audit.facts.usernet import Ruling, paths, rulings
from audit.host import Host
from audit.model import STARTING, Evidence, Fail, Finding, Level, NotApplicable, Pass, check
from checks.network.usernic import demand_veths
from remediations.usernet import needed_for, widen


@check(
    "The quota in lxc-usernet has room for every network of the config",
    Level.BLOCKING,
    stages=STARTING,
    after=("lxc.installed", "network.usernet_file"),
)
def usernet_quota(host: Host) -> Iterator[Finding]:
    """The number at the end of the user's line is larger than the count of interfaces he has.

    What is counted is every living entry of /run/lxc/nics under the line's name, on whatever
    bridge. Each line is compared on its own, so two lines of 1 do not make 2, and lines whose
    numbers add up to 0 or less give nothing. A container takes as many as it has veths.

    Why: "lxc_user_nic.c: main: Quota reached"
    See: lxc-usernet(5), LXC src/lxc/cmd/lxc_user_nic.c (get_nic_if_avail), lxc/lxc#2765
    """
    demand_veths(host)
    path = host.get(paths).usernet
    every = host.get(rulings)
    if not any(ruling.lines for ruling in every):
        raise NotApplicable("no line of lxc-usernet is for the user and this bridge")
    nics = tuple(ruling.nic for ruling in every)
    for number, ruling in enumerate(every):
        if not ruling.lines:
            continue
        best = max(ruling.lines, key=lambda line: line.quota)
        used = max(ruling.counts, default=0)
        seen = Evidence(path, best.line, best.text[:200], f"a number above {used}")
        subject = ruling.nic.label
        if ruling.granted:
            yield Pass(f"{used} of {best.quota} are in use", seen, subject=subject)
            continue
        yield Fail(
            _message(ruling, used),
            seen,
            subject=subject,
            fix=widen(host, best, used + needed_for(nics, ruling.nic.bridge, number)),
        )
        return  # LXC gives up at the first


def _message(ruling: Ruling, used: int) -> str:
    label, bridge = ruling.nic.label, ruling.nic.bridge
    numbers = [line.quota for line in ruling.lines]
    if sum(numbers) <= 0:
        said = " + ".join(str(number) for number in numbers)
        return f"the quota of {ruling.lines[0].name} on {bridge} is {said}: no room for {label}"
    best = max(ruling.lines, key=lambda line: line.quota)
    more = "" if len(numbers) == 1 else " (lines do not add up, the largest counts)"
    return (
        f"the quota of {best.name} on {bridge} is {best.quota}{more} and {used} are in use: "
        f"no room for {label}"
    )
