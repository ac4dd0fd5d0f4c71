"""Formats of plugins: by the same door, and a broken one is heard of."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit.cli import main
from audit.errors import PluginCrashed, UsageError
from audit.plugins import RENDERERS
from audit.report import Report
from reports import Renderer, renderer, renderer_by_suffix, to_json
from tests.reports.examples import DIRECTORY, example

WORKS = """
SUFFIX = ".loud"
def render(report, out, *, verbose=False):
    print("noise")
    out.write(report["verdict"].upper())
"""
CRASHES = """
SUFFIX = ".loud"
def render(report, out, *, verbose=False):
    out.write("half a ")
    raise SystemExit(0)
"""
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def install(text: str, name: str = "loud") -> None:
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{RENDERERS}]\n{name} = {name}_renderer\n")
        (tmp_path / f"{name}_renderer.py").write_text(text)

    yield install
    for name in set(sys.modules) - before:
        if name.endswith("_renderer"):
            del sys.modules[name]


def written(render: Renderer, report: Report) -> str:
    out = io.StringIO()
    render(report, out)
    return out.getvalue()


def test_it_is_found_by_name_and_by_suffix(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(WORKS)
    report = example("ready")
    assert written(renderer("loud"), report) == "READY"
    assert written(renderer_by_suffix("x.loud"), report) == "READY"
    assert capsys.readouterr().out == ""  # what it prints is not part of the report
    with pytest.raises(UsageError, match="there is no format loud"):
        renderer("loud", plugins=False)
    with pytest.raises(UsageError, match=r"no format lout: known are .*, loud"):
        renderer("lout")
    with pytest.raises(UsageError, match="must be one of"):
        renderer_by_suffix("x.loud", plugins=False)


def test_ours_cannot_be_taken_over(install: Install) -> None:
    install(WORKS.replace(".loud", ".json"), name="json")
    assert renderer("json") is to_json.render
    assert renderer_by_suffix("x.json") is to_json.render


@pytest.mark.parametrize(
    "text", ["1 / 0", "raise SystemExit(0)", "SUFFIX = ''", WORKS.replace('".loud"', "None")]
)
def test_one_that_cannot_be_loaded_is_named(install: Install, text: str) -> None:
    install(text)
    with pytest.raises(UsageError, match=r"the renderer loud \(loud 1.0\)"):
        renderer("loud")
    assert renderer("json") is to_json.render


def test_one_that_crashes_writes_nothing_and_is_no_pass(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(CRASHES)
    with pytest.raises(PluginCrashed, match="SystemExit"):
        written(renderer("loud"), example("ready"))
    assert main(["report", str(DIRECTORY / "ready.json"), "--format", "loud"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "the renderer loud (loud 1.0) crashed: SystemExit: 0" in err
