"""What no check needs does not leave the host, and what is left judges the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.accounts import parse_group_line, parse_passwd_line
from audit.facts.kernel import split_cmdline
from audit.redaction import redact
from audit.source import Answer, Question, Refused


def redacted(question: Question, answer: Answer | Refused) -> Answer | Refused:
    return redact({question: answer})[question]


@pytest.mark.parametrize(
    ("question", "before", "after"),
    [
        (
            ("read", "/etc/passwd"),
            "root:x:0:0:root:/root:/bin/sh\n"
            "al:$6$salt$hash:1000:1000:Al Doe,Room 1,+49:/home/al:/bin/sh\n",
            "root:x:0:0::/root:/bin/sh\nal:redacted:1000:1000::/home/al:/bin/sh\n",
        ),
        (("read", "/etc/passwd"), "# made by Al\n+::::::\n", "#\n+::::::\n"),
        (("read", "/etc/group"), "adm:$1$x:4:al,bo\n", "adm:redacted:4:al,bo\n"),
        (
            ("getent", "passwd", "al"),
            "al:*:1000:1000:Al Doe:/home/al:/bin/sh",
            "al:*:1000:1000::/home/al:/bin/sh",
        ),
        (
            ("read", "/proc/cmdline"),
            "BOOT_IMAGE=/vm root=UUID=1-2 ro quiet rd.luks.name=1=x"
            " systemd.unified_cgroup_hierarchy=0 cgroup_no_v1=all ip=10.0.0.1",
            "BOOT_IMAGE=redacted root=redacted ro quiet rd.luks.name=redacted"
            " systemd.unified_cgroup_hierarchy=0 cgroup_no_v1=all ip=redacted",
        ),
        (
            ("user_read", "/home/al/c", "1:1:"),
            "lxc.environment = TOKEN=abc=d\nlxc.uts.name = x\nlxc.environment = LANG\n",
            "lxc.environment = TOKEN=redacted\nlxc.uts.name = x\nlxc.environment = LANG\n",
        ),
        (
            ("read", "/proc/self/mountinfo"),
            "1 1 0:1 / /m rw - cifs //s/x rw,username=al,user_id=5,addr=10.0.0.1\n",
            "1 1 0:1 / /m rw - cifs //s/x rw,username=redacted,user_id=5,addr=redacted\n",
        ),
        (("read", "/etc/shadow"), "al:$6$x:1::::::\n", Refused("not recorded: passwords")),
        (("read", "/etc/shadow"), None, None),
        (("read", "/etc/subuid"), "al:100000:65536\n", "al:100000:65536\n"),
        (("stat", "/etc/passwd"), ["file", 420, 0, 0, 9, 8, 1], ["file", 420, 0, 0, 9, 8, 1]),
        (("read", "/etc/passwd"), Refused("no: root=x"), Refused("no: root=x")),
    ],
)
def test_values_go_and_structure_stays(
    question: Question, before: Answer, after: Answer | Refused
) -> None:
    assert redacted(question, before) == after


def test_the_hostname_goes_when_asked_to() -> None:
    record: dict[Question, Answer | Refused] = {
        ("uname",): ["Linux", "web1", "6.1", "x86_64"],
        ("read", "/etc/hostname"): "web1\n",
    }
    assert redact(record) == record
    hidden = redact(record, hide_hostname=True)
    assert hidden["uname",] == ["Linux", "redacted", "6.1", "x86_64"]
    assert "web1" not in str(hidden)


@given(st.text(alphabet="ab:x#+-0 1\n\x00,\t$"))
def test_accounts_and_groups_parse_the_same(text: str) -> None:
    for path, parse in (("/etc/passwd", parse_passwd_line), ("/etc/group", parse_group_line)):
        after = redacted(("read", path), text)
        assert isinstance(after, str)
        before_lines, after_lines = text.split("\n"), after.split("\n")
        assert [parse(line) for line in before_lines] == [parse(line) for line in after_lines]


@given(st.text(alphabet="ab=\"' \nsystemd.lxc"))
def test_a_command_line_keeps_its_words(text: str) -> None:
    after = redacted(("read", "/proc/cmdline"), text)
    assert isinstance(after, str)
    names = [word.partition("=")[0] for word in split_cmdline(text)]
    assert [word.partition("=")[0] for word in split_cmdline(after)] == names


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    for path in ("/etc/passwd", "/etc/group", "/proc/cmdline", "/proc/self/mountinfo", "/x"):
        once = redacted(("read", path), text)
        assert redacted(("read", path), once) == once
