"""The launcher. The application's folders sit beside this file in a wheel and above it in a checkout.

They keep their plain names (`audit`, `checks`, ...) and are never installed under them: `audit` is also the name
of libaudit's Python binding, which SELinux's semanage imports. So this directory goes first on the path of this
process only.
"""

from __future__ import annotations

import os
import sys

__version__ = "0.1.0"


def main() -> int:
    """Run the command line; the one entry point of the checkout, the wheel and the single-file build."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(
        0, here if os.path.isdir(os.path.join(here, "audit")) else os.path.dirname(here)
    )
    from audit.cli import main as run

    return run(sys.argv[1:])
