"""lxc.conf is read as lxc_global_config_value() reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.lxcconf import default_config_path, global_value, lxcpath
from audit.facts.session import home_dir
from audit.host import Host
from audit.source import Answer, Question, Refused
from audit.testing import WHO, made_host
from tests.primed import primed

CONF = "/home/lxc/.config/lxc/lxc.conf"


def host_with(text: str | None, answers: dict[Question, Answer | Refused] | None = None) -> Host:
    return primed(made_host({CONF: text}, answers), {home_dir: "/home/lxc"})


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (None, "/home/lxc/.local/share/lxc"),
        ("", "/home/lxc/.local/share/lxc"),
        ("lxc.lxcpath = /srv/lxc\n", "/srv/lxc"),
        ("lxc.lxcpath=/srv/lxc//\n", "/srv/lxc"),
        ("\t lxc.lxcpath \t=\t /srv/lxc\nlxc.lxcpath = /other\n", "/srv/lxc"),
        ("#lxc.lxcpath = /srv/lxc\n", "/home/lxc/.local/share/lxc"),
        (" #lxc.lxcpath = /srv/lxc\n", "/home/lxc/.local/share/lxc"),
        ("xlxc.lxcpath = /srv/lxc\n", "/home/lxc/.local/share/lxc"),
        ("lxc.lxcpaths = /srv/lxc\n", "/home/lxc/.local/share/lxc"),
        ("lxc.lxcpath = /srv/lxc \n", "/srv/lxc "),
        ("lxc.lxcpath = /srv/lxc\r\n", "/srv/lxc\r"),
        ("lxc.lxcpath =\n", ""),
        ("lxc.lxcpath =", "/home/lxc/.local/share/lxc"),
    ],
)
def test_lxcpath_is_what_liblxc_makes_of_it(text: str | None, path: str) -> None:
    assert host_with(text).get(lxcpath) == path


def test_an_unreadable_file_means_the_defaults() -> None:
    answers: dict[Question, Answer | Refused] = {("user_read", CONF, WHO): {"denied": "no"}}
    host = host_with("lxc.lxcpath = /srv", answers)
    assert host.get(lxcpath) == "/home/lxc/.local/share/lxc"


def test_the_default_config_can_be_elsewhere() -> None:
    assert host_with(None).get(default_config_path) == "/home/lxc/.config/lxc/default.conf"
    text = "lxc.default_config = /home/lxc/my.conf\n"
    assert host_with(text).get(default_config_path) == "/home/lxc/my.conf"


@given(st.text(max_size=200))
def test_no_text_stops_the_reader(text: str) -> None:
    value = global_value(text, "lxc.lxcpath")
    assert value is None or value in text
