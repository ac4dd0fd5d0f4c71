"""What to type next, by the verdict."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from audit.report import Report
from lxc_preflight import as_called, as_root, called

if TYPE_CHECKING:
    from reports.terminal import Page

TEMPLATES = {"plain": "busybox", "systemd": "download"}
SCOPE = "systemd-run --user --scope -p Delegate=yes -- "


def render(page: Page, report: Report) -> None:
    """Write the line that tells what to do and the commands to type."""
    words, commands = next_step(report)
    page.line((words, "bold"), hang=2)
    for command in commands:
        page.command(command, indent=4)


def next_step(report: Report) -> tuple[str, list[str]]:
    """Words and commands: make a container, cure the causes, or look closer."""
    user, source = report["user"], report["host"]["source"]
    name = report["host"]["hostname"] or "that host"
    place = "" if source == "live" else f" on {name}"
    if report["verdict"] == "ready" and user is not None:
        return f"next, as {user['name']}{place}:", _make_one(report)
    if report["verdict"] == "unknown":
        if not report["request"]["user"]:
            return f"next: say who will own the containers{place}", _name_a_user(report)
        if source == "snapshot":
            words = [f"sudo {called()} collect", *_options(report), "-o FILE"]
            return f"next, record what is missing{place}:", [" ".join(words)]
        return f"next, look closer{place}:", [f"{_audit(report)} --probe"]
    if not report["request"]["user"]:
        cure = f"next: cure what stops it, and say who will own the containers{place}"
        return cure, _name_a_user(report)
    fixes = [one["fix"] for one in report["findings"] if one["outcome"] == "fail"]
    if not any(fix and fix["undo"] for fix in fixes):  # all of it is left to a person
        return f"next: cure what stops it, then ask again{place}:", [_audit(report)]
    fix = _audit(report, "fix")
    read = f"next: read what would cure it, do it (--apply; --undo takes it back){place}:"
    return read, [fix, *([f"{fix} --apply"] if source == "live" else [])]


def _audit(report: Report, command: str = "audit") -> str:
    """The command that asks again: as root for a user, or as the user for this session."""
    live = report["host"]["source"] == "live"
    mine = report["session"].startswith("this session") and live
    line = f"{called()} {command}"
    words = [line if mine else as_root(line) if live else f"sudo {line}"]
    return " ".join((*words, *_options(report)[mine:]))


def _options(report: Report) -> list[str]:
    """The options that ask the same, --user first."""
    request = report["request"]
    user = report["user"]["name"] if report["user"] else request["user"]
    options = [f"--user {quote(user)}"]
    for option, value in (
        ("--config", request["config"]),
        ("--container", request["container"]),
        ("--template", request["template"]),
    ):
        if value:
            options.append(f"{option} {quote(value)}")
    if request["guest"] == "systemd":
        options.append("--guest systemd")
    return options


def _name_a_user(report: Report) -> list[str]:
    for finding in report["findings"]:
        if finding["check"] == "host.user" and finding["fix"] is not None:
            return [as_called(step) for step in finding["fix"]["steps"]]
    return [f"{called()} audit --user NAME"]


def _make_one(report: Report) -> list[str]:
    request = report["request"]
    name = request["container"]
    start = f"lxc-start -n {quote(name) if name else 'first'}"
    in_scope = report["stages"]["bare_start"]["verdict"] != "yes"
    if in_scope and report["host"]["init"] == "systemd":
        start = SCOPE + start
    if name:
        return [start]
    template = request["template"] or TEMPLATES.get(request["guest"], "busybox")
    config = f" -f {quote(request['config'])}" if request["config"] else ""
    return [f"lxc-create -n first{config} -t {quote(template)}", start]
