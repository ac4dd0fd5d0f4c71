"""The third table, as root with LXC: `run` against the two commands of LXC that it stands for.

The images come from a server on the loopback device, and are in the cache of both. What a guest
does after its start is in neither number, but `run` also waits until init is seen to live.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.runner.place import Place, number
from tests.runner.server import Tree, busybox_rootfs, make_certificates
from tests.runner.site import Server
from tests.runner.test_guest import packed
from tests.truth import guest

MOST = 1.15  # of the bare commands, for a guest of the size that people run
AT_ONCE = 50


def running(runs: int) -> bool:
    """Print the table; whether every limit was kept."""
    with tempfile.TemporaryDirectory() as directory:
        top = Path(directory)
        make_certificates(top / "pki")
        busybox_rootfs(top / "busybox.tar.xz")
        tree = Tree(top)
        tree.add("busybox", top / "busybox.tar.xz")
        guests = ["busybox"]
        if not guest.obtain():
            tree.add("debian", packed())
            guests.append("debian")
        tree.index()
        place = Place(number())
        server = Server(place, top)
        try:
            place.delegate()
            print("| guest | lxc-create and lxc-start, ms | run, ms | ratio | at most |")
            print("|---|---|---|---|---|")
            results = [_compared(place, server, name, runs) for name in guests]
            good = all(results)
            return _at_once(place, server) and good
        finally:
            server.close()
            place.tidy()
            place.close()


def _compared(place: Place, server: Server, name: str, runs: int) -> bool:
    image = f"run c --image {name}/1 {server.options()}"
    _timed(place, place.line(image))  # the cache is warm from here on
    found = place.root(f"ls -d {place.cache}/images/*/{name}/1/amd64/default/*").out.strip()
    archives = f"--metadata {found}/metadata.tar.xz --fstree {found}/rootfs.tar.xz"
    bare = f"lxc-create -n c -t local -- {archives} && lxc-start -n c"
    times: dict[str, list[float]] = {bare: [], place.line(image): []}
    for _ in range(runs):
        for command, own in times.items():
            own.append(_timed(place, command))
    plain, ours = (statistics.median(own) for own in times.values())
    ratio = ours / plain
    limit = MOST if name == "debian" else None
    kept = limit is None or ratio <= limit
    shown = "-" if limit is None else f"{limit:g}{'' if kept else ' (missed)'}"
    print(f"| {name} | {plain:.0f} | {ours:.0f} | {ratio:.2f} | {shown} |", flush=True)
    return kept


def _timed(place: Place, command: str) -> float:
    """Milliseconds of one command that leaves a running container, which is then removed."""
    began = time.perf_counter()
    done = place.as_user(command, seconds=300)
    took = (time.perf_counter() - began) * 1000
    assert done.code == 0, done
    place.as_user("lxc-stop -k -n c; lxc-destroy -n c")
    return took


def _at_once(place: Place, server: Server) -> bool:
    """Many containers at the same time from an image that nobody has yet."""
    server.forget()
    began = time.perf_counter()
    words = [f"run m{n} --image busybox/1 {server.options()}" for n in range(AT_ONCE)]
    started = [place.start(one) for one in words]
    codes = [process.wait() for process in started]
    took = time.perf_counter() - began
    downloads = server.requests("rootfs.tar.xz")
    print(
        f"\n{codes.count(0)} of {AT_ONCE} containers at once from a cold image:"
        f" {downloads} download, {took:.1f} s"
    )
    return downloads == 1 and codes.count(0) == AT_ONCE
