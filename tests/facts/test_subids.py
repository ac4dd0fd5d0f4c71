"""/etc/subuid by the versions of shadow, on any text, and in a time that grows with its length."""

from __future__ import annotations

import gc
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.shadow_version import STEPS, dialect_of, dialects, parse_version
from audit.facts.subids import (
    BLOCK,
    MACHINES,
    covers,
    free_block,
    granted,
    granted_by,
    login_default,
    meant,
    merge,
    named_plugin,
    parse,
    strtoul,
    unusable,
)
from audit.source import Answer, Question, Refused
from audit.testing import made_host
from checks.idmap.overlap_users import overlapping
from checks.idmap.subid_notation import default_map

OLD, NEW = dialect_of((4, 13)), dialect_of((4, 20, 2))
PATH = "/etc/subuid"


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("1:4.13+dfsg1-1+deb12u2", (4, 13)),
        ("4.8.1-5ubuntu1", (4, 8, 1)),
        ("4.17.4-r0", (4, 17, 4)),
        ("", None),
    ],
)
def test_a_package_version_is_that_of_shadow(package: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(package) == version


def test_an_unknown_version_stands_for_all_of_them() -> None:
    host = made_host(answers={("package", "shadow"): None})
    assert set(host.get(dialects)) == {dialect_of(step) for step in STEPS}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("100000", 100000),
        ("0100000", 32768),
        ("0x10", 16),
        ("0x", None),
        ("08", None),
        (" \t\v7", 7),
        ("7 ", None),
        ("-1", 2**64 - 1),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", None),
        ("-", None),
        ("", None),
        ("٣", None),
    ],
)
def test_numbers_are_those_of_strtoul(word: str, value: int | None) -> None:
    found = strtoul(word)
    assert (found and found[0]) == value


@given(st.text("lxc:0123456789 x-\n\r\t\0#", max_size=200) | st.text(max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    for step in STEPS:
        file = parse(PATH, text, dialect_of(step))
        assert not (file.broken and file.grants)
        assert all(0 <= one.start < 2**64 and 0 <= one.size < 2**64 for one in file.grants)
    default_map(text, "lxc")


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))), st.integers(0, 70))
def test_merged_ranges_hold_the_same_ids(pairs: list[tuple[int, int]], number: int) -> None:
    ranges = [(first, first + more) for first, more in pairs]
    merged = merge(ranges)
    assert covers(merged, number, 1) == any(first <= number <= last for first, last in ranges)
    assert all(one[1] + 1 < two[0] for one, two in pairwise(merged))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.integers(1, 9)), max_size=12)
)
def test_every_overlap_of_two_owners_is_found_somewhere(rows: list[tuple[str, int, int]]) -> None:
    text = "".join(f"{owner}:{start}:{size}\n" for owner, start, size in rows)
    spans = [(start, start + size, owner) for owner, start, size in rows]
    overlap = any(
        one[2] != two[2] and one[0] < two[1] and two[0] < one[1] for one in spans for two in spans
    )
    assert bool(overlapping(parse(PATH, text, OLD).grants, {})) == overlap


def test_a_version_reads_what_it_reads() -> None:
    def ranges(text: str, version: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        host = made_host({PATH: text, "/etc/login.defs": ""})
        return host.get(granted_by, "uid", dialect_of(version))

    whole = ((100000, 165535),)
    assert ranges("1001:100000:65536\n", (4, 2)) == ()
    assert ranges("1001:100000:65536\n", (4, 3)) == whole
    assert ranges("01001:100000:65536\n", (4, 13)) == ()
    assert ranges("01001:100000:65536\n", (4, 20)) == whole
    assert ranges("lxc:0:-1\n", (4, 13)) == ((0, 2**64 - 2),)
    assert ranges("lxc:0:-1\n", (4, 15)) == ()
    assert ranges("lxc:100000:65536", (4, 18)) == whole
    assert ranges("lxc:100000:65536", (4, 19)) == ()
    assert ranges("lxc:4294967295:65536\n", (4, 20)) == ()


def test_a_person_reads_what_shadow_does_not() -> None:
    for line in (
        "lxc:0100000:65536",
        " lxc:100000:65536 ",
        "lxc:100000-165535",
        "+lxc:100000:65536:x",
    ):
        host = made_host(
            {PATH: f"{line}\n", "/etc/login.defs": ""}, {("package", "shadow"): "4.13"}
        )
        assert [span for _, span in host.get(meant, "uid")] == [(100000, 165535)], line


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lxc:100000:65536\n", (100000, 65536)),
        ("lxc:100000:65536", (100000, 6553)),
        ("lxc:0100000:65536\n", (32768, 65536)),
        ("1001:100000:65536\n", None),
        (" lxc:100000:65536\n", None),
        ("lxc:100000:65536\r\n", None),
        ("lxc:100000:1000\nlxc:200000:65536\n", (100000, 1000)),
    ],
)
def test_usernsexec_takes_what_it_was_seen_to_take(
    text: str, found: tuple[int, int] | None
) -> None:
    assert default_map(text, "lxc") == found


@pytest.mark.parametrize(
    ("text", "plugin"),
    [
        ("passwd: files\n", None),
        ("subid: files sss\n", None),
        ("subid: sss files\n", "sss"),
        ("SUBID:\tsss\n", "sss"),
        ("#subid: sss\n", None),
        (" subid: sss\n", None),
        ("subid:\nsubid: two\n", "two"),
    ],
)
def test_nsswitch_names_a_plugin(text: str, plugin: str | None) -> None:
    assert made_host({"/etc/nsswitch.conf": text}).get(named_plugin) == plugin


def test_login_defs_are_read_as_shadow_reads_them() -> None:
    text = "# SUB_UID_COUNT 1\n\tSUB_UID_COUNT\t0x10 \nSUB_GID_COUNT many\n"
    host = made_host({"/etc/login.defs": text})
    assert host.get(login_default, "SUB_UID_COUNT", 5) == 16
    assert host.get(login_default, "SUB_GID_COUNT", 5) == 5


def test_a_free_block_is_nobodys() -> None:
    passwd = "root:x:0:0::/:/bin/sh\nlxc:x:1001:1001::/:/bin/sh\nfar:x:300000:300000::/:/bin/sh\n"
    text = "a:100000:65536\nb:165536:65537\n"
    known: dict[Question, Answer | Refused] = {("package", "shadow"): "4.13"}
    files = {
        PATH: text,
        "/etc/subgid": "",
        "/etc/passwd": passwd,
        "/etc/login.defs": "",
    }
    # 231072 has b's last id in it, 296608 has the account 300000
    assert made_host(files, known).get(free_block) == 100000 + 4 * BLOCK
    full = {**files, "/etc/login.defs": "SUB_UID_MAX 200000\n"}
    assert made_host(full, known).get(free_block) is None


def test_a_free_block_leaves_out_what_the_system_gives_away_itself() -> None:
    known: dict[Question, Answer | Refused] = {
        ("package", "shadow"): "4.13",
        ("list", MACHINES): ["debian"],
    }
    files = {PATH: "", "/etc/subgid": "", "/etc/login.defs": "SUB_UID_MIN 500000\n"}
    assert made_host(files, known).get(free_block) is None, "systemd-nspawn has the rest"
    without = made_host(files, {**known, ("list", MACHINES): None})
    assert without.get(free_block) == 500000
    low = {**files, "/etc/login.defs": "SUB_UID_MIN 10\nSUB_GID_MIN 10\n"}
    assert made_host(low, known).get(free_block) == 10 + BLOCK


@pytest.mark.parametrize("kind", ["FIFO", "directory", "socket", "character device"])
def test_what_is_no_file_grants_nothing(kind: str) -> None:
    odd: Answer = [kind, 0o644, 0, 0, 0, 8, 1]
    known: dict[Question, Answer | Refused] = {
        ("package", "shadow"): "4.13",
        ("lstat", PATH): odd,
        ("read", PATH): Refused("not a regular file"),
    }
    host = made_host({"/etc/login.defs": ""}, known)
    assert host.get(unusable, "uid") == f"it is a {kind}"
    assert host.get(granted, "uid") == ()


def test_a_hundred_thousand_lines_take_no_longer_than_a_hundred_times_a_thousand() -> None:
    def seconds(lines: int) -> float:
        """The best of three: what else this process holds makes a garbage collection slow."""
        text = "".join(f"user{n}:{n * 65536}:65536\n" for n in range(lines))
        times = []
        gc.disable()
        try:
            for _ in range(3):
                started = time.process_time()
                overlapping(parse(PATH, text, OLD).grants, {})
                times.append(time.process_time() - started)
        finally:
            gc.enable()
        return min(times)

    small = max(seconds(1000), 0.001)
    assert seconds(100_000) < 300 * small


def test_nul_bytes_do_not_make_it_slow() -> None:
    started = time.process_time()
    parse(PATH, "a\0\n" * 100_000, OLD)
    parse(PATH, "x" * 4_000_000, OLD)
    assert time.process_time() - started < 2
