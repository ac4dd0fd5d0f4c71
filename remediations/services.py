"""Services of our own: a few commands at every boot, in the words of each init system."""

from __future__ import annotations

from audit.facts.init import OPENRC, SYSTEMD, SYSVINIT
from audit.host import Host
from audit.records import NamedTuple
from remediations.actions import Action, Manual, Run, Write
from remediations.distro import init_of, service
from remediations.systemd import reload

_SYSTEMD = """# Written by lxc-preflight.
[Unit]
Description={about}
{after}
[Service]
Type=oneshot
RemainAfterExit=yes
{start}
{stop}
[Install]
WantedBy=multi-user.target
"""
_OPENRC = """#!/sbin/openrc-run
# Written by lxc-preflight.
description="{about}"

depend() {{
    after cgroups net{after}
}}

start() {{
    ebegin "{about}"
    {start}
    eend $?
}}

stop() {{
    {stop}
}}
"""
_SYSVINIT = """#!/bin/sh
### BEGIN INIT INFO
# Provides:          {name}
# Required-Start:    $local_fs
# Should-Start:      $network{after}
# Required-Stop:
# Default-Start:     2 3 4 5
# Default-Stop:
# Short-Description: {about}
### END INIT INFO
# Written by lxc-preflight.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
done=/run/{name}.done
case $1 in
    start)
        {start} && : >$done
        ;;
    stop)
        {stop}
        rm -f $done
        ;;
    restart | force-reload) $0 stop && $0 start ;;
    status) test -e $done ;;
esac
"""


class Own(NamedTuple):
    """A service of ours: commands without quotes, and services that it has to come after."""

    name: str
    about: str
    start: tuple[str, ...]
    stop: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    test: str = ""  # succeeds when it has been started, for a host without an init system


def own(host: Host, wanted: Own, *, now: bool = True) -> tuple[Action, ...]:
    """Have its commands run at every boot, and now too."""
    init = init_of(host)
    how_much = slice(None if now else 1)  # of what enables and starts
    if init == SYSTEMD:
        unit = f"{wanted.name}.service"
        text = Write(f"/etc/systemd/system/{unit}", _unit(wanted))
        return (text, reload(unit), *service(host, unit).actions[how_much])
    texts = {OPENRC: (_OPENRC, " "), SYSVINIT: (_SYSVINIT, " ")}
    if init in texts:
        form, blank = texts[init]
        text = Write(f"/etc/init.d/{wanted.name}", _script(wanted, form, blank), 0o755)
        return (text, *service(host, wanted.name).actions[how_much])
    lines = ("# at every boot, as root:", *wanted.start)
    run = Run(" && ".join(wanted.start), wanted.test, " && ".join(wanted.stop))
    return (*((run,) if now else ()), Manual(lines, "root"))


def _unit(wanted: Own) -> str:
    others = " ".join(f"{one}.service" for one in wanted.after)
    # A firewall that is started anew forgets what is not its own.
    after = f"After={others}\nPartOf={others}\n" if others else ""
    start = "\n".join(f"ExecStart={one}" for one in wanted.start)
    stop = "".join(f"ExecStop={one}\n" for one in wanted.stop)
    return _SYSTEMD.format(about=wanted.about, after=after, start=start, stop=stop)


def _script(wanted: Own, form: str, blank: str) -> str:
    return form.format(
        name=wanted.name,
        about=wanted.about,
        after="".join(blank + one for one in wanted.after),
        start=" && ".join(wanted.start),
        stop=" && ".join(wanted.stop) or ":",
    )
