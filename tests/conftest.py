"""Settings of every test: no deadlines, which would judge the machine; in CI the same examples."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ours", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("ours")
