"""What the judged container asks of the kernel."""

from __future__ import annotations

import pytest

from audit.facts.config import container_config
from audit.facts.lxc import lxc_version
from audit.facts.wanted import auto_mounts, own_namespaces, template
from audit.host import Host, Request
from audit.testing import made_host
from tests.primed import config, primed

ALL = {"mnt", "pid", "uts", "ipc", "net", "cgroup"}


def on(text: str, request: Request | None = None) -> Host:
    host = made_host(request=request)
    return primed(host, {container_config: config(text), lxc_version: (5, 0, 2)})


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", set()),
        ("lxc.net.0.type = none", {"net"}),
        ("lxc.net.0.type = empty", set()),
        ("lxc.namespace.keep = net ipc", {"net", "ipc"}),
        ("lxc.namespace.keep = net\nlxc.namespace.keep = pid", {"net", "pid"}),
        ("lxc.namespace.clone = mnt pid net", {"uts", "ipc", "cgroup"}),
        ("lxc.namespace.share.uts = 1", {"uts"}),
    ],
)
def test_the_namespaces_are_those_that_liblxc_clones(text: str, missing: set[str]) -> None:
    assert on(text).get(own_namespaces) == ALL - missing


@pytest.mark.parametrize(
    ("request_", "text", "expected"),
    [
        (Request(user="lxc"), "", {"proc": "mixed", "sys": "ro"}),
        (Request(user="lxc", guest="systemd"), "", {"proc": "mixed", "sys": "rw"}),
        (Request(user="lxc", template="none"), "lxc.mount.auto = proc", {"proc": "mixed"}),
        (
            Request(user="lxc", container="c"),
            "lxc.mount.auto = sys:ro proc:rw cgroup:mixed",
            {"proc": "rw", "sys": "ro"},
        ),
        (
            Request(user="lxc", container="c"),
            "lxc.mount.auto = sys\nlxc.mount.auto = sys:rw",
            {"sys": "rw"},
        ),
    ],
)
def test_mounts_are_those_of_the_config_and_of_the_template(
    request_: Request, text: str, expected: dict[str, str]
) -> None:
    assert on(text, request_).get(auto_mounts) == expected


def test_an_existing_container_has_no_template_any_more() -> None:
    assert on("", Request(user="lxc", container="c")).get(template) is None
