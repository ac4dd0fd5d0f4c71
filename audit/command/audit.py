"""lxc-preflight audit"""

from __future__ import annotations

import argparse
import sys
import time

from audit.errors import Exit
from audit.source import Source


FORMATS = ("text", "json")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "example: sudo lxc-preflight audit --user alice --format json"
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
        default="plain",
        help="what the container will boot when there is none to look at (default: plain: busybox, OpenRC, sysvinit)",
    )
    who.add_argument(
        "--template",
        metavar="NAME",
        help="lxc-create's template (default: busybox for a plain guest, download for a systemd one)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--root", metavar="DIR", help="a root file system tree instead of the running host"
    )
    where.add_argument("--snapshot", metavar="FILE", help='a recorded host ("-": standard input)')
    parser.add_argument(
        "--probe",
        action="store_true",
        help="also try the real operations as that user, in throw-away namespaces and cgroups",
    )
    out = parser.add_argument_group("what comes out")
    out.add_argument(
        "--format", choices=FORMATS, default="text", help="on standard output (default: text)"
    )
    out.add_argument(
        "--save",
        metavar="FILE",
        action="append",
        default=[],
        help="also write a report; format by suffix",
    )
    out.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show every check, not only what needs attention",
    )
    gate = parser.add_argument_group("the gate")
    gate.add_argument(
        "--fail-on",
        choices=("blocking", "degraded", "hardening", "never"),
        default="blocking",
        help="the least level that makes the exit code 1 (default: blocking)",
    )
    gate.add_argument(
        "--select",
        metavar="IDS",
        action="append",
        default=[],
        help="only these checks (globs, comma separated)",
    )
    gate.add_argument(
        "--ignore",
        metavar="IDS",
        action="append",
        default=[],
        help="not these checks (globs, comma separated)",
    )
    gate.add_argument(
        "--waivers", metavar="FILE", help="known and accepted findings, with reason and expiry"
    )
    gate.add_argument("--no-plugins", action="store_true", help="built-in checks only")


def run(args: argparse.Namespace) -> int:
    from audit import engine, registry
    from audit.host import Host, Request
    from audit.identity import about, asked_user
    from audit.report import build, findings_of
    from lxc_preflight import __version__

    started = time.perf_counter()
    source = source_of(args)
    request = Request(asked_user(args.user), args.config, args.container, args.guest, args.template)
    host = Host(source, request)
    checks = registry.builtin()
    results = engine.run(checks, host)
    findings = findings_of(results)
    report = build(
        results,
        findings=findings,
        about=about(host),
        generated=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        duration_ms=round((time.perf_counter() - started) * 1000, 1),
        version=__version__,
    )
    import json

    json.dump(report, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return Exit.FOUND if report["verdict"] == "not-ready" else Exit.PASSED


def source_of(args: argparse.Namespace) -> Source:
    """The source that --root, --snapshot or neither of them names."""
    if args.root:
        from audit.tree import Tree

        return Tree(args.root)
    if args.snapshot:
        from audit.snapshot import load

        return load(args.snapshot)
    from audit.live import Live

    return Live(probes=args.probe)
