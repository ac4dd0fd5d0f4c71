"""A recorded host as one JSON file (`lxc-preflight/snapshot/1`).

    {"schema": ..., "tool": {...}, "recorded": "2026-11-23T20:00:00Z", "source": "live|root",
     "request": {"user": "alice", "config": null, "container": null, "guest": "plain", ...},
     "redacted": ["what was taken out", ...],
     "answers": [[["read", "/etc/subuid"], {"answer": "alice:100000:65536\\n"}],
                 [["read", "/proc/config.gz"], {"refused": "permission denied"}], ...]}

A snapshot is a stranger's file: its size, its form and the shape of each answer are checked before
a fact sees any of it.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from audit.errors import UsageError
from audit.host import Request
from audit.records import NamedTuple
from audit.redaction import RULES
from audit.source import Answer, Question, Refused, Snapshot
from audit.verbs import SHAPES

SCHEMA = "lxc-preflight/snapshot/1"
MAX_BYTES = 256 * 1024 * 1024
MAX_NUMBER = 1 << 64  # no uid, size or count of a host is larger


class Recording(NamedTuple):
    """A snapshot and what is written on its label."""

    source: Snapshot
    request: Request
    recorded: str = ""
    version: str = ""


def document(
    answers: Mapping[Question, Answer | Refused],
    request: Request,
    *,
    source: str,
    recorded: str,
    version: str,
) -> dict[str, Any]:
    """The JSON document of a record that has been redacted."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "lxc-preflight", "version": version},
        "recorded": recorded,
        "source": source,
        "request": request._asdict(),
        "redacted": list(RULES),
        "answers": [
            [
                list(question),
                {"refused": str(answer)} if isinstance(answer, Refused) else {"answer": answer},
            ]
            for question, answer in sorted(answers.items())
        ],
    }


def load(path: str) -> Recording:
    """Read a snapshot file, "-" for standard input. Raises UsageError for what is no snapshot."""
    return parse(read_json(path, "snapshot"), name_of(path))


def parse(data: object, name: str) -> Recording:
    """A snapshot document, validated; raises UsageError with the first thing wrong with it."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else None
        _broken(name, f"its schema is {_quoted(found)}, not {SCHEMA}")
    entries = data.get("answers")
    if not isinstance(entries, list):
        _broken(name, "it has no list of answers")
    answers: dict[Question, Answer | Refused] = {}
    for number, entry in enumerate(entries, 1):
        question, answer = _entry(name, number, entry)
        if question in answers:
            _broken(name, f"answer {number} repeats the question {_quoted(' '.join(question))}")
        answers[question] = answer
    return Recording(
        Snapshot(answers),
        _request(name, data.get("request")),
        _text(data.get("recorded")),
        _text(data.get("tool", {}).get("version") if isinstance(data.get("tool"), dict) else None),
    )


def _entry(name: str, number: int, entry: object) -> tuple[Question, Answer | Refused]:
    if not (isinstance(entry, list) and len(entry) == 2):
        _broken(name, f"answer {number} is no pair of question and answer")
    question, answer = entry
    if not (
        isinstance(question, list) and question and all(isinstance(word, str) for word in question)
    ):
        _broken(name, f"the question of answer {number} is no list of words")
    if not (isinstance(answer, dict) and list(answer) in (["answer"], ["refused"])):
        _broken(name, f"answer {number} is neither an answer nor a refusal")
    key = tuple(question)
    if "refused" in answer:
        if not isinstance(answer["refused"], str):
            _broken(name, f"the refusal in answer {number} gives no reason")
        return key, Refused(answer["refused"])
    # A newer version may ask what this one does not know; no fact of this version will.
    is_valid = SHAPES.get(key[0])
    if is_valid is not None and not is_valid(answer["answer"]):
        _broken(name, f"answer {number} has not the shape of an answer to {_quoted(key[0])}")
    return key, answer["answer"]


def _request(name: str, data: object) -> Request:
    """Whom and what the record is about; what a newer version adds to it is left out."""
    if data is None:
        return Request(user="")
    if not isinstance(data, dict):
        _broken(name, "its request is no object")

    def text(field: str, default: str) -> str:
        value = data.get(field, default)
        if not isinstance(value, str):
            _broken(name, f"its request has no valid {field}")
        return value

    def maybe(field: str) -> str | None:
        return None if data.get(field) is None else text(field, "")

    guest = text("guest", "plain")
    if guest not in ("plain", "systemd"):
        _broken(name, "its request has no valid guest")
    return Request(text("user", ""), maybe("config"), maybe("container"), guest, maybe("template"))


def read_json(path: str, what: str) -> Any:
    """The JSON in a file or, for "-", standard input. Raises UsageError with the reason."""
    import json

    name = name_of(path)
    data = _bytes(path, name)
    try:
        return json.loads(data.decode("utf-8"), parse_int=_number, parse_constant=_no_number)
    except RecursionError:
        raise UsageError(f"{name} is no {what}: it is nested too deeply") from None
    except ValueError as error:
        raise UsageError(f"{name} is no {what}: not JSON ({error})") from None


def name_of(path: str) -> str:
    return "standard input" if path == "-" else path


def _bytes(path: str, name: str) -> bytes:
    """The bytes of a regular file or a pipe we were given, at most MAX_BYTES."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            # O_NONBLOCK: a FIFO must not hold us up before we have seen that it is one.
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
            with open(fd, "rb") as file:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise UsageError(f'{name} is no regular file (for a pipe, give "-" and <)')
                data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"{name} is larger than {MAX_BYTES >> 20} MiB: not read")
    return data


def _number(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > MAX_NUMBER:
        raise ValueError("a number that no host has")
    return int(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _quoted(value: object) -> str:
    return ascii(value)[:80]


def _broken(name: str, why: str) -> NoReturn:
    raise UsageError(f"{name} is a broken snapshot: {why}; record it again with collect")
