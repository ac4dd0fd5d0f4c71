"""The ways to make a container, one for each kind of thing that a run can be asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from audit.errors import UsageError
from audit.records import NamedTuple
from runner.cleanup import remove_tree
from runner.downloads import asked, cached, is_download, poison
from runner.errors import Failed
from runner.images.kinds import Metadata, Say, Stored
from runner.names import Image
from runner.places import log_file
from runner.processes import plain_environment, run
from runner.wishes import Archive, Embedded, Template, What

if TYPE_CHECKING:
    from runner.execute import Means
    from runner.images.kinds import Server

# Its wget tries 20 times with growing pauses: seven minutes for a broken connection.
WGETRC = "tries = 1\n"


class Creation(NamedTuple):
    """How lxc-create will be called. `beforehand` is what a dry run says of the preparation."""

    what: What
    template: str
    beforehand: tuple[str, ...] = ()

    def command(self, name: str, config: str, metadata: str, rootfs: str) -> list[str]:
        """The command line of lxc-create."""
        argv = ["lxc-create", "-n", name, "-f", config, "-l", "WARN"]
        argv += ["-o", log_file(name, "create"), "-t", self.template]
        if isinstance(self.what, Template):
            return [*argv, "--", *self.what.arguments] if self.what.arguments else argv
        return [*argv, "--", "--metadata", metadata, "--fstree", rootfs]

    def obtain(
        self, stack: ExitStack, server: Server, deadline: float, directory: str, means: Means
    ) -> Stored | None:
        """The archives to unpack, None for a template that brings its own."""
        if isinstance(self.what, Image):
            from runner.images.cache import obtained
            from runner.images.transfer import Client

            context = obtained(
                self.what,
                Client(server, deadline),
                refresh=means.refresh,
                offline=means.offline,
                step=means.step,
                say=means.say,
            )
            return stack.enter_context(context)
        if isinstance(self.what, Archive):
            return _of_archive(self.what, directory)
        if isinstance(self.what, Embedded):
            from runner.images.embedded import embedded

            return embedded()
        return None


def creation(what: What | None) -> Creation:
    """How a thing is made; nothing asked for is the embedded guest. Raises UsageError."""
    if isinstance(what, Image):
        return Creation(what, "local", (f"# fetch and verify {what}, unless it is in the cache",))
    if isinstance(what, Archive):
        return Creation(what, "local", (f"# look through {what.rootfs}",))
    if isinstance(what, Template):
        if is_download(what):
            asked(what.arguments)
        return Creation(what, what.name)
    return Creation(Embedded(), "local", ("# pack the host's static busybox",))


def _of_archive(archive: Archive, directory: str) -> Stored:
    from runner.images import archive as archives
    from runner.images.guest import INCLUDES
    from runner.images.pack import pack_metadata, packed_rootfs

    rootfs = packed_rootfs(archive.rootfs, directory)
    found = archives.survey(rootfs)
    meta = Metadata(INCLUDES, ("etc/hostname", "etc/hosts"))
    if archive.metadata:
        if not os.path.isfile(archive.metadata):
            raise UsageError(f"--metadata {archive.metadata}: there is no such file")
        meta = archives.metadata(archive.metadata)
    if not found.has_init and "lxc.init.cmd" not in meta.config:
        raise UsageError(f"--rootfs {archive.rootfs}: there is no /sbin/init in it")
    packed = os.path.join(directory, "metadata.tar.xz")
    pack_metadata(packed, archives.for_guest(meta, found), found.devices)
    return Stored(rootfs, packed, "", found.systemd, found.size, meta.left_out)


def create(
    made_by: Creation,
    name: str,
    config: str,
    image: Stored | None,
    directory: str,
    deadline: float,
    started: Callable[[int], None],
) -> None:
    """Call lxc-create and wait for its end. Raises Failed with what it said."""
    log = log_file(name, "create")
    with suppress(FileNotFoundError):
        os.unlink(log)
    temporary = os.path.join(directory, "tmp")
    os.mkdir(temporary, 0o755)
    env = plain_environment(TMPDIR=temporary)
    if image is None:
        wgetrc = os.path.join(directory, "wgetrc")
        _write_wgetrc(wgetrc)
        env["WGETRC"] = wgetrc
    metadata, rootfs = (image.metadata, image.rootfs) if image else ("", "")
    argv = made_by.command(name, config, metadata, rootfs)
    done = run(argv, seconds=deadline - time.monotonic(), env=env, started=started)
    if done.code:
        with suppress(OSError), open(log, encoding="utf-8", errors="backslashreplace") as file:
            done = done._replace(said=f"{done.said}\n{file.read(1 << 20)}")
        raise Failed(f"lxc-create made no container {name}", done.said)


def clear_cache(template: Template, maps: Sequence[str], say: Say) -> None:
    """Remove what would make lxc-download fail from its cache."""
    if is_download(template):
        directory = cached(asked(template.arguments))
        if why := poison(directory):
            say(f"removing {directory}, with which lxc-download would fail for ever: {why}")
            remove_tree(directory, maps)


def _write_wgetrc(path: str) -> None:
    """One try for each of the template's own three, besides what the user's file says."""
    own = os.environ.get("WGETRC") or os.path.expanduser("~/.wgetrc")
    text = ""
    with suppress(OSError), open(own, encoding="utf-8", errors="replace") as file:
        text = file.read(1 << 16)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{text}\n{WGETRC}")
