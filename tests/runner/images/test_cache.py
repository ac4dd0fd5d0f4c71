"""The cache: one download for many, nothing half, and what is poisoned is noticed."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from audit.errors import UsageError
from runner.errors import Failed
from runner.images.archive import metadata
from runner.images.cache import entries_of, obtained
from runner.images.kinds import Stored
from tests.runner.images.conftest import BUSYBOX, Site


def get(site: Site, **more: Any) -> Stored:
    with obtained(BUSYBOX, site.client(), **more) as stored:
        return stored


def test_an_image_is_fetched_once(site: Site) -> None:
    first = get(site)
    assert Path(first.rootfs).exists() and not first.systemd and first.size > 100_000
    assert get(site) == first
    assert site.tree.requests("rootfs") == 1 and site.tree.requests("index") == 1


def test_fifty_at_once_are_one_download(site: Site) -> None:
    found: list[object] = []

    def one() -> None:
        try:
            found.append(get(site))
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {type(one) for one in found} == {Stored}, found
    assert site.tree.requests("rootfs") == 1 and site.tree.requests("meta.tar") == 1


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove", "no record"])
def test_a_damaged_copy_is_fetched_again(site: Site, damage: str) -> None:
    path = Path(get(site).rootfs)
    data = path.read_bytes()
    if damage == "truncate":
        path.write_bytes(data[:-100])
    elif damage == "flip":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "remove":
        path.unlink()
    else:
        (path.parent / "image.json").unlink()
    assert Path(get(site).rootfs).read_bytes() == data


def test_age_refresh_and_offline(site: Site) -> None:
    with pytest.raises(UsageError, match="--offline"):
        get(site, offline=True)
    stored = get(site)
    record = Path(stored.rootfs).parent / "image.json"
    data = json.loads(record.read_text())
    assert data["until"] - time.time() == pytest.approx(30 * 86400, abs=100)
    record.write_text(json.dumps({**data, "until": 1}))
    site.tree.forget()
    assert get(site, offline=True) == stored and site.tree.requests("") == 0
    assert get(site) == stored  # the server still has the same build: nothing is fetched
    assert site.tree.requests("index") == 1 and site.tree.requests("rootfs") == 0
    assert get(site, refresh=True) == stored and site.tree.requests("index") == 2


def test_an_expired_copy_and_a_dead_server_keep_the_copy(site: Site) -> None:
    stored = get(site)
    record = Path(stored.rootfs).parent / "image.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "until": 1}))
    site.tree.faults({"": {"status": 403}})
    with pytest.raises(Failed, match="HTTP 403"):
        get(site)
    assert get(site, offline=True) == stored


def test_a_newer_build_takes_the_place_of_the_old_one(site: Site, published: Site) -> None:
    old = get(site)
    own = published.tree.add("busybox", Path(old.rootfs), build="20270101_00:00")
    published.tree.index()
    try:
        new = get(site, refresh=True)
        assert new.build == "20270101_00:00"
        assert [one.name for one in Path(new.rootfs).parent.parent.iterdir()] == [new.build]
    finally:
        for path in own.iterdir():
            path.unlink()
        own.rmdir()
        published.tree.index()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            {"index": {"html": "<html>Please log in"}},
            "is no index of images; it begins with '<html",
        ),
        ({"SHA256SUMS": {"html": "none"}}, "has no check sum of meta.tar.xz"),
        ({"SHA256SUMS": {"status": 404}}, "mirrors are out of step"),
        ({"rootfs": {"status": 404}}, "mirrors are out of step"),
        ({"meta.tar": {"corrupt": True}}, "sha256 is"),
        ({"rootfs": {"cut": 0.1}}, "ended after"),
    ],
)
def test_a_fault_is_named_and_leaves_nothing_that_hurts(
    site: Site, fault: dict[str, Any], words: str
) -> None:
    site.tree.faults(fault)
    with pytest.raises(Failed, match=words):
        get(site)
    site.tree.faults({})
    assert get(site).build  # the next one works


def test_what_a_server_does_not_have_comes_with_what_is_near(site: Site) -> None:
    for image, words in (
        (BUSYBOX._replace(variant="cloud"), "busybox/1/amd64/default"),
        (BUSYBOX._replace(dist="busybix"), "busybox"),
    ):
        with pytest.raises(UsageError, match=words), obtained(image, site.client()):
            pass


def test_an_image_without_config_is_refused(site: Site) -> None:
    own = next(site.tree.www.glob("images/busybox/1/amd64/default/*"))
    rootfs = (own / "rootfs.tar.xz").read_bytes()
    site.tree.add("noconfig", rootfs, meta={})
    place = next(site.tree.www.glob("images/noconfig/1/amd64/default/*"))
    from tests.runner.server import metadata as packed

    (place / "meta.tar.xz").write_bytes(packed({"expiry": "1\n"}))
    site.tree.sum_up(place)
    site.tree.index()
    with (
        pytest.raises(Failed, match="no config in it"),
        obtained(BUSYBOX._replace(dist="noconfig"), site.client()),
    ):
        pass


def test_what_an_image_may_not_say_is_left_out(site: Site) -> None:
    own = next(site.tree.www.glob("images/busybox/1/amd64/default/*"))
    config = "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\nlxc.hook.pre-start = /bin/sh -c evil\n"
    meta = {"config-user": config, "templates": "/etc/hostname\n/../../home/al/.bashrc\n"}
    site.tree.add("hooks", (own / "rootfs.tar.xz").read_bytes(), meta=meta)
    site.tree.index()
    with obtained(BUSYBOX._replace(dist="hooks"), site.client()) as stored:
        found = metadata(stored.metadata)
        assert found.config == "lxc.include = LXC_TEMPLATE_CONFIG/common.conf"
        assert found.templates == ("etc/hostname",)
        assert stored.left_out == (
            "lxc.hook.pre-start = /bin/sh -c evil",
            "templates: /../../home/al/.bashrc",
        )


def test_the_index_is_parsed_as_a_strangers_text(site: Site) -> None:
    index = site.tree.www / "meta/1.0/index-user"
    kept = index.read_text()
    try:
        index.write_text(kept + "a;b;c;d;e;/images/../../etc/\n../x;1;amd64;default;1;/images/x/\n")
        assert [one.image.dist for one in entries_of(site.client())].count("..") == 0
        assert len(entries_of(site.client())) == len(kept.splitlines())
    finally:
        index.write_text(kept)
