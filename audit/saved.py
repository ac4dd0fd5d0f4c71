"""Reports read back from files: a stranger's files, whose form is checked before use."""

from __future__ import annotations

from types import UnionType
from typing import Any, NoReturn, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

from audit.errors import UsageError
from audit.host import Request
from audit.model import Level, Outcome, Stage
from audit.report import OUTCOMES, SCHEMA, Report
from audit.snapshot import name_of, read_json

LATER: dict[str, Any] = {
    "session": "",
    "explanations": {},
    "pictures": None,
    "baseline": None,
    "script": "",
}


def load_report(path: str) -> Report:
    """A saved JSON report, "-" for standard input. Raises UsageError for what is none."""
    return parse_report(read_json(path, "report"), name_of(path))


def parse_report(data: object, name: str) -> Report:
    """A report document, validated; raises UsageError that names the first thing wrong with it."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else None
        raise UsageError(f"{name} is no report: its schema is {ascii(found)[:80]}, not {SCHEMA}")
    # Keys that a later version of this schema added are not there in an older report.
    data = {**LATER, "request": Request(user="")._asdict(), **data}
    for finding in data["findings"] if isinstance(data.get("findings"), list) else ():
        if isinstance(finding, dict) and isinstance(finding.get("fix"), dict):
            finding["fix"].setdefault("undo", "")
    _demand(name, "the report", data, Report)
    for finding in data["findings"]:
        _demand_word(name, "level", finding["level"], Level)
        _demand_word(name, "outcome", finding["outcome"], Outcome)
    _demand_keys(name, "stages", data["stages"], [stage.value for stage in Stage])
    _demand_keys(name, "summary", data["summary"], [level.value for level in Level])
    for level, counts in data["summary"].items():
        _demand_keys(name, f"summary.{level}", counts, OUTCOMES)
    return cast(Report, data)


def _demand(name: str, where: str, value: Any, kind: Any) -> None:
    """The value has the type that audit/report.py declares."""
    if kind is Any:
        return
    if is_typeddict(kind):
        _demand_type(name, where, value, dict)
        for key, inner in get_type_hints(kind).items():
            if key not in value:
                _broken(name, f"{where} has no {key}")
            _demand(name, key if where == "the report" else f"{where}.{key}", value[key], inner)
        return
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        options = [option for option in get_args(kind) if option is not type(None)]
        if value is not None:
            _demand(name, where, value, options[0])
    elif origin is list:
        _demand_type(name, where, value, list)
        for number, item in enumerate(value):
            _demand(name, f"{where}[{number}]", item, get_args(kind)[0])
    elif origin is dict:
        _demand_type(name, where, value, dict)
        for key, item in value.items():
            _demand(name, f"{where}.{key}", item, get_args(kind)[1])
    else:
        _demand_type(name, where, value, kind)


def _demand_type(name: str, where: str, value: object, kind: type) -> None:
    is_right = isinstance(value, kind) or (kind is float and isinstance(value, int))
    if not is_right or (isinstance(value, bool) and kind is not bool):
        _broken(name, f"{where} is {type(value).__name__}, not {kind.__name__}")


def _demand_word(name: str, where: str, value: str, kind: type[Level] | type[Outcome]) -> None:
    if value not in [word.value for word in kind]:
        _broken(name, f"{ascii(value)[:40]} is no {where}")


def _demand_keys(name: str, where: str, value: dict[str, Any], keys: Any) -> None:
    for key in keys:
        if key not in value:
            _broken(name, f"{where} has no {key}")


def _broken(name: str, why: str) -> NoReturn:
    raise UsageError(f"{name} is a broken report: {why[:200]}")
