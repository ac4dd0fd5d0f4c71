"""The real newuidmap(1), asked by a user who exists only in a private mount namespace.

Run as root: `unshare --mount --propagation private python3 newuidmap_oracle.py DIRECTORY`. It
answers JSON lines: `{"text": ..., "maps": [[inside, outside, size], ...]}` is answered by
`{"code": ..., "error": ...}`.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys

USER, UID = "t_oracle", 52777
CLONE_NEWUSER = 0x10000000
MS_BIND = 0x1000

libc = ctypes.CDLL(None, use_errno=True)


def cover(path: str, text: str, directory: str) -> str:
    """Put a file of our own over one of the system's; returns where to write to."""
    mine = os.path.join(directory, os.path.basename(path))
    with open(mine, "w", encoding="utf-8") as file:
        file.write(text)
    if libc.mount(mine.encode(), path.encode(), None, MS_BIND, None):
        raise OSError(ctypes.get_errno(), f"cannot cover {path}")
    return mine


def run_newuidmap(maps: list[list[int]]) -> tuple[int, str]:
    """Run it as the user on a child of the user's own, in a user namespace of its own."""
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(UID, UID, UID)
        os.setresuid(UID, UID, UID)
        libc.prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: /proc/PID belongs to the user
        os.write(told, b"x" if libc.unshare(CLONE_NEWUSER) == 0 else b"!")
        os.read(0, 1)
        os._exit(0)
    try:
        if os.read(ready, 1) != b"x":
            return -1, "cannot make a user namespace"
        words = ["newuidmap", str(child), *(str(number) for row in maps for number in row)]
        ran = subprocess.run(
            words, user=UID, group=UID, extra_groups=[], capture_output=True, text=True
        )
        return ran.returncode, ran.stderr.strip()
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(told)


def main() -> None:
    directory = sys.argv[1]
    with open("/etc/passwd", encoding="utf-8") as file:
        accounts = file.read()
    cover("/etc/passwd", f"{accounts}{USER}:x:{UID}:{UID}::/:/bin/sh\n", directory)
    subuid = cover("/etc/subuid", "", directory)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    requests = os.fdopen(os.dup(0))
    null = os.pipe()[0]
    os.dup2(null, 0)  # what the children wait on
    for line in requests:
        request = json.loads(line)
        with open(subuid, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(request["text"])
        code, error = run_newuidmap(request["maps"])
        sys.stdout.write(json.dumps({"code": code, "error": error}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
