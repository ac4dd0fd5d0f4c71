"""What a plan would do, without doing it: a unified diff per file, and every command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from audit.untrusted import visible
from remediations.actions import Append, Delete, Remove, Replace, Setting, Write
from remediations.edits import Changed, edited
from remediations.plan import Step
from remediations.typed import typed

Read = Callable[[str, bool], str | None]


def preview(steps: Iterable[Step], read: Read, user: str) -> Iterator[str]:
    """Lines to show. `read(path, theirs)` is the text of a file, None when it is not there; it
    raises OSError or Unknown for none of ours to handle.
    """
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    for step in steps:
        yield f"# {visible(step.title)} ({', '.join(step.checks)})"
        for action in step.actions:
            if not isinstance(action, (Append, Replace, Delete, Write, Remove)):
                sign = "#" if step.is_manual else "="
                for line in typed(action, user):
                    yield f"{sign} {visible(line)}"
                if isinstance(action, Setting) and (now := read(action.path, False)) is not None:
                    yield f"# it is {visible(now.strip())} now"
                continue
            path = action.path
            if path not in before:
                before[path] = after[path] = read(path, action.theirs)
            text = after[path]
            match action:
                case Write(_, new):
                    after[path] = new
                case Remove():
                    after[path] = None
                case _:
                    try:
                        changed = edited(text or "", action)
                    except Changed as why:
                        yield f"# {visible(path)}: {visible(str(why))}"
                        continue
                    after[path] = text if changed is None else changed
            yield f"# changes {visible(path)}, see below"
    for path, text in before.items():
        yield from _diff(path, text, after[path])


def _diff(path: str, before: str | None, after: str | None) -> Iterator[str]:
    from difflib import unified_diff

    name = visible(path)
    lines = unified_diff(
        _lines(before),
        _lines(after),
        "/dev/null" if before is None else f"a{name}",
        "/dev/null" if after is None else f"b{name}",
        lineterm="",
    )
    for number, line in enumerate(lines):
        # the first two name the files
        yield line if number < 2 else line[:1] + visible(line[1:])


def _lines(text: str | None) -> list[str]:
    return (text or "").removesuffix("\n").split("\n") if text else []
