"""lxc-preflight run"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from audit.errors import Exit, UsageError
from audit.options import add_plugins, checks_of, warn

if TYPE_CHECKING:
    from audit.facts.accounts import Account
    from runner.errors import Failed
    from runner.execute import Dry, Means, Refused, Up
    from runner.wishes import What, Wishes

TAKES_REST = True


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s NAME [options] [--template NAME -- ARGS]"
    parser.epilog = """\
A container that is there already is started. Without --image, --template or --rootfs a new one is
made of the host's static busybox, which takes no network.

exit code: 0 it runs; 1 the gate is closed, or it did not come up; 2 unusable input;
3 a blocking check could not be decided (--accept-unknown)

example: lxc-preflight run web1 --image debian/bookworm --net br0.1 --ip 192.168.10.5/24"""
    parser.add_argument("name", metavar="NAME", help="of the container; it becomes its host name")
    from runner.options import add_server, add_user

    add_user(parser)
    what = parser.add_argument_group("what is in it").add_mutually_exclusive_group()
    what.add_argument(
        "--image", metavar="DIST/RELEASE[/ARCH[/VARIANT]]", help="an image of the server"
    )
    what.add_argument("--template", metavar="NAME", help="lxc-create's template; its ARGS after --")
    what.add_argument("--rootfs", metavar="TARBALL|DIR", help="a root file system of your own")
    own = parser.add_argument_group("with --rootfs")
    own.add_argument(
        "--metadata", metavar="FILE", default="none", help="meta.tar.xz that goes with it, or none"
    )
    how = parser.add_argument_group("how it is set up")
    how.add_argument("-f", "--config", metavar="FILE", help="config to begin with")
    how.add_argument("--net", metavar="BRIDGE|none", help="one interface in this bridge, or none")
    how.add_argument("--ip", metavar="A/B", help="its address and the length of its network")
    how.add_argument("--gateway", metavar="G", help="its way out")
    how.add_argument("--memory", metavar="M", help="bytes, or with K, M, G, T")
    how.add_argument("--pids", metavar="N", type=int, help="the most tasks")
    how.add_argument("--cpus", metavar="C", type=float, help="processors, such as 0.5")
    run_it = parser.add_argument_group("how it is run")
    run_it.add_argument(
        "--foreground", action="store_true", help="stay, with the container's console"
    )
    run_it.add_argument(
        "--timeout", metavar="S", type=float, default=600.0, help="seconds for all (default: 600)"
    )
    run_it.add_argument(
        "--linger", action="store_true", help="let the user's containers outlive its last logout"
    )
    run_it.add_argument("--dry-run", action="store_true", help="pass the gate, show, do nothing")
    run_it.add_argument("--format", choices=("text", "json"), default="text")
    gate = parser.add_argument_group("the gate")
    gate.add_argument(
        "--accept-unknown",
        metavar="IDS",
        action="append",
        default=[],
        help="go on although these checks (globs, comma separated) could not be decided",
    )
    add_plugins(gate)
    add_server(parser)


def run(args: argparse.Namespace) -> int:
    from runner.enter import owner

    wishes = _wishes(args)
    account = owner(args.user)
    if account is not None:
        return _for(account, args)
    from runner.errors import Failed, Interrupted
    from runner.execute import Dry, Refused, bring_up
    from runner.processes import interruptible

    means = _means(args)
    try:
        with interruptible():
            result = bring_up(wishes, means)
    except Refused as refused:
        return _refused(refused)
    except Failed as failed:
        return _failed(failed, means)
    except Interrupted as signalled:
        warn(f"interrupted: {wishes.name} was taken back")
        return 128 + signalled.number
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        warn(f"{error.strerror}{where}")
        return Exit.FOUND
    if isinstance(result, Dry):
        return _dry(result)
    return _up(result, args)


def _for(account: Account, args: argparse.Namespace) -> int:
    """The whole command again, in a session of the user who is to own the container."""
    from runner.calling import for_user
    from runner.errors import Failed
    from runner.linger import enable

    if args.linger and not args.dry_run:  # root may in any case; polkit may refuse the user
        try:
            enable(account.name)
        except Failed as failed:
            warn(str(failed))
            return Exit.FOUND
    return for_user(args, lambda: Exit.PASSED)


def _wishes(args: argparse.Namespace) -> Wishes:
    from runner import wishes
    from runner.names import new_name, old_name

    if args.timeout <= 0:
        raise UsageError(f"--timeout {args.timeout:g}: more than 0 seconds")
    what = _what(args)
    name = new_name(args.name) if what else old_name(args.name)
    return wishes.Wishes(
        name,
        what,
        args.config,
        wishes.network(args.net, args.ip, args.gateway),
        wishes.limits(args.memory, args.pids, args.cpus),
        args.foreground,
        args.timeout,
        tuple(
            word
            for text in args.accept_unknown
            for part in text.split(",")
            if (word := part.strip())
        ),
        args.dry_run,
        args.linger,
    )


def _what(args: argparse.Namespace) -> What | None:
    from runner.wishes import Archive, Template

    rest = tuple(args.rest)
    if args.template is not None:
        return Template(args.template, rest)
    if rest:
        raise UsageError(f"arguments after -- go to a template: --template NAME -- {rest[0]}")
    if args.image is not None:
        import os

        from runner.names import image

        return image(args.image, os.uname().machine)
    if args.rootfs is not None:
        return Archive(args.rootfs, "" if args.metadata == "none" else args.metadata)
    if args.metadata != "none":
        raise UsageError("--metadata goes with --rootfs")
    return None


def _means(args: argparse.Namespace) -> Means:
    from runner.execute import Means
    from runner.options import server_of
    from runner.progress import Bar

    bar = Bar(args.image or "")
    return Means(
        checks_of(args), server_of(args), args.refresh, args.offline, bar.step, warn, bar.close
    )


def _up(up: Up, args: argparse.Namespace) -> int:
    from reports.running import up_line

    for note in up.notes:
        warn(note)
    up_line(up._asdict(), args.format)
    return Exit.PASSED


def _dry(dry: Dry) -> int:
    from reports.running import dry_run

    dry_run(dry.config, dry.commands, dry.way)
    return Exit.PASSED


def _refused(refused: Refused) -> int:
    from reports.running import refusal

    refusal(refused.report, refused.decision.findings, undecided=refused.decision.exit == 3)
    return refused.decision.exit


def _failed(failed: Failed, means: Means) -> int:
    warn(str(failed))
    if failed.log and failed.judged is not None:
        from audit.host import Host
        from reports.running import explanations
        from runner.diagnosis import diagnose

        # a fresh look: what was seen before the failure may have been its cause
        host = Host(failed.judged.source, failed.judged.request)
        explanations(diagnose(f"{failed}\n{failed.log}", means.checks, host), sys.stderr)
    return Exit.FOUND
