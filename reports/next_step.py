"""What to type next, by the verdict."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from audit.report import Report

if TYPE_CHECKING:
    from reports.terminal import Page

SCOPE = "systemd-run --user --scope -p Delegate=yes -- "


def render(page: Page, report: Report) -> None:
    """Write the line that tells what to do and the commands to type."""
    words, commands = next_step(report)
    page.line((words, "bold"), hang=2)
    for command in commands:
        page.command(command, indent=4)


def next_step(report: Report) -> tuple[str, list[str]]:
    """Words and commands: make a container, cure the first cause, or look closer."""
    user = report["user"]
    name = report["host"].get("hostname")
    place = f" on {name}" if name and report["host"]["source"] != "live" else ""
    if user is None and report["verdict"] == "unknown":
        return f"next: say who will own the containers{place}", _name_a_user(report)
    if report["verdict"] == "ready" and user is not None:
        return f"next, as {user['name']}{place}:", _make_one(report)
    if report["verdict"] == "unknown":
        return f"next, look closer{place}:", [f"sudo {_audit(report, who=True)} --probe"]
    mine = report["session"].startswith("this session")
    command = _audit(report, who=not mine)
    return f"next: cure what stops it, then ask again{place}:", [
        command if mine else f"sudo {command}"
    ]


def _audit(report: Report, *, who: bool) -> str:
    request = report["request"]
    words = ["lxc-preflight audit"]
    if who and report["user"]:
        words.append(f"--user {quote(str(report['user']['name']))}")
    for option in ("config", "container", "template"):
        if request.get(option):
            words.append(f"--{option} {quote(str(request[option]))}")
    if request.get("guest") == "systemd":
        words.append("--guest systemd")
    return " ".join(words)


def _name_a_user(report: Report) -> list[str]:
    for finding in report["findings"]:
        if finding["check"] == "host.user" and finding["fix"] is not None:
            return finding["fix"]["steps"]
    return ["lxc-preflight audit --user NAME"]


def _make_one(report: Report) -> list[str]:
    request = report["request"]
    name = request.get("container")
    start = f"lxc-start -n {quote(str(name)) if name else 'first'}"
    if (
        report["stages"]["bare_start"]["verdict"] != "yes"
        and report["host"].get("init") == "systemd"
    ):
        start = SCOPE + start
    if name:
        return [start]
    plain = "busybox" if request.get("guest") != "systemd" else "download"
    template = quote(str(request.get("template") or plain))
    config = f" -f {quote(str(request['config']))}" if request.get("config") else ""
    return [f"lxc-create -n first{config} -t {template}", start]
