"""The `pictures` of a report, as types. Ids, sizes and counts are numbers; texts are quoted."""

from __future__ import annotations

from typing import TypedDict


class RangeEntry(TypedDict):
    """A line of /etc/subuid or /etc/subgid. `own`: it is the audited user's."""

    first: int
    last: int
    owner: str
    own: bool
    line: int


class MarkEntry(TypedDict):
    """An account or a group of the host."""

    id: int
    name: str


class ReservedEntry(TypedDict):
    """Ids that are given away without a line in any file."""

    first: int
    last: int
    whose: str


class OverlapEntry(TypedDict):
    """Ids that two owners have been granted."""

    first: int
    last: int
    owners: list[str]


class MapEntry(TypedDict):
    """An lxc.idmap line: `size` ids from `inside` are `outside`... on the host."""

    inside: int
    outside: int
    size: int
    granted: bool | None


class AxisEntry(TypedDict):
    """The host's uids or gids, whose they are, and the container's map on them."""

    ranges: list[RangeEntry] | None
    more_ranges: int
    accounts: list[MarkEntry] | None
    more_accounts: int
    reserved: list[ReservedEntry]
    overlaps: list[OverlapEntry]
    maps: list[MapEntry] | None
    notes: list[str]
    unknown: dict[str, str]


class StepEntry(TypedDict):
    """A directory on the way. `passes` is None where nothing could be looked at; `made`: it is not
    there yet, and is drawn as lxc-create will make it.
    """

    path: str
    mode: str | None
    owner: str | None
    acl: bool
    passes: bool | None
    reason: str
    made: bool


class PathEntry(TypedDict):
    """The directories from / to the container's files, as the container's root meets them."""

    goal: str | None
    root: str | None
    steps: list[StepEntry] | None
    closed: str | None
    unknown: dict[str, str]


class CgroupEntry(TypedDict):
    """One cgroup2 on the way down. `there` is False for one that a login or a start will make."""

    name: str
    there: bool | None
    owner: str | None
    available: list[str] | None
    handed: list[str] | None


class LegacyEntry(TypedDict):
    """The user's place in a cgroup v1 hierarchy."""

    name: str
    directory: str
    writable: bool


class LimitEntry(TypedDict):
    """A limit of the config and what becomes of it: set, ignored, fails or moot."""

    key: str
    value: str
    fate: str


class CgroupChainEntry(TypedDict):
    """Where lxc-start is, and which controllers get down to the container's own cgroup."""

    layout: str | None
    seat: str | None
    source: str | None
    levels: list[CgroupEntry] | None
    legacy: list[LegacyEntry]
    own_cgroup: bool | None
    controllers: list[str] | None
    limits: list[LimitEntry]
    error: str
    unknown: dict[str, str]


class HopEntry(TypedDict):
    """A station of a packet. `state`: ok, bad, unknown, unjudged or absent (the question does not
    arise); `checks` are those that say so.
    """

    name: str
    label: str
    says: str
    state: str
    checks: list[str]


class WayEntry(TypedDict):
    """One network of the config and the way from it to the outside."""

    network: str
    hops: list[HopEntry]


class NetworkEntry(TypedDict):
    ways: list[WayEntry] | None
    more: int
    note: str
    unknown: dict[str, str]


class PicturesEntry(TypedDict):
    """`after`: [cause, consequence] pairs of check ids."""

    uids: AxisEntry | None
    gids: AxisEntry | None
    path: PathEntry | None
    cgroup: CgroupChainEntry | None
    network: NetworkEntry | None
    after: list[list[str]]
