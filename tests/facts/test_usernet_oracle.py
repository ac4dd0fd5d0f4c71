"""The real lxc-user-nic agrees with what audit/facts/usernet.py predicts of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any

import pytest

from audit.facts.lxc import parse_version
from audit.facts.usernet import Caller, first_crash, meant_for, parse_usernet, request
from tests.facts.usernic_oracle import BRIDGES, GROUPS, HELPER, NAMELESS, UID, USER, enter

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for namespaces and another user"),
    pytest.mark.skipif(not os.path.exists(HELPER), reason=f"needs {HELPER}"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="needs ip(8), for bridges"),
]

OURS, ALSO, FOREIGN = (GROUPS[name] for name in ("t_ours", "t_also", "t_foreign"))
LONG = "x" * 99

# name -> the case that tests/facts/usernic_oracle.py plays
CASES: dict[str, dict[str, Any]] = {
    "one_line": {"usernet": f"{USER} veth tob0 1\n"},
    "no_final_newline": {"usernet": f"{USER} veth tob0 1"},
    "empty_file": {"usernet": ""},
    "no_file": {"usernet": None},
    "tabs": {"usernet": f"{USER}\tveth\t\ttob0\t1\n"},
    "leading_blank": {"usernet": f" {USER} veth tob0 1\n"},
    "leading_tab": {"usernet": f"\t{USER} veth tob0 1\n"},
    "leading_return": {"usernet": f"\r{USER} veth tob0 1\n"},
    "crlf": {"usernet": f"{USER} veth tob0 1\r\n"},
    "vertical_tab_in_front_of_a_field": {"usernet": f"{USER} \v\fveth tob0 1\n"},
    "vertical_tab_in_a_field": {"usernet": f"{USER} veth\v tob0 1\n"},
    "trailing_words": {"usernet": f"{USER} veth tob0 1 # one\n"},
    "junk_after_number": {"usernet": f"{USER} veth tob0 1x\n"},
    "plus": {"usernet": f"{USER} veth tob0 +1\n"},
    "hexadecimal": {"usernet": f"{USER} veth tob0 0x10\n"},
    "octal_is_decimal": {"usernet": f"{USER} veth tob0 010\n"},
    "zero": {"usernet": f"{USER} veth tob0 0\n"},
    "negative": {"usernet": f"{USER} veth tob0 -1\n"},
    "sum_is_negative": {"usernet": f"{USER} veth tob0 -5\n{USER} veth tob0 3\n"},
    "sum_is_positive": {"usernet": f"{USER} veth tob0 -2\n{USER} veth tob0 3\n"},
    "sum_is_zero": {"usernet": f"{USER} veth tob0 -3\n{USER} veth tob0 3\n"},
    "wraps_to_one": {"usernet": f"{USER} veth tob0 4294967297\n"},
    "too_large_is_minus_one": {"usernet": f"{USER} veth tob0 99999999999999999999\n"},
    "sum_wraps": {"usernet": f"{USER} veth tob0 2147483647\n" * 2},
    "no_number": {"usernet": f"{USER} veth tob0\n"},
    "number_on_next_line": {"usernet": f"{USER} veth tob0\n1\n"},
    "colons": {"usernet": f"{USER}:veth:tob0:1\n"},
    "other_type": {"usernet": f"{USER} VETH tob0 1\n"},
    "other_bridge": {"usernet": f"{USER} veth tob1 1\n"},
    "uid": {"usernet": f"{UID} veth tob0 1\n"},
    "wildcard": {"usernet": "* veth tob0 1\n"},
    "comment": {"usernet": f"#{USER} veth tob0 1\n# @x veth y 5\n"},
    "comment_behind_a_blank": {"usernet": "  @nobody veth tob0 1\n"},
    "nul": {"usernet": f"{USER} veth tob0 \x001\n{USER} veth tob0 1\0junk\n"},
    "99_characters": {"usernet": f"{LONG} veth tob0 1\n{USER} veth tob0 1\n"},
    "100_characters": {"usernet": f"{LONG}x veth tob0 1\n{USER} veth tob0 1\n"},
    "bytes": {"usernet": f"\xff\xfe veth tob0 1\n\xe9{USER} veth tob0 1\n"},
    "dotted_bridge": {"usernet": f"{USER} veth tob.1 1\n", "requests": ["tob.1"]},
    "no_bridge": {"usernet": f"{USER} veth none 1\n", "requests": ["none", "none"]},
    "group": {"usernet": "@t_ours veth tob0 1\n", "groups": [UID, OURS]},
    "primary_group_only": {"usernet": f"@{USER} veth tob0 1\n", "groups": [UID]},
    "primary_group_not_in_getgroups": {"usernet": f"@{USER} veth tob0 1\n", "groups": [OURS]},
    "no_groups_at_all": {"usernet": f"@t_ours veth x 1\n{USER} veth tob0 1\n", "groups": []},
    "foreign_group": {"usernet": "@t_foreign veth tob0 1\n", "groups": [UID, OURS]},
    "foreign_group_behind_my_line": {"usernet": f"{USER} veth tob0 1\n@t_foreign veth x 1\n"},
    "foreign_group_for_other_type": {"usernet": f"{USER} veth tob0 1\n@t_foreign x y 1\n"},
    "group_that_does_not_exist": {"usernet": f"@nosuch veth tob0 1\n{USER} veth tob0 1\n"},
    "bare_at": {"usernet": f"@ veth tob0 1\n{USER} veth tob0 1\n"},
    "group_line_without_number": {"usernet": f"@nosuch veth tob0\n{USER} veth tob0 1\n"},
    "group_before_a_nameless_gid": {
        "usernet": "@t_ours veth tob0 1\n",
        "groups": [OURS, NAMELESS, ALSO],
    },
    "group_behind_a_nameless_gid": {
        "usernet": "@t_also veth tob0 1\n",
        "groups": [OURS, NAMELESS, ALSO],
    },
    "two_lines_do_not_add_up": {
        "usernet": f"{USER} veth tob0 1\n{USER} veth tob0 1\n",
        "requests": ["tob0", "tob0"],
    },
    "largest_line_counts": {
        "usernet": f"{USER} veth tob0 0\n{USER} veth tob0 3\n",
        "requests": ["tob0"] * 4,
    },
    "first_interface_needs_no_quota_of_its_line": {
        "usernet": f"{USER} veth tob0 0\n{USER} veth tob0 1\n",
        "requests": ["tob0", "tob0"],
    },
    "quota_of_three": {"usernet": f"{USER} veth tob0 3\n", "requests": ["tob0"] * 4},
    "quota_counts_other_bridges": {
        "usernet": f"{USER} veth tob0 1\n{USER} veth tob1 1\n",
        "requests": ["tob0", "tob1"],
    },
    "group_is_a_further_quota": {
        "usernet": f"{USER} veth tob0 1\n@t_ours veth tob0 1\n",
        "groups": [OURS],
        "requests": ["tob0", "tob0", "tob0"],
    },
    "group_line_first": {
        "usernet": f"@t_ours veth tob0 1\n{USER} veth tob0 1\n",
        "groups": [OURS],
        "requests": ["tob0", "tob0", "tob0"],
    },
    "dead_entry": {"usernet": f"{USER} veth tob0 1\n", "nics": f"{USER} veth tob0 gone0\n"},
    "live_entry": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": f"{USER} veth tob0 live0\n",
        "live": ["live0"],
    },
    "live_entry_of_another": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": "somebody veth tob0 live0\n",
        "live": ["live0"],
    },
    "dead_before_live_is_cut_not_cleaned": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": f"{USER} veth tob0 gone0\nsomebody veth tob0 live0\n",
        "live": ["live0"],
    },
    "live_before_dead": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": f"somebody veth tob0 live0\n{USER} veth tob0 gone0\n",
        "live": ["live0"],
    },
    "cut_in_the_middle_of_a_line": {
        "usernet": f"{USER} veth tob0 2\n",
        "nics": f"{USER} veth tob0 gone0\nx veth tob0 live0\n{USER} veth tob0 live0\n",
        "live": ["live0"],
        "requests": ["tob0", "tob0", "tob0"],
    },
    "two_lines_cut_twice": {
        "usernet": f"{USER} veth tob0 1\n{USER} veth tob0 2\n",
        "nics": f"{USER} veth tob0 gone0\n{USER} veth tob0 gone1\na veth tob0 live0\n",
        "live": ["live0"],
        "requests": ["tob0", "tob0"],
    },
    "nics_none_is_always_alive": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": f"{USER} veth tob0 none\n",
    },
    "nics_without_final_newline": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": f"{USER} veth tob0 live0",
        "live": ["live0"],
    },
    "nics_comment": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": f"# hello\n{USER} veth tob0 live0\n",
        "live": ["live0"],
    },
    "nics_short_line_borrows_from_the_next": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": f"{USER}\n{USER} veth live0\n{USER} veth tob0 live0\n",
        "live": ["live0"],
    },
    "nics_name_too_long": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": f"x veth tob0 abcdefghijklmnop\n{USER} veth tob0 live0\n",
        "live": ["live0"],
    },
    "nics_path": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": f"{USER} veth tob0 lo/../live0\n{USER} veth tob0 .\n",
        "live": ["live0"],
    },
    "nics_blank_lines": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": f"\n\n  {USER} \t veth tob0 live0\n\n",
        "live": ["live0"],
    },
    "nics_nul": {
        "usernet": f"{USER} veth tob0 1\n",
        "nics": f"{USER} veth tob0 live0\0{USER} veth tob0 live0\n",
        "live": ["live0"],
    },
}


def version() -> tuple[int, int, int]:
    done = subprocess.run(["lxc-start", "--version"], capture_output=True, text=True)
    return parse_version(done.stdout.strip())


def predicted(case: dict[str, Any], real: list[dict[str, Any]]) -> list[tuple[bool, bytes]]:
    """Granted or not, and the data base, after each request, with the names it really gave."""
    names = {gid: name for name, gid in GROUPS.items()}
    groups = tuple(names.get(gid) for gid in sorted(case.get("groups", [UID])))
    who = Caller(USER, groups, version())
    text = case["usernet"]
    raw = None if text is None else text.encode("latin-1").decode("utf-8", "surrogateescape")
    lines = parse_usernet(raw or "")
    data = (case.get("nics") or "").encode("latin-1")
    living = {"lo", *BRIDGES, *case.get("live", ())}

    def alive(name: str) -> bool:
        if name == "none" or name in living:
            return True
        return name in ("", ".", "..") or name.rpartition("/../")[2] in living

    found: list[tuple[bool, bytes]] = []
    for bridge, answer in zip(case["requests"], real, strict=True):
        if first_crash(lines, who) is not None:
            found.append((False, data))
            continue
        nic = answer["nic"] or f"veth{UID}_XXXX"
        grant = request(data, meant_for(lines, who, bridge), bridge, nic, alive)
        data = grant.data
        living.add(nic)
        found.append((grant.owner is not None, data))
    return found


def test_lxc_user_nic_does_what_is_predicted() -> None:
    cases = {name: {"requests": ["tob0"], **case} for name, case in CASES.items()}
    played = enter(list(cases.values()))
    wrong: list[str] = []
    for (name, case), outcome in zip(cases.items(), played, strict=True):
        answers = outcome["answers"]
        real = [(a["code"] == 0, a["nics"].encode("latin-1")) for a in answers]
        said = predicted(case, answers)
        if real != said:
            errors = [re.sub(r"^.*?: ", "", a["error"])[-120:] for a in answers]
            wrong.append(f"{name}: real {real}, predicted {said}, {errors}")
    assert not wrong, "\n".join(wrong)
