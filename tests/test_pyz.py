"""The single file: it runs with nothing but an interpreter, and says what the checkout says.

Everything here is started without site-packages, without an environment and from an empty
directory, so what it needs has to be inside.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from reports import formats
from tests.files import ROOT, tracked
from tests.recordings import DIRECTORY, HEALTHY
from tools import pyz

FOLDERS = ("audit", "checks", "remediations", "reports", "runner", "lxc_preflight")
ALONE = (sys.executable, "-I", "-S")
BROKEN = "home_0700"
EXAMPLE = ROOT / "examples" / "plugin"
PYTHON = "/usr/bin/python3"  # the one that every user can execute
UID = 65534
NOBODY: dict[str, Any] = {
    "python": (PYTHON, "-I", "-S"),
    "user": UID,
    "group": UID,
    "extra_groups": [],
}


def _new_enough(python: str) -> bool:
    program = "import sys; sys.exit(sys.version_info < (3, 11))"
    return os.path.exists(python) and not subprocess.run([python, "-c", program]).returncode


def as_nobody(test: Any) -> Any:
    """A test that is somebody else, by a Python that everybody can execute."""
    can = pytest.mark.skipif(not _new_enough(PYTHON), reason=f"{PYTHON} is not 3.11 or newer")
    return pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")(
        can(test)
    )


class Done:
    """How a call ended."""

    def __init__(self, process: subprocess.CompletedProcess[str]) -> None:
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr
        assert "Traceback" not in self.err, self.err


class SingleFile:
    """The file, and an empty directory to call it from."""

    def __init__(self, path: Path, cwd: Path) -> None:
        self.path, self.cwd = path, cwd

    def run(self, *argv: str | Path, python: tuple[str, ...] = ALONE, **more: Any) -> Done:
        command = [*python, self.path, *argv]
        options: dict[str, Any] = {"cwd": self.cwd, "env": {}, "stdin": subprocess.DEVNULL} | more
        return Done(subprocess.run(command, capture_output=True, text=True, **options))

    @property
    def called(self) -> str:
        """How it says that it was called."""
        return shlex.join([ALONE[0], str(self.path)])


def checkout(*argv: str | Path, cwd: Path) -> Done:
    """The same command line in the checkout."""
    env = {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "lxc_preflight", *argv]
    return Done(
        subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
    )


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A directory that other users can pass: pytest's own are closed to them."""
    with tempfile.TemporaryDirectory(prefix="lxc-preflight-pyz-") as directory:
        os.chmod(directory, 0o755)
        yield Path(directory)


@pytest.fixture(scope="module")
def single(place: Path) -> SingleFile:
    cwd = place / "empty"
    cwd.mkdir()
    path = place / "lxc-preflight.pyz"
    pyz.write(path)
    return SingleFile(path, cwd)


@pytest.fixture(scope="module", params=[HEALTHY, BROKEN])
def snapshot(request: pytest.FixtureRequest, place: Path) -> Path:
    """A recorded host, whole: the others' files hold only what differs from the healthy one."""
    healthy, mine = (
        json.loads((DIRECTORY / f"{name}.json").read_text()) for name in (HEALTHY, request.param)
    )
    answers = {json.dumps(one[0]): one for one in (*healthy["answers"], *mine["answers"])}
    path = place / f"{request.param}.json"
    path.write_text(json.dumps({**mine, "answers": list(answers.values())}))
    return path


@pytest.fixture(scope="module")
def report(snapshot: Path, single: SingleFile) -> Path:
    path = snapshot.with_suffix(".report.json")
    single.run("audit", "--snapshot", snapshot, "--format", "json", "--save", path)
    return path


# what is in it


def test_it_holds_the_wheel_s_layout_the_libraries_and_nothing_else(single: SingleFile) -> None:
    with zipfile.ZipFile(single.path) as archive:
        names = archive.namelist()
        for path in tracked(*FOLDERS):
            name = path.relative_to(ROOT).as_posix()
            inside = name if name.startswith("lxc_preflight/") else f"lxc_preflight/{name}"
            assert archive.read(inside) == path.read_bytes(), name
    mine = [name for name in names if name.startswith("lxc_preflight/")]
    assert len(mine) == len(tracked(*FOLDERS))
    tops = {name.partition("/")[0] for name in names}
    libraries = {"elftools", "jinja2", "markdown_it", "markupsafe", "mdurl", "pygments", "rich"}
    others = {name for name in tops if not name.endswith(".dist-info")}
    assert others == {"__main__.py", "LICENSE", "lxc_preflight", *libraries}
    assert not [name for name in names if name.endswith((".so", ".pyc", ".c"))]
    assert len([name for name in names if "LICENSE" in name.upper()]) > len(libraries)


def test_the_same_tree_gives_the_same_bytes(single: SingleFile, tmp_path: Path) -> None:
    other = tmp_path / "other place" / "x.pyz"
    subprocess.run(
        ["sh", "-c", 'umask 077; exec "$@"', "sh", sys.executable, "-m", "tools.pyz", other],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "SOURCE_DATE_EPOCH": "1234567890"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert other.read_bytes() == single.path.read_bytes()
    assert [path.name for path in other.parent.iterdir()] == ["x.pyz"]


def test_a_library_must_be_the_pinned_one_unchanged_and_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for lock, why in (
        ("rich==0.1 \\\n", "not 0.1"),
        ("no-such-library==1 \\\n", "not installed"),
        (f"pyyaml=={version('pyyaml')} \\\n", "compiled parts"),
    ):
        with pytest.raises(SystemExit, match=why):
            list(pyz.libraries(lock))
    info = tmp_path / "fake-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake\nVersion: 1\n")
    (info / "RECORD").write_text("fake.py,sha256=AAAA,1\n")
    (tmp_path / "fake.py").write_text("x")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with pytest.raises(SystemExit, match="has been changed"):
        list(pyz.libraries("fake==1 \\\n"))


def test_the_application_does_not_ask_where_its_files_lie() -> None:
    for path in tracked(*FOLDERS):
        if path.suffix == ".py":
            names = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name))
            assert "__file__" not in {name.id for name in names}, path


# it runs alone


def test_it_tells_its_version_and_how_to_call_it(single: SingleFile) -> None:
    assert single.run("--version").out.startswith("lxc-preflight ")
    help = single.run("--help")
    assert help.code == 0 and help.out.startswith(f"usage: {single.called}\n")
    assert single.run().code == 2
    of_run = single.run("run", "--help").out
    assert of_run.startswith(f"usage: {single.called} run NAME")
    assert f"example: {single.called} run web1" in of_run


def test_every_library_in_it_can_be_imported(single: SingleFile) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "import elftools.elf.elffile, jinja2, markupsafe, rich.console, rich.progress, "
        "rich.markdown, rich.syntax; "
        "print(*{m.__spec__.origin for m in (elftools, jinja2, markupsafe, rich)})"
    )
    done = subprocess.run(
        [*ALONE, "-c", program, single.path], capture_output=True, text=True, check=True
    )
    assert all(str(single.path) in place for place in done.stdout.split()), done.stdout


def test_it_audits_this_host_and_saves_every_format(single: SingleFile, tmp_path: Path) -> None:
    saved = [tmp_path / f"report{end}" for end in (".html", ".json", ".sarif", ".xml", ".md")]
    options = [word for path in saved for word in ("--save", str(path))]
    done = single.run("audit", "--user", "nobody", *options)
    assert done.code in (0, 1, 3), done.err
    page, report, *_ = (path.read_text() for path in saved)
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert not [one["check"] for one in json.loads(report)["findings"] if one["outcome"] == "error"]
    assert "pyelftools is not installed" not in report


def test_a_probe_is_tried_by_a_process_of_its_own(single: SingleFile) -> None:
    """It gets the code on its standard input, out of the file."""
    words = ("audit", "--user", "nobody", "--probe", "--select", "probe.*", "--format", "json")
    mine, theirs = (
        {(one["check"], one["outcome"], one["message"]) for one in json.loads(text)["findings"]}
        for text in (single.run(*words).out, checkout(*words, cwd=single.cwd).out)
    )
    assert mine == theirs
    assert "probe.userns" in {check for check, _, _ in mine}


def test_what_it_collects_can_be_judged(single: SingleFile, tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    assert single.run("collect", "--user", "nobody", "-o", path).code == 0
    done = single.run("audit", "--snapshot", path, "--format", "json")
    assert json.loads(done.out)["host"]["source"] == "snapshot"


# it says what the checkout says


def test_it_judges_a_recorded_host_as_the_checkout_does(single: SingleFile, snapshot: Path) -> None:
    words = ("audit", "--snapshot", snapshot, "--format", "json")
    mine, theirs = single.run(*words), checkout(*words, cwd=single.cwd)
    assert mine.code == theirs.code == (snapshot.stem == BROKEN)
    reports = [json.loads(done.out) for done in (mine, theirs)]
    for one in reports:
        del one["generated"], one["duration_ms"]
    assert reports[0] == reports[1] and len(reports[0]["findings"]) > 150


@pytest.mark.parametrize("form", formats())
def test_it_renders_as_the_checkout_does(single: SingleFile, report: Path, form: str) -> None:
    words = ("report", report, "--format", form)
    mine, theirs = single.run(*words), checkout(*words, cwd=single.cwd)
    assert mine.code == theirs.code == 0
    assert as_called(mine.out, single, form) == theirs.out != ""


def as_called(text: str, single: SingleFile, form: str = "") -> str:
    """What was said to be typed, as the checkout says it."""
    typed = single.called.replace("/", "\\/") if form == "json" else single.called
    return text.replace(typed, "lxc-preflight")


@pytest.mark.parametrize("form", ["sh", "ansible"])
def test_it_prints_the_same_script(single: SingleFile, snapshot: Path, form: str) -> None:
    words = ("fix", "--snapshot", snapshot, "--format", form)
    mine, theirs = single.run(*words), checkout(*words, cwd=single.cwd)
    assert mine.code == theirs.code == 0
    dated = re.compile(r"(?m)^# Written by .*$")
    expected = dated.sub("", theirs.out)
    assert dated.sub("", as_called(mine.out, single)) == expected
    if form == "sh":
        assert f"so does `{single.called} fix --undo`" in mine.out


@pytest.mark.parametrize(
    "words", [("checks", "--format", "json"), ("explain", "idmap.subid_entry"), ("diff", "A", "A")]
)
def test_it_lists_and_explains_as_the_checkout_does(
    single: SingleFile, report: Path, words: tuple[str, ...]
) -> None:
    argv = [report if word == "A" else word for word in words]
    mine, theirs = single.run(*argv), checkout(*argv, cwd=single.cwd)
    assert (mine.code, mine.out) == (theirs.code, theirs.out)
    assert mine.out


# however it is called


def test_what_to_type_next_can_be_typed(single: SingleFile, place: Path, snapshot: Path) -> None:
    """Wherever the file lies, and whatever it is called."""
    path = place / "it's a copy.zip"
    path.write_bytes(single.path.read_bytes())
    copy = SingleFile(path, single.cwd)
    done = copy.run("audit", "--snapshot", snapshot, "--format", "markdown")
    if snapshot.stem == HEALTHY:
        assert "lxc-create -n first" in done.out
        return
    (line,) = (line for line in done.out.splitlines() if line.startswith("sudo "))
    words = shlex.split(line)
    assert words[1:4] == [sys.executable, str(path), "fix"]
    again = subprocess.run([*words[1:4], "--help"], capture_output=True, text=True, cwd="/")
    assert again.stdout.startswith("usage: ")


def test_from_another_directory_its_name_is_what_was_typed(
    single: SingleFile, snapshot: Path
) -> None:
    relative = SingleFile(Path("..", single.path.name), single.cwd)
    assert f"{sys.executable} ../{single.path.name} checks" in relative.run("checks", "--help").out


def test_as_a_command_it_is_called_by_its_name(single: SingleFile, place: Path) -> None:
    command = place / "bin" / "lxc-preflight"
    command.parent.mkdir(exist_ok=True)
    command.write_bytes(single.path.read_bytes())
    command.chmod(0o755)
    path = f"{Path(sys.executable).parent}:{command.parent}"
    done = subprocess.run(
        ["lxc-preflight", "checks", "--help"],
        env={"PATH": path},
        cwd=single.cwd,
        capture_output=True,
        text=True,
        executable=command,
    )
    assert done.stdout.startswith("usage: lxc-preflight checks"), done.stderr


def test_a_plugin_of_the_interpreter_takes_part(
    single: SingleFile, report: Path, tmp_path: Path
) -> None:
    info = tmp_path / "acme_lxc-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-lxc\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[lxc_preflight.checks]\nacme = acme_lxc.checks\n"
        "[lxc_preflight.renderers]\ncsv = acme_lxc.to_csv\n"
    )
    (tmp_path / "acme_lxc").symlink_to(EXAMPLE / "acme_lxc")
    more: dict[str, Any] = {
        "python": (sys.executable, "-S"),
        "env": {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
    }
    listed = single.run("checks", "acme", "--format", "json", **more)
    assert [row["id"] for row in json.loads(listed.out)] == ["acme.storage.own_filesystem"]
    assert single.run("report", report, "--format", "csv", **more).out.startswith("check,level")


def test_without_an_input_it_works(single: SingleFile, snapshot: Path) -> None:
    closed = ("sh", "-c", 'exec "$@" <&-', "sh", *ALONE)
    done = single.run("audit", "--snapshot", snapshot, python=closed, stdin=None)
    assert done.code in (0, 1) and "READY" in done.out


def test_the_file_itself_runs_as_a_module(single: SingleFile) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "lxc_preflight", "--version"],
        env={"PYTHONPATH": str(single.path)},
        cwd=single.cwd,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("lxc-preflight "), done.stderr


@as_nobody
def test_it_runs_and_writes_nothing(single: SingleFile, place: Path, snapshot: Path) -> None:
    def everything() -> set[Path]:
        return {path for path in place.rglob("*") if not path.name.endswith(".report.json")}

    before = everything()
    done = single.run("audit", "--format", "json", **NOBODY)
    assert json.loads(done.out)["user"]["name"] == "nobody", done.err
    assert everything() == before


@as_nobody
def test_it_runs_on_a_read_only_file_system(single: SingleFile) -> None:
    script = (
        'set -e; mount --make-rprivate /; mount -t tmpfs tmpfs /mnt; cp "$1" /mnt/it; '
        "mount -o remount,ro /mnt; mount -o remount,bind,ro /; cd /mnt; "
        f"exec setpriv --reuid {UID} --regid {UID} --clear-groups "
        f"{PYTHON} -I -S it audit --format html"
    )
    command: list[str | Path] = ["unshare", "--mount", "sh", "-c", script, "sh", single.path]
    done = Done(subprocess.run(command, capture_output=True, text=True))
    assert done.out.startswith("<!doctype html>"), done.err


@as_nobody
def test_run_says_that_the_user_cannot_read_it(single: SingleFile, place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    path = closed / "a copy"
    path.write_bytes(single.path.read_bytes())
    copy = SingleFile(path, single.cwd)
    done = copy.run("run", "box", "--user", "nobody", python=(PYTHON, "-I", "-S"))
    assert done.code == 2 and done.out == ""
    assert len(done.err.splitlines()) == 1 and f"nobody may not read {path}" in done.err
    cure = f"install -m 755 {shlex.quote(str(path))} /usr/local/bin/lxc-preflight\n"
    assert done.err.endswith(cure)


# by which Python


def test_what_runs_first_can_be_read_by_an_old_python(single: SingleFile) -> None:
    with zipfile.ZipFile(single.path) as archive:
        source = archive.read("__main__.py").decode()
    ast.parse(source, feature_version=(3, 4))
    assert not re.search(r"\bf['\"]|:=|__future__", source)


def test_an_old_python_is_told_so_in_one_line(single: SingleFile) -> None:
    """Simulated: an interpreter that takes itself for an old one."""
    program = (
        "import runpy, sys; sys.version_info = (3, 9, 2, 'final', 0); "
        "runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    done = subprocess.run([*ALONE, "-c", program, single.path], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Python 3.11 or newer is needed" in done.stderr and "is Python 3.9" in done.stderr
    assert len(done.stderr.splitlines()) == 1
