from collections.abc import Iterator

from audit.facts.config import container_config
from audit.facts.guest import container_dir, init_command, init_file, inside, rootfs
from audit.facts.machine import ElfHead, elf_head, emulator, runs_natively
from audit.facts.wanted import template
from audit.host import Host
from audit.model import (
    STARTING,
    Evidence,
    Fail,
    Finding,
    Level,
    NotApplicable,
    Pass,
    Undecided,
    check,
)
from remediations.config import leave_out
from remediations.init import emulate, make_executable, no_init

# Top directories that lxc-busybox fills with programs or binds from the host (LXC templates/).
BUSYBOX_TREE = ("bin", "sbin", "usr", "etc", "lib", "lib64")


@check(
    "The container has an init that this machine can run",
    Level.BLOCKING,
    stages=STARTING,
    after=("config.present", "config.includes", "config.rootfs", "storage.rootfs"),
)
def init(host: Host) -> Iterator[Finding]:
    """/sbin/init, or lxc.init.cmd, is an executable file of the container for this architecture.

    Symlinks count as they are seen from inside. A foreign image needs an emulator that is
    registered with binfmt_misc.

    Why: "No such file or directory - Failed to exec "/sbin/init"", "Exec format error"
    See: lxc.container.conf(5) "lxc.init.cmd", LXC src/lxc/start.c, binfmt.d(5)
    """
    command = host.get(init_command)
    if host.request.container is None:
        line = host.get(container_config).last("lxc.init.cmd")
        if line is None:
            raise NotApplicable("the template brings the init of a new container")
        seen = Evidence(line.file, line.line, line.text)
        if command in ("/sbin/init", "/bin/busybox", "/bin/sh", "init", "busybox", "sh"):
            yield Pass(f"a new container has {command}", seen)
        elif (
            host.get(template) == "busybox"
            and command.startswith("/")
            and (command.split("/")[1] not in BUSYBOX_TREE)
        ):
            fix = leave_out(host, line, "start the /sbin/init that the template brings")
            yield Fail(f"a new busybox container has no {command}", seen, fix=fix)
        else:
            yield Undecided(f"whether a new container will have {command} is not known", seen)
        return
    root = host.get(rootfs)
    where = Evidence(host.get(container_dir), None, "" if root is None else root.path)
    found = host.get(init_file)
    if found is None:
        broken = "/" in command and is_link(host, command)
        what = "is a link to nothing" if broken else "is missing"
        yield Fail(f"{command} {what} in the container", where, fix=no_init(host, command))
        return
    directory = host.get(container_config).last("lxc.init.cwd")
    if directory is not None and host.get(inside, directory.value) is None:
        yield Fail(
            f"the container has no {directory.value} for its init to begin in",
            Evidence(directory.file, directory.line, directory.text),
            fix=leave_out(host, directory),
        )
    path = "" if root is None else root.path.rstrip("/") + found.path
    mode = f"{found.stat.kind}, mode {found.stat.mode & 0o7777:04o}"
    seen = Evidence(path, None, mode, "an executable file")
    if found.stat.kind != "file" or not found.stat.mode & 0o111:
        cure = make_executable(host, path, found.stat) or no_init(host, command)
        yield Fail(f"{found.path} of the container is no executable file", seen, fix=cure)
        return
    head = host.get(elf_head, path)
    yield machine(host, found.path, head, seen)


def machine(host: Host, path: str, head: ElfHead | None, seen: Evidence) -> Finding:
    """Whether the machine runs the file; what is no ELF file is a script."""
    if head is None:
        return Pass(f"{path} is a script", seen)
    if host.get(runs_natively, head):
        return Pass(f"{path} is for {head.machine}", seen)
    handler = host.get(emulator, head)
    if handler is None:
        what = f"{path} is for {head.machine}, which this machine cannot run"
        none = Evidence("/proc/sys/fs/binfmt_misc", None, "no emulator")
        return Fail(what, seen, none, fix=emulate(head.machine))
    return Pass(f"{path} is for {head.machine}, which {handler} emulates", seen)


def is_link(host: Host, path: str) -> bool:
    """Whether the container has a link of that name, wherever it leads."""
    directory, _, name = path.rpartition("/")
    parent = host.get(inside, directory or "/")
    root = host.get(rootfs)
    if parent is None or root is None:
        return False
    found = host.lstat(f"{root.path.rstrip('/')}{parent.path.rstrip('/')}/{name}")
    return found is not None and found.kind == "symlink"
