"""The channel to a booted host: commands through its virtio-serial ports (guest/agent.py)."""

from __future__ import annotations

import base64
import json
import select
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PORTS = 4  # so many commands at a time
CHUNK = 24576  # bytes of standard input in one message
TIMED_OUT = 124


class HostGone(Exception):
    """The host does not answer any more, or never did."""


class Channel:
    """The ports of one host; each is used by one command at a time."""

    def __init__(self, directory: Path) -> None:
        self.paths = [directory / f"port{number}" for number in range(PORTS)]
        self.free = list(self.paths)
        self.changed = threading.Condition()

    @contextmanager
    def port(self) -> Iterator[_Port]:
        with self.changed:
            while not self.free:
                self.changed.wait()
            # The one that has rested longest: that its last user hung up is told to the host on
            # another queue than data, and may come to its ears after the next command.
            path = self.free.pop(0)
        try:
            with socket.socket(socket.AF_UNIX) as own:
                try:
                    own.connect(str(path))
                except OSError as error:
                    raise HostGone(f"no host behind {path}: {error}") from None
                yield _Port(own)
        finally:
            with self.changed:
                self.free.append(path)
                self.changed.notify()

    def answers(self, seconds: float) -> bool:
        """Whether the host's agent answers within `seconds`."""
        with self.port() as port:
            port.send({"ping": 1})
            return any("hello" in message for message in port.messages(seconds))

    def run(
        self, argv: list[str], stdin: bytes = b"", seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root; code 124 when it took longer than `seconds`."""
        name = uuid.uuid4().hex
        printed = {1: b"", 2: b""}
        code = TIMED_OUT
        with self.port() as port:
            port.send({"id": name, "argv": argv})
            for start in range(0, len(stdin), CHUNK):
                piece = base64.b64encode(stdin[start : start + CHUNK]).decode()
                port.send({"id": name, "in": piece})
            port.send({"id": name, "in": ""})
            for message in port.messages(seconds):
                if message.get("id") != name:
                    continue
                if "code" in message:
                    code = message["code"]
                    break
                printed[message["fd"]] += base64.b64decode(message["out"])
        out, err = (printed[fd].decode(errors="replace") for fd in (1, 2))
        return subprocess.CompletedProcess(argv, code, out, err)


class _Port:
    def __init__(self, own: socket.socket) -> None:
        self.socket = own
        self.rest = b""

    def send(self, message: dict[str, Any]) -> None:
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def messages(self, seconds: float) -> Iterator[dict[str, Any]]:
        """What the host says, until `seconds` are over."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                return
            data = self.socket.recv(65536)
            if not data:
                raise HostGone("the host hung up")
            *lines, self.rest = (self.rest + data).split(b"\n")
            for line in lines:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue  # the end of a message to somebody before us
