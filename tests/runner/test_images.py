"""Containers of images: from a real TLS server, through every fault, to a running guest."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.runner.place import Place
from tests.runner.site import SITE, Server

DIST = f"{SITE}/www/images/busybox/1/amd64/default"


def works(place: Place, server: Server) -> None:
    """A run of the image, and the end of it."""
    done = place.tool(f"run img --image busybox/1 {server.options()}")
    assert done.code == 0, done
    assert place.tool("exec img -- hostname").out == "img\n"  # LXC_NAME has been filled in
    assert place.tool("destroy img --force").code == 0


def test_cold_warm_and_offline(place: Place, server: Server) -> None:
    works(place, server)
    assert server.requests("rootfs.tar.xz") == 1
    works(place, server)
    assert server.requests("rootfs.tar.xz") == 1
    server.faults({"": {"status": 503}})
    works(place, server)
    done = place.tool(f"run img --image busybox/1 --offline {server.options()}")
    assert done.code == 0, done
    assert place.tool("destroy img --force").code == 0
    assert place.tool(f"run img --image busybox/2 --offline {server.options()}").code == 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"rootfs": {"corrupt": True}}, "sha256 is"),
        ({"rootfs": {"short": 0.5}}, "sha256 is"),
        ({"meta.tar": {"corrupt": True}}, "sha256 is"),
        ({"rootfs": {"html": "<html>portal"}}, "sha256 is"),
        ({"index": {"html": "<html>portal"}}, "is no index of images"),
        ({"rootfs": {"cut": 0.5}}, "ended after"),
        ({"rootfs": {"status": 404}}, "out of step"),
        ({"index": {"status": 503}}, "HTTP 503"),
        ({"index": {"hang": 30}}, "did not answer within|no time left"),
        ({"rootfs": {"rate": 10_000}}, "no time left"),
        ({"index": {"redirect": "http://localhost:1/"}}, "not https"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[1:30],
)
def test_a_fault_of_the_server(
    place: Place, server: Server, fault: dict[str, Any], words: str
) -> None:
    """One exact line, nothing left behind, and the next run works."""
    server.faults(fault)
    seconds = 8 if "hang" in str(fault) or "rate" in str(fault) else 60
    done = place.tool(f"run img --image busybox/1 --timeout {seconds} {server.options()}")
    assert done.code == 1 and done.out == "" and re.search(words, done.err), done
    assert len(done.err.splitlines()) == 1, done.err
    assert place.leftovers() == []
    server.faults({})
    works(place, server)


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ("expired", "has expired"),
        ("future", "is this host's clock right?"),
        ("wronghost", "for another host"),
        ("unknown", "unknown CA"),
    ],
)
def test_a_server_that_proves_nothing(
    place: Place, server: Server, identity: str, words: str
) -> None:
    done = place.tool(f"run img --image busybox/1 {server.options(identity)}")
    assert done.code == 1 and words in done.err, done
    done = place.tool(f"run img --image busybox/1 --insecure {server.options(identity)}")
    assert done.code == 0 and "WARNING: --insecure" in done.err, done
    assert place.tool("destroy img --force").code == 0


def test_http_is_for_the_insecure(place: Place, server: Server) -> None:
    done = place.tool(f"run img --image busybox/1 {server.options('plain')}")
    assert done.code == 2 and "https only" in done.err, done


def test_no_such_image_no_such_machine(place: Place, server: Server) -> None:
    for image in ("busybox/9", "busybix/1", "busybox/1/arm64", "busybox/1/amd64/cloud"):
        done = place.tool(f"run img --image {image} {server.options()}")
        assert done.code == 2 and "busybox" in done.err, done
    assert place.leftovers() == []


def test_what_there_is(place: Place, server: Server) -> None:
    done = place.tool(f"images {server.options()}")
    assert done.code == 0
    assert [line.split() for line in done.out.splitlines()] == [
        ["DIST", "RELEASE", "ARCH", "VARIANT", "BUILD"],
        ["busybox", "1", "amd64", "default", "20260101_07:42"],
    ]
    rows = place.tool(f"images busybox/1 --arch x86_64 --format json {server.options()}").json
    assert rows[0] == {**rows[0], "dist": "busybox", "arch": "amd64", "variant": "default"}
    done = place.tool(f"images debian {server.options()}")
    assert done.code == 1 and "there are images of busybox" in done.err


def test_the_documented_command_is_guarded(place: Place, server: Server) -> None:
    """lxc-create -t download with a cache that an earlier run has poisoned."""
    place.root(
        "d=$H/.cache/lxc/download/busybox/1/amd64/default; mkdir -p $d;"
        f"cp {DIST}/*/rootfs.tar.xz $d;"
        "truncate -s 1000 $d/rootfs.tar.xz; printf '%s' 1 >$d/build_id; echo 9999999999 >$d/expiry;"
        "chown -R $U: $H/.cache"
    )
    place.root(f"printf 'ca_certificate = {SITE}/pki/ca.pem\\n' >$H/.wgetrc", seconds=20)
    try:
        line = f"-d busybox -r 1 -a amd64 --server localhost:{server.ports['good']}"
        done = place.tool(f"run doc --template download -- {line}")
        assert "would fail for ever" in done.err, done
        assert done.code == 0, done
        assert place.tool("exec doc -- hostname").out == "doc\n"
        assert place.tool("destroy doc --force").code == 0
        server.faults({"": {"cut": 0.5}})
        done = place.tool(f"run doc --template download -- {line} --flush-cache")
        assert done.code == 1, done
    finally:
        place.root("rm -f $H/.wgetrc; rm -rf $H/.cache/lxc/download")


def test_what_an_image_may_not_do(place: Place, server: Server) -> None:
    """A hook in an image's config would run on the host, as the user."""
    place.root(
        f"cd {SITE}; PYTHONPATH=/opt/lxc-preflight python3 - <<'END'\n"
        "from pathlib import Path\n"
        "from tests.runner.server import OWN_CONFIG, Tree\n"
        f"tree = Tree(Path('{SITE}'))\n"
        "rootfs = next(tree.www.glob('images/busybox/1/amd64/default/*/rootfs.tar.xz'))\n"
        "config = OWN_CONFIG + 'lxc.hook.pre-start = /bin/touch /tmp/owned\\n'\n"
        "tree.add('hooked', rootfs, meta={'config-user': config})\n"
        "tree.index()\n"
        "END\n"
        f"chmod -R a+rX {SITE}"
    )
    done = place.tool(f"run img --image hooked/1 {server.options()}")
    assert done.code == 0 and "left out" in done.err and "lxc.hook.pre-start" in done.err, done
    assert place.tool("destroy img --force").code == 0
    place.root(f"test ! -e /tmp/owned; rm -r {SITE}/www/images/hooked")
