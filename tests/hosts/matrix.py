"""The whole matrix: boot after boot, variant after variant."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.hosts import ready
from tests.hosts.channel import HostGone
from tests.hosts.image import NoImage
from tests.hosts.machine import Machine
from tests.hosts.trial import Trial, tried
from tests.hosts.variants import Boot, Variant


class Listener(NamedTuple):
    """Who is told: a host is being booted, a variant is at work, what became of it or why not."""

    booting: Callable[[Boot], None]
    began: Callable[[Variant], None]
    done: Callable[[Trial], None]
    failed: Callable[[Variant, str], None]


class Running:
    """The machines that run now, for who has to end them all."""

    def __init__(self) -> None:
        self.over = False
        self.machines: set[Machine] = set()

    @contextmanager
    def one(self, machine: Machine) -> Iterator[None]:
        """It is among them for as long."""
        self.machines.add(machine)
        try:
            yield
        finally:
            self.machines.discard(machine)

    def stop(self) -> None:
        """Cut the power of all."""
        self.over = True
        for machine in tuple(self.machines):
            machine.stop()


def run(variants: Iterable[Variant], listener: Listener, jobs: int = 1) -> None:
    """Try every variant; hosts that are booted alike are booted once. `jobs` hosts at a time."""
    waiting: queue.SimpleQueue[tuple[Boot, list[Variant]]] = queue.SimpleQueue()
    for kind, own in by_boot(variants).items():
        waiting.put((kind, own))
    failures: list[BaseException] = []
    running = Running()

    def work() -> None:
        try:
            while not failures:
                try:
                    kind, own = waiting.get_nowait()
                except queue.Empty:
                    return
                on_host(kind, own, listener, running)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException as error:
        failures.append(error)  # the threads begin nothing more, and what they are at is gone
        running.stop()
        raise
    if failures:
        raise failures[0]


def by_boot(variants: Iterable[Variant]) -> dict[Boot, list[Variant]]:
    """The variants of each boot."""
    found: dict[Boot, list[Variant]] = {}
    for variant in variants:
        found.setdefault(variant.boot, []).append(variant)
    return found


def on_host(
    kind: Boot, variants: list[Variant], listener: Listener, running: Running | None = None
) -> None:
    """Every variant of one host; one that fails leaves the others alone."""
    running = running or Running()
    listener.booting(kind)
    try:
        machine = ready.boot(kind)
    except (NoImage, HostGone, RuntimeError) as error:
        for variant in variants:
            listener.failed(variant, str(error))
        return
    with machine, running.one(machine):
        for variant in variants:
            if running.over:
                break
            listener.began(variant)
            try:
                listener.done(tried(machine, variant))
            except (HostGone, RuntimeError, ValueError) as error:
                listener.failed(variant, str(error))
