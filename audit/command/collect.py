"""lxc-preflight collect"""

from __future__ import annotations

import argparse
import sys
import time

from audit.errors import Exit
from audit.options import add_plugins, add_source, add_subject, checks_of, host_of, warn


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = """\
Passwords, full names and what else no check needs are taken out first. The file is yours alone
(mode 0600), and says what was taken out.

example: sudo lxc-preflight collect --user alice -o web1.json
         lxc-preflight audit --snapshot web1.json"""
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help='the snapshot ("-": standard output)'
    )
    add_subject(parser)
    add_source(parser, snapshot=False)
    add_plugins(parser)
    parser.add_argument(
        "--without-hostname", action="store_true", help="leave the name of the host out, too"
    )


def run(args: argparse.Namespace) -> int:
    import json

    from audit.collection import record
    from audit.output import PRIVATE, write_file
    from audit.redaction import redact
    from audit.snapshot import document
    from lxc_preflight import __version__

    host = host_of(args)
    answers = record(host, checks_of(args))
    data = document(
        redact(answers, hide_hostname=args.without_hostname),
        host.request,
        source=host.source.kind,
        recorded=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        version=__version__,
    )
    # Pure ASCII: undecodable bytes are lone surrogates, which \uDCxx keeps and UTF-8 cannot hold.
    text = json.dumps(data, indent=1) + "\n"
    if args.output == "-":
        sys.stdout.write(text)
    else:
        write_file(args.output, text, PRIVATE)
        warn(f"{len(data['answers'])} answers recorded in {args.output}")
    return Exit.PASSED
