"""The launcher. The application's folders sit beside this file in a wheel, above it in a checkout.

They keep their plain names (`audit`, `checks`, ...) and are never installed under them: `audit` is
also the name of libaudit's Python binding, which SELinux's semanage imports. So this directory goes
first on the path of this process only.
"""

from __future__ import annotations

import gc
import os
import sys

__version__ = "0.1.0"


def main() -> int:
    """Run the command line; the entry point of checkout, wheel and single-file build alike."""
    # Hardly anything here forms cycles, and looking for them among what is imported costs 5 ms.
    gc.set_threshold(200_000, 20, 100)
    enable_imports()
    from audit.cli import main as run

    return run(sys.argv[1:])


def enable_imports() -> None:
    """Make `audit` and the other folders importable in this process: for the tests of a plugin."""
    here = os.path.dirname(os.path.abspath(__file__))
    folders = here if os.path.isdir(os.path.join(here, "audit")) else os.path.dirname(here)
    if folders not in sys.path[:1]:
        sys.path.insert(0, folders)
