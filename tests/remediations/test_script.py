"""The text of a script: what a reader sees, and that a host can put nothing of its own into it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audit.model import Fix
from remediations.actions import (
    Append,
    Delete,
    Install,
    Manual,
    Plain,
    Remove,
    Replace,
    Run,
    Setting,
    Write,
)
from remediations.plan import Asked, steps_of
from remediations.quoting import encoded
from remediations.script import Subject, script, undo_script
from tests.remediations.scripts import LXC, script_for

SHELLS = (["dash"], ["bash", "--posix"], ["busybox", "sh"])


def body(text: str) -> str:
    """What comes before the library."""
    return text[: text.index("# How the steps above are done.")]


def test_the_header_says_what_is_changed_what_is_run_and_what_is_left() -> None:
    text = script(
        steps_of(
            [
                Asked("a.b", "no line", Fix("x", "grant ids", (Append("/etc/subuid", "l:1:1"),))),
                Asked("a.c", "no lxc", Fix("package", "install", (Install("debian", ("lxc",)),))),
                Asked(
                    "a.d", "old kernel", Fix("k", "build a kernel", (Manual(("make",)),), "reboot")
                ),
            ]
        ),
        LXC,
    )
    head = text[: text.index("set -eu")]
    assert "containers work for lxc on host (Some Linux)" in head
    for section, item in (
        ("It changes", "/etc/subuid"),
        ("It runs", "apt-get install -y lxc"),
        ("It leaves to a person", "build a kernel"),
    ):
        assert f"# {section}:\n#     {item}\n" in head
    assert "Nothing else is touched" in head


def test_a_block_names_check_reason_rights_what_follows_and_undo() -> None:
    text = script(
        steps_of(
            [
                Asked("a.b", "no line for it", Fix("x", "t", (Append("/f", "x"),), "re-login")),
                Asked("a.c", "by hand", Fix("y", "u", (Manual(("a", "b")),))),
            ]
        ),
        LXC,
    )
    assert "# 1. a.b: no line for it\n#    needs: root · then: re-login · undo: yes\n" in text
    assert "# 2. a.c: by hand\n#    needs: nobody's rights · then: nothing\n" in text
    assert "    manual a b\n" in text
    words = "end all sessions of the user (log out everywhere), and log in anew"
    assert f"say 'For all of it to be in force: {words}.'" in text


def test_the_library_is_what_every_script_carries() -> None:
    assert script_for(Append("/f", "x")).endswith('main "$@"\n')
    assert undo_script().rstrip().endswith("main --undo")


EVERYTHING = script_for(
    Install("debian", ("lxc", "uidmap")),
    Install("debian", ("lxc",), again=True),
    Append("/etc/a", "it's"),
    Replace("/etc/a", 1, "x\r", "y"),
    Delete("/etc/a", 1, "x", 3),
    Write("/etc/b", "END\nEND_\n$HOME `id`\n"),
    Plain("/etc/c", ""),
    Remove("/etc/d"),
    Setting("/proc/sys/a", "1"),
    Run("echo 'a  b' | cat", "test -e /x", "rm '/x y'", ("/a b", "/c")),
    Manual(("say 'it'",)),
)


def test_a_script_is_shellcheck_clean_and_no_bash() -> None:
    for shell in SHELLS:
        subprocess.run([*shell, "-n", "-c", EVERYTHING], check=True)
    subprocess.run(["shellcheck", "--shell=sh", "-"], input=EVERYTHING, text=True, check=True)


def test_steps_of_one_run_are_numbered_through() -> None:
    fix = Fix("m", "do it", (Append("/etc/f", "x"),))
    text = script(steps_of([Asked("a.b", "it is not", fix)]), LXC, first=7)
    assert "# 7. a.b: it is not\n" in text
    assert "step_7() {\n    step 7 root 'do it'" in text and "    attempt step_7\n" in text


@pytest.mark.parametrize("family", ["debian", "fedora", "arch", "gentoo", "alpine"])
def test_packages_of_every_family(family: str) -> None:
    text = script_for(Install(family, ("lxc",)), Install(family, ("uidmap",), again=True))
    assert "is_installed() {" in text
    subprocess.run(["shellcheck", "--shell=sh", "-"], input=text, text=True, check=True)


NASTY = st.text(st.characters(exclude_characters="\0", exclude_categories=()), max_size=40) | (
    st.sampled_from(
        [
            "\nrm -rf /\n",
            "'; id; '",
            "$(id)",
            "`id`",
            "\x1b]0;x\x07",
            "a\rb",
            "\u202e",
            "\udcff",
            "EOF",
        ]
    )
)


@settings(max_examples=60)
@given(NASTY, NASTY, NASTY, st.sampled_from(SHELLS))
@example("", "", "\ud800", SHELLS[0])
def test_nothing_of_a_host_becomes_shell(
    message: str, value: str, user: str, shell: list[str]
) -> None:
    """Parsed by a shell that only prints what it is told, each word arrives as it is."""
    actions = (Append("/etc/f", value), Replace("/etc/" + value, 1, value, "x"), Manual((value,)))
    subject = Subject(user, 1, 1, "/home/" + user, message, message)
    text = script(steps_of([Asked("a.b", message, Fix("m", message, actions))]), subject)
    own = body(text)
    assert own.replace("\n", "").isprintable()
    spy = (
        'step() { :; }; attempt() { "$1"; }; manual() { :; }; say() { :; };'
        "append() { printf '%s|' \"$@\"; }; replace() { printf '%s|' \"$@\"; };"
    )
    program = own + spy + "\nfix\nprintf '%s|' \"$user\"\n"
    done = subprocess.run([*shell, "-c", program], capture_output=True, check=True)
    expected = ["/etc/f", value, "/etc/" + value, "1", value, "x", user]
    assert done.stdout == encoded("".join(f"{one}|" for one in expected))
    assert not done.stderr


def test_a_plan_without_steps_is_a_script_that_does_nothing() -> None:
    text = script((), LXC)
    done = subprocess.run(["sh", "-n", "-c", text], check=True)
    assert done.returncode == 0 and "nothing to do" in body(text)
