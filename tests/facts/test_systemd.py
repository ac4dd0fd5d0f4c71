from hypothesis import given
from hypothesis import strategies as st

from audit.facts.systemd import (
    CONTROLLERS,
    conf_files,
    delegation,
    dropins,
    lingers,
    parse_unit,
    unit,
    user_manager,
    version,
)
from tests.checks.cgroup import lab


def settings(*values: str) -> tuple[bool, set[str]]:
    text = "[Service]\n" + "".join(f"Delegate={value}\n" for value in values)
    found = delegation(parse_unit(text, "Service", "unit"))
    return found.enabled, set(found.controllers)


def test_lists_add_up() -> None:
    assert settings("memory pids", "cpu") == (True, {"memory", "pids", "cpu"})


def test_an_empty_value_forgets_the_controllers_and_keeps_delegation_on() -> None:
    assert settings("memory pids", "") == (True, set())
    assert settings("memory", "", "pids") == (True, {"pids"})


def test_booleans_turn_everything_on_or_off() -> None:
    assert settings("yes") == (True, set(CONTROLLERS))
    assert settings("memory", "no") == (False, set())
    assert settings("OFF") == (False, set())
    assert settings("no", "memory") == (True, {"memory"})


def test_a_word_that_is_no_controller_is_passed_over() -> None:
    assert settings("memory nonsense hugetlb") == (True, {"memory"})


def test_nothing_said_is_no_delegation() -> None:
    assert settings() == (False, set())


def test_other_sections_and_comments_do_not_count() -> None:
    text = (
        "[Unit]\nDelegate=yes\n#[Service]\n[Service]\n; Delegate=no\n# Delegate=no\nDelegate=cpu\n"
    )
    assert delegation(parse_unit(text, "Service", "u")).controllers == ("cpu",)


def test_a_backslash_continues_a_line() -> None:
    found = parse_unit("[Service]\nDelegate=memory \\\n# in between\n  pids\nA=1\n", "Service", "u")
    assert delegation(found).controllers == ("memory", "pids")
    assert [setting.line for setting in found] == [2, 5]


@given(st.text())
def test_any_text_is_parsed(text: str) -> None:
    delegation(parse_unit(text, "Service", "u"))


@given(st.lists(st.sampled_from(["", "yes", "no", "cpu", "memory pids", "x"])))
def test_the_last_reset_decides(values: list[str]) -> None:
    assert settings(*values, "no") == (False, set())
    assert settings(*values, "yes")[1] == set(CONTROLLERS)


def made() -> lab.Lab:
    host = lab.base("5.0.2")
    lab.unified(host)
    lab.systemd(host)
    return host


def test_a_drop_in_of_etc_hides_that_of_usr_with_the_same_name() -> None:
    here = made()
    here.write("/usr/lib/systemd/system/user@.service.d/10-x.conf", "[Service]\nDelegate=cpu\n")
    here.write("/etc/systemd/system/user@.service.d/10-x.conf", "[Service]\nDelegate=io\n")
    assert here.host().get(dropins, "user@1000.service") == (
        "/etc/systemd/system/user@.service.d/10-x.conf",
    )


def test_drop_ins_of_instance_template_and_type_are_read_in_order_of_name() -> None:
    here = made()
    for path in ("user@1000.service.d/30.conf", "user@.service.d/20.conf", "service.d/10.conf"):
        here.write(f"/etc/systemd/system/{path}", "[Service]\n")
    found = here.host().get(dropins, "user@1000.service")
    assert [path.rpartition("/")[2] for path in found] == ["10.conf", "20.conf", "30.conf"]


def test_a_masked_drop_in_does_not_count() -> None:
    here = made()
    path = "/etc/systemd/system/user@.service.d/no.conf"
    here.write(path)
    here.links[path] = "/dev/null"
    assert here.host().get(conf_files, ("/etc/systemd/system/user@.service.d",)) == ()


def test_an_empty_unit_file_masks() -> None:
    here = made()
    here.write("/etc/systemd/system/user@.service", "")
    assert here.host().get(unit, "user@1000.service").masked


def test_a_unit_for_one_user_hides_the_template() -> None:
    here = made()
    here.write("/etc/systemd/system/user@1000.service", "[Service]\nDelegate=no\n")
    assert not here.host().get(user_manager).available


def test_no_manager_without_pam_systemd_unless_the_user_lingers() -> None:
    here = made()
    here.write("/etc/pam.d/common-session", "session required pam_unix.so\n")
    assert not here.host().get(user_manager).available
    here.write("/var/lib/systemd/linger/lxc")
    assert here.host().get(lingers)
    assert here.host().get(user_manager).available


def test_a_running_manager_tells_its_real_controllers() -> None:
    here = lab.logged_in(made(), "memory pids")
    found = here.host().get(user_manager)
    assert (found.state, found.controllers) == ("running", ("memory", "pids"))


def test_the_version_is_in_the_name_of_the_private_library() -> None:
    here = made()
    here.write("/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so")
    assert here.host().get(version) == 252
