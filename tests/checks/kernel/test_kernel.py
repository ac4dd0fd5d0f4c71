"""The checks of the kernel: what is there passes, what is missing fails and says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from audit.facts.config import container_config
from audit.facts.kconfig import PLACES
from audit.facts.modules import ModuleState, module_available
from audit.facts.nics import Nic, veths
from audit.host import Host, Request
from audit.model import EVERYTHING, STARTING, Check, Outcome
from audit.source import Answer, Question, Refused
from audit.testing import judged, made_host, outcomes
from checks.kernel import cmdline as cmdline_module
from checks.kernel import config as config_module
from checks.kernel import controllers as controllers_module
from checks.kernel import idmap_lines as idmap_module
from checks.kernel import kconfig as kconfig_module
from checks.kernel import login_uid as login_uid_module
from checks.kernel import modules as modules_module
from checks.kernel import obsolete as obsolete_module
from checks.kernel import release as release_module
from remediations.typed import steps
from tests.primed import config, primed

NAME = "6.1.0-18-amd64"
KCONFIG = {check.id.rpartition(".")[2]: check for check in kconfig_module.CHECKS}
MODULES = {check.id.rpartition(".")[2]: check for check in modules_module.CHECKS}


def on(
    files: dict[str, str | None] | None = None,
    answers: dict[Question, Answer | Refused] | None = None,
    name: str = NAME,
) -> Host:
    known: dict[str, str | None] = dict.fromkeys((p.format(name) for p in PLACES), None)
    known.update({"/etc/os-release": "ID=debian\n", **(files or {})})
    uname: Answer = ["Linux", "h", name, "x86_64"]
    return made_host(known, {("uname",): uname, **(answers or {})})


def there(path: str, *, exists: bool = True) -> dict[Question, Answer | Refused]:
    node: Answer = ["symlink", 0o777, 0, 0, 0, 0, 1] if exists else None
    return {("lstat", path): node, ("lstat", "/proc/self/ns"): ["directory", 0o511, 0, 0, 0, 0, 1]}


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("6.1.0-18-amd64", Outcome.PASS),
        ("3.13.0", Outcome.PASS),
        ("3.10.0-1160.el7.x86_64", Outcome.FAIL),
    ],
)
def test_the_release_is_3_13_or_newer(name: str, outcome: Outcome) -> None:
    assert outcomes(release_module.release_check, on(name=name)) == [outcome]


@pytest.mark.parametrize("key", ["user_ns", "uts_ns", "ipc_ns", "pid_ns", "net_ns"])
def test_the_running_kernel_answers_for_its_namespaces(key: str) -> None:
    path = f"/proc/self/ns/{key.removesuffix('_ns')}"
    assert outcomes(KCONFIG[key], on(answers=there(path))) == [Outcome.PASS]
    found = judged(KCONFIG[key], on(answers=there(path, exists=False))).findings[0]
    assert found.outcome is Outcome.FAIL
    assert found.fix is not None and f"CONFIG_{key.upper()}" in found.fix.title


def test_user_namespaces_are_needed_to_create_and_the_others_to_start() -> None:
    assert KCONFIG["user_ns"].stages == EVERYTHING
    assert KCONFIG["net_ns"].stages == STARTING


@pytest.mark.parametrize(
    ("key", "filesystem"), [("proc_fs", "proc"), ("tmpfs", "tmpfs"), ("unix98_ptys", "devpts")]
)
def test_a_file_system_is_shown_by_the_kernels_list(key: str, filesystem: str) -> None:
    question = ("search", "/proc/filesystems", rf"(?m)^(?:nodev)?\t({filesystem})$")
    assert outcomes(KCONFIG[key], on(answers={question: [[filesystem]]})) == [Outcome.PASS]


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("CONFIG_TMPFS=y", Outcome.PASS),
        ("# CONFIG_TMPFS is not set", Outcome.FAIL),
        ("CONFIG_OTHER=y", Outcome.FAIL),
    ],
)
def test_where_the_kernel_does_not_show_it_the_configuration_answers(
    line: str, outcome: Outcome
) -> None:
    question = ("search", "/proc/filesystems", r"(?m)^(?:nodev)?\t(tmpfs)$")
    host = on({f"/boot/config-{NAME}": f"#\nCONFIG_A=y\n{line}\n"}, {question: []})
    assert outcomes(KCONFIG["tmpfs"], host) == [outcome]


def test_a_configuration_that_may_be_of_another_kernel_condemns_nothing() -> None:
    question = ("search", "/proc/filesystems", r"(?m)^(?:nodev)?\t(tmpfs)$")
    host = on({"/usr/src/linux/.config": "#\nCONFIG_A=y\n"}, {question: []})
    assert outcomes(KCONFIG["tmpfs"], host) == [Outcome.UNKNOWN]


@pytest.mark.parametrize(
    ("name", "text", "outcome"),
    [
        (NAME, "CONFIG_A=y", Outcome.NOT_APPLICABLE),
        ("4.4.0", "CONFIG_DEVPTS_MULTIPLE_INSTANCES=y", Outcome.PASS),
        ("4.4.0", "# CONFIG_DEVPTS_MULTIPLE_INSTANCES is not set", Outcome.FAIL),
    ],
)
def test_devpts_instances_were_an_option_until_4_7(name: str, text: str, outcome: Outcome) -> None:
    host = on({f"/boot/config-{name}": f"#\nCONFIG_B=y\n{text}\n"}, name=name)
    assert outcomes(KCONFIG["devpts_instances"], host) == [outcome]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("quiet root=/dev/vda", Outcome.PASS),
        ("user_namespace.enable=1", Outcome.PASS),
        ("user_namespace.enable=0", Outcome.FAIL),
        ("user_namespace.enable=0 user_namespace.enable=1", Outcome.PASS),
        ("namespace.unpriv_enable=0", Outcome.FAIL),
        ("quiet -- user_namespace.enable=0", Outcome.PASS),
    ],
)
def test_the_command_line_does_not_forbid_user_namespaces(text: str, outcome: Outcome) -> None:
    assert outcomes(cmdline_module.cmdline_check, on({"/proc/cmdline": text})) == [outcome]


def lines(count: int, start: int = 0) -> str:
    return "\n".join(f"lxc.idmap = u {n} {100000 + 2 * n} 1" for n in range(start, count))


@pytest.mark.parametrize(
    ("name", "count", "outcome"),
    [
        (NAME, 1, Outcome.PASS),
        (NAME, 200, Outcome.PASS),
        (NAME, 341, Outcome.FAIL),
        ("4.14.0", 5, Outcome.PASS),
        ("4.14.0", 6, Outcome.FAIL),
    ],
)
def test_the_kernel_takes_as_many_map_lines_as_it_has_room_for(
    name: str, count: int, outcome: Outcome
) -> None:
    host = primed(on(name=name), {container_config: config(lines(count))})
    assert outcomes(idmap_module.idmap_lines, host) == [outcome]


def test_the_text_of_all_map_lines_fits_liblxcs_buffer() -> None:
    host = primed(on(), {container_config: config(lines(330))})
    found = judged(idmap_module.idmap_lines, host).findings[0]
    assert found.outcome is Outcome.FAIL
    assert "bytes" in found.message


def test_an_existing_container_is_only_stopped_from_starting() -> None:
    host = primed(on(), {container_config: config(lines(341))})
    host.request = Request(user="lxc", container="c")
    assert judged(idmap_module.idmap_lines, host).findings[0].stages == STARTING


def module_host(key: str, state: ModuleState, link: str = "lxcbr0") -> Host:
    host = primed(on(), {veths: (Nic(0, "veth", link),)})
    row = next(row for row in modules_module.ROWS if row.key == key)
    host._facts[(module_available, key, row.option, row.symbol)] = (state, None, frozenset())
    return host


@pytest.mark.parametrize("key", ["veth", "bridge", "nf_tables"])
@pytest.mark.parametrize("state", ["loaded", "builtin", "loadable"])
def test_a_module_that_is_there_or_will_come_is_enough(key: str, state: str) -> None:
    host = module_host(key, ModuleState(state, "/proc/modules", None, key))
    assert outcomes(MODULES[key], host) == [Outcome.PASS]


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (ModuleState("missing", "/boot/config", 7, "# CONFIG_VETH is not set"), "linux-image"),
        (ModuleState("unloadable", "/lib/modules/x", None, "no such directory"), "reboot"),
        (ModuleState("blocked", "/etc/modprobe.d/a.conf", 3, "blacklist veth"), "+3 /etc"),
        (ModuleState("blocked", "/proc/cmdline", None, "nomodule"), "nomodule"),
    ],
)
def test_what_is_in_the_way_of_a_module_is_named_and_lifted(state: ModuleState, step: str) -> None:
    found = judged(MODULES["veth"], module_host("veth", state)).findings[0]
    assert found.outcome is Outcome.FAIL
    assert found.fix is not None and step in " ".join(steps(found.fix))


def test_without_a_veth_network_no_module_is_asked_for() -> None:
    host = primed(on(), {veths: ()})
    for check in MODULES.values():
        assert outcomes(check, host) == [Outcome.NOT_APPLICABLE]


INFO: list[tuple[Check, dict[str, Any]]] = [
    (config_module.config, {}),
    (controllers_module.controllers, {}),
    (obsolete_module.obsolete, {}),
]


@pytest.mark.parametrize("check", [check for check, _ in INFO], ids=lambda check: check.id)
def test_information_about_the_configuration_passes_with_one_and_is_unknown_without(
    check: Check,
) -> None:
    text = "#\nCONFIG_MEMCG=y\n# CONFIG_CGROUP_PIDS is not set\nCONFIG_CGROUP_BPF=y\n"
    assert outcomes(check, on({f"/boot/config-{NAME}": text})) == [Outcome.PASS]
    assert outcomes(check, on()) == [Outcome.UNKNOWN]


def test_controllers_that_are_off_are_named() -> None:
    text = "#\nCONFIG_MEMCG=y\n# CONFIG_CGROUP_PIDS is not set\n"
    host = on({f"/boot/config-{NAME}": text})
    assert "number of processes" in judged(controllers_module.controllers, host).findings[0].message


@pytest.mark.parametrize(("exists", "message"), [(True, "it does"), (False, "it does not")])
def test_login_uids_are_there_or_not(exists: bool, message: str) -> None:
    answers = there("/proc/self/loginuid", exists=exists)
    answers["lstat", "/proc/self/status"] = ["file", 0o444, 0, 0, 0, 0, 1]
    assert judged(login_uid_module.login_uid, on(answers=answers)).findings[0].message == message
