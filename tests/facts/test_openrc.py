import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.openrc import cgroup_mode, in_runlevel, parse_mode, shell_word
from tests.checks.cgroup import lab


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('rc_cgroup_mode="unified"', "unified"),
        ("rc_cgroup_mode='hybrid'  # why", "hybrid"),
        ("rc_cgroup_mode=legacy", "legacy"),
        ('  export rc_cgroup_mode="unified"', "unified"),
        ('rc_cgroup_mode="hybrid"\nrc_cgroup_mode="unified"', "unified"),
        ('rc_cgroup_mode="uni"fied', "unified"),
    ],
)
def test_the_last_assignment_counts_as_the_shell_reads_it(text: str, value: str) -> None:
    found = parse_mode(text)
    assert found is not None and found[0] == value


@pytest.mark.parametrize("text", ["", '#rc_cgroup_mode="unified"', 'xrc_cgroup_mode="unified"'])
def test_a_comment_sets_nothing(text: str) -> None:
    assert parse_mode(text) is None


@pytest.mark.skipif(shutil.which("sh") is None, reason="no sh to compare with")
@pytest.mark.parametrize(
    "text", ['"unified"', "'a b'", 'uni"fi"ed', "a\\ b", '"a\\"b"', "hybrid # c", '""', "x;y=2"]
)
def test_a_word_is_what_sh_makes_of_it(text: str) -> None:
    script = f'v={text}\nprintf %s "$v"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell_word(text) == done.stdout


@given(st.text())
def test_any_text_is_parsed(text: str) -> None:
    parse_mode(text)
    shell_word(text)


@pytest.mark.parametrize(("release", "value"), [("0.45.2", "hybrid"), ("0.56", "unified")])
def test_the_default_changed_with_release_0_51(release: str, value: str) -> None:
    here = lab.base("6.0.4")
    here.write("/etc/rc.conf", '#rc_cgroup_mode="hybrid"\n')
    here.write("/usr/libexec/rc/version", release)
    found = here.host().get(cgroup_mode)
    assert found is not None and (found.value, found.line) == (value, None)


def test_conf_d_wins_over_rc_conf() -> None:
    here = lab.base("6.0.4")
    here.write("/etc/rc.conf", 'rc_cgroup_mode="hybrid"\n')
    here.write("/etc/rc.conf.d/a.conf", 'rc_cgroup_mode="legacy"\n')
    assert here.host().get(cgroup_mode) == ("legacy", "/etc/rc.conf.d/a.conf", 1)
    here.write("/etc/conf.d/cgroups", 'rc_cgroup_mode="unified"\n')
    assert here.host().get(cgroup_mode) == ("unified", "/etc/conf.d/cgroups", 1)


def test_a_service_is_in_any_runlevel_that_links_it() -> None:
    here = lab.base("6.0.4")
    assert not here.host().get(in_runlevel, "cgroups")
    here.write("/etc/runlevels/sysinit/cgroups")
    assert here.host().get(in_runlevel, "cgroups")
