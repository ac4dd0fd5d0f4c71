"""What every command about a container does around its work."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from audit.errors import Exit
from audit.options import warn


def for_user(args: argparse.Namespace, work: Callable[[], int]) -> int:
    """Do `work` when the container is ours, else the whole command again in its owner's session.

    Failures end in one line and exit code 1, signals in 128 + their number.
    """
    from runner.enter import as_user, owner
    from runner.errors import Failed, Interrupted
    from runner.options import inner_arguments

    try:
        account = owner(args.user)
        if account is not None:
            return as_user(account, inner_arguments())
        return work()
    except Failed as failed:
        warn(str(failed))
        if last := failed.log.strip().rpartition("\n")[2]:
            warn(last)
        return Exit.FOUND
    except Interrupted as signalled:
        return 128 + signalled.number
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        warn(f"{error.strerror}{where}")
        return Exit.FOUND
