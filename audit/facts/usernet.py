"""Who may have how many interfaces on which bridge: lxc-usernet(5) as lxc-user-nic takes it.

Everything here repeats LXC src/lxc/cmd/lxc_user_nic.c (get_alloted, find_line, cull_entries,
count_entries, get_nic_if_avail): what the file means is what that program does with it, and that is
not what the manual says. A quota holds over all bridges, not on one; of several lines for one
name the largest counts, unless no interface was ever made; the data base is cut, not cleaned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import cast

from audit.facts.accounts import is_local_only, local_accounts, local_groups, login_groups, target
from audit.facts.links import exists, in_sysfs
from audit.facts.lxc import lxc_version, usernic_path
from audit.facts.nics import IFNAMSIZ, Nic, veths
from audit.facts.session import asking, is_mine
from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

# The two paths are compiled into lxc-user-nic; its environment is wiped.
_PATHS = r"(/[!-~]{1,200}/(?:lxc-usernet|nics))(?=\x00)"
# sscanf("%99[^ \t] %99[^ \t] %99[^ \t] %d"): a blank in the format skips any white space
# and nothing is ever given back, so the quantifiers are possessive.
_SPACE = r"[ \t\n\v\f\r]*+"
_FIELD = r"([^ \t]{1,99}+)" + _SPACE
_LINE = re.compile(_FIELD + _FIELD + _FIELD + r"([+-]?)([0-9]++)")
_LONG_MAX = 2**63 - 1
# d128f134d and d8f2c55fa, "prevent OOB read in name_is_in_groupnames"
_GROUPS_ARE_SAFE = (6, 0, 6)
# before, one gid without a name made lxc-user-nic forget all groups
_NAMELESS_IS_SKIPPED = (4, 0, 2)
_UID_IN_NAME = 65536  # vethUID_XXXX up to here, vethXXXXXX above


class Allotment(NamedTuple):
    """A line of lxc-usernet that sscanf(3) takes: its four fields, its number and its text."""

    name: str  # a user, or a group behind an @
    type: str
    bridge: str
    quota: int  # as a C int: it may be negative
    line: int
    text: str


def c_int(sign: str, digits: str) -> int:
    """What %d makes of a number of any length: strtol(3), then cut to an int."""
    digits = digits.lstrip("0")
    value = int(digits or "0") if len(digits) < 20 else _LONG_MAX + 1
    value = -value if sign == "-" else value
    value = max(-_LONG_MAX - 1, min(_LONG_MAX, value))
    return _wrapped(value)


def _wrapped(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def parse_usernet_line(text: str, number: int = 0) -> Allotment | None:
    """One line, without its newline, as lxc-user-nic reads it; None for what it skips."""
    line = text.partition("\0")[0]
    if not line.isascii():  # widths count bytes
        line = line.encode("utf-8", "surrogateescape").decode("latin-1")
    found = _LINE.match(line)
    if found is None:
        return None
    name, kind, bridge = (_unlatin(field) for field in found.groups()[:3])
    return Allotment(name, kind, bridge, c_int(found[4], found[5]), number, text)


def _unlatin(field: str) -> str:
    if field.isascii():
        return field
    return field.encode("latin-1").decode("utf-8", "surrogateescape")


def parse_usernet(text: str) -> tuple[Allotment, ...]:
    """The lines that are read at all, in their order."""
    lines = enumerate(text.split("\n"), 1)
    return tuple(found for number, line in lines if (found := parse_usernet_line(line, number)))


class Paths(NamedTuple):
    """What is compiled into lxc-user-nic; its environment is wiped, so nothing else decides."""

    usernet: str = "/etc/lxc/lxc-usernet"
    nics: str = "/run/lxc/nics"


def paths(host: Host) -> Paths:
    """Where lxc-user-nic looks for quotas and keeps its data base.

    While it is not installed: where the distribution's will look.
    """
    helper = host.get(usernic_path)
    try:
        rows = host.search(helper, _PATHS) or ()
    except Unknown:
        # Fedora's is 4111, which only root can read. Packages are built with --sysconfdir=/etc.
        if not helper.startswith(("/usr/lib", "/usr/bin")):
            raise
        rows = ()
    found = {row[0].rpartition("/")[2]: row[0] for row in rows}
    return Paths(
        found.get("lxc-usernet", Paths().usernet),
        found.get("nics", Paths().nics),
    )


def allotments(host: Host) -> tuple[Allotment, ...] | None:
    """The readable lines of lxc-usernet, None when there is no such file."""
    text = host.read(host.get(paths).usernet)
    return None if text is None else parse_usernet(text)


def group_names(host: Host) -> tuple[str | None, ...]:
    """The names of the session's getgroups(2), None for a gid without one.

    In the kernel's order, which is by number.
    """
    gids = host.get(asking).groups if host.get(is_mine) else host.get(login_groups)
    names: dict[int, str] = {}
    for name, gid, _ in host.get(local_groups):
        names.setdefault(gid, name)
    return tuple(names.get(gid) or host.get(_foreign_group, gid) for gid in sorted(gids))


def _foreign_group(host: Host, gid: int) -> str | None:
    """A group that is not in /etc/group, where the name service has other sources."""
    if host.get(is_local_only, "group"):
        return None
    line = cast("str | None", host.ask("getent", "group", str(gid)))
    return line.partition(":")[0] if line else None


class Caller(NamedTuple):
    """Who runs which lxc-user-nic."""

    name: str
    groups: tuple[str | None, ...]  # of getgroups(2), None for a gid without a name
    version: tuple[int, int, int]

    def belongs(self, group: str) -> bool | None:
        """What name_is_in_groupnames() says; None when it reads past the list, and dies."""
        names, version = self.groups, self.version
        if not names or (None in names and version < _NAMELESS_IS_SKIPPED):
            return False
        readable = names[: names.index(None)] if None in names else names
        if group in readable:
            return True
        return False if version >= _GROUPS_ARE_SAFE else None

    def is_meant(self, one: Allotment) -> bool | None:
        """Whether a line is for the caller; None when lxc-user-nic dies at it."""
        if one.name == self.name:
            return True
        return self.belongs(one.name[1:]) if one.name.startswith("@") else False


def first_crash(lines: Iterable[Allotment], who: Caller) -> Allotment | None:
    """The first line that kills lxc-user-nic, None when none does.

    Wherever it stands and whatever its bridge is: names are compared before anything else.
    """
    verdicts: dict[str, bool | None] = {}
    for one in lines:
        if one.name not in verdicts:
            verdicts[one.name] = who.is_meant(one)
        if verdicts[one.name] is None:
            return one
    return None


def meant_for(lines: Iterable[Allotment], who: Caller, bridge: str) -> tuple[Allotment, ...]:
    """The lines that give the caller veths on a bridge, in their order."""
    return tuple(
        one
        for one in lines
        if one.bridge == bridge and one.type == "veth" and who.is_meant(one) is True
    )


def caller_name(host: Host) -> str:
    """The user as lxc-user-nic calls it: by the first account with the uid."""
    account = host.get(target)
    names = (one.name for one in host.get(local_accounts) if one.uid == account.uid)
    return next(names, account.name)


def caller(host: Host) -> Caller:
    """The user in its session, as lxc-user-nic knows it."""
    name = host.get(caller_name)
    asks = any(one.name.startswith("@") for one in host.get(allotments) or ())
    return Caller(name, host.get(group_names) if asks else (), host.get(lxc_version))


def _lines(host: Host) -> tuple[Allotment, ...]:
    found = host.get(allotments)
    return () if found is None else found


def crash(host: Host) -> Allotment | None:
    """The line of lxc-usernet that kills lxc-user-nic for this user, None when none does."""
    return first_crash(_lines(host), host.get(caller))


def matching(host: Host, bridge: str) -> tuple[Allotment, ...]:
    """The lines of lxc-usernet that give this user veths on a bridge."""
    return meant_for(_lines(host), host.get(caller), bridge)


class Miss(NamedTuple):
    """A line that somebody meant for this user, and why lxc-user-nic does not take it so."""

    line: int
    text: str
    why: str


def near_misses(host: Host, bridge: str) -> tuple[Miss, ...]:
    """The lines that look as if they were for this user and bridge, and are not."""
    text = host.read(host.get(paths).usernet) or ""
    account = host.get(target)
    who = (host.get(caller).name, str(account.uid), host.get(group_names))
    found: list[Miss] = []
    for number, line in enumerate(text.split("\n"), 1):
        why = _why_missed(line, bridge, *who)
        if why:
            found.append(Miss(number, line, why))
    return tuple(found)


def _why_missed(line: str, bridge: str, me: str, uid: str, groups: tuple[str | None, ...]) -> str:
    one = parse_usernet_line(line)
    if one is None:
        if line.partition(":")[0] == me:
            return "colons instead of blanks"
        words = line.split(None, 3)
        if words[:1] != [me]:
            return ""
        return "a blank in the first column" if line[:1] in " \t" else "no number at the end"
    if one.name == me:
        if one.type != "veth":
            return f"the type is {one.type}"
        return f"for the bridge {one.bridge}" if one.bridge != bridge else ""
    if one.bridge != bridge:
        return ""
    if one.name == uid:
        return "a uid instead of the name"
    if one.name == "*":
        return "nobody is called *"
    if one.name in groups:
        return "a group needs an @"
    if one.name.lower() == me.lower():
        return "upper and lower case differ"
    if one.name.startswith("@"):
        return f"the user is not in {one.name[1:]}"
    return ""


_LINE_END = re.compile(rb"[\0\n]")
_WORD_END = re.compile(rb"[\0\n \t]")
_NO_BLANK = re.compile(rb"[^ \t]")


class Entry(NamedTuple):
    """A line of the data base, as find_line() reads it: words may come from the lines below."""

    start: int
    end: int  # of the line, not of the last word
    owner: bytes
    nic: bytes


def entries(data: bytes) -> tuple[Entry, ...]:
    """The entries of /run/lxc/nics. Behind one that is cut short or broken nothing is seen."""
    found: list[Entry] = []
    place, end = 0, len(data)
    while place < end:
        stop = _end(_LINE_END, data, place)
        if stop >= end:
            break
        if data[place] == ord("#"):
            place = stop + 1
            continue
        words: list[bytes] = []
        at = place
        for _ in range(4):
            blank = _NO_BLANK.search(data, at)
            at = max(at, blank.start() if blank else end)
            word_end = max(at, _end(_WORD_END, data, at))
            words.append(data[at:word_end])
            at = word_end + 1
        if len(words[3]) >= IFNAMSIZ:
            break
        found.append(Entry(place, stop, words[0], words[3]))
        place = stop + 1
    return tuple(found)


def _end(pattern: re.Pattern[bytes], data: bytes, start: int) -> int:
    found = pattern.search(data, start)
    return found.start() if found else len(data)


def kept(found: Iterable[Entry], alive: Callable[[str], bool]) -> int:
    """How many bytes the living ones of some entries have, with their newlines."""
    return sum(
        one.end - one.start + 1
        for one in found
        if alive(one.nic.decode("utf-8", "surrogateescape"))
    )


def culled(
    data: bytes, alive: Callable[[str], bool], times: int = 1
) -> tuple[bytes, tuple[Entry, ...]]:
    """The data base, and its entries, after cull_entries(): cut to the length of what is alive.

    The living entries were to be moved to the front, but only a copy in memory is changed.
    """
    found = entries(data)
    for _ in range(times):
        length = kept(found, alive)
        if length == len(data):
            break
        data = data[:length]
        found = entries(data)
    return data, found


class Grant(NamedTuple):
    """What becomes of one request: who pays for it, and how many of his interfaces were counted."""

    owner: Allotment | None
    data: bytes  # the data base afterwards
    counts: tuple[int, ...] = ()  # of each matching line's name, before


def request(
    data: bytes,
    lines: Iterable[Allotment],
    bridge: str,
    nic: str,
    alive: Callable[[str], bool],
) -> Grant:
    """One `lxc-user-nic create`, with the matching lines and the data base as it stands."""
    lines = tuple(lines)
    total = 0
    for one in lines:
        total = _wrapped(total + one.quota)
    if total <= 0:
        return Grant(None, data, (0,) * len(lines))
    data, found = culled(data, alive, len(lines))
    owners: dict[bytes, int] = {}
    for entry in found:
        owners[entry.owner] = owners.get(entry.owner, 0) + 1
    counts = tuple(owners.get(_raw(one.name), 0) for one in lines)
    if data:
        pays = next(
            (one for one, used in zip(lines, counts, strict=True) if used < one.quota), None
        )
    else:
        pays = lines[0]  # nobody looks at its number
    if pays is None:
        return Grant(None, data, counts)
    return Grant(pays, data + _raw(f"{pays.name} veth {bridge} {nic}\n"), counts)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


class Ruling(NamedTuple):
    """What lxc-user-nic answers for one network of the config."""

    nic: Nic
    lines: tuple[Allotment, ...]
    counts: tuple[int, ...]  # interfaces that were counted against each line
    granted: bool


def data_base(host: Host) -> bytes:
    """The data base of the interfaces that were handed out; empty when there is none."""
    return _raw(host.read(host.get(paths).nics) or "")


_MADE_FOR_UID = re.compile(r"veth([0-9]{1,5})_[0-9A-Za-z]{4}")
_MADE_FOR_HIGH_UID = re.compile(r"veth[0-9A-Za-z]{6}")


def estimated_data_base(host: Host) -> bytes:
    """The data base told from the names of living interfaces, for who may not read it (root may).

    Raises Unknown where the names leave the answer open.
    """
    account = host.get(target)
    who = host.get(caller)
    found = [_MADE_FOR_UID.fullmatch(name) for name in host.get(in_sysfs)]
    owners = [int(match[1]) for match in found if match]
    mine = owners.count(account.uid)
    others = len(owners) - mine
    wanted = host.get(veths)
    names = {one.name for one in host.get(allotments) or () if who.is_meant(one)}
    unclear = account.uid > _UID_IN_NAME and any(
        _MADE_FOR_HIGH_UID.fullmatch(name) for name in host.get(in_sysfs)
    )
    quotas = [one.quota for nic in wanted for one in host.get(matching, nic.bridge)]
    is_ample = bool(quotas) and min(quotas) > len(owners) + len(wanted)
    if unclear or (not is_ample and (others or (mine and len(names) > 1))):
        raise Unknown(
            f"only root may read {host.get(paths).nics}, and names do not tell whose each is"
        )
    name = next(iter(sorted(names)), who.name)
    return b"".join(_raw(f"{name} veth none veth{account.uid}_{n:04}\n") for n in range(mine))


def rulings(host: Host) -> tuple[Ruling, ...]:
    """What becomes of each veth of the judged config, one after the other."""
    uid = host.get(target).uid
    try:
        data, estimated = host.get(data_base), False
    except Unknown:  # 0600 root: what it says can be seen elsewhere, too
        data, estimated = host.get(estimated_data_base), True
    made: set[str] = set()
    found: list[Ruling] = []
    for number, nic in enumerate(host.get(veths)):
        lines = host.get(matching, nic.bridge)
        name = f"veth{uid}_{number:04}" if uid <= _UID_IN_NAME else f"veth{number:06}"

        def alive(one: str) -> bool:
            return estimated or one in made or exists(host, one)

        grant = request(data, lines, nic.bridge, name, alive)
        data = grant.data
        made.add(name)
        found.append(Ruling(nic, lines, grant.counts, grant.owner is not None))
    return tuple(found)
