"""From fixes that checks ask for to steps in an order: merged, and free of contradictions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from audit.model import Fix
from audit.records import NamedTuple
from remediations.actions import (
    Acl,
    Action,
    Append,
    Capability,
    Delete,
    Edit,
    Manual,
    Mode,
    Owner,
    Plain,
    Remove,
    Replace,
    Setting,
    Write,
    needs_of,
    undo_of,
)

# mechanism -> its place; what is not listed stands between. Packages bring the tools of the others,
# ids come before the config that maps them, and files before the services that read them.
FIRST = ("package", "create_user", "make_home", "module", "sysctl", "subid_file", "subids")
LAST = ("acl_traverse", "bridge", "lxc_net", "service", "linger", "boot_parameter", "reboot")

# keys of container configs that may stand there many times
MANY = re.compile(r"lxc\.(mount\.entry|include|environment|cap\.|hook\.|apparmor\.raw|group)")
SETTING = re.compile(r"\s*([A-Za-z_][\w.@/-]*)\s*=\s*(.*?)\s*")
IDMAP = re.compile(r"([ug])\s+(\d+)\s.*")


class Asked(NamedTuple):
    """A check that failed, what it says, and the fix that it asks for."""

    check: str
    message: str
    fix: Fix


class Step(NamedTuple):
    """One fix, and the findings that it cures."""

    findings: tuple[Asked, ...]
    title: str
    actions: tuple[Action, ...]
    then: str | None

    @property
    def checks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.check for one in self.findings))

    @property
    def needs(self) -> tuple[str, ...]:
        return needs_of(Fix("", self.title, self.actions))

    @property
    def is_manual(self) -> bool:
        """Whether all of it is left to a person."""
        return all(isinstance(action, Manual) for action in self.actions)

    @property
    def undo(self) -> str:
        """yes, no or partly: whether undo brings back what was there."""
        return undo_of(self.actions)


class Conflict(NamedTuple):
    """Two steps that want one thing to be two ways."""

    what: str
    one: Step
    other: Step


def steps_of(asked: Iterable[Asked]) -> tuple[Step, ...]:
    """The steps, each action once, in an order in which they can be done."""
    merged: dict[tuple[Action, ...], Step] = {}
    for one in asked:
        actions = one.fix.actions
        if actions in merged:
            found = merged[actions]
            merged[actions] = found._replace(findings=(*found.findings, one))
        elif actions:
            merged[actions] = Step((one,), one.fix.title, actions, one.fix.then)
    return tuple(_folded(_each_once(sorted(merged.values(), key=_place))))


def _place(step: Step) -> tuple[bool, int]:
    mechanism = step.findings[0].fix.id
    if mechanism in FIRST:
        return step.is_manual, FIRST.index(mechanism)
    if mechanism in LAST:
        return step.is_manual, len(FIRST) + 1 + LAST.index(mechanism)
    return step.is_manual, len(FIRST)


def _each_once(steps: Iterable[Step]) -> Iterator[Step]:
    """Steps without the actions of earlier ones; a step that has none left joins the earlier."""
    done: list[Step] = []
    owner: dict[Action, int] = {}
    for step in steps:
        fresh = tuple(action for action in step.actions if action not in owner)
        if fresh:
            owner |= dict.fromkeys(fresh, len(done))
            done.append(step._replace(actions=fresh))
        else:
            place = owner[step.actions[0]]
            earlier = done[place]
            done[place] = earlier._replace(findings=(*earlier.findings, *step.findings))
    yield from done


def _folded(steps: Iterable[Step]) -> Iterator[Step]:
    """An edit of a line that an earlier step writes is done by that one: when it runs again, a
    script would find neither the old line nor the one between.
    """
    done: list[Step] = []
    lines: dict[tuple[str, str], tuple[int, Append | Replace]] = {}
    for step in steps:
        kept: list[Action] = []
        earlier = 0
        for action in step.actions:
            found = lines.get((action.path, action.old)) if isinstance(action, Replace) else None
            if found is None or not isinstance(action, Replace) or not _is_sequel(found[1], action):
                kept.append(action)
                continue
            earlier, writer = lines.pop((action.path, action.old))
            both = _both(writer, action)
            lines[action.path, action.new] = earlier, both
            actions = tuple(both if one == writer else one for one in done[earlier].actions)
            done[earlier] = done[earlier]._replace(actions=actions)
        for one in kept:
            if isinstance(one, (Append, Replace)):
                text = one.line if isinstance(one, Append) else one.new
                lines[one.path, text] = len(done), one
        if kept:
            done.append(step._replace(actions=tuple(kept)))
        else:
            findings = (*done[earlier].findings, *step.findings)
            done[earlier] = done[earlier]._replace(findings=findings)
    return iter(done)


def _is_sequel(writer: Append | Replace, edit: Replace) -> bool:
    """Whether an edit is about the very line that another writes."""
    return edit.old != edit.new and (isinstance(writer, Append) or writer.number == edit.number)


def _both(writer: Append | Replace, edit: Replace) -> Append | Replace:
    if isinstance(writer, Append):
        return writer._replace(line=edit.new)
    return writer._replace(new=edit.new)


def conflicts(steps: Iterable[Step]) -> tuple[Conflict, ...]:
    """Every thing that two steps (or one) want to be two ways."""
    wanted: dict[tuple[str, ...], tuple[str, Step]] = {}
    found: list[Conflict] = []
    for step in steps:
        for action in step.actions:
            for what, value in _claims(action):
                earlier = wanted.setdefault(what, (value, step))
                if earlier[0] != value:
                    found.append(Conflict(" ".join(what), earlier[1], step))
    return tuple(found)


def _claims(action: Action) -> Iterator[tuple[tuple[str, ...], str]]:
    """(what, value) of each thing that the action wants to be so and not otherwise."""
    match action:
        case Append(path) | Replace(path) | Delete(path):
            yield ("whether there is", path), "yes"
            yield ("how to write", path), "line by line"
            yield from _line_claims(path, action)
        case Write(path, text):
            yield ("whether there is", path), "yes"
            yield ("how to write", path), "as a whole"
            yield ("the content of", path), text
        case Plain(path):
            yield ("whether there is", path), "yes"
        case Remove(path):
            yield ("whether there is", path), "no"
        case Mode(path, mode):
            yield ("the mode of", path), f"{mode:o}"
        case Owner(path, uid, gid):
            yield ("the owner of", path), f"{uid}:{gid}"
        case Capability(path, text):
            yield ("the capabilities of", path), text
        case Setting(path, value):
            yield ("the value of", path), value
        case Acl(path, entries):
            for entry in entries.split(","):
                who, _, rights = entry.rpartition(":")
                yield (f"what {who} may do with", path), rights
        case _:
            return


def _line_claims(path: str, edit: Edit) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(edit, Replace) and edit.old == edit.new:
        return  # only the newline at its end
    if not isinstance(edit, Append):
        new = edit.new if isinstance(edit, Replace) else "gone"
        yield (f"line {edit.number} of", path), new
    text = edit.line if isinstance(edit, Append) else edit.new if isinstance(edit, Replace) else ""
    setting = SETTING.fullmatch(text)
    if setting is None or MANY.match(setting[1]):
        return
    key, value = setting[1], setting[2]
    if key == "lxc.idmap":
        if (line := IDMAP.fullmatch(value)) is None:
            return
        key = f"lxc.idmap {line[1]} {line[2]}"
    yield (f"{key} in", path), value
