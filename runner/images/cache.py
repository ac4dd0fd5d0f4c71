"""Images that were fetched: found again, verified again, shared by every run of one user.

One directory for each server and image, one in it for each build. A build appears whole (rename)
or not at all. The lock is the directory itself (flock): shared while lxc-create unpacks, exclusive
while something is fetched; the kernel drops it with the process, so none is ever left.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from audit.errors import UsageError
from runner.errors import Failed, TimedOut
from runner.images import archive, index
from runner.images.kinds import Say, Step, Stored
from runner.images.pack import pack_metadata
from runner.images.transfer import Client, NotThere, hash_of
from runner.names import Image, near
from runner.places import cache

RECORD = "image.json"
FORMAT = 1
PREPARED = "metadata.tar.xz"  # the image's own, less what it has no business to say
MOST_DAYS = 30  # after which the server is asked for a newer build
POLL = 0.05  # seconds between two looks at a lock


@contextmanager
def obtained(
    image: Image,
    client: Client,
    *,
    refresh: bool = False,
    offline: bool = False,
    step: Step | None = None,
    say: Say = lambda words: None,
) -> Iterator[Stored]:
    """The newest build of an image that is not older than 30 days, from the cache or the server.

    `refresh` asks the server in any case, `offline` in none. Nobody removes the files while the
    context lasts. Raises Failed when it cannot be had, UsageError when there is no such image.
    """
    place = _place(image, client)
    with _locked(place, client.deadline, say) as lock:
        stored = None if refresh else _find(place, expired=offline)
        if stored is None:
            if offline:
                raise UsageError(f"{image} is not in the cache, and --offline asks no server")
            lock(fcntl.LOCK_EX)
            # another run may have fetched it while we waited
            stored = None if refresh else _find(place, expired=False)
            stored = stored or _fetch(place, image, client, step)
            lock(fcntl.LOCK_SH)
            if not os.path.exists(stored.rootfs):  # two locks in a row are not one
                raise Failed(f"another run replaced {image} meanwhile: try again")
        yield stored


def _place(image: Image, client: Client) -> str:
    key = hashlib.sha256(client.server.base.encode()).hexdigest()[:12]
    return cache("images", key, *image)


@contextmanager
def _locked(place: str, deadline: float, say: Say) -> Iterator[Callable[[int], None]]:
    """Yields a function that takes the directory's lock, shared at first."""
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def lock(how: int) -> None:
        told = False
        while True:
            try:
                fcntl.flock(fd, how | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if not told:
                    say("another run is fetching the same image; waiting for it")
                    told = True
            if time.monotonic() > deadline:
                raise TimedOut("another run still fetches the same image (--timeout)")
            time.sleep(POLL)

    try:
        lock(fcntl.LOCK_SH)
        yield lock
    finally:
        os.close(fd)


def _find(place: str, *, expired: bool) -> Stored | None:
    """The newest build in the cache that is whole; None when it is too old, unless `expired`."""
    for build in sorted(os.listdir(place), reverse=True):
        record = _record(os.path.join(place, build))
        if record is None or (not expired and record["until"] < time.time()):
            continue
        if _is_intact(os.path.join(place, build), record):
            return _stored(os.path.join(place, build), record)
    return None


def _record(directory: str) -> dict[str, Any] | None:
    try:
        with open(os.path.join(directory, RECORD), encoding="utf-8") as file:
            record = json.load(file)
    except (OSError, ValueError):
        return None
    known = isinstance(record, dict) and record.get("format") == FORMAT
    return record if known else None


def _is_intact(directory: str, record: dict[str, Any]) -> bool:
    """Whether the root file system is still what was verified: a full disk or a dying one, or a
    person, may have changed it.
    """
    try:
        with open(os.path.join(directory, "rootfs.tar.xz"), "rb") as file:
            good = hash_of(file) == record["sha256"]
        return good and os.path.getsize(os.path.join(directory, PREPARED)) > 0
    except OSError:
        return False


def _stored(directory: str, record: dict[str, Any]) -> Stored:
    return Stored(
        os.path.join(directory, "rootfs.tar.xz"),
        os.path.join(directory, PREPARED),
        record["build"],
        record["systemd"],
        record["size"],
        tuple(record["left_out"]),
    )


def _fetch(place: str, image: Image, client: Client, step: Step | None) -> Stored:
    """Ask the index, fetch, verify, look into it, put it in its place. The lock is ours alone."""
    entry = entry_of(image, client)
    final = os.path.join(place, entry.build)
    record = _record(final)
    if record is not None and _is_intact(final, record):  # still the newest
        record["until"] = _until(None)
        _write(final, record)
        return _stored(final, record)
    fetching = os.path.join(place, f"{entry.build}.fetching")
    try:
        os.makedirs(fetching, exist_ok=True)
        record = _fetch_files(fetching, image, entry, client, step)
        shutil.rmtree(final, ignore_errors=True)
        os.rename(fetching, final)
    except OSError as error:
        shutil.rmtree(fetching, ignore_errors=True)
        raise Failed(f"cannot keep {image} below {place}: {error.strerror}") from None
    for name in os.listdir(place):  # older builds, and what earlier tries left of them
        if name != entry.build:
            shutil.rmtree(os.path.join(place, name), ignore_errors=True)
    return _stored(final, record)


def entry_of(image: Image, client: Client) -> index.Entry:
    """The image's line in the server's index; raises UsageError with what comes near."""
    entries = entries_of(client)
    entry = index.select(entries, image)
    if entry is None:
        there = ", ".join(near(image, (one.image for one in entries))[:12])
        raise UsageError(f"{client.server.base} has no image {image}; it has: {there}")
    return entry


def entries_of(client: Client) -> list[index.Entry]:
    """All that a server has. Raises Failed when what it sends is no index: a captive portal
    answers everything with a page of its own.
    """
    text = client.text(index.PATH, index.MAX_INDEX)
    entries = index.parse(text)
    if not entries:
        raise Failed(
            f"{client.url(index.PATH)} is no index of images; it begins with {text[:40]!r}"
        )
    return entries


def _fetch_files(
    directory: str, image: Image, entry: index.Entry, client: Client, step: Step | None
) -> dict[str, Any]:
    try:
        listed = index.sums(
            client.text(f"{entry.path}/{index.SUMS}", index.MAX_SUMS), f"{entry.path}/{index.SUMS}"
        )
        for name in index.FILES:
            target = os.path.join(directory, name)
            if _hash(target) != listed[name]:
                client.file(
                    f"{entry.path}/{name}", target, listed[name], step if "root" in name else None
                )
    except NotThere as error:
        raise Failed(
            f"{error}: the index names build {entry.build}, which the server does not have "
            "(any more): mirrors are out of step for some minutes now and then, try later"
        ) from None
    meta = archive.metadata(os.path.join(directory, "meta.tar.xz"))
    found = archive.survey(os.path.join(directory, "rootfs.tar.xz"))
    if not found.has_init and "lxc.init.cmd" not in meta.config:
        raise Failed(f"{image} has no /sbin/init: it is no image of a system")
    pack_metadata(os.path.join(directory, PREPARED), archive.for_guest(meta, found), found.devices)
    record = {
        "format": FORMAT,
        "server": client.server.base,
        "image": list(image),
        "build": entry.build,
        "sha256": listed["rootfs.tar.xz"],
        "until": _until(meta.expiry),
        "systemd": found.systemd,
        "size": found.size,
        "left_out": list(meta.left_out),
    }
    _write(directory, record)
    return record


def _hash(path: str) -> str:
    """Of a file that an earlier try fetched whole; empty when it did not."""
    with suppress(OSError), open(path, "rb") as file:
        return hash_of(file)
    return ""


def _until(expiry: int | None) -> int:
    """When the server is asked again: what the image says, within 30 days."""
    latest = int(time.time()) + MOST_DAYS * 86400
    return latest if expiry is None else min(expiry, latest)


def _write(directory: str, record: dict[str, Any]) -> None:
    path = os.path.join(directory, RECORD)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{path}.new", path)
