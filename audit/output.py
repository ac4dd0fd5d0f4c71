"""Files we write, reports and snapshots: whole or not at all, never through a planted link."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from audit.errors import UsageError

PRIVATE = 0o600
PUBLIC = 0o666  # less the umask


def write_file(path: str, text: str, mode: int = PUBLIC) -> None:
    """Write a file whole, under a temporary name beside it, and rename it into place.

    Raises UsageError when it cannot be written, or when something that is no regular file stands
    there: through a symbolic link root would overwrite what the link's owner chose.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise UsageError(f"{path} is no regular file: name another, or remove it first")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    directory, name = os.path.split(path)
    if not name:
        raise UsageError(f"cannot write {path}: it names a directory")
    temporary = os.path.join(directory, f".{name[:200]}.{os.getpid()}.tmp")
    try:
        with suppress(FileNotFoundError):  # left by a run that was killed
            os.unlink(temporary)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(temporary, flags, mode)
        try:
            with open(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
                file.flush()
                os.fsync(fd)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
