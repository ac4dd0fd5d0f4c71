"""The image server of a world."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.runner.place import Place
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
