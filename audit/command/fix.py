"""lxc-preflight fix"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from audit.errors import Exit, UsageError
from audit.gate import exit_code
from audit.options import add_plugins, add_source, add_subject, checks_of, host_of, warn
from audit.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.host import Host
    from audit.model import Check
    from audit.planning import Plan
    from audit.selection import Selection
    from remediations.plan import Asked, Step

MOST_ROUNDS = 8
OF_RUN = "local"  # the template of `run`
FOR_RUN = ("lxc.installed", "image.template", "image.tools")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = """\
exit code: 0 (also when there is nothing to do); with --apply that of an audit afterwards;
2: unusable input, or the fixes contradict each other

example: sudo lxc-preflight fix --user alice --apply"""
    add_subject(parser)
    add_source(parser)
    what = parser.add_argument_group("what is cured")
    what.add_argument(
        "--only",
        metavar="IDS",
        action="append",
        default=[],
        help="only what these checks ask for (globs, comma separated; may be repeated)",
    )
    what.add_argument(
        "--skip", metavar="IDS", action="append", default=[], help="not what these checks ask for"
    )
    what.add_argument(
        "--level",
        choices=("blocking", "degraded", "hardening"),
        default="degraded",
        help="the least level that is cured (default: degraded)",
    )
    what.add_argument(
        "--home-mode",
        action="store_true",
        help="open directories to everybody's x (chmod o+x) instead of to the container's root by "
        "ACL",
    )
    how = parser.add_argument_group("what comes out")
    how.add_argument(
        "--format",
        choices=("sh", "ansible"),
        default="sh",
        help="a POSIX shell script, or a playbook (default: sh)",
    )
    act = how.add_mutually_exclusive_group()
    act.add_argument(
        "--dry-run", action="store_true", help="show a diff per file, and every command"
    )
    act.add_argument(
        "--apply", action="store_true", help="run the script, then audit again and say what is left"
    )
    act.add_argument("--undo", action="store_true", help="take back what the last --apply did")
    how.add_argument("--yes", action="store_true", help="do not ask before --apply or --undo")
    add_plugins(how)


def run(args: argparse.Namespace) -> int:
    if args.undo:
        return _undo(args)
    if args.apply and args.snapshot is not None:
        raise UsageError("--apply changes this host (or --root DIR), not a snapshot")
    if args.apply and args.format != "sh":
        raise UsageError("--apply runs the shell script; a playbook is for ansible-playbook")
    if args.apply:
        return _apply(args)
    host, plan = _planned(args)
    if _is_refused(plan):
        return Exit.USAGE
    if args.dry_run:
        _preview(host, plan)
    else:
        from audit.scripting import text_of

        print(text_of(plan, host, args.user or "", args.format), end="")
    for check, message in plan.without_fix:
        warn(f"{check} has no fix to offer: {message}")
    return Exit.PASSED


def _planned(args: argparse.Namespace) -> tuple[Host, Plan]:
    """The host and what is to be done about it."""
    from functools import partial

    from audit.planning import MOST_CONTAINERS, containers_of, plan
    from audit.progress import progress
    from audit.selection import demand_known, selection

    host, before = _host(args)
    checks = checks_of(args)
    chosen = selection(args.only, args.skip)
    demand_known(chosen, checks, "--only")
    if before:  # the user who was named is no question any more
        chosen = chosen._replace(ignore=(*chosen.ignore, "host.user"))
    before += tuple(_for_run(host, checks, chosen))
    rework = None
    if args.home_mode:
        from remediations.access import by_mode

        rework = partial(by_mode, host)
    total = min(len(containers_of(host)), MOST_CONTAINERS) + 1
    with progress(total) as step:
        found = plan(
            host,
            checks,
            level=args.level,
            chosen=chosen,
            before=before,
            rework=rework,
            on_container=step,
        )
    return host, found


def _host(args: argparse.Namespace) -> tuple[Host, tuple[Asked, ...]]:
    """The host; for a user that is not there, the host without one, and the account to be made."""
    from audit.options import unknown_user

    name = unknown_user(args)
    if name is None:
        return host_of(args), ()
    from remediations.account import create, is_name
    from remediations.plan import Asked

    if not is_name(name):
        raise UsageError(f"there is no user {name}, and no account can be called so")
    given = args.user
    args.user = "root"  # nobody's containers: the host alone is judged
    host = host_of(args)
    args.user = given
    return host, (Asked("host.user", f"there is no user called {name}", create(host, name)),)


def _for_run(host: Host, checks: Mapping[str, Check], chosen: Selection) -> Iterator[Asked]:
    """What `run` needs of new containers where no template was named: it makes its own with the
    template local, of which the audit, about lxc-create's busybox, says nothing.
    """
    from audit.engine import run as judge
    from audit.host import Host
    from audit.model import Outcome
    from remediations.plan import Asked

    if host.request.template is not None or host.request.container is not None:
        return
    about = Host(host.source, host.request._replace(template=OF_RUN))
    for result in judge({one: checks[one] for one in FOR_RUN if one in checks}, about):
        for finding in result.findings:
            if finding.outcome is Outcome.FAIL and finding.fix and chosen.wants(result.check):
                yield Asked(result.check.id, finding.message, finding.fix)


def _is_refused(plan: Plan) -> bool:
    """Whether the plan contradicts itself or would break something; says how."""
    lines = [
        f"{', '.join(one.one.checks)} and {', '.join(one.other.checks)} want two things of "
        f"{one.what} (--skip {one.other.checks[0]})"
        for one in plan.conflicts
    ]
    for broken in plan.broken:
        whose = f"the container {broken.container}" if broken.container else "new containers"
        by, leave_out = "these fixes together", ""
        if broken.because is not None:
            checks = broken.because.checks
            by, leave_out = (
                f"{broken.because.title} ({', '.join(checks)})",
                f" (--skip {checks[0]})",
            )
        lines.append(f"{by} would break {whose}: {broken.check}: {broken.message}{leave_out}")
    for line in lines:
        warn(line)
    if lines:
        warn("so nothing was done")
    elif plan.unjudged:
        warn(f"{plan.unjudged} more containers of the user were not judged beforehand")
    return bool(lines)


def _preview(host: Host, plan: Plan) -> None:
    from audit.facts.userfiles import Denied, user_read
    from audit.model import Unknown
    from remediations.preview import preview

    def read(path: str, theirs: bool) -> str | None:
        try:
            text = host.get(user_read, path) if theirs else host.read(path)
        except Unknown:
            return None
        return None if isinstance(text, Denied) else text

    for line in preview(plan.steps, read, host.request.user):
        print(line)
    if not plan.steps:
        print("# nothing to do")


def _apply(args: argparse.Namespace) -> int:
    """Script after script until nothing is left to do; then the audit has the last word."""
    from audit.applying import run_script
    from audit.scripting import text_of
    from remediations.script import afterwards, undo_script

    tried: set[tuple[object, ...]] = set()
    thens: list[str | None] = []
    failed = False
    for number in range(MOST_ROUNDS):
        host, plan = _planned(args)
        if _is_refused(plan):
            return Exit.USAGE
        fresh = [step for step in plan.steps if not step.is_manual and step.actions not in tried]
        if not fresh:
            break
        tried |= {step.actions for step in fresh}
        if not number:
            _confirm(args, plan.steps)
        steps = plan._replace(steps=tuple(fresh))
        text = text_of(steps, host, args.user or "", first=len(thens) + 1)
        thens += [step.then for step in fresh]
        failed |= run_script(text, root=args.root, goes_on=True) != 0
    run_script(undo_script("--done"), root=args.root)
    if failed:
        warn("not everything could be done; fix --apply tries again, fix --undo takes it back")
    code = _judge(args)
    if words := afterwards(thens):
        print(f"\n{words}")
    return code


def _judge(args: argparse.Namespace) -> int:
    from audit.judgement import report_of
    from reports import renderer

    report, _ = report_of(host_of(args), checks_of(args))
    print()
    try:
        renderer("text")(report, sys.stdout)
    except UsageError as missing:  # a library: what was done is done, and its result is told
        warn(str(missing))
        print(f"the audit says: {report['verdict']}")
    return exit_code(report, "blocking")


def _confirm(args: argparse.Namespace, steps: tuple[Step, ...]) -> None:
    """Ask the person; raises UsageError where nobody can be asked."""
    for number, step in enumerate(steps, 1):
        by_hand = " (by hand)" if step.is_manual else ""
        print(f"{number}. {visible(step.title)}{by_hand}: {', '.join(step.checks)}")
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("--apply asks before it changes anything, and nobody is there: give --yes")
    if not _says_yes("Do this, and what comes up when it is done?"):
        raise UsageError("nothing was done")


def _undo(args: argparse.Namespace) -> int:
    from audit.applying import run_script
    from remediations.script import undo_script

    can_ask = sys.stdin.isatty() and not args.yes
    if can_ask and not _says_yes("Take back what the last --apply did?"):
        raise UsageError("nothing was done")
    return Exit.FOUND if run_script(undo_script(), root=args.root) else Exit.PASSED


def _says_yes(question: str) -> bool:
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
