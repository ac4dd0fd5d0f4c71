"""A booted host: QEMU without KVM, on a throw-away copy of an image."""

from __future__ import annotations

import io
import json
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.hosts.channel import PORTS, Channel, HostGone
from tests.hosts.image import Built

QEMU = ("qemu-system-x86_64", "qemu-img")
MEMORY_MIB = 1024
BOOT_SECONDS = 400
# What an emulated host need not do; its network cards keep their old names.
COMMAND_LINE = (
    "console=ttyS0 root=/dev/vda rw quiet loglevel=3 mitigations=off nokaslr random.trust_cpu=on"
    " tsc=unstable no_timer_check net.ifnames=0"
)
# systemd: its job queue is empty. OpenRC: it is in its default runlevel and starts nothing.
BOOTED = """
if [ -d /run/systemd/system ]; then exec systemctl is-system-running --wait; fi
command -v rc-status >/dev/null || exit 0
tries=0
while [ "$(cat /run/openrc/softlevel 2>/dev/null)" != default ] ||
        ls -A /run/openrc/starting 2>/dev/null | grep -q .; do
    tries=$((tries + 1)); [ $tries -lt 600 ] || exit 1
    sleep 0.2
done
"""


def obstacle() -> str:
    """Why no host can be booted here, or nothing."""
    missing = [tool for tool in QEMU if not shutil.which(tool)]
    return f"needs {', '.join(missing)}" if missing else ""


class Machine(AbstractContextManager["Machine", None]):
    """A running host; leaving its `with` block cuts the power and throws its disk away.

    `arguments` are the kernel's. `before_init` is shell that changes the root file system before
    its init starts. `network`: a card behind QEMU's own NAT, for package managers.
    Raises HostGone when it does not boot.
    """

    def __init__(
        self, built: Built, arguments: str = "", before_init: str = "", *, network: bool = False
    ) -> None:
        self.built = built
        self.directory = Path(tempfile.mkdtemp(prefix="host-"))
        self.channel = Channel(self.directory)
        subprocess.run(
            [
                "qemu-img",
                "create",
                "-q",
                "-f",
                "qcow2",
                "-b",
                str(built.disk),
                "-F",
                "raw",
                self._disk,
            ],
            check=True,
        )
        self.initrd, self.network = built.initrd, network
        if before_init:
            self.initrd = self.directory / "initrd"
            own = _cpio("before-init", before_init.encode())
            self.initrd.write_bytes(built.initrd.read_bytes() + own)
        self._power_on(arguments)

    def _power_on(self, arguments: str) -> None:
        """Start QEMU, and wait until the host is up."""
        command = [
            *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"),
            *("-machine", "q35,usb=off", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max"),
            *("-smp", "2", "-m", str(MEMORY_MIB)),
            *("-kernel", str(self.built.kernel), "-initrd", str(self.initrd)),
            *("-append", f"{COMMAND_LINE} {arguments}"),
            *("-chardev", f"file,id=console,path={self.directory}/console"),
            *("-serial", "chardev:console"),
            *("-qmp", f"unix:{self.directory}/qmp,server=on,wait=off"),
            *(
                "-drive",
                f"if=none,id=root,format=qcow2,cache=unsafe,discard=unmap,file={self._disk}",
            ),
            *("-device", "virtio-blk-pci,drive=root"),
            *("-device", f"virtio-serial-pci,max_ports={PORTS + 1}"),
        ]
        for number, path in enumerate(self.channel.paths):
            command += ["-chardev", f"socket,id=port{number},path={path},server=on,wait=off"]
            command += ["-device", f"virtserialport,chardev=port{number},name=host.{number}"]
        if self.network:
            command += ["-nic", "user,model=virtio-net-pci"]
        with open(self.directory / "qemu.log", "wb") as log:
            self.qemu = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise

    @property
    def _disk(self) -> str:
        return str(self.directory / "disk.qcow2")

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Cut the power."""
        if self.qemu.poll() is None:
            self.qemu.send_signal(signal.SIGKILL)
        self.qemu.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def wait(self) -> None:
        """Until the host is up; raises HostGone when it is not after BOOT_SECONDS."""
        until = time.monotonic() + BOOT_SECONDS
        while True:
            if self.qemu.poll() is not None:
                raise HostGone(f"QEMU ended: {(self.directory / 'qemu.log').read_text()[-500:]}")
            if time.monotonic() > until:
                raise HostGone(f"did not boot within {BOOT_SECONDS} s: {self.console()[-500:]}")
            try:
                if self.channel.answers(2):
                    break
            except HostGone:
                time.sleep(0.1)
        self.run(["sh", "-c", BOOTED], seconds=max(5, until - time.monotonic()))

    def console(self) -> str:
        """What the host wrote to its serial console."""
        return (self.directory / "console").read_text(errors="replace")

    def run(
        self, argv: list[str], stdin: bytes = b"", seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root, in the agent's own cgroup."""
        return self.channel.run(argv, stdin, seconds)

    def shell(self, script: str, seconds: float = 300) -> str:
        """Run shell as root, and what it printed; raises RuntimeError when it fails."""
        done = self.run(["bash", "-euc", script], seconds=seconds)
        if done.returncode:
            words = f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
            raise RuntimeError(f"in the host: code {done.returncode}: {words}")
        return done.stdout

    def push(self, files: dict[str, Path | bytes], *, mode: int | None = None) -> None:
        """Copy files and directories: path in the host -> what is to be there, root's."""
        packed = io.BytesIO()

        def owned(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            if mode is not None:
                member.mode = mode
            return None if "__pycache__" in member.name else member

        with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for name, what in files.items():
                if isinstance(what, Path):
                    tar.add(what, arcname=name.lstrip("/"), filter=owned)
                    continue
                member = tarfile.TarInfo(name.lstrip("/"))
                member.size, member.mode = len(what), 0o644
                tar.addfile(owned(member) or member, io.BytesIO(what))
        done = self.run(
            ["tar", "--warning=no-timestamp", "-xpf", "-", "-C", "/"], packed.getvalue()
        )
        if done.returncode:
            raise RuntimeError(f"could not copy into the host: {done.stderr}")

    def save(self, tag: str) -> None:
        """Remember memory and disk under a name."""
        self._monitor(f"savevm {tag}")

    def load(self, tag: str) -> None:
        """Go back to what was saved; the host's clock is set to now."""
        self._monitor(f"loadvm {tag}")
        self.run(["date", "-u", "-s", f"@{int(time.time())}"])

    def reboot(self) -> None:
        """Reboot as a person does, and wait until the host is up again.

        Where the host has a configuration of GRUB, the kernel gets the words that stand in it: QEMU
        loads the kernel itself, and this is all that is not GRUB's own work here.
        """
        menu = self.run(["cat", "/boot/grub/grub.cfg"])
        if menu.returncode == 0:
            self.run(["sync"])
            self._monitor("quit")
            self.qemu.wait()
            self._power_on(kernel_words(menu.stdout))
            return
        before = self.run(["cat", "/proc/sys/kernel/random/boot_id"]).stdout
        # At once, and not by the init: shutting down takes as long as booting.
        self.run(["sh", "-c", "sync; echo b >/proc/sysrq-trigger"], seconds=3)
        until = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < until:
            try:
                now = self.run(["cat", "/proc/sys/kernel/random/boot_id"], seconds=5)
            except HostGone:
                time.sleep(0.5)
                continue
            if now.returncode == 0 and now.stdout != before:
                self.wait()
                return
        raise HostGone(f"did not come back: {self.console()[-500:]}")

    def _monitor(self, line: str) -> None:
        """A command of QEMU's human monitor; raises RuntimeError with what it complains about."""
        with socket.socket(socket.AF_UNIX) as own:
            own.settimeout(120)
            own.connect(str(self.directory / "qmp"))
            with own.makefile("rw") as file:
                file.readline()  # its greeting
                _said(file, {"execute": "qmp_capabilities"})
                arguments = {"command-line": line}
                said = _said(file, {"execute": "human-monitor-command", "arguments": arguments})
        if said:
            raise RuntimeError(f"QEMU: {line}: {said}")


def kernel_words(menu: str) -> str:
    """What the first entry of a grub.cfg adds to the kernel's command line."""
    found = re.search(r"^\s*linux\s+\S+\s+root=\S+\s+ro\b(.*)$", menu, re.MULTILINE)
    if found is None:
        raise ValueError("grub.cfg names no kernel")
    return found[1].strip()


def _said(file: Any, command: dict[str, Any]) -> str:
    """The answer to a QMP command; events in between are passed over."""
    file.write(json.dumps(command) + "\n")
    file.flush()
    while True:
        message = json.loads(file.readline())
        if "error" in message:
            return str(message["error"].get("desc", "failed"))
        if "return" in message:
            answer = message["return"]
            return answer.strip() if isinstance(answer, str) else ""


def _cpio(name: str, data: bytes) -> bytes:
    """A cpio archive (newc) of one file; the kernel unpacks archives one after the other."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, name)
        path.write_bytes(data)
        path.chmod(0o755)
        return subprocess.run(
            ["cpio", "--create", "--format=newc", "--owner=0:0", "--quiet"],
            input=f"{name}\n".encode(),
            cwd=directory,
            capture_output=True,
            check=True,
        ).stdout
