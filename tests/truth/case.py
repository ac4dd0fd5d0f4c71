"""What a case is. A case says how to break the host; what happens then is measured, never written down."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """One way to break a host, or to make a working one look broken.

    `sabotage` is shell, run as root in the case's world with lib.sh loaded. `runner` and `prefix` make the session
    in which the user types its commands; then only the user's own audit can know, and root's (which is about
    the next login) must still say that all is well.
    """

    name: str
    sabotage: str = ":"
    cause: tuple[str, ...] = ()  # the checks that name the true cause, where a stage fails
    runner: str = "login"  # login, nopam, sg GROUP, chroot, cwdroot, oldgroups, badgid
    prefix: str = ""  # shell put before each command of the user
    context: str = ""  # shell, run as root just before the user's commands, with the session's process in $BASHPID
    template: str = "busybox"
    template_args: str = ""
    guest: str = "plain"  # systemd: judged by a container whose init is systemd
    limits: tuple[str, ...] = ()  # files of the container's cgroup, "memory.max=67108864"
    userns: bool = False  # in a user namespace of its own, so that /proc/sys/user is private

    @property
    def in_session(self) -> bool:
        """Whether only this session is broken and the next login is well."""
        return self.runner != "login" or bool(self.prefix) or bool(self.context)
