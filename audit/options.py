"""Options that several commands share: whom and what they are about, which checks, where from."""

from __future__ import annotations

import argparse
import os
import sys

import lxc_preflight
from audit.errors import UsageError
from audit.host import Host, Request
from audit.model import Check, NotApplicable, Unknown
from audit.source import Source

DEVICE = "/dev/null"  # an empty config; LXC's own documentation uses it so


def add_subject(parser: argparse.ArgumentParser) -> None:
    """-u, -f, -n, --guest and --template: whose containers, and which."""
    who = parser.add_argument_group("what is judged")
    who.add_argument(
        "-u",
        "--user",
        metavar="NAME|UID",
        help="who will own the containers (default: $SUDO_USER under sudo, else you)",
    )
    who.add_argument(
        "-f",
        "--config",
        metavar="FILE",
        help="container config to judge (default: the one lxc-create would use)",
    )
    who.add_argument(
        "-n", "--container", metavar="NAME", help="judge an existing container of that user"
    )
    who.add_argument(
        "--guest",
        choices=("plain", "systemd"),
        help="what the container will boot when there is none to look at "
        "(default: plain: busybox, OpenRC, sysvinit)",
    )
    who.add_argument(
        "--template",
        metavar="NAME",
        help="lxc-create's template "
        "(default: busybox for a plain guest, download for a systemd one)",
    )


def add_source(parser: argparse.ArgumentParser, *, snapshot: bool = True) -> None:
    """--root, --snapshot and --probe: where the answers come from."""
    where = parser.add_argument_group("where it looks").add_mutually_exclusive_group()
    where.add_argument(
        "--root", metavar="DIR", help="a root file system tree instead of the running host"
    )
    if snapshot:
        where.add_argument(
            "--snapshot", metavar="FILE", help='a recorded host ("-": standard input)'
        )
    where.add_argument(
        "--probe",
        action="store_true",
        help="also try the real operations as that user, in throw-away namespaces and cgroups",
    )


def add_plugins(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--no-plugins", action="store_true", help="nothing but what is built in")


def host_of(args: argparse.Namespace) -> Host:
    """The host that the options name.

    Raises UsageError when the user, the config or the container is known not to be there; where
    the host could not be looked at, the checks say so.
    """
    source, recorded = _source(args)
    request = _request(args, recorded)
    host = Host(source, request)
    _demand_user(host, args)
    if request.container is not None:
        _demand_container(host, request.container)
    if request.config is not None and request.config != DEVICE:
        _demand_config(host, request.config)
    return host


def checks_of(args: argparse.Namespace) -> dict[str, Check]:
    """The built-in checks and, unless --no-plugins, those of plugins."""
    from audit.registry import builtin

    checks = builtin()
    if args.no_plugins:
        return checks
    from audit.plugins import load

    plugins = load(checks)
    if plugins.names and os.geteuid() == 0:
        names = ", ".join(plugins.names)
        warn(f"plugins run as root: {names} (--no-plugins leaves them out)")
    return {**checks, **plugins.checks}


def warn(message: str) -> None:
    """A message for the person, on standard error."""
    from audit.untrusted import visible

    print(f"lxc-preflight: {visible(message)}", file=sys.stderr)


def _source(args: argparse.Namespace) -> tuple[Source, Request | None]:
    if args.root is not None:
        from audit.tree import Tree

        if not os.path.isdir(args.root):
            raise UsageError(f"--root {args.root}: there is no such directory")
        return Tree(args.root), None
    if getattr(args, "snapshot", None) is not None:
        from audit.snapshot import load

        recording = load(args.snapshot)
        return recording.source, recording.request
    from audit.live import Live

    return Live(probes=args.probe), None


def _request(args: argparse.Namespace, recorded: Request | None) -> Request:
    """What is asked; what is not given on the command line is what a snapshot was recorded for."""
    from audit.identity import asked_user

    for option, given in (("--user", args.user), ("--config", args.config)):
        if given == "":
            raise UsageError(f"{option} is empty")
    if recorded is not None:
        # With a container or a config of one's own, those of the record are not meant.
        own = args.config is not None or args.container is not None
        return Request(
            recorded.user if args.user is None else args.user,
            args.config if own else recorded.config,
            args.container if own else recorded.container,
            args.guest or recorded.guest,
            args.template or recorded.template,
        )
    return Request(
        asked_user(args.user),
        None if args.config is None else _path(args.config, args.root),
        args.container,
        args.guest or "plain",
        args.template,
    )


def _path(given: str, root: str | None) -> str:
    """The absolute path of -f; with --root it is one inside the tree, however it was typed."""
    if root is None:
        return os.path.abspath(given)
    inside = os.path.realpath(root)
    outside = os.path.abspath(given)
    if outside.startswith(f"{inside}/"):
        return outside.removeprefix(inside)
    return given if given.startswith("/") else f"/{given}"


def unknown_user(args: argparse.Namespace) -> str | None:
    """The user that --user names and that is known not to be there; None in any other case."""
    source, recorded = _source(args)
    host = Host(source, _request(args, recorded))
    return host.request.user if _is_unknown_user(host, args) else None


def _is_unknown_user(host: Host, args: argparse.Namespace) -> bool:
    from audit.facts.accounts import account_named

    user = host.request.user
    if not user or (args.user is None and host.source.kind == "live"):
        return False  # that we run as a uid nobody has is no mistyped name: checks/host/user.py
    try:
        return host.get(account_named, user) is None
    except Unknown:
        return False


def _demand_user(host: Host, args: argparse.Namespace) -> None:
    if not _is_unknown_user(host, args):
        return
    user = host.request.user
    called = f"with uid {user}" if user.isdecimal() else f"called {user}"
    where = {"live": "on this host", "root": f"in {args.root}"}.get(
        host.source.kind, "in this snapshot"
    )
    make = ""
    if host.source.kind == "live" and not user.isdecimal():
        make = f", or have it made: {lxc_preflight.called()} fix --user {user}"
    raise UsageError(f"there is no user {called} {where}: name one with --user{make}")


def _demand_container(host: Host, name: str) -> None:
    """Refuse a name that is none, or of no container. A container that is there and broken is for
    the checks to judge.
    """
    from audit.facts.lxcconf import lxcpath
    from audit.facts.userfiles import Denied, user_list, user_read

    if not name or "/" in name or name in (".", "..") or not name.isprintable():
        raise UsageError(f"--container {name!r} is no name of a container")
    try:
        where = host.get(lxcpath)
        found = host.get(user_read, f"{where}/{name}/config")
        names = host.get(user_list, where)
    except (Unknown, NotApplicable):
        return
    there = names is not None and not isinstance(names, Denied) and name in names
    if found is None and not there:
        raise UsageError(f"there is no container {name}: {where}/{name} does not exist")
    if isinstance(found, Denied) and not there:
        raise UsageError(f"cannot look into {where} as {host.request.user}: {found.reason}")


def _demand_config(host: Host, path: str) -> None:
    from audit.facts.userfiles import Denied, user_read

    try:
        found = host.get(user_read, path)
    except NotApplicable:
        raise UsageError("--config is about a user's container: name the user, --user") from None
    except Unknown as why:
        raise UsageError(f"cannot read --config {path}: {why}") from None
    if found is None:
        raise UsageError(f"cannot read --config {path}: there is no such file")
    if isinstance(found, Denied):
        raise UsageError(f"cannot read --config {path} as {host.request.user}: {found.reason}")
