"""An image server on the loopback device, with switchable faults. Files, certificates, images.

The layout is that of images.linuxcontainers.org (lxc-ci bin/jenkins-import-images). Faults are read
from faults.json on every request: {"part of a path": {"status": 503}}, and so on.
"""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import lzma
import os
import ssl
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from runner.images.embedded import static_busybox
from runner.images.guest import pack_rootfs
from runner.images.pack import add_file

# identity -> (names in the certificate, issuer, days from now that it begins and ends)
IDENTITIES = {
    "good": ("DNS:localhost,IP:127.0.0.1", "ca", -1, 365),
    "expired": ("DNS:localhost,IP:127.0.0.1", "ca", -30, -1),
    "future": ("DNS:localhost,IP:127.0.0.1", "ca", 1, 30),
    "wronghost": ("DNS:mirror.example", "ca", -1, 365),
    "unknown": ("DNS:localhost,IP:127.0.0.1", "otherca", -1, 365),
    "plain": ("", "", 0, 0),  # http
}
BUILD = "20260101_07:42"
OWN_CONFIG = """\
lxc.include = LXC_TEMPLATE_CONFIG/common.conf
lxc.include = LXC_TEMPLATE_CONFIG/userns.conf
lxc.arch = x86_64
lxc.signal.halt = SIGUSR1
"""


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def make_certificates(directory: Path) -> None:
    """Two authorities and a certificate for each identity. `openssl ca` alone chooses the dates."""
    directory.mkdir()
    for name in ("ca", "otherca"):
        openssl(
            *(
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "30",
                "-subj",
                f"/CN={name}",
            ),
            *("-keyout", f"{directory}/{name}.key", "-out", f"{directory}/{name}.pem"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        )
    for name, (names, issuer, begins, ends) in IDENTITIES.items():
        if names:
            _leaf(directory, name, names, issuer, begins, ends)


def _leaf(top: Path, name: str, names: str, issuer: str, begins: int, ends: int) -> None:
    own = top / f"{name}.d"
    own.mkdir()
    (own / "index").touch()
    (own / "serial").write_text(f"{int.from_bytes(os.urandom(7), 'big'):016x}\n")
    (own / "conf").write_text(
        f"[ca]\ndefault_ca=c\n[c]\nnew_certs_dir={own}\ndatabase={own}/index\n"
        f"serial={own}/serial\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n"
        f"[p]\ncommonName=supplied\n[x]\nbasicConstraints=CA:FALSE\nsubjectAltName={names}\n"
    )
    request = f"{own}/request"
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{top}/{name}.key", "-out", request)  # fmt: skip
    dates = [
        time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))
        for days in (begins, ends)
    ]
    openssl(
        *("ca", "-batch", "-notext", "-config", f"{own}/conf", "-cert", f"{top}/{issuer}.pem"),
        *("-keyfile", f"{top}/{issuer}.key", "-in", request, "-out", f"{top}/{name}.pem"),
        *("-startdate", dates[0], "-enddate", dates[1]),
    )


def metadata(files: dict[str, str]) -> bytes:
    """A meta.tar.xz."""
    packed = io.BytesIO()
    with (
        lzma.open(packed, "wb", preset=0) as out,
        tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for name, text in files.items():
            add_file(archive, name, text.encode())
    return packed.getvalue()


def busybox_rootfs(path: Path) -> None:
    """The embedded guest's root file system."""
    pack_rootfs(str(path), static_busybox())


def with_members(path: Path, members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> None:
    """A rootfs.tar.xz of these members."""
    with lzma.open(path, "wb", preset=0) as out, tarfile.open(fileobj=out, mode="w") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


class Tree:
    """What the server has."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.www = top / "www"

    def add(
        self,
        dist: str,
        rootfs: Path | bytes,
        *,
        release: str = "1",
        variant: str = "default",
        arch: str = "amd64",
        build: str = BUILD,
        meta: dict[str, str] | None = None,
    ) -> Path:
        """Publish an image; the index knows it after `index`."""
        own = self.www / "images" / dist / release / arch / variant / build
        own.mkdir(parents=True)
        data = rootfs if isinstance(rootfs, bytes) else rootfs.read_bytes()
        (own / "rootfs.tar.xz").write_bytes(data)
        files = {"config-user": OWN_CONFIG, "config": OWN_CONFIG, "templates": "/etc/hostname\n"}
        files |= {"expiry": f"{int(time.time()) + 30 * 86400}\n", "create-message": "hello\n"}
        (own / "meta.tar.xz").write_bytes(metadata({**files, **(meta or {})}))
        self.sum_up(own)
        return own

    def sum_up(self, own: Path) -> None:
        """Write the check sums of what is there."""
        names = ("meta.tar.xz", "rootfs.tar.xz")
        sums = ((hashlib.sha256((own / name).read_bytes()).hexdigest(), name) for name in names)
        (own / "SHA256SUMS").write_text("".join(f"{sha}  {name}\n" for sha, name in sums))

    def index(self) -> None:
        """Write the index of all that is there, the newest build of each."""
        newest: dict[tuple[str, ...], str] = {}
        for own in sorted((self.www / "images").glob("*/*/*/*/*")):
            *image, build = own.relative_to(self.www / "images").parts
            newest[tuple(image)] = build
        place = self.www / "meta/1.0"
        place.mkdir(parents=True, exist_ok=True)
        lines = [
            ";".join((*image, build, f"/images/{'/'.join((*image, build))}/"))
            for image, build in newest.items()
        ]
        (place / "index-user").write_text("".join(f"{line}\n" for line in lines))

    def faults(self, faults: dict[str, dict[str, Any]]) -> None:
        """From now on; {} is none."""
        new = self.top / "faults.new"
        new.write_text(json.dumps(faults))
        new.rename(self.top / "faults.json")

    def requests(self, part: str) -> int:
        """How often a path with `part` in it was asked for."""
        log = self.top / "requests.log"
        return sum(part in line for line in log.read_text().splitlines()) if log.exists() else 0

    def forget(self) -> None:
        (self.top / "requests.log").unlink(missing_ok=True)


class Handler(http.server.BaseHTTPRequestHandler):
    """Files of a tree, or what a fault says."""

    protocol_version = "HTTP/1.1"
    top: Path

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        with open(self.top / "requests.log", "a") as log:
            log.write(f"{self.path} {self.headers.get('Range', '')}\n")
        try:
            faults = json.loads((self.top / "faults.json").read_text())
        except (OSError, ValueError):
            faults = {}
        matching = [fault for part, fault in faults.items() if part in self.path]
        fault: dict[str, Any] = matching[0] if matching else {}
        if "times" in fault:  # a fault that goes away
            counter = self.top / "times"
            seen = int(counter.read_text()) if counter.exists() else 0
            counter.write_text(str(seen + 1))
            fault = {} if seen >= fault["times"] else fault
        if "hang" in fault:
            time.sleep(fault["hang"])
        if "status" in fault:
            return self._send(fault["status"], b"fault\n")
        if "redirect" in fault:
            return self._send(302, b"", location=fault["redirect"])
        if "html" in fault:
            return self._send(200, fault["html"].encode())
        path = self.top / "www" / os.path.normpath("/" + self.path.split("?")[0]).lstrip("/")
        if not path.is_file():
            return self._send(404, b"404\n")
        return self._file(path.read_bytes(), fault)

    def _file(self, body: bytes, fault: dict[str, Any]) -> None:
        if fault.get("corrupt"):
            middle = len(body) // 2
            body = (
                body[:middle]
                + bytes(b ^ 0xFF for b in body[middle : middle + 64])
                + body[middle + 64 :]
            )
        if "short" in fault:  # a short file on the mirror
            body = body[: int(len(body) * fault["short"])]
        first = 0
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes=") and not fault.get("no_range"):
            first = int(asked[6:].rstrip("-"))
            if first >= len(body):
                return self._send(416, b"")
        status = 206 if first else 200
        part = body[first:]
        if "cut" in fault:  # the connection breaks
            self._send(status, part[: max(1, int(len(part) * fault["cut"]))], length=len(part))
            self.close_connection = True
            return None
        return self._send(status, part, rate=fault.get("rate"))

    def _send(
        self,
        status: int,
        body: bytes,
        *,
        length: int | None = None,
        location: str = "",
        rate: int | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        try:
            step = max(1, rate // 20) if rate else len(body) or 1
            for start in range(0, len(body), step):
                self.wfile.write(body[start : start + step])
                if rate:
                    time.sleep(0.05)
        except OSError:
            self.close_connection = True


class Listener(http.server.ThreadingHTTPServer):
    """One identity. The handshake is made in the request's thread, so that none waits for it."""

    daemon_threads = True
    request_queue_size = 128
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.context is not None:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError):
                return
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Served(NamedTuple):
    """Ports by identity."""

    ports: dict[str, int]
    listeners: list[Listener]


def serve(top: Path, identities: Iterable[str] = tuple(IDENTITIES)) -> Served:
    """Serve a tree on free ports of 127.0.0.1, in threads."""
    handler = type("TreeHandler", (Handler,), {"top": top})
    ports: dict[str, int] = {}
    listeners = []
    for name in identities:
        listener = Listener(("127.0.0.1", 0), handler)
        if name != "plain":
            listener.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            listener.context.load_cert_chain(top / f"pki/{name}.pem", top / f"pki/{name}.key")
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        ports[name] = listener.server_address[1]
        listeners.append(listener)
    return Served(ports, listeners)


def main(top: str) -> None:
    """In a world: print the ports as JSON, serve until standard input ends."""
    print(json.dumps(serve(Path(top)).ports), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
