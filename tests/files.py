"""The repository's files."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def tracked(*below: str) -> list[Path]:
    """What git knows and what is about to be added, below some folders or everywhere."""
    # safe.directory: root may run the tests of a checkout that belongs to somebody else
    git = ("git", "-c", "safe.directory=*", "ls-files", "-co", "-z", "--exclude-standard", *below)
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())
