"""Plugins come in by the same door as built-ins, and a broken one is heard of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit import plugins
from audit.engine import judge
from audit.model import Check, Level, Outcome
from audit.testing import made_host, outcomes

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "plugin"

CHECK = """
from audit.model import Level, Pass, check

@check("All is well", Level.{level}, after={after}, aliases={aliases})
def judge(host):
    \"\"\"What.

    Why: it matters
    See: nothing
    \"\"\"
    {body}
"""


class Site:
    """A directory on sys.path with installed distributions."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def install(self, entry: str, files: dict[str, str], value: str = "") -> None:
        package = f"{entry.replace('-', '_').lower()}_pkg"
        info = self.place / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        value = value or f"{package}.checks"
        (info / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{entry} = {value}\n")
        for name, text in {"__init__.py": "", "checks/__init__.py": "", **files}.items():
            path = self.place / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    yield Site(tmp_path / "site")
    for name in set(sys.modules) - before:
        if "_pkg" in name:
            del sys.modules[name]


def a_check(
    body: str = 'yield Pass("yes")', level: str = "INFO", after: object = (), aliases: object = ()
) -> str:
    return CHECK.format(body=body, level=level, after=after, aliases=aliases)


BUILTIN = {
    name: Check(name, "", Level.BLOCKING, lambda host: iter(()), "")
    for name in ("kernel.release", "idmap.subuid")
}


def test_ids_begin_with_the_name_of_the_entry(site: Site) -> None:
    after = ("storage.disk", "kernel.release")
    site.install(
        "acme",
        {
            "checks/storage/__init__.py": "",
            "checks/storage/disk.py": a_check(),
            "checks/storage/quota.py": a_check(after=after, aliases=("storage.space",)),
        },
    )
    found = plugins.load(BUILTIN)
    assert found.names == ("acme (acme_pkg 1.0)",)
    assert sorted(found.checks) == ["acme.storage.disk", "acme.storage.quota"]
    quota = found.checks["acme.storage.quota"]
    assert quota.after == ("acme.storage.disk", "kernel.release")
    assert quota.aliases == ("acme.storage.space",)
    assert outcomes(quota, made_host()) == [Outcome.PASS]


def test_an_entry_may_be_one_module(site: Site) -> None:
    site.install("acme", {"one.py": a_check()}, value="acme_pkg.one")
    assert [one.area for one in plugins.load(BUILTIN).checks.values()] == ["acme"]


@pytest.mark.parametrize(
    ("files", "value", "why"),
    [
        ({"checks/bad.py": "import nothing_of_that_name"}, "", "ModuleNotFoundError"),
        ({"checks/bad.py": "raise SystemExit(0)"}, "", "SystemExit"),
        ({"checks/bad.py": "def"}, "", "SyntaxError"),
        ({"checks/a.py": a_check(level="BLOCKING.name")}, "", "ValueError"),
        ({"checks/Bad.py": a_check()}, "", "is no id"),
        ({}, "", "holds no checks"),
        ({}, "acme_pkg.nothing", "ModuleNotFoundError"),
        ({"checks/__init__.py": "here = 1"}, "acme_pkg.checks:here", "is no module"),
        (
            {"checks/a.py": a_check(after=("b",)), "checks/b.py": a_check(after=("a",))},
            "",
            "circle",
        ),
    ],
)
def test_one_that_cannot_be_loaded_is_a_finding(
    site: Site, files: dict[str, str], value: str, why: str
) -> None:
    site.install("acme", files, value)
    found = plugins.load(BUILTIN)
    assert list(found.checks) == ["plugin.acme"]
    (finding,) = judge(found.checks["plugin.acme"], made_host()).findings
    assert finding.outcome is Outcome.ERROR
    assert why in finding.message


@pytest.mark.parametrize("entry", ["idmap", "Acme!", "1st"])
def test_a_name_that_cannot_begin_an_id_is_a_finding(site: Site, entry: str) -> None:
    site.install(entry, {"checks/a.py": a_check()})
    (name,) = plugins.load(BUILTIN).checks
    assert name.startswith("plugin.")
    assert plugins.ID.fullmatch(name)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise KeyError('x')", "KeyError"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("return iter(())", "no finding"),
        ("yield 'a string'", "not a Finding"),
        ("yield Pass(None)", "not a Finding"),
        ("return None", "TypeError"),
        (
            "raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})()",
            "E",
        ),
    ],
)
def test_a_check_that_crashes_is_a_finding(site: Site, body: str, why: str) -> None:
    site.install("acme", {"checks/bad.py": a_check(body)})
    (check,) = plugins.load(BUILTIN).checks.values()
    *_, finding = judge(check, made_host()).findings
    assert finding.outcome is Outcome.ERROR
    assert why in finding.message


def test_one_broken_plugin_does_not_take_another_with_it(site: Site) -> None:
    site.install("acme", {"checks/bad.py": "1 / 0"})
    site.install("best", {"checks/good.py": a_check()})
    assert sorted(plugins.load(BUILTIN).checks) == ["best.good", "plugin.acme"]


def test_metadata_is_imported_only_when_there_is_a_plugin(site: Site) -> None:
    code = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(site.place)!r}]\n"
    code += "from audit import plugins; print(plugins.any_installed()); plugins.load({})\n"
    code += "print('importlib.metadata' in sys.modules)"
    other = site.place / "other-1.0.dist-info"
    other.mkdir(parents=True)
    (other / "entry_points.txt").write_text("[console_scripts]\nother = other:main\n")

    def run() -> list[str]:
        isolated = [sys.executable, "-S", "-c", code]
        return subprocess.run(
            isolated, capture_output=True, text=True, check=True, timeout=30
        ).stdout.split()

    assert run() == ["False", "False"]
    site.install("acme", {"checks/a.py": a_check()})
    assert run() == ["True", "True"]


def run_installed(target: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """The command line of this checkout with the plugin on its path."""
    return subprocess.run(
        [sys.executable, "-m", "lxc_preflight", *args],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{target}"},
        cwd=target,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """examples/plugin, built and installed by pip without any network."""
    place = tmp_path_factory.mktemp("example")
    target = place / "site"
    offline = ["--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check"]
    source = place / "plugin"
    source.mkdir()
    for path in ("pyproject.toml", "README.md"):
        (source / path).write_text((EXAMPLE / path).read_text())
    (source / "acme_lxc").symlink_to(EXAMPLE / "acme_lxc")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *offline, "--target", target, source],
        check=True,
        timeout=120,
    )
    return target


def test_the_example_plugin_installs_and_is_listed(installed: Path) -> None:
    listed = run_installed(installed, "checks", "acme", "--format", "json")
    assert [row["id"] for row in json.loads(listed.stdout)] == ["acme.storage.own_filesystem"]
    without = run_installed(installed, "checks", "acme", "--no-plugins")
    assert (without.returncode, without.stdout) == (2, "")


def test_the_example_plugin_judges(installed: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "host.json"
    stat = {"answer": ["directory", 493, 0, 0, 4096, 8, 1]}
    passwd = {"answer": "al:x:1000:1000::/home/al:/bin/sh\n"}
    answers = [
        [["read", "/etc/passwd"], passwd],
        [["stat", "/"], stat],
        [["stat", "/home/al"], stat],
    ]
    data = {
        "schema": "lxc-preflight/snapshot/1",
        "request": {"user": "al"},
        "answers": answers,
    }
    snapshot.write_text(json.dumps(data))
    args = ("audit", "--snapshot", str(snapshot), "--format", "json", "--select", "acme")
    done = run_installed(installed, *args, "--fail-on", "hardening")
    assert done.returncode == 1, done.stderr
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["message"] == "/home/al is on the file system of /"
    assert ("plugins run as root: acme" in done.stderr) == (os.geteuid() == 0)


def test_the_example_plugin_adds_a_format(installed: Path, tmp_path: Path) -> None:
    report = ROOT / "tests" / "data" / "reports" / "broken.json"
    done = run_installed(installed, "report", str(report), "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("check,level,outcome,message\n")
    assert "storage.path_access,blocking,fail," in done.stdout
    assert ("plugins run as root: csv" in done.stderr) == (os.geteuid() == 0)
    without = run_installed(installed, "report", str(report), "--format", "csv", "--no-plugins")
    assert (without.returncode, without.stdout) == (2, "")
    assert "there is no format csv: known are text, github" in without.stderr
    tree, saved = tmp_path / "tree", tmp_path / "audit.csv"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/passwd").write_text("al:x:1000:1000::/home/al:/bin/sh\n")
    audit = ("audit", "--root", str(tree), "-u", "al", "--save", str(saved))
    assert run_installed(installed, *audit).returncode in (1, 3)
    assert saved.read_text().startswith("check,level")
    assert run_installed(installed, *audit, "--no-plugins").returncode == 2


def test_the_example_plugin_passes_its_own_tests(installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE / "tests"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{installed}"},
        cwd=installed,
    )
    assert done.returncode == 0, done.stdout
