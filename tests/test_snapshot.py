"""A snapshot is a stranger's file: it is validated whole, or refused with one clear line."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import UsageError
from audit.host import Request
from audit.model import Unknown
from audit.snapshot import SCHEMA, document, load, parse
from audit.source import Answer, Question, Recorder, Refused, Snapshot
from audit.verbs import SHAPES

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def written(tmp_path: Path, data: object) -> str:
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps(data))
    return str(path)


def entry(question: list[str], answer: object) -> list[object]:
    return [question, {"answer": answer}]


def snapshot(*answers: object, **more: object) -> dict[str, Any]:
    return {"schema": SCHEMA, "answers": list(answers), **more}


def test_what_was_recorded_is_answered_again(tmp_path: Path) -> None:
    answers: dict[Question, Answer | Refused] = {
        ("read", "/etc/subuid"): "alice:100000:65536\n",
        ("read", "/nothing"): None,
        ("stat", "/etc/subuid"): ["file", 0o644, 0, 0, 19, 8, 1],
        ("read", "/proc/config.gz"): Refused("permission denied"),
        ("read", "/bytes"): b"\xff\xfe".decode("utf-8", "surrogateescape"),
    }
    request = Request("alice", None, "web", "systemd")
    data = document(answers, request, source="live", recorded="2026-01-01T00:00:00Z", version="1")
    loaded = load(written(tmp_path, data))
    assert loaded.source.answers == answers
    assert loaded.request == request
    assert loaded.recorded == "2026-01-01T00:00:00Z"
    with pytest.raises(Unknown, match="permission denied"):
        loaded.source.ask("read", "/proc/config.gz")
    with pytest.raises(Unknown, match="was not recorded"):
        loaded.source.ask("read", "/else")


def test_standard_input_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.dumps(snapshot(entry(["read", "/a"], "b"))).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert load("-").source.ask("read", "/a") == "b"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ([], "schema"),
        ({}, "schema"),
        ({"schema": "lxc-preflight/report/1"}, "schema is 'lxc-preflight/report/1'"),
        ({"schema": SCHEMA}, "no list of answers"),
        (snapshot({}), "answer 1 is no pair"),
        (snapshot(["read", {"answer": ""}]), "no list of words"),
        (snapshot([[], {"answer": ""}]), "no list of words"),
        (snapshot([["read", 1], {"answer": ""}]), "no list of words"),
        (snapshot([["read", "/a"], {}]), "neither an answer nor a refusal"),
        (snapshot([["read", "/a"], {"refused": 1}]), "no reason"),
        (snapshot(entry(["read", "/a"], 1)), "shape"),
        (snapshot(entry(["stat", "/a"], ["file", 1])), "shape"),
        (snapshot(entry(["self"], {"uid": "0"})), "shape"),
        (snapshot(entry(["read", "/a"], ""), entry(["read", "/a"], "")), "repeats"),
        (snapshot(request=[]), "request is no object"),
        (snapshot(request={"user": 1}), "no valid user"),
        (snapshot(request={"user": "a", "guest": "windows"}), "no valid guest"),
        (snapshot(request={"user": "a", "config": 7}), "no valid config"),
    ],
)
def test_a_broken_snapshot_is_refused_with_the_first_thing_wrong(data: object, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse(data, "x.json")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "not JSON"),
        (b"\xff\xff", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"schema": NaN}', "NaN is no JSON"),
        (b'{"schema": ' + b"9" * 5000 + b"}", "a number that no host has"),
    ],
)
def test_what_is_no_json_is_refused(tmp_path: Path, text: bytes, why: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=why):
        load(str(path))


def test_a_fifo_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="no regular file"):
        load(str(tmp_path / "fifo"))


def test_a_directory_and_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load(str(tmp_path))
    with pytest.raises(UsageError, match="No such file"):
        load(str(tmp_path / "nothing"))


def test_a_giant_is_refused_without_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.snapshot.MAX_BYTES", 1 << 20)
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(10 << 30)
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        load(str(tmp_path / "sparse"))


def test_a_verb_of_a_newer_version_is_kept_and_never_asked() -> None:
    loaded = parse(snapshot(entry(["divine", "/a"], {"any": ["thing"]})), "x.json")
    assert ("divine", "/a") in loaded.source.answers


def test_a_recorder_asks_a_question_once() -> None:
    class Changing:
        kind = "live"

        def __init__(self) -> None:
            self.asked = 0

        def ask(self, verb: str, *args: str) -> Answer:
            self.asked += 1
            return str(self.asked)

    recorder = Recorder(Changing())
    assert [recorder.ask("read", "/a"), recorder.ask("read", "/a")] == ["1", "1"]
    assert Snapshot(recorder.answers).ask("read", "/a") == "1"


@given(JSON)
def test_no_json_crashes_the_loader(data: object) -> None:
    with pytest.raises(UsageError):
        parse(data, "x.json")


@given(st.sampled_from(sorted(SHAPES)), st.lists(st.text(max_size=5), max_size=2), JSON)
def test_an_answer_of_any_shape_is_taken_or_refused(
    verb: str, args: list[str], answer: object
) -> None:
    try:
        loaded = parse(snapshot(entry([verb, *args], answer)), "x.json")
    except UsageError:
        return
    assert SHAPES[verb](loaded.source.ask(verb, *args))
