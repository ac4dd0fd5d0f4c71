"""The next login: PAM stacks, umask, limits and environment; and whose session it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts import limits, session
from audit.facts.login import environment, login, login_defs, parse_environment, umask
from audit.facts.pam import Rule, login_rules, parse_line, stack
from audit.host import Host, Request
from audit.live import Live
from audit.model import Unknown
from audit.source import Answer, Question, Refused
from audit.testing import PASSWD, made_host

ROOT: dict[Question, Answer | Refused] = {
    ("self",): {"uid": 0, "gid": 0, "groups": [0], "umask": 0o077}
}
OWN: dict[Question, Answer | Refused] = {
    ("self",): {"uid": 1001, "gid": 100, "groups": [100, 5], "umask": 0o027}
}
NOTHING = dict.fromkeys(
    (
        "/etc/login.defs",
        "/etc/environment",
        "/etc/profile",
        "/home/lxc/.bash_profile",
        "/home/lxc/.bash_login",
        "/home/lxc/.profile",
        "/etc/default/login",
        "/run/systemd/system",
        "/run/dbus/system_bus_socket",
        *(
            f"{d}/{s}"
            for d in ("/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d")
            for s in ("sshd", "login", "su-l", "su")
        ),
    )
)


def next_login(files: dict[str, str | None], **answers: Answer) -> Host:
    return made_host({**NOTHING, **files}, ROOT)


@given(st.text())
def test_no_text_crashes_the_parsers(text: str) -> None:
    parse_line(text)
    parse_environment(text)
    limits.parse_conf(text, "f")
    limits.parse_proc_limits(text)
    session.parse_status(text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("session required pam_limits.so", ("session", "required", "pam_limits.so", ())),
        ("-session optional pam_systemd.so", ("session", "optional", "pam_systemd.so", ())),
        (
            "session [success=ok default=bad] pam_x.so a=b c",
            ("session", "[success=ok default=bad]", "pam_x.so", ("a=b", "c")),
        ),
        ("@include common-session", ("", "@include", "common-session", ())),
        ("# session required pam_x.so", None),
        ("session required", None),
    ],
)
def test_lines_of_pam_d(line: str, expected: object) -> None:
    assert parse_line(line) == expected


def test_a_stack_follows_includes_and_keeps_their_places() -> None:
    host = next_login(
        {
            "/etc/pam.d/su": "auth include a\nsession include a\n@include b\n",
            "/etc/pam.d/a": "auth required pam_a.so\nsession optional pam_b.so x=y\n",
            "/etc/pam.d/b": "session substack c\n",
            "/etc/pam.d/c": "account required pam_c.so\nsession required pam_d.so\n",
        }
    )
    assert [(r.kind, r.module) for r in host.get(stack, "su")] == [
        ("auth", "pam_a"),
        ("session", "pam_b"),
        ("session", "pam_d"),
    ]
    assert host.get(login_rules)[0] == Rule(
        "session", "optional", "pam_b", ("x=y",), "/etc/pam.d/a", 2
    )


def test_a_stack_that_includes_itself_ends() -> None:
    host = next_login({"/etc/pam.d/su": "session include su\n@include su\n"})
    with pytest.raises(Unknown):
        host.get(stack, "su")


UMASK = "session optional pam_umask.so"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 0o022),
        ({"/etc/login.defs": "UMASK 077\n"}, 0o022),  # nobody reads it without pam_umask
        ({"/etc/pam.d/su": UMASK, "/etc/login.defs": "UMASK 077\n"}, 0o077),
        ({"/etc/pam.d/su": UMASK, "/etc/login.defs": "UMASK 022\nUSERGROUPS_ENAB yes\n"}, 0o002),
        (
            {
                "/etc/pam.d/su": f"{UMASK} nousergroups",
                "/etc/login.defs": "UMASK 022\nUSERGROUPS_ENAB yes\n",
            },
            0o022,
        ),
        ({"/etc/pam.d/su": f"{UMASK} umask=0027"}, 0o027),
        (
            {
                "/etc/pam.d/su": UMASK,
                "/etc/passwd": PASSWD.replace(":/home/lxc", "umask=027:/home/lxc"),
            },
            0o027,
        ),
        ({"/home/lxc/.profile": "umask 077\n"}, 0o077),
        ({"/etc/pam.d/su": f"{UMASK} umask=077", "/etc/profile": "umask 022\n"}, 0o022),
    ],
)
def test_the_umask_of_the_next_login(files: dict[str, str | None], expected: int) -> None:
    assert f"{next_login(files).get(umask):03o}" == f"{expected:03o}"


def test_the_path_of_the_next_login() -> None:
    def path(files: Mapping[str, str | None]) -> str:
        return next_login(dict(files)).get(environment)["PATH"]

    env = {"/etc/environment": 'PATH="/env:/bin"\n'}
    assert path({}) == "/usr/local/bin:/bin:/usr/bin"
    assert path({"/etc/login.defs": "ENV_PATH\tPATH=/defs\n"}) == "/defs"
    assert path(env) == "/usr/local/bin:/bin:/usr/bin"
    assert path({**env, "/etc/pam.d/su": "session required pam_env.so readenv=1\n"}) == "/env:/bin"
    assert (
        path(
            {
                **env,
                "/etc/pam.d/su": "session required pam_env.so\n",
                "/home/lxc/.profile": "PATH=~/bin:$PATH\n",
            }
        )
        == "/home/lxc/bin:/env:/bin"
    )


def test_bash_takes_the_first_of_its_three_files() -> None:
    files: dict[str, str | None] = {
        "/home/lxc/.bash_login": "PATH=/login\n",
        "/home/lxc/.profile": "PATH=/profile\n",
    }
    assert next_login(files).get(environment)["PATH"] == "/login"
    dash = {**files, "/etc/passwd": PASSWD.replace("/home/lxc:/bin/bash", "/home/lxc:/bin/sh")}
    assert next_login(dash).get(environment)["PATH"] == "/profile"


def test_logind_makes_a_runtime_directory_where_it_runs_and_pam_asks_it() -> None:
    stat: Answer = ["directory", 0o755, 0, 0, 0, 0, 1]
    registered = {**NOTHING, "/etc/pam.d/su": "session optional pam_systemd.so\n"}
    runs = {**ROOT, ("stat", "/run/systemd/system"): stat, ("stat", "/run/systemd/seats"): stat}
    asked = {**ROOT, ("stat", "/run/systemd/seats"): stat}
    assert made_host(registered, runs).get(session.runtime_dir) == "/run/user/1001"
    assert made_host(registered, asked).get(session.runtime_dir) is None
    assert made_host(NOTHING, runs).get(session.runtime_dir) is None


def test_a_profile_that_cannot_be_looked_at_makes_the_path_unknown() -> None:
    host = made_host(
        NOTHING, {**ROOT, ("user_read", "/etc/profile", "1001:1001:100,1001"): Refused("no")}
    )
    with pytest.raises(Unknown):
        host.get(session.search_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("lxc soft nofile 20\n", 20),
        ("lxc - nofile unlimited\n* soft nofile 20\n", None),
        ("* soft nofile 30\n@users soft nofile 25\n", 25),
        ("1000:1010 soft nofile 21\n", 21),
        ("2000: soft nofile 21\n", None),
        ("lxc soft nproc 5\n", None),
        ("lxc hard nofile 40\n", 40),
        ("lxc hard nofile 4096\n", None),
    ],
)
def test_limits_conf(text: str, expected: int | None) -> None:
    host = made_host(
        {limits.CONF: text},
        {("list", directory): None for directory in limits.DIRECTORIES},
    )
    found = host.get(limits.configured, "nofile")
    assert (found[0] if found else None) == expected


def test_login_defs() -> None:
    host = made_host({"/etc/login.defs": "# X 1\nUMASK\t\t022 \nUMASK 027\nENV_PATH PATH=/a b\n"})
    assert host.get(login_defs) == {"UMASK": "027", "ENV_PATH": "PATH=/a b"}


def test_a_session_of_the_users_own_is_read_and_roots_is_not() -> None:
    env: dict[Question, Answer | Refused] = {
        ("env", "PATH"): "/x::/y",
        ("env", "HOME"): None,
        ("env", "XDG_RUNTIME_DIR"): "",
    }
    mine = made_host(NOTHING, {**OWN, **env})
    assert mine.get(session.is_mine)
    assert mine.get(session.search_path) == ("/x", "/y")
    assert mine.get(session.home_dir) == "/"
    assert mine.get(session.runtime_dir) == ""
    assert (mine.get(session.session_gid), mine.get(session.umask)) == (100, 0o027)
    assert mine.get(session.session_groups) == {100, 5}
    roots = made_host(NOTHING, {**ROOT, ("env", "PATH"): "/root/bin"})
    assert not roots.get(session.is_mine)
    assert "/root/bin" not in roots.get(session.search_path)
    assert roots.get(session.home_dir) == "/home/lxc"
    assert (roots.get(session.session_gid), roots.get(session.umask)) == (1001, 0o022)
    assert roots.get(session.session_groups) == {100, 1001}
    assert roots.get(session.status, "NoNewPrivs") is None


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("su") is None, reason="needs root and su(1)")
def test_su_agrees_about_an_account_of_this_machine() -> None:
    name = "nobody"
    told = subprocess.run(
        ["su", "-s", "/bin/sh", "-", name, "-c", 'printf "%s\\n%s\\n" "$PATH" "$(umask)"'],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        pytest.skip(f"su refuses: {told.stderr.strip()}")
    host = Host(Live(), Request(user=name))
    passwd = (host.read("/etc/passwd") or "").replace("/usr/sbin/nologin", "/bin/sh")
    made = Host(Patched(Live(), {("read", "/etc/passwd"): passwd}), Request(user=name))
    found = made.get(login)
    assert told.stdout.split("\n")[:2] == [found.environment["PATH"], f"{found.umask:04o}"]


class Patched:
    """A source with some answers replaced."""

    kind = "live"

    def __init__(self, inner: Live, answers: dict[Question, Answer]) -> None:
        self.inner, self.answers = inner, answers

    def ask(self, verb: str, *args: str) -> Answer:
        question = (verb, *args)
        return self.answers[question] if question in self.answers else self.inner.ask(*question)
