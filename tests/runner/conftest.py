"""A world for the tests that run containers, and an image server in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.runner.place import Place, number, obstacle
from tests.runner.server import Tree, busybox_rootfs, make_certificates
from tests.runner.site import Server


@pytest.fixture(scope="session")
def shared_place() -> Iterator[Place]:
    if reason := obstacle():
        pytest.skip(reason)
    place = Place(number())
    yield place
    place.close()


@pytest.fixture
def place(shared_place: Place) -> Iterator[Place]:
    """A world in which nothing runs and nothing lies about, before and after."""
    shared_place.context = ""
    yield shared_place
    shared_place.context = ""
    left = shared_place.leftovers()
    shared_place.tidy()
    assert left == []


@pytest.fixture(scope="session")
def shared_server(
    shared_place: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    top = tmp_path_factory.mktemp("tree")
    make_certificates(top / "pki")
    busybox_rootfs(top / "busybox.tar.xz")
    tree = Tree(top)
    tree.add("busybox", top / "busybox.tar.xz")
    tree.index()
    server = Server(shared_place, top)
    yield server
    server.close()


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """The image server, without faults, and nothing of it in the cache."""
    shared_server.faults({})
    shared_server.forget()
    yield shared_server
    shared_server.faults({})
