"""Make a container and start it: the only place that does.

Everything is noted in the journal before it is done, and what is noted is taken back when anything
goes wrong: a failure, a signal, the end of the time, our own death.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress

from audit.errors import Exit, UsageError
from audit.facts.accounts import target
from audit.facts.cglimits import cgroup_limits
from audit.facts.cgroup import ROOT
from audit.facts.config import container_config
from audit.facts.lxcconf import lxcpath
from audit.facts.nics import made
from audit.host import Host, Request
from audit.judgement import report_of
from audit.live import Live
from audit.model import Check, Stage
from audit.records import NamedTuple
from audit.report import Report
from audit.untrusted import visible
from lxc_preflight import called
from runner import cleanup, config, gate, journal, linger, plan, settle
from runner.creating import Creation, clear_cache, create, creation
from runner.errors import Failed, Interrupted
from runner.gate import Decision
from runner.images.kinds import Say, Server, Step
from runner.info import RUNNING, STOPPED, info
from runner.names import new_name
from runner.places import cache, log_file, place
from runner.planned import Planned
from runner.processes import (
    abruptly,
    adopt_orphans,
    checkpoint,
    is_terminal,
    plain_environment,
    wait,
)
from runner.processes import run as run_program
from runner.states import State, config_text, creators, state
from runner.wishes import Template, Wishes


class Refused(Exception):
    """The gate did not open."""

    def __init__(self, decision: Decision, report: Report) -> None:
        super().__init__("the gate is closed")
        self.decision = decision
        self.report = report


class Up(NamedTuple):
    """A container that runs."""

    name: str
    state: str
    pid: int
    addresses: tuple[str, ...]
    seconds: float
    way: str
    notes: tuple[str, ...] = ()


class Dry(NamedTuple):
    """What a run would do."""

    config: str
    commands: tuple[str, ...]
    way: str


class Means(NamedTuple):
    """What a run works with, besides what it was asked for."""

    checks: Mapping[str, Check]
    server: Server
    refresh: bool = False
    offline: bool = False
    step: Step | None = None
    say: Say = print
    fetched: Callable[[], object] = bool  # called when the image is there, or is not to be had


def bring_up(wishes: Wishes, means: Means) -> Up | Dry:
    """Run a container, from the gate to the living init.

    Raises Refused, UsageError, Failed (with the log in it), and Interrupted by a signal.
    """
    began = time.monotonic()
    where = lxcpath_of(wishes.config)
    if state(where, wishes.name) == State.ABSENT:
        new_name(wishes.name)
    if wishes.dry_run:
        return _dry(wishes, means, where)
    adopt_orphans()
    journal.recover()
    cache("logs")
    with journal.entry(wishes.name, where) as entry:
        run = _Run(wishes, means, where, entry, began)
        try:
            if run.is_new():
                run.make()
            elif (up := run.already_up()) is not None:
                return up
            return run.start()
        except Failed as failure:
            failure.judged = run.judged
            raise


def lxcpath_of(config_file: str | None = None) -> str:
    """Where this user's containers are; raises UsageError when lxc.conf sets that to nothing."""
    where = host_of(config_file).get(lxcpath)
    if not where.startswith("/"):
        raise UsageError(f"lxc.lxcpath is {where!r}: it has to be an absolute path")
    return where


def host_of(config_file: str | None = None, container: str | None = None) -> Host:
    """This host, for the containers of whoever runs this."""
    return Host(Live(), Request(str(os.getuid()), config_file, container))


def _wanted(host: Host, *, new: bool) -> tuple[Stage, ...]:
    return gate.stages(
        new=new,
        network=bool([nic for nic in host.get(made) if nic.type != "empty"]),
        limits=bool([one for one in host.get(cgroup_limits) if not one.is_device]),
    )


def _pass(host: Host, wishes: Wishes, means: Means, *, new: bool) -> None:
    """Judge the host once more, and raise Refused unless the run may go on."""
    report, _ = report_of(host, means.checks)
    decision = gate.decide(report, _wanted(host, new=new), wishes.accepted)
    if decision.exit != Exit.PASSED:
        raise Refused(decision, report)
    if decision.accepted:
        means.say(f"not decided, and accepted: {', '.join(decision.accepted)}")


def _judged_host(text: str, path: str, made_by: Creation, *, systemd: bool, base: Host) -> Host:
    account = base.get(target)
    request = Request(
        str(account.uid), path, None, "systemd" if systemd else "plain", made_by.template
    )
    return Host(Planned(Live(), path, text, account.uid, account.gid), request)


def _dry(wishes: Wishes, means: Means, where: str) -> Dry:
    """The gate, and then words instead of deeds."""
    if state(where, wishes.name) == State.COMPLETE:
        host = host_of(container=wishes.name)
        _pass(host, wishes, means, new=False)
        way = plan.to_start(host, wishes.name)
        text = config_text(where, wishes.name) or ""
        return Dry(text, (_shown(_start_command(way, wishes)),), way.words)
    base = host_of(wishes.config)
    made_by = creation(wishes.what)
    console = log_file(wishes.name, "console")
    if not os.path.isdir(os.path.dirname(console)):  # made by the first run, and looked for
        console = ""
    written = config.write(base, wishes.network, wishes.limits, console)
    path = place("runs", wishes.name, "config")
    host = _judged_host(written.text, path, made_by, systemd=False, base=base)
    _pass(host, wishes, means, new=True)
    way = plan.to_start(host, wishes.name)
    creating = made_by.command(wishes.name, path, "META", "ROOTFS")
    commands = (*made_by.beforehand, _shown(creating), _shown(_start_command(way, wishes)))
    return Dry(written.text, commands, way.words)


def _shown(argv: Iterable[str]) -> str:
    from shlex import join

    return join(list(argv))


def _start_command(way: plan.Way, wishes: Wishes) -> list[str]:
    how = "-F" if wishes.foreground else "-d"
    log = log_file(wishes.name, "start")
    return way.command("lxc-start", "-n", wishes.name, how, "-l", "WARN", "-o", log)


class _Run:
    """One run that is under way."""

    def __init__(
        self, wishes: Wishes, means: Means, where: str, entry: journal.Journal, began: float
    ) -> None:
        self.wishes, self.means, self.lxcpath, self.journal = wishes, means, where, entry
        self.began = began
        self.deadline = began + wishes.timeout
        self.host: Host | None = None
        self.judged: Host | None = None  # with the config that the container gets, or has
        self.notes: list[str] = []

    def is_new(self) -> bool:
        """Whether there is no such container yet; raises UsageError when something else is there
        or when an existing one was to be made.
        """
        name, wishes = self.wishes.name, self.wishes
        there = state(self.lxcpath, name)
        directory = os.path.join(self.lxcpath, name)
        if there == State.COMPLETE:
            if wishes.what or wishes.config or any(wishes.limits) or wishes.network.bridge:
                raise UsageError(
                    f"there is a container {name} already: `run {name}` without options starts "
                    f"it, `destroy {name}` removes it"
                )
            return False
        if there != State.ABSENT and creators(self.lxcpath, name):
            raise UsageError(f"{name} is being made by another lxc-create")
        if there == State.INCOMPLETE or (there == State.STUB and not _is_leftover(directory)):
            raise UsageError(
                f"{directory} is there and no container: `{called()} destroy {name}` removes it"
            )
        return True

    def already_up(self) -> Up | None:
        """The container when it runs already."""
        found = info(self.wishes.name, addresses=True)
        if found.state != RUNNING:
            return None
        took = time.monotonic() - self.began
        note = "it was running already"
        return Up(self.wishes.name, found.state, found.pid, found.addresses, took, note)

    def make(self) -> None:
        """Pass the gate, have the image, create the container."""
        wishes, means, name = self.wishes, self.means, self.wishes.name
        base = host_of(wishes.config)
        made_by = creation(wishes.what)
        directory = os.path.join(cache("runs"), name)
        path = os.path.join(directory, "config")
        written = config.write(base, wishes.network, wishes.limits, log_file(name, "console"))
        self.notes += written.notes
        host = _judged_host(written.text, path, made_by, systemd=False, base=base)
        self.judged = host
        _pass(host, wishes, means, new=True)
        maps = [entry.value for entry in host.get(container_config).all("lxc.idmap")]
        self.journal.note(maps=maps, directories=[directory], touched=True)
        cleanup.remove_own(directory, maps)  # of a run that died while its cache was unreachable
        os.mkdir(directory, 0o755)
        with open(path, "w", encoding="utf-8") as file:
            file.write(written.text)
        with ExitStack() as stack:
            try:
                with abruptly():
                    image = made_by.obtain(stack, means.server, self.deadline, directory, means)
            finally:
                means.fetched()
            if image is not None:
                self.notes += [f"left out of the image's metadata: {one}" for one in image.left_out]
                if image.systemd:
                    host = _judged_host(written.text, path, made_by, systemd=True, base=base)
                    self.judged = host
                    _pass(host, wishes, means, new=True)
                _demand_room(self.lxcpath, image.size)
            if state(self.lxcpath, name) != State.ABSENT:
                means.say(f"removing what an earlier lxc-create left of {name}")
                cleanup.remove(self.lxcpath, name, maps)
            if isinstance(made_by.what, Template):
                clear_cache(made_by.what, maps, means.say)
            self.journal.note(made=True, log=log_file(name, "create"))
            create(made_by, name, path, image, directory, self.deadline, self.journal.session)
        if state(self.lxcpath, name) != State.COMPLETE:
            raise Failed(f"lxc-create made no whole container of {name}")
        if image is None:  # only now is known what it boots
            host = host_of(container=name)
            _pass(host, wishes, means, new=False)
        cleanup.remove_own(directory, maps)
        self.host = host

    def start(self) -> Up:
        """Start the container and wait until it lives."""
        wishes, name = self.wishes, self.wishes.name
        host = self.host
        if host is None:
            self.judged = host = host_of(container=name)
            _pass(host, wishes, self.means, new=False)
        way = plan.to_start(host, f"{name}-{os.getpid()}")
        if wishes.linger:
            linger.ensure(host)
        log = log_file(name, "start")
        with suppress(FileNotFoundError):
            os.unlink(log)
        if way.leaf:
            cleanup.remove_leaves(leaves_of(way.leaf, name))
        self.journal.note(touched=True, log=log, leaf=way.leaf)
        argv = _start_command(way, wishes)
        if wishes.foreground:
            return self._in_foreground(argv, way.words)
        left = self.deadline - time.monotonic()
        try:
            done = run_program(
                argv, seconds=left, env=plain_environment(), started=self.journal.session
            )
            if done.code:
                raise Failed(f"{name} did not start", done.said)
            found = settle.until_alive(name, self.deadline)
            addresses = found.addresses
            if [nic for nic in host.get(made) if nic.type not in ("empty", "none")]:
                addresses = settle.until_addressed(name, self.deadline)
                if not addresses:
                    self.notes.append(
                        f"it has no address after {settle.ADDRESS_SECONDS:.0f} s: its config gives "
                        "none, and it got none by DHCP"
                    )
        except Failed as failure:
            failure.log = "\n".join((failure.log, _text(log), _text(log_file(name, "console"))))
            raise
        if not wishes.linger and (words := linger.warning(host, way)):
            self.notes.append(words)
        took = time.monotonic() - self.began
        notes = tuple(self.notes)
        return Up(name, found.state, found.pid, addresses, took, way.words, notes)

    def _in_foreground(self, argv: list[str], words: str) -> Up:
        """Hand the terminal over to the container until it ends; without one, pass on what its
        console says.
        """
        name = self.wishes.name
        console = log_file(name, "console")
        with suppress(FileNotFoundError):
            os.unlink(console)
        process = subprocess.Popen(argv)
        try:
            code = wait(process) if is_terminal() else _follow(console, process)
        except Interrupted:
            with suppress(Failed):
                cleanup.lxc("lxc-stop", "-n", name, "-t", "10")
            process.wait()
            # the container stays, stopped: it was asked to end, and nothing went wrong
            self.journal.note(made=False)
            raise
        if code:
            raise Failed(f"{name} did not start", _text(log_file(name, "start")))
        took = time.monotonic() - self.began
        return Up(name, STOPPED, 0, (), took, words, tuple(self.notes))


def _follow(path: str, process: subprocess.Popen[bytes]) -> int:
    """Print what is appended to a file until a process has ended; returns its exit code."""
    position = 0
    while True:
        code = process.poll()
        with suppress(OSError), open(path, "rb") as file:
            file.seek(position)
            new = file.read(1 << 20)
            position += len(new)
            if new:
                text = new.decode("utf-8", "backslashreplace")
                if sys.stdout.isatty():  # nothing that a guest says acts on our terminal
                    text = "\n".join(visible(line) for line in text.splitlines()) + "\n"
                sys.stdout.write(text)
                sys.stdout.flush()
        if code is not None:
            return code
        checkpoint()
        time.sleep(0.1)


def leaves_of(leaf: str, name: str) -> list[str]:
    """The cgroups of earlier runs of this container beside `leaf`."""
    parent = os.path.dirname(leaf)
    if not parent.startswith(ROOT) or not os.path.isdir(parent):
        return []
    start = f"lxc-preflight-{name}-"
    return [os.path.join(parent, one) for one in os.listdir(parent) if one.startswith(start)]


def _is_leftover(directory: str) -> bool:
    """Whether a directory without a config is what a failed lxc-create leaves."""
    return set(os.listdir(directory)) <= {"rootfs", "partial"}


def _demand_room(where: str, size: int) -> None:
    """Raises Failed before an unpacking that cannot end well."""
    while not os.path.isdir(where):
        where = os.path.dirname(where)
    space = os.statvfs(where)
    free = space.f_bavail * space.f_frsize
    if size > free:
        raise Failed(
            f"the image takes {size >> 20} MiB unpacked, and {where} has {free >> 20} MiB free"
        )


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return file.read(1 << 20)
    except OSError:
        return ""
