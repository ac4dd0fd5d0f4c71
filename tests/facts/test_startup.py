"""Start-up files of shells: what they leave behind, and that reading them is safe."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.facts.shell_patterns import matches, strip
from audit.facts.shell_syntax import Malformed, Parser, tokens
from audit.facts.startup import UNKNOWN, Shell
from audit.model import Unknown
from audit.source import Answer, Question, Refused
from audit.testing import WHO, made_host

START = "/usr/bin:/bin"
SCRIPTS = {
    "append": 'export PATH="$PATH:$HOME/bin"\numask 027\n',
    "if -d": 'if [ -d "/usr" ] ; then\n PATH="/usr1:$PATH"\nfi\n'
    "if [ -d /nope ]; then PATH=/no:$PATH; fi\n",
    "case": 'case ":$PATH:" in *:/opt/x:*) ;; *) PATH=/opt/x:$PATH;; esac\n'
    "case $PATH in */opt/x*) PATH=$PATH:/yes;; esac\n",
    "pathmunge": 'pathmunge () {\n case ":${PATH}:" in\n *:"$1":*) ;;\n'
    ' *) if [ "$2" = "after" ] ; then\n PATH=$PATH:$1; else PATH=$1:$PATH; fi\n esac\n}\n'
    "pathmunge /a\npathmunge /b after\npathmunge /a\n",
    "elif": 'if [ "$USER" = 0 ]; then PATH=/root; elif [ "$USER" = "nobody" ]; then PATH=/n\n'
    'else PATH="/usr/bin:/bin:~/x:${HOME}/y"; fi\n',
    "braces": 'PATH=/usr/bin:/bin\nexport PATH="${PATH:+${PATH}:}/z"\n'
    'X=${UNSET:-/dflt}\nPATH=$PATH:$X\n: ${Y:=/why}\nPATH="$PATH:$Y"\n',
    "tilde": "PATH=~/bin:$PATH:~/.local/bin\n",
    "and or": "[ -d /usr ] && PATH=$PATH:/and\n[ -d /nope ] && PATH=$PATH:/nope\n"
    "[ -d /nope ] || PATH=$PATH:/or\n",
    "here-document": "cat >/dev/null <<EOF\nPATH=/wrong\nfi done\nEOF\nPATH=$PATH:/after\n",
    "for": 'for d in /a1 /b1 "/c 1"; do PATH="$PATH:$d"; done\n',
    "subshell": "(PATH=/wrong)\necho x | PATH=/wrong2\nPATH=/notenv true\n",
    "return": '[ "$USER" = root ] || return\nPATH=/wrong\n',
    "trimming": 'PATH="/x#y:$PATH" # comment\nPATH=${PATH#/x*:}\nPATH=${PATH%%:*}:/bin:/usr/bin\n',
    "quotes": "PATH='/sq':\"/dq\":/e\\ e:$PATH\n",
    "loop": "while false; do PATH=/no; done\nPATH=$PATH:/w\n",
    "redirection": '[ -d /usr ] 2>/dev/null && PATH="$PATH:/quiet"\n',
    "sourced": ". /etc/more.sh\n",
}
MORE = "PATH=$PATH:/more\n"


def read(text: str, files: dict[str, str | None] | None = None) -> Shell:
    """The shell of user `lxc` after a ~/.profile."""
    there: dict[Question, Answer | Refused] = {
        ("stat", path): ["directory", 0o755, 0, 0, 0, 8, 1] for path in ("/usr", "/etc")
    }
    absent: dict[Question, Answer | Refused] = {("stat", "/nope"): None}
    host = made_host(
        {"/home/lxc/.profile": text, "/etc/more.sh": MORE, **(files or {})}, {**there, **absent}
    )
    shell = Shell(host, {"HOME": "/home/lxc", "USER": "lxc", "PATH": START, "UID": "1001"})
    shell.source("/home/lxc/.profile")
    return shell


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash, which is the oracle")
@pytest.mark.parametrize("name", SCRIPTS)
def test_bash_agrees(name: str, tmp_path: Path) -> None:
    (tmp_path / "more.sh").write_text(MORE)
    script = SCRIPTS[name].replace("/etc/more.sh", str(tmp_path / "more.sh"))
    (tmp_path / "profile").write_text(script)
    told = subprocess.run(
        [
            "bash",
            "--norc",
            "-c",
            '. "$0"; printf "%s\\n" "$PATH"; umask',
            str(tmp_path / "profile"),
        ],
        env={"HOME": "/home/lxc", "USER": "lxc", "PATH": START},
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split("\n")
    shell = read(SCRIPTS[name])
    assert shell.variables["PATH"] == told[0]
    if shell.umask is not None:
        assert f"{shell.umask[0]:04o}" == told[1]


def test_what_only_a_command_would_tell_stays_unknown_and_the_rest_counts() -> None:
    shell = read('PATH="$(brew --prefix)/bin:$PATH:/after"\n')
    assert shell.variables["PATH"] == f"{UNKNOWN}/bin:{START}:/after"


def test_a_branch_on_something_unknown_is_taken_but_never_left_by_return() -> None:
    shell = read("command -v foo >/dev/null && PATH=$PATH:/maybe\nfoo || return\nPATH=$PATH:/end\n")
    assert shell.variables["PATH"] == f"{START}:/maybe:/end"


def test_a_file_that_does_not_parse_is_read_line_by_line() -> None:
    shell = read("if true; then\nPATH=$PATH:/x\n")
    assert shell.variables["PATH"] == f"{START}:/x"


def test_ulimit_and_mkdir_are_seen() -> None:
    shell = read("ulimit -Sn 20\nulimit -f 100\nmkdir -p /tmp/$UID-run\n")
    assert shell.limits["nofile"][0] == 20
    assert shell.limits["fsize"][0] == 102_400
    assert shell.made == {"/tmp/1001-run"}


def test_files_are_opened_as_the_user() -> None:
    shell = read(". /root/secret\nPATH=$PATH:/x\n", {"/root/secret": None})
    assert ("user_read", "/root/secret", WHO) in shell.host.trail()


@given(st.text(st.sampled_from(" \n\t;&|()<>{}[]$`'\"\\#=:/~*?!abPATHifhenlsdoc"), max_size=300))
def test_no_text_crashes(text: str) -> None:
    with suppress(Malformed):
        tokens(text)
        Parser(text).script()
    with suppress(Unknown):  # a script of this alphabet may ask for files the host does not know
        read("# PATH\n" + text)


@pytest.mark.parametrize(
    "text",
    [
        "PATH=$PATH$PATH$PATH$PATH\n" * 5000,
        "PATH=" + "$PATH" * 20_000,
        "PATH=" + "${a:-" * 20_000,
        "PATH=" + '"$(' * 30_000,
        "PATH=x;" + "if true; then " * 10_000,
        "f() { f; f; }\nPATH=x f\n",
        "for a in $PATH; do " * 60 + "PATH=$PATH:x" + "; done" * 60,
        "X=" + "a" * 8000 + "\nPATH=${X%%*b}\n" * 200,
        "case " + "a" * 100_000 + " in " + "*a" * 10_000 + "b) PATH=x;; esac",
        "X=" + "a" * 8000 + "\n" + ("case $X in " + "*a?" * 2000 + "b) PATH=x;; esac\n") * 15,
        "X=" + "a" * 8000 + "\nPATH=${X##*?a?b}\n" * 500,
        "PATH=x" + "(" * 100_000,
    ],
    ids=range(12),
)
def test_hostile_files_are_read_in_no_time(text: str) -> None:
    start = time.perf_counter()
    shell = read(text)
    assert time.perf_counter() - start < 2
    assert len(shell.variables["PATH"]) < 100_000


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_patterns_match_as_fnmatch_does(pattern: str, value: str) -> None:
    import fnmatch

    assert matches(value, pattern) is fnmatch.fnmatchcase(value, pattern)


@pytest.mark.parametrize(
    ("value", "pattern", "operator", "greedy", "left"),
    [
        ("/a/b/c", "*/", "#", False, "a/b/c"),
        ("/a/b/c", "*/", "#", True, "c"),
        ("/a/b/c", "/*", "%", False, "/a/b"),
        ("/a/b/c", "/*", "%", True, ""),
        ("abc", "x", "#", False, "abc"),
    ],
)
def test_trimming(value: str, pattern: str, operator: str, greedy: bool, left: str) -> None:
    assert strip(value, pattern, operator, greedy) == left


@pytest.mark.skipif(not os.path.exists("/etc/profile"), reason="needs an /etc/profile")
def test_the_profile_of_this_machine_parses() -> None:
    Parser(Path("/etc/profile").read_text()).script()
