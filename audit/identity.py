"""What a report says of the host, the user and the session it is about."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

from audit.facts.accounts import Account, target
from audit.host import Host

T = TypeVar("T")


def asked_user(given: str | None) -> str:
    """The user an audit is about: --user, else $SUDO_USER under sudo, else the invoking user's uid.

    Empty when root asks without naming anybody: root's own containers are not unprivileged ones.
    """
    if given is not None:
        return given
    if os.geteuid() == 0:
        invoker = os.environ.get("SUDO_USER", "")
        return "" if invoker == "root" else invoker
    return str(os.getuid())


def about(host: Host) -> dict[str, Any]:
    """The parts of a report that are no findings: host, user, session, config, request."""
    from audit.facts.cgroup import cgroup_layout
    from audit.facts.config import config_path, container_config
    from audit.facts.distro import os_release
    from audit.facts.init import init_system
    from audit.facts.kernel import release_text
    from audit.facts.lxc import package_version, version_text

    account = _seen(host, target)
    system = _seen(host, os_release) or {}
    config = _seen(host, container_config)
    return {
        "host": {
            "hostname": _seen(host, hostname),
            "os": {
                "id": system.get("ID"),
                "version_id": system.get("VERSION_ID"),
                "pretty_name": system.get("PRETTY_NAME"),
            },
            "kernel": _seen(host, release_text),
            "init": _seen(host, init_system),
            "cgroup": _seen(host, cgroup_layout),
            "lxc": _seen(host, version_text) or _seen(host, package_version),
            "source": host.source.kind,
        },
        "user": None
        if account is None
        else {"name": account.name, "uid": account.uid, "gid": account.gid, "home": account.home},
        "session": _session(host, account),
        "config": {
            "path": config.path if config else _seen(host, config_path),
            "includes": list(config.includes) if config else [],
        },
        "request": host.request._asdict(),
    }


def hostname(host: Host) -> str | None:
    """The name of the host: uname(2), and of a directory tree /etc/hostname."""
    if host.source.kind == "root":
        return (host.read("/etc/hostname") or "").strip() or None
    return cast("list[str]", host.ask("uname"))[1]


def _session(host: Host, account: Account | None) -> str:
    from audit.facts.session import is_mine

    if account is None:
        return ""
    mine = _seen(host, is_mine)
    if mine is None:
        return ""
    return f"this session of {account.name}" if mine else f"next login of {account.name}"


def _seen(host: Host, fact: Callable[[Host], T]) -> T | None:
    """A fact's value for the head of a report, None where there is none.

    A fact that crashes is the finding of the checks that use it; the head must not lose the report.
    """
    try:
        return host.get(fact)
    except Exception:
        return None
