from hypothesis import given
from hypothesis import strategies as st

from audit.facts.libcgroup import (
    cgconfig,
    destination,
    moves_logins,
    parse_cgconfig,
    parse_rules,
    rule_for_user,
)
from tests.checks.cgroup import lab

DOCUMENT = """\
group lxc {
        perm {
                task {
                        uid = lxc;
                        gid = lxc;
                }
                admin {
                        uid = lxc;
                        gid = lxc;
                }
        }
        cpu {}
        cpuset {}
        hugetlb {}
        io {}
        memory {}
        pids {}
}
"""


def test_the_documents_group_is_read() -> None:
    groups, problem = parse_cgconfig(DOCUMENT, "f")
    assert problem is None
    (group,) = groups
    assert group.controllers == ("cpu", "cpuset", "hugetlb", "io", "memory", "pids")
    assert (group.task_uid, group.task_gid, group.admin_uid, group.admin_gid) == ("lxc",) * 4
    assert group.line == 1


def test_comments_mounts_and_settings_are_passed_over() -> None:
    text = (
        "# a comment\nmount { cpu = /cgroup/cpu; }\n"
        'group "a b" { memory { memory.limit_in_bytes = "1G"; } }\n'
    )
    groups, problem = parse_cgconfig(text, "f")
    assert problem is None and groups[0].name == "a b" and groups[0].controllers == ("memory",)


def test_an_error_is_where_cgconfigparser_stops() -> None:
    groups, problem = parse_cgconfig("group a { cpu {} }\ngroup b { cpu }\n", "f")
    assert [group.name for group in groups] == ["a"]
    assert problem is not None and problem.line == 2


def test_a_file_that_ends_inside_a_block_is_an_error() -> None:
    assert parse_cgconfig("group a { cpu {", "f")[1] is not None


@given(st.text(alphabet='group{}=;#" \nabcperm/%', max_size=200))
def test_any_text_is_parsed(text: str) -> None:
    parse_cgconfig(text, "f")
    parse_rules(text, "f")


@given(st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, unique=True))
def test_every_group_that_is_written_is_found(names: list[str]) -> None:
    keywords = {"group", "task", "admin", "perm", "mount", "default", "template", "systemd"}
    kept = [name for name in names if name not in keywords | {"namespace"}]
    text = "".join(f"group {name} {{ cpu {{}} }}\n" for name in kept)
    groups, problem = parse_cgconfig(text, "f")
    assert problem is None and [group.name for group in groups] == kept


def test_rules_are_read_with_continuations_and_process_names() -> None:
    found = parse_rules("# x\nlxc:lxc-start  cpu  a\n%  memory  b\n@users * c\n", "f")
    assert [(r.user, r.process, r.controllers, r.destination) for r in found] == [
        ("lxc", "lxc-start", ("cpu",), "a"),
        ("lxc", "lxc-start", ("memory",), "b"),
        ("@users", "", ("*",), "c"),
    ]


def test_a_line_with_two_fields_ends_the_file() -> None:
    assert parse_rules("lxc *\nlxc * lxc\n", "f") == ()


def rule_of(text: str) -> str | None:
    here = lab.base("6.0.4")
    here.write("/etc/cgrules.conf", text)
    host = here.host()
    rule = host.get(rule_for_user)
    return None if rule is None else host.get(destination, rule)


def test_the_first_rule_that_matches_is_taken() -> None:
    assert rule_of("other * x\nlxc * lxc\n* * rest\n") == "lxc"
    assert rule_of("* * all/%u\nlxc * lxc\n") == "all/lxc"
    assert rule_of("@lxc * g/%G\n") == "g/1000"
    assert rule_of("@other * x\n") is None
    assert rule_of("lxc:bash * x\n") is None


def test_gentoo_has_both_files_in_etc_cgroup() -> None:
    here = lab.base("6.0.4")
    here.write("/etc/cgroup/cgconfig.conf", DOCUMENT)
    here.write("/etc/cgroup/cgrules.conf", "lxc * lxc\n")
    host = here.host()
    assert host.get(cgconfig).groups[0].source == "/etc/cgroup/cgconfig.conf"
    rule = host.get(rule_for_user)
    assert rule is not None and rule.source == "/etc/cgroup/cgrules.conf"


def test_something_has_to_act_on_the_rules() -> None:
    here = lab.base("6.0.4")
    assert here.host().get(moves_logins) == ""
    here.write("/etc/pam.d/common-session", "session optional pam_cgroup.so\n")
    assert here.host().get(moves_logins) == "pam_cgroup.so"
    here.write("/run/cgred.socket")
    assert here.host().get(moves_logins) == "cgrulesengd"
