"""What a login shell's start-up files leave behind: PATH and other variables, umask, ulimits.

A reader of the shell's language that runs nothing. It follows assignments, tests of files and
strings, if, case, for, functions and sourced files; what it cannot know (the output of a command, a
loop's condition) stays UNKNOWN, and a branch on something unknown is taken, because a directory too
many on PATH does not change what is found there.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from audit.facts.shell_patterns import compare, matches, strip
from audit.facts.shell_syntax import Malformed, Node, Parser, dollar_end, find
from audit.facts.userfiles import Denied, user_list, user_read
from audit.host import Host

UNKNOWN = "\0"  # stands in a value for text that only running a command would tell
MAX_TEXT = 128 * 1024
MAX_COMMANDS = 20_000
MAX_VALUE = 8 * 1024  # of a variable and of one word; PATH is a few hundred bytes
MAX_EFFORT = 4_000_000  # characters compared, about
MAX_DEPTH = 12
# A sourced file without any of these words cannot change what is asked for here.
RELEVANT = re.compile(
    r"PATH|umask|ulimit|XDG_RUNTIME_DIR|\bHOME=|pathmunge|append_path"
    r"|DOWNLOAD_KEYSERVER|(?:https|all)_proxy=|(?:HTTPS|ALL)_PROXY="
    r"|(?:^|[\s;&{])(?:\.|source|eval) ",
    re.MULTILINE,
)
# ulimit(1) letter -> the limit and the unit it counts in (bash)
ULIMITS = {"n": ("nofile", 1), "u": ("nproc", 1), "f": ("fsize", 1024), "v": ("as", 1024)}

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")

Status = bool | None


class Return(Exception):
    """`return` or `exit` was reached."""


class Shell:
    """The state of a login shell while its start-up files are read."""

    def __init__(self, host: Host, variables: dict[str, str]) -> None:
        self.host = host
        self.variables = variables
        self.umask: tuple[int, str] | None = None  # and the file that set it
        self.limits: dict[str, tuple[int, str]] = {}  # soft limits, in bytes or a count
        self.made: set[str] = set()  # directories that the files make
        self.functions: dict[str, Node] = {}
        self.arguments: list[str] = []
        self.file = ""
        self.files: list[str] = []  # what was read, in order
        self.commands = self.effort = 0
        self.depth = 0
        self.doubt = 0  # inside a branch that may not be taken

    def source(self, path: str) -> Status:
        """Read a start-up file as the user's shell would; False when it is not there for it."""
        if self.depth >= MAX_DEPTH:
            return None
        text = self.host.get(user_read, path)
        if not isinstance(text, str):
            return False
        self.files.append(path)
        if len(text) > MAX_TEXT or not RELEVANT.search(text):
            return True
        outer, self.file = self.file, path
        self.depth += 1
        self._read(text)
        self.depth -= 1
        self.file = outer
        return True

    def _read(self, text: str) -> None:
        """Evaluate a script; one that cannot be parsed as a whole, line by line as far as that
        goes.
        """
        with suppress(Return, RecursionError):
            try:
                tree = Parser(text).script()
            except Malformed:
                for line in text.split("\n"):
                    with suppress(Malformed):
                        self._doubtful(Parser(line).script())
            else:
                self.evaluate(tree)

    def evaluate(self, node: Node) -> Status:
        self.commands += 1
        if self.commands > MAX_COMMANDS:
            raise Return
        evaluator: Any = getattr(self, "_" + node[0])
        status: Status = evaluator(*node[1:])
        return status

    def _opaque(self) -> Status:
        return None

    def _sequence(self, commands: list[Node]) -> Status:
        status: Status = True
        for command in commands:
            status = self.evaluate(command)
        return status

    def _and(self, left: Node, right: Node) -> Status:
        status = self.evaluate(left)
        if status is False:
            return False
        return self._doubtful(right) if status is None else self.evaluate(right)

    def _or(self, left: Node, right: Node) -> Status:
        status = self.evaluate(left)
        if status is True:
            return True
        return self._doubtful(right) if status is None else self.evaluate(right)

    def _doubtful(self, node: Node) -> Status:
        self.doubt += 1
        try:
            self.evaluate(node)
        finally:
            self.doubt -= 1
        return None

    def _not(self, node: Node) -> Status:
        status = self.evaluate(node)
        return None if status is None else not status

    def _if(self, branches: list[tuple[Node, Node]], otherwise: Node | None) -> Status:
        for condition, body in branches:
            status = self.evaluate(condition)
            if status is None:
                return self._doubtful(body)
            if status:
                return self.evaluate(body)
        return True if otherwise is None else self.evaluate(otherwise)

    def _for(self, name: str, words: list[str], body: Node) -> Status:
        for word in words:
            for value in self._fields(word):
                self.variables[name] = value
                self.evaluate(body)
        return True

    def _case(self, subject: str, arms: list[tuple[list[str], Node]]) -> Status:
        value = self.expand(subject)
        for patterns, body in arms:
            for pattern in patterns:
                expected = self.expand(pattern)
                if self._affords(value, expected) and matches(value, expected):
                    return self.evaluate(body)
        return True

    def _affords(self, value: str, pattern: str, times: int = 1) -> bool:
        """Whether comparing these is still within what a start-up file may cost: a hostile one has
        a bound.
        """
        self.effort += times * (20 + (len(value) * len(pattern) if "?" in pattern else 0))
        return self.effort <= MAX_EFFORT

    def _function(self, name: str, body: Node) -> Status:
        self.functions[name] = body
        return True

    def _subshell(self, body: Node) -> Status:
        kept = dict(self.variables), self.umask, dict(self.limits)
        try:
            return self.evaluate(body)
        except Return:
            return None
        finally:
            self.variables, self.umask, self.limits = kept

    def _condition(self, words: list[str]) -> Status:
        parts: list[list[str]] = [[]]
        operators: list[str] = []
        for word in words:
            if word in ("\1&&", "\1||"):
                operators.append(word)
                parts.append([])
            else:
                parts[-1].append(word.removeprefix("\1"))
        status = self._test([self.expand(word) for word in parts[0]], patterns=True)
        for operator, part in zip(operators, parts[1:], strict=True):
            if status is (operator == "\1||"):
                continue
            right = self._test([self.expand(word) for word in part], patterns=True)
            status = None if status is None else right
        return status

    def _simple(self, words: list[str]) -> Status:
        words = list(words)
        local: dict[str, str] = {}
        while words and (match := _ASSIGNMENT.fullmatch(words[0])):
            local[match[1]] = self._assigned(match)
            words.pop(0)
        if not words:
            self.variables.update(local)
            return True
        name, arguments = self.expand(words[0]), words[1:]
        builtin: Any = getattr(self, "_do_" + BUILTINS.get(name, ""), None)
        if builtin is not None:
            status: Status = builtin(arguments)
            return status
        if name in self.functions and self.depth < MAX_DEPTH:
            return self._call(self.functions[name], [self.expand(word) for word in arguments])
        return None

    def _call(self, body: Node, arguments: list[str]) -> Status:
        outer, self.arguments = self.arguments, arguments
        self.depth += 1
        try:
            return self.evaluate(body)
        except Return:
            return None
        finally:
            self.depth -= 1
            self.arguments = outer

    def _assigned(self, match: re.Match[str]) -> str:
        value = self.expand(match[3], assignment=True)
        value = self.variables.get(match[1], "") + value if match[2] else value
        return value if len(value) <= MAX_VALUE else UNKNOWN

    def _do_export(self, arguments: list[str]) -> Status:
        for word in arguments:
            if match := _ASSIGNMENT.fullmatch(word):
                self.variables[match[1]] = self._assigned(match)
        return True

    def _do_unset(self, arguments: list[str]) -> Status:
        for word in arguments:
            self.variables.pop(word, None)
        return True

    def _do_source(self, arguments: list[str]) -> Status:
        path = self.expand(arguments[0]) if arguments else UNKNOWN
        return None if UNKNOWN in path or not path.startswith("/") else self.source(path)

    def _do_umask(self, arguments: list[str]) -> Status:
        value = self.expand(arguments[0]) if arguments else ""
        if re.fullmatch(r"[0-7]{1,4}", value):
            self.umask = int(value, 8), self.file
        return True

    def _do_ulimit(self, arguments: list[str]) -> Status:
        value = self.expand(arguments[-1]) if arguments else ""
        letters = "".join(word[1:] for word in arguments[:-1] if word.startswith("-"))
        for letter in letters:
            if letter in ULIMITS and value.isdecimal():
                limit, unit = ULIMITS[letter]
                self.limits[limit] = int(value[:18]) * unit, self.file
        return True

    def _do_mkdir(self, arguments: list[str]) -> Status:
        paths = (self.expand(word).rstrip("/") for word in arguments)
        self.made.update(path for path in paths if path.startswith("/"))
        return True

    def _do_return(self, arguments: list[str]) -> Status:
        if not self.doubt:
            raise Return
        return None

    def _do_true(self, arguments: list[str]) -> Status:
        for word in arguments:
            self.expand(word)  # `: ${NAME:=value}` is an assignment
        return True

    def _do_false(self, arguments: list[str]) -> Status:
        return False

    def _do_shift(self, arguments: list[str]) -> Status:
        del self.arguments[:1]
        return True

    def _do_eval(self, arguments: list[str]) -> Status:
        text = " ".join(self.expand(word) for word in arguments)
        if UNKNOWN in text or self.depth >= MAX_DEPTH:
            return None
        self.depth += 1
        try:
            return self.evaluate(Parser(text).script())
        except Malformed:
            return None
        finally:
            self.depth -= 1

    def _do_bracket(self, arguments: list[str]) -> Status:
        return self._test([self.expand(word) for word in arguments if word != "]"])

    def _test(self, words: list[str], *, patterns: bool = False) -> Status:
        """test(1): None when it depends on something unknown."""
        for joint, rule in (("-o", any), ("-a", all)):
            if joint in words[1:-1]:
                at = words.index(joint, 1)
                pair = (
                    self._test(words[:at], patterns=patterns),
                    self._test(words[at + 1 :], patterns=patterns),
                )
                return None if None in pair else rule(pair)
        if words[:1] == ["!"]:
            inner = self._test(words[1:], patterns=patterns)
            return None if inner is None else not inner
        if any(UNKNOWN in word for word in words):
            return None
        if len(words) == 3:
            if patterns and not self._affords(words[0], words[2]):
                return None
            return compare(words[0], words[1], words[2], patterns)
        if len(words) == 2:
            return self._unary(*words)
        return bool(words and words[0]) if len(words) < 2 else None

    def _unary(self, operator: str, operand: str) -> Status:
        if operator in ("-n", "-z"):
            return bool(operand) is (operator == "-n")
        if operator not in ("-d", "-e", "-f", "-r", "-s", "-x", "-h", "-L") or operand[:1] != "/":
            return None
        stat = self.host.stat(operand)
        if stat is None:
            return operand in self.made and operator in ("-d", "-e", "-r", "-x")
        return {"-d": stat.kind == "directory", "-f": stat.kind == "file"}.get(operator, True)

    def _fields(self, word: str) -> list[str]:
        """A word of `for`: expanded, split at blanks, its last component matched against the
        directory.
        """
        value = self.expand(word)
        values = [value] if word[:1] in "\"'" else value.split()
        found: list[str] = []
        for one in values:
            directory, slash, pattern = one.rpartition("/")
            if not slash or UNKNOWN in one or not re.search(r"[*?[]", pattern):
                found.append(one)
                continue
            names = self.host.get(user_list, directory or "/")
            listed = () if names is None or isinstance(names, Denied) else names
            hits = [
                name
                for name in listed
                if name[:1] != "." and self._affords(name, pattern) and matches(name, pattern)
            ]
            found += [f"{directory}/{name}" for name in hits] or [one]
        return found

    def expand(self, word: str, *, assignment: bool = False) -> str:
        """A word with quotes removed and variables, `$(id -u)` and `~` put in."""
        if len(word) > MAX_VALUE:
            return UNKNOWN
        out: list[str] = []
        at, end, quoted, size = 0, len(word), False, 0
        if word == "~" or word.startswith("~/"):
            out.append(self.variables.get("HOME", UNKNOWN))
            at = 1
        while at < end:
            char = word[at]
            if char == "'" and not quoted:
                stop = find(word, "'", at + 1)
                out.append(word[at + 1 : stop])
                at = stop + 1
            elif char == '"':
                quoted = not quoted
                at += 1
            elif char == "\\":
                out.append(word[at + 1 : at + 2])
                at += 2
            elif char == "`":
                stop = find(word, "`", at + 1)
                out.append(self._output(word[at + 1 : stop]))
                at = stop + 1
            elif char == "$":
                stop = dollar_end(word, at)
                if stop == at + 1:
                    name = _NAME.match(word, stop)
                    stop = name.end() if name else stop
                    out.append(self._parameter(name[0]) if name else "$")
                elif word[at + 1] == "{":
                    out.append(self._braces(word[at + 2 : stop - 1]))
                elif word[at + 1] == "(":
                    out.append(self._output(word[at + 2 : stop - 1]))
                else:
                    out.append(word[at + 2 : stop - 1])
                at = stop
                size += len(out[-1])
                if size > MAX_VALUE:
                    return UNKNOWN
            elif assignment and char == ":" and word.startswith(":~/", at) and not quoted:
                out.append(":" + self.variables.get("HOME", UNKNOWN))
                at += 2
            else:
                out.append(char)
                at += 1
        value = "".join(out)
        return value if len(value) <= MAX_VALUE else UNKNOWN

    def _parameter(self, name: str) -> str:
        if name.isdecimal():
            index = int(name)
            return self.arguments[index - 1] if 0 < index <= len(self.arguments) else ""
        special = {"-": "himBHs", "#": str(len(self.arguments)), "@": " ".join(self.arguments)}
        special["*"] = special["@"]
        if name in special:
            return special[name]
        return self.variables.get(name, "") if name[0].isalpha() or name[0] == "_" else UNKNOWN

    def _braces(self, inside: str) -> str:
        match = _NAME.match(inside)
        if match is None or inside[:1] == "!":
            return UNKNOWN
        name, rest = match[0], inside[match.end() :]
        value = self._parameter(name)
        if not rest:
            return value
        colon, operator = (rest[0] == ":", rest[1:2] if rest[0] == ":" else rest[0])
        other = rest[2:] if colon else rest[1:]
        is_set = bool(value) if colon else name in self.variables or bool(value)
        if operator in ("-", "=", "?"):
            chosen = value if is_set else self.expand(other)
            if operator == "=" and not is_set:
                self.variables[name] = chosen
            return chosen
        if operator == "+":
            return self.expand(other) if is_set else ""
        if operator in ("#", "%") and UNKNOWN not in value:
            greedy = other[:1] == operator
            pattern = self.expand(other[greedy:])
            if self._affords(value, pattern, len(value)):
                return strip(value, pattern, operator, greedy)
        return UNKNOWN

    def _output(self, command: str) -> str:
        """What a command substitution gives, of the few commands whose output is known."""
        words = command.split()
        name = words[0].rpartition("/")[2] if words else ""
        user, uid = self.variables.get("USER", UNKNOWN), self.variables.get("UID", UNKNOWN)
        if name == "id" and words[1:] in (["-u"], ["-ru"]):
            return uid
        if name == "whoami" or (name == "id" and words[1:] in (["-un"], ["-u", "-n"], ["-nu"])):
            return user
        if name in ("echo", "printf") and len(words) == 2:
            return self.expand(words[1])
        return UNKNOWN


BUILTINS = {
    ".": "source",
    "source": "source",
    "export": "export",
    "readonly": "export",
    "declare": "export",
    "typeset": "export",
    "local": "export",
    "unset": "unset",
    "umask": "umask",
    "ulimit": "ulimit",
    "mkdir": "mkdir",
    "return": "return",
    "exit": "return",
    ":": "true",
    "true": "true",
    "false": "false",
    "shift": "shift",
    "eval": "eval",
    "[": "bracket",
    "test": "bracket",
}
