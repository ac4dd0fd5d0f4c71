"""Steps as an Ansible playbook with the effect of the script, for ansible-core alone.

`-e root=/mnt/tree` works on a directory tree, as ROOT does for the script: what takes a running
host is left out then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from audit.untrusted import visible
from remediations.actions import (
    Acl,
    Action,
    Append,
    Capability,
    Delete,
    Directory,
    Install,
    Manual,
    Mode,
    Owner,
    Plain,
    Remove,
    Replace,
    Run,
    Setting,
    Write,
)
from remediations.plan import Step
from remediations.quoting import word
from remediations.script import THEN, Subject

CHANGED = "lxc-preflight: changed"
Task = dict[str, Any]


def playbook(steps: Iterable[Step], subject: Subject) -> str:
    """The whole text, YAML whose scalars are JSON strings: nothing of a host can break out."""
    steps = tuple(steps)
    whose = f" for {subject.user}" if subject.user else ""
    lines = [
        "# " + visible(f"Makes unprivileged LXC containers work{whose} on {subject.host}."),
        "# " + visible(subject.written),
        "# ansible-playbook -i HOST, --check --diff THIS",
        "# -e root=/mnt/tree works on a directory tree. Only the script can be taken back.",
        "- hosts: all",
        "  gather_facts: false",
        "  become: true",
        "  vars:",
        '    root: ""',
        "  tasks:",
    ]
    tasks = [(step, task) for step in steps for action in step.actions for task in tasks_of(action)]
    for number, (step, task) in enumerate(tasks):
        if not number or tasks[number - 1][0] is not step:
            lines += [f"    # {visible(f'{one.check}: {one.message}')}" for one in step.findings]
        name = {"name": visible(step.title)}
        if task.pop("theirs", False):
            task["become_user"] = subject.user
        lines += _yaml([{**name, **task}], "    ")
    found = {step.then for step in steps if step.then}
    for then in sorted(found):
        message = {"ansible.builtin.debug": {"msg": f"Then: {THEN[then]}"}}
        lines += _yaml([{"name": f"what comes next: {then}", **message}], "    ")
    if not tasks:
        lines[-1] = "  tasks: []"
    return "\n".join(lines) + "\n"


def tasks_of(action: Action) -> list[Task]:
    """The tasks of one action; `theirs` is for the playbook to turn into the user's name."""
    tasks = list(_tasks(action))
    if getattr(action, "theirs", False):
        for task in tasks:
            task["theirs"] = True
    return tasks


def _tasks(action: Action) -> Iterable[Task]:
    match action:
        case Install():
            from remediations.distro import install_run

            yield from _tasks(install_run(action))
        case Append(path, line, _, behind) if behind:
            one, other = re.escape(line), re.escape(behind)
            last = rf"(?ms)\A(?!.*^{one}$(?!.*^{other}$))(.*?)\n?\Z"
            text = line.replace("\\", "\\\\")
            yield _file("replace", path, regexp=last, replace=f"\\1\n{text}\n")
        case Append(path, line):
            yield from _parent(path)
            yield _file("lineinfile", path, line=line, insertafter="EOF", create=True)
        case Replace(path, _, old, new) if old == new:
            yield _file("replace", path, regexp=r"([^\n])\Z", replace="\\1\n")
        case Replace(path, _, old, new):
            text = new.replace("\\", "\\\\")
            yield _file("replace", path, regexp=f"(?m)^{re.escape(old)}$", replace=text)
        case Delete(path, _, old, alike):
            one = re.escape(old)
            more = rf"(?=(?:.*\n)*{one}$)" if alike > 1 else ""
            yield _file("replace", path, regexp=rf"(?m)^{one}(?:\n|\Z){more}", replace="")
        case Write(path, text, mode):
            yield from _parent(path)
            yield _file("copy", path, "dest", content=text, mode=f"{mode:04o}")
        case Plain(path, text, mode):
            script = (
                f'file="$root"{word(path)}\n[ ! -f "$file" ] || [ -L "$file" ] || exit 0\n'
                f"rm -rf -- \"$file\"\necho '{CHANGED}'"
            )
            yield {**_shell(script), "environment": {"root": _Rooted("")}}
            yield _file("copy", path, "dest", content=text, mode=f"{mode:04o}", force=False)
        case Mode(path, mode):
            yield _file("file", path, mode=f"{mode:04o}")
        case Owner(path, uid, gid):
            yield _file("file", path, owner=str(uid), group=str(gid), follow=False)
        case Directory(path, mode):
            yield _file("file", path, state="directory", mode=f"{mode:04o}")
        case Remove(path):
            yield _file("file", path, state="absent")
        case Acl(path, entries):
            yield _compared(path, "getfacl -pn --", f"setfacl -m {word(entries)} --")
        case Capability(path, text):
            yield _compared(path, "getcap", f"setcap {word(text) if text else '-r'}")
        case Setting(path, value):
            test = f'[ "$(cat {word(path)})" = {word(value)} ]'
            yield from _tasks(Run(f"echo {word(value)} > {word(path)}", test))
        case Run(command, unless):
            test = f"if {unless}; then exit; fi\n" if unless else ""
            yield {
                **_shell(f"{test}{command}\necho '{CHANGED}'"),
                "when": "root == ''",
            }
        case Manual(lines):
            yield {"ansible.builtin.debug": {"msg": ["by hand:", *map(visible, lines)]}}


def _parent(path: str) -> Iterable[Task]:
    yield _file("file", path.rpartition("/")[0] or "/", state="directory")


def _file(module: str, path: str, argument: str = "path", **more: Any) -> Task:
    return {f"ansible.builtin.{module}": {argument: _Rooted(path), **more}}


def _compared(path: str, look: str, change: str) -> Task:
    """A command that changed something when it looks different afterwards."""
    script = (
        f'file="$root"{word(path)}\nbefore=$({look} "$file")\n{change} "$file"\n'
        f'[ "$before" = "$({look} "$file")" ] || echo \'{CHANGED}\''
    )
    return {**_shell(script), "environment": {"root": _Rooted("")}}


def _shell(script: str) -> Task:
    return {
        "ansible.builtin.shell": {"cmd": f"set -e\n{script}"},
        "register": "lxc_preflight",
        "changed_when": f"'{CHANGED}' in lxc_preflight.stdout",
    }


class _Rooted(str):
    """A path that the variable `root` is put in front of."""


def _yaml(value: Any, indent: str) -> list[str]:
    if isinstance(value, list):
        lines = []
        for item in value:
            if isinstance(item, Mapping):
                first, *rest = _yaml(item, indent + "  ")
                lines += [f"{indent}- {first.strip()}", *rest]
            else:
                lines.append(f"{indent}- {_scalar(item)}")
        return lines
    lines = []
    for key, item in value.items():
        if isinstance(item, (list, Mapping)):
            lines += [f"{indent}{key}:", *_yaml(item, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {_scalar(item)}")
    return lines


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if isinstance(value, _Rooted):
        # Braces of a path must not be taken for a template.
        return json.dumps("{{ root }}" + re.sub(r"[{}]+", r"{{ '\g<0>' }}", text))
    unsafe = "!unsafe " if re.search(r"\{[{%#]", text) else ""
    return unsafe + json.dumps(text)
