"""What a config that fix begins says of the network."""

from __future__ import annotations

import pytest

from audit.facts.config import config_at, container_config
from audit.facts.init import NONE, OPENRC, SYSTEMD, init_system
from audit.facts.lxc import lxc_version
from audit.facts.lxcnet import LxcNet, lxc_net
from audit.facts.session import session_credentials
from audit.host import Request
from audit.source import Answer, Question, Refused
from audit.testing import WHO, made_host
from remediations.new_config import SHIPPED, begin
from tests.checks.config.configs import USER
from tests.primed import CONFIG, config, primed

BRIDGE = "/sys/class/net/lxcbr0/bridge"
DEBIANS = "lxc.net.0.type = veth\nlxc.net.0.link = lxcbr0\nlxc.net.0.flags = up\n"


@pytest.mark.parametrize(
    ("there", "net", "init", "included"),
    [
        (True, LxcNet(), NONE, True),
        (False, LxcNet(installed=True), SYSTEMD, True),
        (False, LxcNet(installed=True), OPENRC, True),  # Debian's package only enables it there
        (False, LxcNet(installed=True), NONE, False),  # nothing that would start it
        (False, LxcNet(installed=False), SYSTEMD, False),
        (False, LxcNet(installed=True, enabled=False), SYSTEMD, False),
        (False, LxcNet(installed=True, bridge="br7"), SYSTEMD, False),
    ],
)
def test_the_distributions_network_where_its_bridge_is_there_or_lxc_net_makes_it(
    there: bool, net: LxcNet, init: str, included: bool
) -> None:
    directory: Answer = ["directory", 0o755, 0, 0, 0, 0, 1]
    answers: dict[Question, Answer | Refused] = {
        ("lstat", BRIDGE): directory if there else None,
        ("lstat", CONFIG): None,
        ("user_read", CONFIG, WHO): None,
    }
    host = made_host({SHIPPED: DEBIANS, "/etc/os-release": "ID=debian\n"}, answers, Request("lxc"))
    facts = {
        lxc_net: net,
        init_system: init,
        session_credentials: USER,
        lxc_version: (5, 0, 2),
        container_config: config(),
    }
    host._facts[config_at, SHIPPED] = config(DEBIANS), None, frozenset()
    found = begin(primed(host, facts), CONFIG)
    lines = " ".join(str(one) for one in found.actions)
    assert (f"lxc.include = {SHIPPED}" in lines) is included, found
    assert ("# what new containers begin with" in lines) is not included
