"""Hosts whose facts are given, for tests of checks that lean on facts of another topic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from audit.facts.config import Config, Entry
from audit.host import Host
from audit.model import Unknown

CONFIG = "/home/lxc/.config/lxc/default.conf"


def primed(host: Host, facts: Mapping[Callable[..., Any], Any]) -> Host:
    """The host with these facts (of no arguments) settled; an Unknown as value is raised."""
    for fact, value in facts.items():
        unknown = value if isinstance(value, Unknown) else None
        host._facts[(fact,)] = (None if unknown else value, unknown, frozenset())
    return host


def config(text: str = "") -> Config:
    """A parsed config of `key = value` lines."""
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        key, equals, value = line.partition("=")
        if equals:
            entries.append(Entry(key.strip(), value.strip(), CONFIG, number))
    return Config(CONFIG, tuple(entries), (), (), tuple(entries))
