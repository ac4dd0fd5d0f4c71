"""One server and one tree for the tests of this folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.images.kinds import Server
from runner.images.transfer import Client
from runner.names import Image
from tests.runner.server import Served, Tree, busybox_rootfs, make_certificates, serve

BUSYBOX = Image("busybox", "1", "amd64", "default")


class Site:
    """A tree, its servers, and clients for them."""

    def __init__(self, tree: Tree, served: Served) -> None:
        self.tree, self.served = tree, served
        self.ca = str(tree.top / "pki/ca.pem")

    def client(self, identity: str = "good", *, seconds: float = 20, stall: float = 5) -> Client:
        scheme = "http" if identity == "plain" else "https"
        base = f"{scheme}://localhost:{self.served.ports[identity]}"
        return Client(Server(base, self.ca), time.monotonic() + seconds, stall)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    top = tmp_path_factory.mktemp("site")
    make_certificates(top / "pki")
    rootfs = top / "busybox.tar.xz"
    busybox_rootfs(rootfs)
    tree = Tree(top)
    tree.add("busybox", rootfs)
    tree.index()
    served = serve(top)
    yield Site(tree, served)
    for listener in served.listeners:
        listener.shutdown()
        listener.server_close()


@pytest.fixture
def site(published: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("https_proxy", "http_proxy", "all_proxy", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    published.tree.faults({})
    published.tree.forget()
    yield published
    published.tree.faults({})
