#!/usr/bin/python3
"""Runs commands as root for the machine that this host is a guest of, over virtio-serial ports.

Each of the ports named host.0, host.1... serves one command at a time. One JSON object per line:

    to us    {"id": X, "argv": [...]}      run it
             {"id": X, "in": BASE64}       its standard input; "" ends it
             {"ping": 1}
    from us  {"id": X, "fd": 1 or 2, "out": BASE64}
             {"id": X, "code": N}          the last of this id
             {"hello": BOOT ID}

When the other side hangs up, its command is killed. Python 3.9, the oldest host's, has to do.
"""

from __future__ import annotations

import base64
import contextlib
import glob
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from typing import Any

CHUNK = 24576
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "SHELL": "/bin/bash",
}


class Command:
    """One command of the other side's, and the thread that hands on what it prints."""

    def __init__(self, port: Port, request: dict[str, Any]) -> None:
        self.port, self.id = port, request["id"]
        self.process: subprocess.Popen[bytes] | None = None
        try:
            self.process = subprocess.Popen(
                request["argv"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            self.say(2, f"{error}\n".encode())
            port.send({"id": self.id, "code": 127})
            return
        threading.Thread(target=self.pump, args=(self.process,), daemon=True).start()

    def say(self, descriptor: int, data: bytes) -> None:
        text = base64.b64encode(data).decode()
        self.port.send({"id": self.id, "fd": descriptor, "out": text})

    def pump(self, process: subprocess.Popen[bytes]) -> None:
        """Hand on output until the command is gone and its pipes are empty.

        A daemon that keeps the pipes open must not hold the answer up.
        """
        assert process.stdout is not None
        assert process.stderr is not None
        open_ones = {process.stdout.fileno(): 1, process.stderr.fileno(): 2}
        gone_since = None
        while open_ones:
            ready, _, _ = select.select(list(open_ones), [], [], 0.1)
            for descriptor in ready:
                data = os.read(descriptor, CHUNK)
                if data:
                    self.say(open_ones[descriptor], data)
                else:
                    del open_ones[descriptor]
            if process.poll() is not None and not ready:
                gone_since = gone_since or time.monotonic()
                if time.monotonic() - gone_since > 0.3:
                    break
        code = process.wait()
        self.port.send({"id": self.id, "code": code if code >= 0 else 128 - code})

    def feed(self, data: bytes) -> None:
        stdin = self.process.stdin if self.process else None
        if stdin is None or stdin.closed:
            return
        with contextlib.suppress(OSError):
            if data:
                stdin.write(data)
                stdin.flush()
            else:
                stdin.close()

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)


class Port:
    """One port, served for ever."""

    def __init__(self, device: str) -> None:
        self.descriptor = os.open(device, os.O_RDWR)
        self.lock = threading.Lock()
        self.command: Command | None = None

    def send(self, message: dict[str, Any]) -> None:
        data = (json.dumps(message) + "\n").encode()
        with self.lock:
            while data:
                data = data[os.write(self.descriptor, data) :]

    def serve(self) -> None:
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        rest = b""
        while True:
            events = poll.poll(1000)
            if not events:
                continue
            data = os.read(self.descriptor, 65536) if events[0][1] & select.POLLIN else b""
            if not data:  # nobody is connected
                if self.command:
                    self.command.kill()
                    self.command = None
                rest = b""
                time.sleep(0.05)
                continue
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):  # half a line of somebody who hung up
                    self.handle(json.loads(line))

    def handle(self, request: dict[str, Any]) -> None:
        if "ping" in request:
            with open("/proc/sys/kernel/random/boot_id") as file:
                self.send({"hello": file.read().strip()})
        elif "argv" in request:
            if self.command:
                self.command.kill()
            self.command = Command(self, request)
        elif self.command and self.command.id == request.get("id"):
            self.command.feed(base64.b64decode(request["in"]))


def devices() -> list[str]:
    """The device nodes of our ports, by sysfs: udev may not run."""
    found = []
    for directory in glob.glob("/sys/class/virtio-ports/*"):
        with open(directory + "/name") as file:
            name = file.read().strip()
        device = "/dev/" + os.path.basename(directory)
        if name.startswith("host.") and os.path.exists(device):
            found.append(device)
    return found


def main() -> int:
    if not glob.glob("/sys/class/virtio-ports/*"):
        subprocess.call(["modprobe", "-q", "virtio_console"])
    until = time.monotonic() + 60
    while not devices() and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(0.2)
    threads = [threading.Thread(target=Port(one).serve, daemon=True) for one in devices()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1  # there is none: whoever started us tries again


sys.exit(main())
