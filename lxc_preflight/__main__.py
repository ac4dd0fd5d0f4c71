"""python -m lxc_preflight; in the single-file build, what runs first.

Nothing above the check may be newer than Python 2.7: whoever has an older one reads a line, too.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.stderr.write(
        "lxc-preflight: Python 3.11 or newer is needed, and %s is Python %d.%d: call a newer one "  # noqa: UP031
        "by its name, python3.11 for instance, or install one\n"
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )
    sys.exit(2)

from lxc_preflight import main

sys.exit(main())
