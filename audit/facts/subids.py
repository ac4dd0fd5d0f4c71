"""/etc/subuid and /etc/subgid as newuidmap(1) and newgidmap(1) read them, and what they grant the
target user.

Source: shadow lib/commonio.c (commonio_open), lib/subordinateio.c (subordinate_parse, find_range,
have_range), lib/getulong.c, lib/nss.c, lib/getdef.c. Versions differ: see
audit/facts/shadow_version.py.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar, cast

from audit.facts.accounts import local_accounts, local_groups, target
from audit.facts.shadow_version import Dialect, dialects
from audit.host import Host
from audit.model import Unknown
from audit.records import NamedTuple

FILES = {"uid": "/etc/subuid", "gid": "/etc/subgid"}
ID_LIMIT = 2**32 - 1  # the id (uid_t)-1 is nobody's: shadow and the kernel stop below it
BLOCK = 65536

_ULONG = 2**64
_BUFFER = 4096  # BUFLEN of commonio.c, first size and increment
_LINE = 1024  # rangebuf of subordinate_parse
_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)
# owner:start:size, or owner:first-last, with whatever blanks, signs and zeros
_MEANT = re.compile(r"([^:]*):\s*0*([0-9]{1,10})\s*([:-])\s*0*([0-9]{1,10})\s*(?::.*)?", re.ASCII)
_DECIMAL = re.compile(r"[ \t\n\v\f\r]*\+?([0-9]+)", re.ASCII)
# A line in plain decimal. Where the numbers fit into 32 bits every reader takes it alike.
_PLAIN = re.compile(r"([^:+\-#\s][^:\s]{0,240}):(0|[1-9][0-9]{0,9}):(0|[1-9][0-9]{0,9})", re.ASCII)

# systemd's docs/UIDS-GIDS.md
RESERVED = (
    (0, 999, "the accounts of the system"),
    (60001, 60577, "systemd-homed"),
    (61184, 65519, "systemd's DynamicUser= services"),
    (65534, 65535, "nobody, and the old 16-bit -1"),
    (2**31, 2**64 - 1, "nobody: programs that take ids for signed numbers fail"),
)
NSPAWN = (524288, 1879048191, "systemd-nspawn, which has machines here")
MACHINES = "/var/lib/machines"

T = TypeVar("T")
Range = tuple[int, int]  # first and last id, both included


class Grant(NamedTuple):
    """A line that shadow accepts."""

    line: int
    owner: str
    start: int
    size: int

    @property
    def range(self) -> Range | None:
        """The ids as shadow computes them, in unsigned 64-bit arithmetic; None when it comes out
        empty.

        A size of 0 at id 0 wraps around and is every id there is, until shadow 4.20.
        """
        last = (self.start + self.size - 1) % _ULONG
        return (self.start, last) if self.start <= last else None


class Odd(NamedTuple):
    """A line that is not plainly owner:start:size, and why shadow skips it if it does."""

    line: int
    text: str
    why: str


class Subids(NamedTuple):
    """One of the two files. `broken` says why newuidmap cannot use it at all; it has no grants
    then.
    """

    path: str
    grants: tuple[Grant, ...]
    rejected: tuple[Odd, ...]  # skipped by shadow; blank lines and comments are not listed
    ends_with_newline: bool = True
    broken: str = ""
    odd: tuple[Odd, ...] = ()  # accepted, though another reader may take it for something else


def strtoul(text: str) -> tuple[int, bool] | None:
    """What strtoul(text, &end, 0) gives when it takes the whole text and there is no overflow:
    (value, had a minus).
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    digits = match[2]
    if digits[:2] in ("0x", "0X"):
        magnitude = int(digits, 16)
    elif digits[0] == "0":
        magnitude = int(digits, 8)
    elif len(digits) > 20:
        return None
    else:
        magnitude = int(digits)
    if magnitude >= _ULONG:
        return None
    return (-magnitude) % _ULONG if match[1] == "-" else magnitude, match[1] == "-"


def parse_line(line: str, dialect: Dialect) -> tuple[str, int, int] | str:
    """(owner, start, size) of a line without its newline, or why subordinate_parse() refuses it."""
    fields = line.split(":", 3)
    if len(fields) < 3:
        return "it has fewer than three fields"
    if len(fields) > 3 and dialect.exact_fields:
        return "it has more than three fields"
    if len(_bytes(line)) >= _LINE:
        return f"it is {_LINE} bytes or longer"
    if not fields[0]:
        return "the owner is missing"
    start, size = (_number(field, dialect) for field in fields[1:3])
    if isinstance(start, str):
        return start
    if isinstance(size, str):
        return size
    if dialect.is_bounded and (start > ID_LIMIT or size > min(ID_LIMIT + 1 - start, ID_LIMIT)):
        return "it reaches beyond the highest id"
    return fields[0], start, size


def _number(field: str, dialect: Dialect) -> int | str:
    if not field:
        return "a number is missing"
    parsed = strtoul(field)
    if parsed is None or (parsed[1] and parsed[0] and not dialect.takes_negative):
        return f"{field!r} is not a number to shadow"
    return parsed[0]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def records(text: str, dialect: Dialect) -> Iterator[str]:
    """The lines that commonio_open() hands to the parser, one per newline of the file.

    Raises ValueError with the reason when it gives the whole file up.
    """
    lines = text.split("\n")
    last = lines.pop()
    if dialect.demands_newline:
        if last:
            raise ValueError("its last line does not end with a newline")
        if "\0" in text:
            raise ValueError("it has a NUL byte in it")
        yield from lines
    elif "\0" in text or len(last) >= _LINE or any(len(line) >= _LINE for line in lines):
        yield from _read_by_fgets(_bytes(text))
    else:
        yield from lines
        if last:
            yield last


def _read_by_fgets(data: bytes) -> Iterator[str]:
    """The loop over fgets(3) of shadow until 4.18: a NUL byte hides the rest of its line and joins
    the next one.
    """
    size, position = _BUFFER, 0
    while position < len(data):
        record = bytearray()
        while True:
            if position == len(data):
                raise ValueError("shadow loses the end of it behind a NUL byte or a very long line")
            newline = data.find(b"\n", position, position + size - len(record) - 1)
            end = min(position + size - len(record) - 1, len(data)) if newline < 0 else newline + 1
            at_end = newline < 0 and end == len(data) and end - position < size - len(record) - 1
            text, nul, _ = data[position:end].partition(b"\0")
            record += text
            position = end
            if (newline >= 0 and not nul) or at_end:
                break
            size += _BUFFER
        yield record.removesuffix(b"\n").decode("utf-8", "surrogateescape")


def parse(path: str, text: str, dialect: Dialect) -> Subids:
    """One file's grants under one version of shadow."""
    grants: list[Grant] = []
    rejected: list[Odd] = []
    odd: list[Odd] = []
    newline = text.endswith("\n") or not text
    try:
        for number, line in enumerate(records(text, dialect), 1):
            plain = _PLAIN.fullmatch(line)
            start, size = (int(plain[2]), int(plain[3])) if plain else (0, 0)
            if plain and start + size <= ID_LIMIT:
                grants.append(Grant(number, plain[1], start, size))
            elif line.startswith(("+", "-")):
                rejected.append(Odd(number, line, f"it begins with {line[0]}"))  # name_is_nis()
            elif isinstance(parsed := parse_line(line, dialect), tuple):
                grants.append(Grant(number, *parsed))
                if not plain:
                    odd.append(Odd(number, line, ""))
            elif line.strip() and not line.lstrip().startswith("#"):
                rejected.append(Odd(number, line, parsed))
    except ValueError as why:
        return Subids(path, (), (), newline, str(why))
    return Subids(path, tuple(grants), tuple(rejected), newline, "", tuple(odd))


def subids_by(host: Host, kind: str, dialect: Dialect) -> Subids | None:
    """/etc/subuid ("uid") or /etc/subgid ("gid") under one version of shadow; None when the file
    is not there.

    The helper opens it as root with O_NOFOLLOW: its mode does not matter, a symlink does.
    """
    path = FILES[kind]
    found = host.lstat(path)
    if found is None:
        return None
    if found.kind == "symlink":
        return Subids(path, (), (), True, "it is a symlink, which shadow does not follow")
    if found.kind != "file":
        return Subids(path, (), (), True, f"it is a {found.kind}")
    text = host.read(path)
    return None if text is None else parse(path, text, dialect)


def subids(host: Host, kind: str) -> Subids | None:
    """The file as the installed shadow reads it (the oldest way of reading when its version is not
    known).
    """
    return host.get(subids_by, kind, host.get(dialects)[0])


def plugin(host: Host) -> str | None:
    """The NSS plugin that nsswitch.conf names for subordinate ids and that can be loaded; None:
    the files count.

    Only the first source of the first usable line counts, and a plugin that is not installed means
    the files (shadow lib/nss.c, nss_init).
    """
    name = host.get(named_plugin)
    if name is None or len(name) > 50:
        return None
    library = f"libsubid_{name}.so"
    if host.search("/etc/ld.so.cache", re.escape(library) + r"(\x00)"):
        return name
    machine = cast("list[str]", host.ask("uname"))[3]
    places = (f"/usr/lib/{machine}-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/lib")
    return name if any(host.stat(f"{place}/{library}") for place in places) else None


def named_plugin(host: Host) -> str | None:
    """The source that the first `subid:` line of nsswitch.conf names first; None for `files` or no
    such line.
    """
    for line in (host.read("/etc/nsswitch.conf") or "").split("\n"):
        if line[:6].lower() == "subid:" and (words := line[6:].split()):
            return None if words[0] == "files" else words[0]
    return None


def login_defs(host: Host) -> dict[str, tuple[str, int]]:
    """The settings of login.defs(5): name in upper case -> (value, line). The last line wins
    (shadow lib/getdef.c).
    """
    text = host.read(login_defs_file(host)) or ""
    found: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        name, *rest = line.strip(" \t\r\v\f").split(None, 1)[:2] or [""]
        if rest and not name.startswith("#"):
            found[name.upper()] = rest[0].lstrip(' "\t').partition('"')[0], number
    return found


def login_defs_file(host: Host) -> str:
    """/etc/login.defs, or the vendor's where a distribution keeps it below /usr/etc."""
    vendor = "/usr/etc/login.defs"
    return (
        vendor
        if host.stat("/etc/login.defs") is None and host.stat(vendor)
        else ("/etc/login.defs")
    )


def login_default(host: Host, name: str, default: int) -> int:
    """A number out of login.defs; the default when it is not set or not a number."""
    value = strtoul(host.get(login_defs).get(name, ("", 0))[0])
    return default if value is None else value[0]


def grants_auxiliary_group(host: Host) -> bool:
    """GRANT_AUX_GROUP_SUBIDS of login.defs: newuidmap then works in a session whose gid is not the
    account's.
    """
    return host.get(login_defs).get("GRANT_AUX_GROUP_SUBIDS", ("", 0))[0].lower() == "yes"


def owns(host: Host, owner: str, dialect: Dialect) -> bool:
    """Whether a line's owner means the target user: its name, and since shadow 4.3 its uid or a
    namesake's.
    """
    if owner in host.get(_names, dialect):
        return True
    # is_same_user() of 4.20 takes whatever is a number for a uid: "01001" too.
    number = _DECIMAL.fullmatch(owner) if dialect.is_bounded else None
    return number is not None and int(number[1][:20]) == host.get(target).uid


def _names(host: Host, dialect: Dialect) -> frozenset[str]:
    account = host.get(target)
    if not dialect.matches_uid:
        return frozenset({account.name})
    same = {other.name for other in host.get(local_accounts) if other.uid == account.uid}
    return frozenset({account.name, str(account.uid), *same})


def own_grants(host: Host, kind: str, dialect: Dialect) -> tuple[Grant, ...]:
    """The target's own lines, in their order."""
    file = host.get(subids_by, kind, dialect)
    if file is None:
        return ()
    names = host.get(_names, dialect)
    mine = {
        owner
        for owner in {grant.owner for grant in file.grants}
        if owner in names or (not owner[0].isalpha() and owns(host, owner, dialect))
    }
    return tuple(grant for grant in file.grants if grant.owner in mine)


def own_grants_of(host: Host, kind: str) -> tuple[Grant, ...]:
    """The target's own lines, as the installed shadow reads them."""
    return host.get(own_grants, kind, host.get(dialects)[0])


def granted_by(host: Host, kind: str, dialect: Dialect) -> tuple[Range, ...]:
    """The target's ranges under one version of shadow, merged and sorted; adjacent ones join, as
    in have_range().
    """
    account = host.get(target)
    if host.get(unusable_by, kind, dialect):
        return ()
    if dialect.asks_nss and host.get(plugin) is not None:
        rows = host.ask("subids", kind, account.name)
        pairs = cast("list[list[int]]", rows or [])
        return merge((start, start + count - 1) for start, count in pairs if count)
    mine = host.get(own_grants, kind, dialect)
    spans = (grant.range for grant in mine if grant.size or not dialect.is_bounded)
    return merge(span for span in spans if span)


def unusable_by(host: Host, kind: str, dialect: Dialect) -> str:
    """Why newuidmap or newgidmap gets nothing out of its file under one version; empty when it can
    read it.

    Until shadow 4.18 that ends it, even where the ids come from a plugin or are the user's own.
    """
    if dialect.plugin_replaces_file and host.get(plugin) is not None:
        return ""
    name = f"SUB_{kind.upper()}_COUNT"
    if dialect.counts_matter and host.get(login_default, name, BLOCK) == 0:
        return f"{name} is 0 in {host.get(login_defs_file)}, and shadow then ignores it"
    file = host.get(subids_by, kind, dialect)
    return "it does not exist" if file is None else file.broken


def unusable(host: Host, kind: str) -> str:
    """Why the installed shadow gets nothing out of a file. Raises Unknown when that depends on a
    version that is not known.
    """
    return host.get(agreed, unusable_by, kind)


def agreed(host: Host, question: Callable[[Host, str, Dialect], T], kind: str) -> T:
    """What every shadow that may be installed answers. Raises Unknown when they differ."""
    answers = {host.get(question, kind, dialect) for dialect in host.get(dialects)}
    if len(answers) > 1:
        raise Unknown(
            f"the version of shadow is not known, and versions read {FILES[kind]} differently"
        )
    return answers.pop()


def granted(host: Host, kind: str) -> tuple[Range, ...]:
    """The ids ("uid" or "gid") that the target may map by newuidmap or newgidmap: merged (first,
    last) ranges.

    Raises Unknown when the version of shadow is not known and versions disagree about these files.
    """
    return host.get(agreed, granted_by, kind)


def owners_meant(host: Host, owner: str) -> bool:
    """Whether a person who wrote this owner meant the target user."""
    account = host.get(target)
    return owner.strip().lstrip("+-") in (account.name, str(account.uid))


def meant(host: Host, kind: str) -> tuple[tuple[Odd, Range], ...]:
    """The target's lines that shadow skips or misreads, with the ids that a person reads there."""
    file = host.get(subids, kind)
    if file is None:
        return ()
    found: list[tuple[Odd, Range]] = []
    for line in (*file.rejected, *file.odd):
        match = _MEANT.fullmatch(line.text.strip())
        if match and host.get(owners_meant, match[1]):
            first, second = int(match[2]), int(match[4])
            last = second if match[3] == "-" else first + second - 1
            if first <= last <= ID_LIMIT:
                found.append((line, (first, last)))
    return tuple(found)


def merge(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Sorted disjoint ranges that cover the same ids; what touches is joined."""
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def covers(ranges: tuple[Range, ...], start: int, count: int) -> bool:
    """Whether merged ranges hold start..start+count-1; an empty range is never held."""
    at = bisect_right(ranges, (start, _ULONG)) - 1
    return count > 0 and at >= 0 and ranges[at][1] >= start + count - 1


def shown(span: Range) -> str:
    """A range as a person reads it."""
    return f"{span[0]}-{span[1]}"


def set_aside(host: Host) -> tuple[tuple[int, int, str], ...]:
    """The ranges that the system gives away by itself, without a line in any file, and for what."""
    return (*RESERVED, NSPAWN) if host.list(MACHINES) else RESERVED


def off_limits(host: Host) -> tuple[Range, ...]:
    """The same as ranges alone, for who gives ids away: as far as it is known."""
    try:
        aside = host.get(set_aside)
    except Unknown:
        aside = RESERVED
    return tuple((first, last) for first, last, _ in aside)


def free_block(host: Host) -> int | None:
    """The first id of a block of 65536 that nobody uses, aligned as useradd aligns; None when
    there is none.

    Free of every line of both files, whoever owns it, of every local account and group, and of
    what is set aside; within SUB_UID_MIN and SUB_UID_MAX of login.defs.
    """
    low = max(host.get(login_default, f"SUB_{kind}_MIN", 100000) for kind in ("UID", "GID"))
    high = min(host.get(login_default, f"SUB_{kind}_MAX", 600100000) for kind in ("UID", "GID"))
    taken = merge(_taken(host))
    start = low
    for first, last in taken:
        if start + BLOCK - 1 < first:
            break
        if last >= start:
            start += -(-(last + 1 - start) // BLOCK) * BLOCK
    return start if start + BLOCK - 1 <= min(high, ID_LIMIT - 1) else None


def _taken(host: Host) -> Iterator[Range]:
    yield from host.get(off_limits)
    for kind in FILES:
        file = host.get(subids, kind)
        for grant in file.grants if file else ():
            if grant.size and (span := grant.range):
                yield span
    for account in host.get(local_accounts):
        yield account.uid, account.uid
        yield account.gid, account.gid
    for _, gid, _ in host.get(local_groups):
        yield gid, gid
