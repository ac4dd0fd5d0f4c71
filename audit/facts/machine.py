"""Which programs this machine runs: ELF machines, and emulators registered with binfmt_misc."""

from __future__ import annotations

from typing import cast

from audit.host import Host
from audit.records import NamedTuple

# elf(5) e_machine -> the name that images use
_MACHINES = {
    3: "i386",
    8: "mips",
    20: "powerpc",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "x86_64",
    183: "aarch64",
    243: "riscv",
    258: "loongarch",
}
# uname -m -> the machines that its kernel runs, with the usual 32-bit support
_NATIVE = {
    "x86_64": (62, 3),
    "i686": (3,),
    "i586": (3,),
    "aarch64": (183, 40),
    "armv7l": (40,),
    "armv6l": (40,),
    "ppc64le": (21,),
    "ppc64": (21, 20),
    "riscv64": (243,),
    "s390x": (22,),
    "loongarch64": (258,),
    "mips": (8,),
    "mips64": (8,),
}
_BINFMT = "/proc/sys/fs/binfmt_misc"
_HEAD = r"\A\x7fELF([\x01\x02])([\x01\x02]).{12}(.)(.)"


class ElfHead(NamedTuple):
    """The start of an ELF file: 32 or 64 bits, and for which machine."""

    bits: int
    number: int

    @property
    def machine(self) -> str:
        return _MACHINES.get(self.number, f"machine {self.number}")


def elf_head(host: Host, path: str) -> ElfHead | None:
    """What an executable is for, None when it is no ELF file."""
    rows = host.search(path, _HEAD)
    if not rows:
        return None
    size, order, first, second = (ord(_byte(text)) for text in rows[0])
    number = first | second << 8 if order == 1 else first << 8 | second
    return ElfHead(32 * size, number)


def _byte(text: str) -> str:
    return chr(ord(text) & 0xFF)


def runs_natively(host: Host, head: ElfHead) -> bool:
    """Whether the kernel runs it without an emulator."""
    machine = cast("list[str]", host.ask("uname"))[3]
    return head.number in _NATIVE.get(machine, (head.number,))


def emulator(host: Host, head: ElfHead) -> str | None:
    """The handler of binfmt_misc for the machine, None when none is registered."""
    for name in host.list(_BINFMT) or ():
        if name in ("register", "status"):
            continue
        if head.machine in name or (head.machine == "arm" and "arm" in name):
            text = host.read(f"{_BINFMT}/{name}") or ""
            if text.startswith("enabled"):
                return name
    return None
