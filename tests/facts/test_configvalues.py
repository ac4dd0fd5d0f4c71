"""Values that liblxc refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.configkeys import KEYS
from audit.facts.configvalues import State, refusal

BY_SETTER = {key.setter: key for key in KEYS}


@pytest.mark.parametrize(
    ("without", "setter", "name"),
    [
        ("AppArmor", "apparmor_profile", "lxc.apparmor.profile"),
        ("SELinux", "selinux_context", "lxc.selinux.context"),
        ("seccomp", "seccomp_profile", "lxc.seccomp.profile"),
        ("capabilities", "cap_drop", "lxc.cap.drop"),
    ],
)
def test_what_is_not_built_in_is_refused(without: str, setter: str, name: str) -> None:
    key = BY_SETTER[setter]
    assert refusal(key, name, "mknod", State((5, 0, 2), frozenset({without}))) is not None
    assert refusal(key, name, "mknod", State((5, 0, 2))) is None


@given(
    st.sampled_from(KEYS),
    st.text(max_size=60),
    st.sampled_from(((3, 0, 4), (4, 0, 6), (4, 0, 12), (5, 0, 2), (7, 0, 0))),
)
def test_no_value_stops_the_judge(key: object, value: str, version: tuple[int, int, int]) -> None:
    row = next(one for one in KEYS if one == key)
    name = row.name.replace("lxc.net.", "lxc.net.0.") if row.setter.startswith("net_") else row.name
    why = refusal(row, name, value, State(version))
    assert why is None or why
