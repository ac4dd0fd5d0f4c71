"""HTTPS, with the one exact reason when it does not work.

wget as lxc-download calls it throws the reason away: an expired certificate, a wrong clock, a
refused connection and a captive portal all end in "Failed to download".
"""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from io import BufferedReader
from typing import Any
from urllib.parse import urlsplit

from audit.errors import UsageError
from runner.errors import Failed, TimedOut
from runner.images.kinds import Server, Step

STALL = 20.0  # seconds without a byte
CHUNK = 1 << 16
TRIES = 4  # of a file whose connection breaks; each goes on where the last one ended
PAUSE = 0.3  # seconds before the second try, doubled each time
AGENT = "lxc-preflight"
ACCEPTED = (200, 206)

# X509_V_ERR_* of OpenSSL's x509_vfy.h
CERTIFICATE = {
    9: "its certificate is not valid yet: is this host's clock right?",
    10: "its certificate has expired: if it has not, this host's clock is wrong",
    18: "its certificate is signed by itself: name the CA with --ca FILE if you trust it",
    19: "an unknown CA signed its certificate: name the CA with --ca FILE if you trust it",
    20: "an unknown CA signed its certificate: name the CA with --ca FILE if you trust it",
    62: "its certificate is for another host",
    64: "its certificate is for another address",
}


class Broken(Failed):
    """The connection ended early: what has arrived is worth going on from."""


class NotThere(Failed):
    """HTTP 404 or 410."""


class Client:
    """Requests to one server, until a point in time (of time.monotonic)."""

    def __init__(self, server: Server, deadline: float, stall: float = STALL) -> None:
        self.server = server
        self.deadline = deadline
        self.stall = stall
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=_context(server)), _Redirects(server.insecure)
        )

    def url(self, path: str) -> str:
        return f"{self.server.base}/{path.lstrip('/')}"

    def text(self, path: str, limit: int) -> str:
        """The text at a path; raises Failed for more than `limit` bytes."""
        url = self.url(path)
        for pause in _pauses():
            try:
                with self._open(url, 0) as answer:
                    data = b"".join(_chunks(answer, url, self.deadline, limit))
                return data.decode("utf-8", "backslashreplace")
            except Broken:
                self._wait(pause, url)
        raise AssertionError("the last pause raises")

    def file(self, path: str, target: str, sha256: str, step: Step | None = None) -> None:
        """Fetch a file to `target`, by way of `target`.part, and verify it.

        What an earlier try left in the .part is gone on from. Raises Failed; a .part whose content
        proved wrong is removed, one that is only short stays for the next try.
        """
        url, part = self.url(path), f"{target}.part"
        for pause in _pauses():
            try:
                digest = self._append(url, part, step)
            except Broken:
                self._wait(pause, url)
                continue
            if digest == sha256:
                os.rename(part, target)
                return
            os.unlink(part)
            raise Failed(
                f"{url}: sha256 is {digest[:16]}..., and {sha256[:16]}... was promised: "
                "the file is damaged, or not what the server vouches for"
            )
        raise AssertionError("the last pause raises")

    def _append(self, url: str, part: str, step: Step | None) -> str:
        digest = hashlib.sha256()
        with open(part, "ab+") as file:
            file.seek(0)
            while block := file.read(1 << 20):
                digest.update(block)
            have = file.tell()
            with self._open(url, have) as answer:
                if have and answer.status != 206:  # it sends everything again
                    file.truncate(0)
                    have, digest = 0, hashlib.sha256()
                total = _total(answer, have)
                try:
                    for block in _chunks(answer, url, self.deadline, None):
                        file.write(block)
                        digest.update(block)
                        have += len(block)
                        if step is not None:
                            step(have, total)
                finally:
                    file.flush()
            os.fsync(file.fileno())
        return digest.hexdigest()

    def _open(self, url: str, have: int) -> Any:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimedOut(f"{url}: no time left (--timeout)")
        patience = min(self.stall, left)
        request = urllib.request.Request(url, headers={"User-Agent": AGENT})
        if have:
            request.add_header("Range", f"bytes={have}-")
        try:
            answer = self._opener.open(request, timeout=patience)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and have:  # the file is whole already, or was never this long
                return _Nothing()
            raise _refused(url, error) from None
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            raise unreachable(url, error, patience) from None
        if answer.status not in ACCEPTED:
            raise Failed(f"{url}: HTTP {answer.status}")
        return answer

    def _wait(self, pause: float | None, url: str) -> None:
        """Before the next try; raises what is being handled when it was the last one."""
        if pause is None or time.monotonic() + pause > self.deadline:
            raise
        time.sleep(pause)


class _Nothing:
    """The answer to a request for what is behind the end."""

    status = 206

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}

    def read1(self, _size: int) -> bytes:
        return b""

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Mirrors are followed, but never from https to http."""

    def __init__(self, insecure: bool) -> None:
        self._insecure = insecure

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        if urlsplit(newurl).scheme != "https" and not self._insecure:
            raise Failed(f"{req.full_url} leads to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _context(server: Server) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=server.ca)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"--ca {server.ca}: no usable certificate in it ({error})") from None
    if server.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _pauses() -> list[float | None]:
    return [*(PAUSE * 2**n for n in range(TRIES - 1)), None]


def _total(answer: Any, have: int) -> int | None:
    length = answer.headers.get("Content-Length")
    return have + int(length) if length is not None and length.isdecimal() else None


def _chunks(answer: Any, url: str, deadline: float, limit: int | None) -> Any:
    """The body, block by block. http.client raises no error for a body that ends early when it
    is read by read1(), so the length is counted here.
    """
    expected, got = _total(answer, 0), 0
    while True:
        try:
            block = answer.read1(CHUNK)
        except TimeoutError:
            raise Broken(f"{url}: nothing more came after {got} bytes") from None
        except (OSError, http.client.HTTPException) as error:
            raise Broken(f"{url}: the connection broke after {got} bytes ({error})") from None
        if not block:
            break
        got += len(block)
        if limit is not None and got > limit:
            raise Failed(f"{url}: more than {limit} bytes")
        if time.monotonic() > deadline:
            raise TimedOut(f"{url}: no time left after {got} bytes (--timeout)")
        yield block
    if expected is not None and got < expected:
        raise Broken(f"{url}: the connection ended after {got} of {expected} bytes")


def _refused(url: str, error: urllib.error.HTTPError) -> Failed:
    words = f"{url}: HTTP {error.code} {error.reason}"
    if error.code in (404, 410):
        return NotThere(words)
    if error.code == 407:
        return Failed(f"{words}: the proxy wants a password (https_proxy=http://USER:PASSWORD@...)")
    if error.code >= 500:
        return Broken(words)
    return Failed(words)


def unreachable(url: str, error: Exception, stall: float) -> Failed:
    """Why no answer came, as exactly as the system says."""
    reason = getattr(error, "reason", error)
    host = urlsplit(url).netloc
    if isinstance(reason, Failed):
        return reason
    if isinstance(reason, ssl.SSLCertVerificationError):
        why = CERTIFICATE.get(reason.verify_code, reason.verify_message)
        return Failed(f"{host} is not trusted: {why} ({reason.verify_message})")
    if isinstance(reason, ssl.SSLError):
        if reason.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"):
            return Failed(f"{host} does not speak TLS there: it answers in plain text")
        return Failed(f"{host}: TLS failed: {reason.reason or reason}")
    if isinstance(reason, socket.gaierror):
        return Failed(f"the name {urlsplit(url).hostname} cannot be resolved: {reason.strerror}")
    if isinstance(reason, TimeoutError):
        return Failed(f"{host} did not answer within {stall:.0f} s")
    if isinstance(reason, ConnectionRefusedError):
        return Failed(f"{host} refuses the connection: nothing listens there")
    if isinstance(reason, http.client.HTTPException | ConnectionError):
        return Broken(f"{host} ended the connection without an answer ({reason!r})")
    if isinstance(reason, OSError):
        return Failed(f"{host} cannot be reached: {reason.strerror or reason}")
    return Failed(f"{host} cannot be reached: {reason}")


def hash_of(file: BufferedReader) -> str:
    """The sha256 of an open file."""
    return hashlib.file_digest(file, "sha256").hexdigest()
