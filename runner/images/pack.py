"""Archives that the runner makes: metadata for lxc-local, and root file systems in xz.

lxc-local takes nothing but xz (it calls `tar -J`), so whatever else a person has is packed anew.
"""

from __future__ import annotations

import io
import lzma
import os
import subprocess
import tarfile
from collections.abc import Iterable

from audit.errors import UsageError
from runner.errors import Failed
from runner.images.kinds import Metadata

PRESET = 0  # of xz: packed once, unpacked soon after


def pack_metadata(path: str, meta: Metadata, devices: Iterable[str]) -> None:
    """Write what lxc-local wants to know.

    The excluded device nodes are those that the archive really has, as tar names them: a user
    namespace cannot make any, and one that is not excluded ends the unpacking.
    """
    files = {
        "config-user": meta.config + "\n",
        "config": meta.config + "\n",
        "excludes-user": "".join(f"{name}\n" for name in devices) or "\n",
        "templates": "".join(f"{name}\n" for name in meta.templates),
    }
    with (
        lzma.open(path, "wb", preset=PRESET) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for name, text in files.items():
            add_file(archive, name, text.encode())


def add_file(archive: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    """One regular file of root's."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), mode
    archive.addfile(member, io.BytesIO(data))


def add_directory(archive: tarfile.TarFile, name: str, mode: int = 0o755) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, mode
    archive.addfile(member)


def add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = tarfile.SYMTYPE, target, 0o777
    archive.addfile(member)


def packed_rootfs(given: str, directory: str) -> str:
    """The archive of --rootfs in the form that lxc-local takes: itself when it is one, else a new
    one in `directory`. Raises UsageError for what is neither directory nor archive.
    """
    if os.path.isdir(given):
        return _pipe(["tar", "-C", given, "--numeric-owner", "-cf", "-", "."], directory)
    try:
        with open(given, "rb") as file:
            start = file.read(512)
        readable_by_others = os.stat(given).st_mode & 0o004
        mine = os.stat(given).st_uid == os.getuid()
    except OSError as error:
        raise UsageError(f"--rootfs {given}: {error.strerror}") from None
    if start.startswith(b"\xfd7zXZ") and (readable_by_others or mine):
        return given
    unpack = {
        b"\xfd7zXZ": ["cat", given],
        b"\x1f\x8b": ["gzip", "-dc", given],
        b"BZh": ["bzip2", "-dc", given],
        b"\x28\xb5\x2f\xfd": ["zstd", "-dc", given],
    }
    for magic, argv in unpack.items():
        if start.startswith(magic):
            return _pipe(argv, directory, is_packed=magic == b"\xfd7zXZ")
    if start[257:262] == b"ustar":
        return _pipe(["cat", given], directory)
    raise UsageError(f"--rootfs {given}: it is no directory and no tar archive that is known here")


def _pipe(argv: list[str], directory: str, *, is_packed: bool = False) -> str:
    path = os.path.join(directory, "rootfs.tar.xz")
    with open(path, "wb") as out:
        try:
            source = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except FileNotFoundError:
            raise UsageError(f"{argv[0]} is not installed: it takes that to read this") from None
        with source:
            sink = ["cat"] if is_packed else ["xz", f"-{PRESET}", "-c"]
            try:
                done = subprocess.run(sink, stdin=source.stdout, stdout=out, stderr=out)
            except BaseException:
                source.kill()
                raise
            words = (source.stderr.read() if source.stderr else b"").decode(errors="replace")
            if source.wait() or done.returncode:
                raise Failed(f"{' '.join(argv)}: {words.strip() or 'failed'}")
    return path
