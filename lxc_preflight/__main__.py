"""python -m lxc_preflight"""

import sys

from lxc_preflight import main

sys.exit(main())
