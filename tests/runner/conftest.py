"""A world for the tests that run containers, and an image server in it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runner.place import Place, number, obstacle
from tests.runner.server import Tree, busybox_rootfs, make_certificates
from tests.truth import world

SITE = "/srv/images"  # in the world


class Server:
    """The image server of a world. Its tree is made outside and brought in."""

    def __init__(self, place: Place, top: Path) -> None:
        self.place, self.top = place, top
        pack = subprocess.run(
            ["tar", "-C", str(top), "-cf", "-", "."], capture_output=True, check=True
        )
        place.root(f"mkdir {SITE}")
        subprocess.run(
            place.entered(["tar", "-C", SITE, "-xf", "-"]), input=pack.stdout, check=True
        )
        place.root(f"chmod -R a+rX {SITE}")
        self._process = subprocess.Popen(
            place.entered(
                [
                    "bash",
                    "-c",
                    f"cd {world.PLACE}; exec {world.PYTHON} -m tests.runner.server {SITE}",
                ]
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.ports: dict[str, int] = json.loads(self._process.stdout.readline())

    def options(self, identity: str = "good") -> str:
        """Of lxc-preflight, to ask it."""
        scheme = "http://" if identity == "plain" else ""
        return f"--server {scheme}localhost:{self.ports[identity]} --ca {SITE}/pki/ca.pem"

    def faults(self, faults: object) -> None:
        self.place.root(f"cat >{SITE}/faults.json; rm -f {SITE}/times", given=json.dumps(faults))

    def requests(self, part: str) -> int:
        """How often something was asked for since the last `forget`."""
        done = self.place.root(f"grep -c -e {part} {SITE}/requests.log || :")
        return int(done.out or 0)

    def forget(self) -> None:
        self.place.root(f"rm -f {SITE}/requests.log; rm -rf {self.place.cache}/images")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


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
