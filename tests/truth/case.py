"""What a case is: a way to break the host. What happens then is measured, never written down."""

from __future__ import annotations

from typing import NamedTuple

PAM_CGFS = "/lib/*/security/pam_cgfs.so"  # gives a login its cgroups on v1; a package of its own


class Case(NamedTuple):
    """One way to break a host, or to make a working one look broken.

    `sabotage` is shell, run as root in the case's world with lib.sh loaded. `runner`, `prefix` and
    `context` make the session in which the user types its commands; then only the user's own audit
    can know: root's is about the next login.

    `cause` holds the checks that name the true cause in plain words. It is there when and only when
    the case is expected to stop some stage; other behaviour is reported as a surprise.
    """

    name: str
    sabotage: str = ":"
    cause: tuple[str, ...] = ()
    runner: str = "login"  # login, nopam, sg GROUP, chroot, cwdroot, oldgroups, badgid
    prefix: str = ""  # shell put before each command of the user
    context: str = ""  # shell, as root before each command, in the process that becomes the user
    template: str = "busybox"
    template_args: str = ""
    guest: str = "plain"  # systemd: judged by a container whose init is systemd
    limits: tuple[str, ...] = ()  # files of the container's cgroup, "memory.max=67108864"
    userns: bool = False  # in a user namespace of its own, so that /proc/sys/user is private
    chance: bool = False  # what happens differs from try to try, so nothing is a surprise
    needs: tuple[str, ...] = ()  # commands, or globs of files, without which it makes no sense
    parts: tuple[tuple[str, ...], ...] = ()  # of a combined case: the causes of each part

    @property
    def in_session(self) -> bool:
        """Whether only this session is broken and the next login is well."""
        return self.runner != "login" or bool(self.prefix) or bool(self.context)
