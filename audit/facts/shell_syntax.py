"""The shell's language (POSIX sh with the parts of bash that start-up files use), from text to a
tree.
"""

from __future__ import annotations

import re
from typing import Any

_PLAIN = re.compile(r"[^ \t\r\n;&|<>()'\"\\$`]+")
_OPERATOR = re.compile(r"&&|\|\||;;&|;;|;&|&>>|&>|<<-|<<<|<<|>>|<&|>&|<>|>\||[;&|<>()\n]")
_CLOSERS = {"then", "elif", "else", "fi", "do", "done", "esac", "}", ")", ";;", ";&", ";;&", ""}

MAX_NESTING = 50  # quotes within expansions within quotes; Python's own stack ends at some 300

Node = tuple[Any, ...]


class Malformed(Exception):
    """Not a text of the shell's language as far as it is read here."""


def tokens(text: str) -> list[str]:
    """The words and operators of a script; an operator is prefixed with a newline-free mark `\\1`.

    Words keep their quotes. Here-documents are dropped. Raises Malformed on an unclosed quote.
    """
    found: list[str] = []
    pending: list[str] = []  # delimiters of here-documents that begin after this line
    at, end, word_end = 0, len(text), -1
    while at < end:
        char = text[at]
        if char in " \t\r":
            at += 1
        elif text.startswith("\\\n", at):
            at += 2
        elif char == "#":
            at = _line_end(text, at)
        elif match := _OPERATOR.match(text, at):
            operator = match[0]
            if word_end == at and operator[0] in "<>" and found[-1].isdecimal():
                found.pop()  # the 2 of `2>/dev/null` is no argument
            at = match.end()
            found.append("\1" + operator)
            if operator == "\n" and pending:
                for delimiter in pending:
                    at = _skip_here_document(text, at, delimiter)
                pending = []
        else:
            stop = _word_end(text, at)
            word = text[at:stop]
            if found and found[-1] in ("\1<<", "\1<<-"):
                pending.append(word.strip("'\"\\"))
            found.append(word)
            at = word_end = stop
    return found


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _skip_here_document(text: str, at: int, delimiter: str) -> int:
    while at < len(text):
        end = _line_end(text, at)
        line = text[at:end]
        at = end + 1
        if line.lstrip("\t") == delimiter:
            break
    return min(at, len(text))


def _word_end(text: str, at: int) -> int:
    end = len(text)
    while at < end:
        char = text[at]
        if char == "\\":
            at += 2
        elif char == "'":
            at = find(text, "'", at + 1) + 1
        elif char == '"':
            at = _quoted_end(text, at + 1, 0)
        elif char == "`":
            at = find(text, "`", at + 1) + 1
        elif char == "$":
            at = dollar_end(text, at)
        elif match := _PLAIN.match(text, at):
            at = match.end()
        else:
            break
    return min(at, end)


def find(text: str, what: str, at: int) -> int:
    """Where `what` comes next. Raises Malformed when it does not come any more."""
    found = text.find(what, at)
    if found < 0:
        raise Malformed(f"no closing {what}")
    return found


def _quoted_end(text: str, at: int, nesting: int) -> int:
    while at < len(text):
        char = text[at]
        if char == '"':
            return at + 1
        if char == "\\":
            at += 2
        elif char == "$":
            at = dollar_end(text, at, nesting + 1)
        elif char == "`":
            at = find(text, "`", at + 1) + 1
        else:
            at += 1
    raise Malformed('no closing "')


def dollar_end(text: str, at: int, nesting: int = 0) -> int:
    """Where an expansion that begins with `$` at `at` ends. Raises Malformed when it does not, and
    for quotes in expansions in quotes that nest deeper than anybody writes.
    """
    if nesting > MAX_NESTING:
        raise Malformed("expansions nested too deep")
    opening = text[at + 1 : at + 2]
    if opening == "'":
        at += 2
        while text[at : at + 1] != "'":
            if at >= len(text):
                raise Malformed("no closing '")
            at += 2 if text[at] == "\\" else 1
        return at + 1
    if opening not in ("(", "{"):
        return at + 1
    closing, depth, at = {"(": ")", "{": "}"}[opening], 1, at + 2
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 2
        elif char == "'" and opening == "(":
            at = find(text, "'", at + 1) + 1
        elif char == '"':
            at = _quoted_end(text, at + 1, nesting)
        else:
            depth += (char == opening) - (char == closing)
            at += 1
            if depth == 0:
                return at
    raise Malformed(f"no closing {closing}")


class Parser:
    """Tokens -> a tree of tuples. Raises Malformed."""

    def __init__(self, text: str) -> None:
        self.words = tokens(text)
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self) -> str:
        word = self.peek()
        self.at += 1
        return word

    def want(self, word: str) -> None:
        if self.take().removeprefix("\1") != word:
            raise Malformed(f"{word} expected")

    def newlines(self) -> None:
        while self.peek() == "\1\n":
            self.at += 1

    def script(self) -> Node:
        """The whole text."""
        tree = self.sequence()
        if self.at < len(self.words):
            raise Malformed(f"{self.peek()} is not expected here")
        return tree

    def sequence(self) -> Node:
        """Commands up to a word that closes the construct around them."""
        self.depth += 1
        if self.depth > 100:
            raise Malformed("nested too deep")
        commands: list[Node] = []
        while True:
            while self.peek() in ("\1\n", "\1;", "\1&"):
                self.at += 1
            if self.peek().removeprefix("\1") in _CLOSERS:
                break
            commands.append(self.and_or())
        self.depth -= 1
        return ("sequence", commands)

    def and_or(self) -> Node:
        left = self.pipeline()
        while self.peek() in ("\1&&", "\1||"):
            operator = self.take()
            self.newlines()
            left = ("and" if operator == "\1&&" else "or", left, self.pipeline())
        return left

    def pipeline(self) -> Node:
        negated = False
        while self.peek() == "!":
            self.at += 1
            negated = not negated
        command = self.command()
        piped = False
        while self.peek() == "\1|":
            self.at += 1
            self.newlines()
            self.command()
            piped = True
        if piped:
            return ("opaque",)
        return ("not", command) if negated else command

    def command(self) -> Node:
        word = self.peek()
        compound = {
            "if": self.if_,
            "for": self.for_,
            "case": self.case,
            "while": self.loop,
            "until": self.loop,
            "select": self.loop,
            "{": self.group,
            "\1(": self.subshell,
            "[[": self.condition,
            "function": self.function,
        }.get(word)
        if compound is None:
            return self.simple()
        node = compound()
        self.redirections()
        return node

    def redirections(self) -> None:
        while (word := self.peek()).startswith("\1") and word[1:2] in "<>&" and len(word) > 1:
            if word == "\1&" or word == "\1&&":
                return
            self.at += 2

    def if_(self) -> Node:
        branches: list[tuple[Node, Node]] = []
        otherwise: Node | None = None
        self.want("if")
        while True:
            condition = self.sequence()
            self.want("then")
            branches.append((condition, self.sequence()))
            closing = self.take()
            if closing == "else":
                otherwise = self.sequence()
                self.want("fi")
            if closing in ("else", "fi"):
                return ("if", branches, otherwise)
            if closing != "elif":
                raise Malformed("fi expected")

    def for_(self) -> Node:
        self.want("for")
        name = self.take()
        if name == "\1(":
            return self.skip_arithmetic()
        words: list[str] = ["$@"]
        self.newlines()
        if self.peek() == "in":
            self.at += 1
            words = []
            while (word := self.take()) not in ("\1;", "\1\n"):
                if not word or word.startswith("\1"):
                    raise Malformed("do expected")
                words.append(word)
        while self.peek() in ("\1;", "\1\n"):
            self.at += 1
        self.want("do")
        body = self.sequence()
        self.want("done")
        return ("for", name, words, body)

    def skip_arithmetic(self) -> Node:
        while self.take() not in ("do", ""):
            pass
        self.sequence()
        self.want("done")
        return ("opaque",)

    def loop(self) -> Node:
        if self.take() == "select":
            return self.skip_arithmetic()
        self.sequence()
        self.want("do")
        self.sequence()
        self.want("done")
        return ("opaque",)

    def case(self) -> Node:
        self.want("case")
        subject = self.take()
        self.newlines()
        self.want("in")
        arms: list[tuple[list[str], Node]] = []
        while True:
            self.newlines()
            word = self.take()
            if word == "esac":
                return ("case", subject, arms)
            if word == "\1(":
                word = self.take()
            patterns = [word]
            while self.peek() == "\1|":
                self.at += 1
                patterns.append(self.take())
            self.want(")")
            arms.append((patterns, self.sequence()))
            if self.peek() in ("\1;;", "\1;&", "\1;;&"):
                self.at += 1

    def group(self) -> Node:
        self.want("{")
        body = self.sequence()
        self.want("}")
        return body

    def subshell(self) -> Node:
        self.want("(")
        body = self.sequence()
        self.want(")")
        return ("subshell", body)

    def condition(self) -> Node:
        self.want("[[")
        words: list[str] = []
        while (word := self.take()) != "]]":
            if not word:
                raise Malformed("]] expected")
            words.append(word)
        return ("condition", words)

    def function(self) -> Node:
        self.want("function")
        name = self.take()
        if self.peek() == "\1(":
            self.at += 1
            self.want(")")
        self.newlines()
        return ("function", name, self.command())

    def simple(self) -> Node:
        words: list[str] = []
        while True:
            word = self.peek()
            if word == "\1(" and len(words) == 1:
                self.at += 1
                if self.peek() == "\1)" and "=" not in words[0]:
                    self.at += 1
                    self.newlines()
                    return ("function", words[0], self.command())
                return self.array()
            if word.startswith("\1"):
                if (len(word) > 1 and word[1] in "<>") or word in ("\1&>", "\1&>>"):
                    self.at += 2
                    continue
                break
            if not word:
                break
            words.append(word)
            self.at += 1
        if not words and self.peek().removeprefix("\1") in _CLOSERS:
            raise Malformed(f"{self.peek().removeprefix(chr(1)) or 'end'} is not expected here")
        if not words:
            self.at += 1
        return ("simple", words)

    def array(self) -> Node:
        depth = 1
        while depth:
            word = self.take()
            if not word:
                raise Malformed(") expected")
            depth += (word == "\1(") - (word == "\1)")
        return ("opaque",)
