"""In a host: the ways into a session of a user, and typing in one."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from tests.truth.reality import Done

KEY = Path("/root/.ssh/id_ed25519")
CRON = Path("/etc/cron.d/session")
OPEN_SECONDS = 150  # cron's minute, and a slow machine
SSHD = """
[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -A >/dev/null
mkdir -p /run/sshd
if pgrep -x sshd >/dev/null; then exit 0; fi
if [ -d /run/systemd/system ]; then
    rm -f /etc/systemd/system/ssh.service
    systemctl daemon-reload
    exec systemctl start ssh
fi
if command -v rc-service >/dev/null; then exec rc-service ssh start; fi
exec /etc/init.d/ssh start
"""


class Session(AbstractContextManager["Session", None]):
    """A session of a user that stays open until the end of its `with` block.

    `kind`: login (`su -`), su, ssh, cron, or nopam (a daemon that only dropped its ids). Calling it
    types a command. Raises RuntimeError when it cannot be opened.
    """

    def __init__(self, kind: str, user: str) -> None:
        self.kind = kind
        self.directory = Path(tempfile.mkdtemp(prefix="session-", dir="/var/tmp"))
        for name in ("in", "out"):
            os.mkfifo(self.directory / name, 0o666)
            os.chmod(self.directory / name, 0o666)
        self.directory.chmod(0o755)
        serve = f"cd {Path.cwd()} && exec {sys.executable} -m tests.hosts.serve {self.directory}"
        self.process = _enter(kind, user, serve, self.directory / "log")
        # Held open for reading too: neither end may wait for the other for ever.
        self.requests: IO[str] = os.fdopen(os.open(self.directory / "in", os.O_RDWR), "w")
        self.answers = os.open(self.directory / "out", os.O_RDWR)
        if self("true", OPEN_SECONDS).returncode:
            self.close()
            raise RuntimeError(f"no session by {kind}: {self._complaint()}")

    def __call__(self, command: str, seconds: float) -> Done:
        """Type a command line; code 124 when it took too long, 125 when the session is gone."""
        self.requests.write(json.dumps({"command": command, "seconds": seconds}) + "\n")
        self.requests.flush()
        until = time.monotonic() + seconds + 20
        line = b""
        while not line.endswith(b"\n"):
            if select.select([self.answers], [], [], 0.5)[0]:
                line += os.read(self.answers, 65536)
                continue
            gone = self.process is not None and self.process.poll() is not None
            if gone or time.monotonic() > until:
                return Done(command, 125, "", "the session is gone")
        said = json.loads(line)
        return Done(command, said["code"], said["out"], said["err"])

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Log out."""
        self.requests.close()
        os.close(self.answers)
        CRON.unlink(missing_ok=True)
        if self.process is not None:
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _complaint(self) -> str:
        return (self.directory / "log").read_text(errors="replace").strip()[-300:]


def _enter(kind: str, user: str, serve: str, log: Path) -> subprocess.Popen[str] | None:
    """Open the session; cron's belongs to cron."""
    match kind:
        case "login":
            argv = ["su", "-", user, "-c", serve]
        case "su":
            argv = ["su", user, "-c", serve]
        case "nopam":
            become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
            argv = [*become, "--reset-env", "sh", "-c", serve]
        case "ssh":
            _authorize(user)
            options = [f"-i{KEY}", "-oBatchMode=yes", "-oStrictHostKeyChecking=no"]
            argv = ["ssh", "-q", *options, f"{user}@127.0.0.1", serve]
        case "cron":
            # Once: the file is gone before the next minute.
            CRON.write_text(f"* * * * * {user} {serve}\n")
            CRON.chmod(0o644)
            return None
        case _:
            raise ValueError(f"no such session: {kind}")
    with log.open("w") as out:
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, text=True
        )


def _authorize(user: str) -> None:
    """Let root in by ssh as the user; sshd runs as the host's own service."""
    subprocess.run(["sh", "-c", SSHD], check=True, capture_output=True)
    if not KEY.exists():
        KEY.parent.mkdir(mode=0o700, exist_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(KEY)], check=True)
    line = "mkdir -p -m 700 ~/.ssh && cat >>~/.ssh/authorized_keys"
    with KEY.with_suffix(".pub").open() as public:
        subprocess.run(["su", "-", user, "-c", line], check=True, stdin=public)
