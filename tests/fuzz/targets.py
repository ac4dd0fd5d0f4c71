"""What is fuzzed: parsers of text, the documents that strangers hand us, every recorded answer.

Nothing is registered: a public function of audit/facts whose first argument is a text is a target,
and so is every text that a recorded host was asked for.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import audit.facts
from audit import packages, report, saved, snapshot, waivers
from audit.access import parse_acl
from audit.elf import describe as describe_elf
from audit.engine import judge
from audit.errors import UsageError
from audit.model import Outcome, Unknown
from audit.registry import builtin
from audit.shadow import expiry
from audit.source import Question, Snapshot
from tests.recordings import HEALTHY, judged, recording, varied

TEXTS = ("text", "line", "xattr")  # how the parsers call what they parse
FILLERS = {"str": "/etc/file", "int": 1, "bool": True}
VERBS = ("read", "user_read", "getent")
MAX_SEED = 30_000
NETWORK = "net_working"


class Target(NamedTuple):
    """`run` parses one text; it may raise what `allowed` says and must return otherwise."""

    name: str
    run: Callable[[str], object]
    seeds: tuple[str, ...]
    allowed: tuple[type[Exception], ...] = (Unknown,)


def targets() -> dict[str, Target]:
    """Every target by name."""
    found = (*parsers(), *documents(), *answers())
    return {target.name: target for target in found}


def recorded_texts() -> tuple[str, ...]:
    """The texts of a real host: what mutation starts from."""
    answers = recording(HEALTHY).source.answers.values()
    return tuple(sorted({a for a in answers if isinstance(a, str) and 0 < len(a) < MAX_SEED}))


def parsers() -> Iterator[Target]:
    """The public parsers of the facts, found by their signatures."""
    seeds = recorded_texts()
    for info in pkgutil.iter_modules(audit.facts.__path__, "audit.facts."):
        module = importlib.import_module(info.name)
        for name, function in vars(module).items():
            if inspect.isfunction(function) and function.__module__ == info.name:
                fillers = fillers_of(function)
                if fillers is not None and not name.startswith("_"):
                    target = f"{info.name.removeprefix('audit.facts.')}.{name}"
                    yield Target(target, caller(function, fillers), seeds, documented(function))


def fillers_of(function: Callable[..., object]) -> dict[str, object] | None:
    """Values for the arguments beside the text, None when it is no parser that we could call."""
    signature = inspect.signature(function)
    texts = [
        name for name, p in signature.parameters.items() if name in TEXTS and p.annotation == "str"
    ]
    if len(texts) != 1:
        return None
    others = {n: p for n, p in signature.parameters.items() if n not in texts}
    required = {n: p.annotation for n, p in others.items() if p.default is p.empty}
    if any(kind not in FILLERS for kind in required.values()):
        return None
    return {name: FILLERS[kind] for name, kind in required.items()} | {texts[0]: None}


def caller(function: Callable[..., object], fillers: dict[str, object]) -> Callable[[str], object]:
    (text,) = (name for name, value in fillers.items() if value is None)

    def call(value: str) -> object:
        given = raw(value).hex() if text == "xattr" else value
        result = function(**{**fillers, text: given})
        return list(result) if isinstance(result, Iterator) else result

    return call


def documented(function: Callable[..., object]) -> tuple[type[Exception], ...]:
    """Unknown, and what the function's documentation says that it raises."""
    words = re.findall(r"\b[A-Z]\w+", (function.__doc__ or "").partition("aises")[2])
    known = {**vars(builtins), **vars(importlib.import_module(function.__module__))}
    kinds = (known.get(word) for word in words)
    return (
        Unknown,
        *(kind for kind in kinds if inspect.isclass(kind) and issubclass(kind, Exception)),
    )


def documents() -> Iterator[Target]:
    """What a stranger hands us: snapshots, reports, waiver files, binaries, package databases."""
    small = {"schema": snapshot.SCHEMA, "answers": [[["read", "/a"], {"answer": "x"}]]}
    saved_report = {
        "schema": report.SCHEMA,
        "verdict": "ready",
        "stages": {},
        "findings": [{"check": "a.b"}],
    }
    waiver = '[[waiver]]\ncheck = "a.*"\nreason = "r"\nexpires = 2027-01-01\n'
    refuse = (UsageError,)
    yield Target("document.snapshot", as_json(snapshot.parse), (json.dumps(small),), refuse)
    yield Target(
        "document.report", as_json(saved.parse_report), (json.dumps(saved_report),), refuse
    )
    yield Target("document.waivers", lambda text: waivers.parse(text, "x"), (waiver,), refuse)
    acl = "0200000001000700ffffffff02000500a086010004000500ffffffff20000000ffffffff"
    yield Target("document.acl", lambda text: parse_acl(raw(text).hex()), (as_text(acl),))
    elf = "7f454c46020101" + "00" * 9 + "03003e0001" + "00" * 60
    yield Target("document.elf", lambda text: describe_elf(raw(text)), (as_text(elf),))
    header = as_text("0000000100000008000003e90000000600000000000000013400000000000000")
    yield Target("document.rpm", lambda t: packages.rpm_version(raw(t)), (header,), (ValueError,))
    dpkg = "Package: lxc\nStatus: install ok installed\nVersion: 1:5.0.2-1\n\n"
    yield Target("document.dpkg", lambda text: packages.dpkg_version(text, "lxc"), (dpkg,))
    apk = "C:x\nP:lxc\nV:6.0.4-r1\n\n"
    yield Target("document.apk", lambda text: packages.apk_version(text, "lxc"), (apk,))
    shadow = "lxc:!:19000:0:99999:7::20000:\n"
    yield Target("document.shadow", lambda text: expiry(text, "lxc"), (shadow,))


def as_json(parse: Callable[[object, str], object]) -> Callable[[str], object]:
    def run(text: str) -> object:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return parse(data, "x")

    return run


def raw(text: str) -> bytes:
    """The bytes that a fuzzed text stands for."""
    return text.encode("latin-1", "replace")


def as_text(hexadecimal: str) -> str:
    return bytes.fromhex(hexadecimal).decode("latin-1")


def answers() -> Iterator[Target]:
    """Every text a healthy host was asked for, changed, for all the checks that asked for it.

    Of the host with a network, the texts that differ: they lead to parsers of their own.
    """
    usual = recording(HEALTHY).source.answers
    for host in (HEALTHY, NETWORK):
        known = recording(host).source.answers
        readers: dict[Question, list[str]] = {}
        for result in judged(host)[1].values():
            for question in result.read:
                readers.setdefault(question, []).append(result.check.id)
        for question, ids in sorted(readers.items()):
            text = known.get(question)
            if host != HEALTHY and text == usual.get(question):
                continue
            if question[0] in VERBS and isinstance(text, str) and len(text) < MAX_SEED:
                seeds = (text, *recorded_texts()) if text else recorded_texts()
                name = f"answer.{question[0]}:{question[1]}" + (
                    f"@{host}" if host != HEALTHY else ""
                )
                yield Target(name, judging(host, question, tuple(ids)), seeds)


def judging(host: str, question: Question, ids: tuple[str, ...]) -> Callable[[str], object]:
    """Judge a recorded host whose answer to one question is the text; no check may crash."""
    checks = builtin()

    def run(text: str) -> object:
        source = Snapshot({**recording(host).source.answers, question: text})
        changed = varied(host, question, source)
        for name in ids:
            result = judge(checks[name], changed)
            for finding in result.findings:
                if finding.outcome is Outcome.ERROR:
                    raise AssertionError(f"{name} crashes: {finding.message} {finding.evidence}")
        return None

    return run
