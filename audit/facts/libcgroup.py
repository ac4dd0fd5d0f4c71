"""libcgroup: cgconfig.conf, which makes cgroups, and cgrules.conf, which says who goes where.

Sources: libcgroup src/lex.l, src/parse.y, src/config.c; src/api.c (cgroup_parse_rules_file);
cgconfig.conf(5), cgrules.conf(5). The files are in /etc; Gentoo moves them to /etc/cgroup.
"""

from __future__ import annotations

import re

from audit.facts.accounts import local_groups, login_groups, target
from audit.facts.distro import family
from audit.facts.pam import session_rule
from audit.host import Host
from audit.records import NamedTuple

CGCONFIG = ("/etc/cgroup/cgconfig.conf", "/etc/cgconfig.conf")
CGRULES = ("/etc/cgroup/cgrules.conf", "/etc/cgrules.conf")
CGCONFIG_D = ("/etc/cgroup/cgconfig.d", "/etc/cgconfig.d")
CGRULES_D = ("/etc/cgroup/cgrules.d", "/etc/cgrules.d")
SOCKETS = ("/run/cgred.socket", "/var/run/cgred.socket")  # of a running cgrulesengd
PIDFILES = ("/run/cgred.pid", "/run/cgrulesengd.pid")
DAEMON, PAM = "cgrulesengd", "pam_cgroup.so"
PARSERS = ("/usr/sbin/cgconfigparser", "/sbin/cgconfigparser")

_TOKEN = re.compile(
    r"""(?P<comment>^[ \t]*\#[^\n]*|^\*[^\n]*)
    | (?P<word>[a-zA-Z0-9_\-/.,%@\\]+)
    | "(?P<quoted>[^"]*)"
    | (?P<newline>\n)
    | (?P<blank>[ \t]+)
    | (?P<other>.)""",
    re.VERBOSE | re.MULTILINE,
)


class Spot(NamedTuple):
    """Where something stands in the text of a file: a value (`task.uid`), or the section of a
    controller with its braces.
    """

    name: str
    start: int
    end: int


class Group(NamedTuple):
    """A `group NAME { ... }` of cgconfig.conf. Owners are what stands there, names or numbers, ""
    when unset.

    `spots` and `opening`, the place behind its first brace, are offsets for who edits it.
    """

    name: str
    controllers: tuple[str, ...]
    task_uid: str
    task_gid: str
    admin_uid: str
    admin_gid: str
    source: str
    line: int
    spots: tuple[Spot, ...] = ()
    opening: int = 0


class Syntax(NamedTuple):
    """Where cgconfigparser would stop, and why."""

    source: str
    line: int
    why: str


class CgConfig(NamedTuple):
    """All groups of cgconfig.conf and cgconfig.d, up to the first error of each file."""

    groups: tuple[Group, ...]
    problems: tuple[Syntax, ...]
    files: tuple[str, ...]


class Rule(NamedTuple):
    """A line of cgrules.conf. `user` is a name, `@group` or `*`; `process` is "" when any process
    is meant.
    """

    user: str
    process: str
    controllers: tuple[str, ...]
    destination: str
    source: str
    line: int


class Token(NamedTuple):
    """A word, a quoted string or a single character of cgconfig.conf."""

    text: str
    line: int
    is_word: bool
    start: int = 0  # offsets in the text, quotes included
    end: int = 0


def tokens(text: str) -> list[Token]:
    """The tokens of cgconfig.conf as its lexer makes them."""
    found: list[Token] = []
    line = 1
    for match in _TOKEN.finditer(text):
        kind, span = match.lastgroup, match.span()
        if kind == "newline":
            line += 1
        elif kind == "word":
            found.append(Token(match["word"], line, True, *span))
        elif kind == "quoted":
            found.append(Token(match["quoted"], line, True, *span))
            line += match["quoted"].count("\n")
        elif kind == "other" and match["other"] not in "\r\v\f":
            found.append(Token(match["other"], line, False, *span))
    return found


class _Stop(Exception):
    """A syntax error."""

    def __init__(self, token: Token | None, why: str, last: int) -> None:
        super().__init__(why)
        self.line = token.line if token else last
        self.why = why


class _Parser:
    """The grammar of parse.y, as far as groups and their owners go."""

    def __init__(self, text: str, source: str) -> None:
        self.tokens = tokens(text)
        self.at = 0
        self.source = source
        self.last = text.count("\n") + 1

    def peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> Token:
        token = self.peek()
        if token is None:
            raise _Stop(None, "the file ends inside a block", self.last)
        self.at += 1
        return token

    def demand(self, text: str) -> Token:
        token = self.take()
        if token.is_word or token.text != text:
            raise _Stop(token, f"{token.text!r} where {text!r} should be", self.last)
        return token

    def word(self) -> Token:
        token = self.take()
        if not token.is_word:
            raise _Stop(token, f"{token.text!r} where a name should be", self.last)
        return token

    def file(self) -> tuple[list[Group], Syntax | None]:
        groups: list[Group] = []
        try:
            while (token := self.peek()) is not None:
                if token.text == "group":
                    groups.append(self.group())
                elif token.text in ("mount", "namespace", "default", "systemd", "template"):
                    self.at += 1
                    if token.text == "template":
                        self.word()
                    self.block()
                else:
                    raise _Stop(token, f"{token.text!r} begins no section", self.last)
        except _Stop as stop:
            return groups, Syntax(self.source, stop.line, stop.why)
        return groups, None

    def block(self) -> None:
        """Pass over `{ ... }`, whatever is inside, as long as the braces match."""
        self.demand("{")
        depth = 1
        while depth:
            token = self.take()
            if not token.is_word and token.text == "{":
                depth += 1
            elif not token.is_word and token.text == "}":
                depth -= 1

    def group(self) -> Group:
        line = self.take().line
        name = self.take()
        if not (name.is_word or name.text == "."):
            raise _Stop(name, f"{name.text!r} where the name of a group should be", self.last)
        opening = self.demand("{").end
        controllers: list[str] = []
        owners: dict[str, Token] = {}
        sections: list[Spot] = []
        while True:
            token = self.take()
            if not token.is_word and token.text == "}":
                break
            if token.text == "perm":
                self.permissions(owners)
            elif token.is_word:
                controllers.append(token.text)
                self.settings({})
                sections.append(Spot(token.text, token.start, self.tokens[self.at - 1].end))
            else:
                raise _Stop(token, f"{token.text!r} inside group {name.text}", self.last)
        values = {key: token.text for key, token in owners.items()}
        return Group(
            name.text,
            tuple(controllers),
            values.get("task.uid", ""),
            values.get("task.gid", ""),
            values.get("admin.uid", ""),
            values.get("admin.gid", ""),
            self.source,
            line,
            (*(Spot(key, one.start, one.end) for key, one in owners.items()), *sections),
            opening,
        )

    def permissions(self, owners: dict[str, Token]) -> None:
        self.demand("{")
        while True:
            token = self.take()
            if not token.is_word and token.text == "}":
                return
            if token.text not in ("task", "admin"):
                raise _Stop(token, f"{token.text!r} inside perm", self.last)
            settings: dict[str, Token] = {}
            self.settings(settings)
            owners.update({f"{token.text}.{key}": value for key, value in settings.items()})

    def settings(self, into: dict[str, Token]) -> None:
        """`{ key = value; ... }`"""
        self.demand("{")
        while True:
            token = self.take()
            if not token.is_word and token.text == "}":
                return
            if not token.is_word:
                raise _Stop(token, f"{token.text!r} where a setting should be", self.last)
            self.demand("=")
            into[token.text] = self.word()
            self.demand(";")


def parse_cgconfig(text: str, source: str) -> tuple[tuple[Group, ...], Syntax | None]:
    """The groups of one file and, when cgconfigparser would refuse it, where."""
    groups, problem = _Parser(text, source).file()
    return tuple(groups), problem


def cgconfig(host: Host) -> CgConfig:
    """What cgconfigparser would set up; empty when there is no configuration."""
    groups: list[Group] = []
    problems: list[Syntax] = []
    files = host.get(config_files, CGCONFIG, CGCONFIG_D)
    for path in files:
        found, problem = parse_cgconfig(host.read(path) or "", path)
        groups += found
        if problem is not None:
            problems.append(problem)
    return CgConfig(tuple(groups), tuple(problems), files)


def config_files(
    host: Host, candidates: tuple[str, ...], directories: tuple[str, ...]
) -> tuple[str, ...]:
    """The first of the candidates that exists, then *.conf of its sibling directory in order of
    name.
    """
    for path, directory in zip(candidates, directories, strict=True):
        text = host.read(path)
        names = [name for name in host.list(directory) or () if name.endswith(".conf")]
        if text is not None or names:
            head = (path,) if text is not None else ()
            return (*head, *(f"{directory}/{name}" for name in names))
    return ()


def parse_rules(text: str, source: str) -> tuple[Rule, ...]:
    """The rules of one cgrules.conf; `%` continues the line above for the same user. Incomplete
    lines end it.
    """
    rules: list[Rule] = []
    user = process = ""
    for number, line in enumerate(text.split("\n"), 1):
        body = line.partition("#")[0].strip()
        if not body:
            continue
        fields = rule_fields(body)
        if len(fields) < 3:
            break  # libcgroup gives the whole file up here
        if fields[0] != "%":
            user, _, process = fields[0].partition(":")
        if not user:
            continue
        controllers = tuple(name for name in fields[1].split(",") if name)
        rules.append(Rule(user, process, controllers, fields[2], source, number))
    return tuple(rules)


def rule_fields(line: str) -> list[str]:
    """Fields between blanks; a field in double quotes may hold blanks."""
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^ \t"]+)', line)]


def rules(host: Host) -> tuple[Rule, ...]:
    """All rules in the order in which they are tried: the first that matches is used."""
    found: list[Rule] = []
    for path in host.get(config_files, CGRULES, CGRULES_D):
        found += parse_rules(host.read(path) or "", path)
    return tuple(found)


def rule_for_user(host: Host) -> Rule | None:
    """The first rule for any process of the target user: by name, by @group, or `*`."""
    account = host.get(target)
    gids = host.get(login_groups)
    groups = {name for name, gid, _ in host.get(local_groups) if gid in gids}
    for rule in host.get(rules):
        if rule.process:
            continue
        if rule.user in (account.name, "*") or (
            rule.user.startswith("@") and rule.user[1:] in groups
        ):
            return rule
    return None


def destination(host: Host, rule: Rule) -> str:
    """Where a rule leads for the target user: %u, %U, %g and %G filled in; no slash in front."""
    account = host.get(target)
    gid = str(account.gid)
    group = next((name for name, number, _ in host.get(local_groups) if number == account.gid), gid)
    filled = rule.destination
    for letter, value in (
        ("%U", str(account.uid)),
        ("%u", account.name),
        ("%G", gid),
        ("%g", group),
    ):
        filled = filled.replace(letter, value)
    return filled.strip("/")


def cgconfig_file(host: Host) -> str:
    """The cgconfig.conf of this host; where there is none yet, that of the distribution."""
    return host.get(main_file, CGCONFIG, CGCONFIG_D)


def cgrules_file(host: Host) -> str:
    """The same of cgrules.conf."""
    return host.get(main_file, CGRULES, CGRULES_D)


def main_file(host: Host, candidates: tuple[str, ...], directories: tuple[str, ...]) -> str:
    """The candidate whose directory is in use, else Gentoo's on Gentoo and the usual one."""
    for path, directory in zip(candidates, directories, strict=True):
        if host.read(path) is not None or host.list(directory):
            return path
    return candidates[0] if host.get(family) == "gentoo" else candidates[1]


def broken_rule(host: Host) -> tuple[str, int, str] | None:
    """The first line that ends its file for libcgroup: where it stands, and its text."""
    for path in host.get(config_files, CGRULES, CGRULES_D):
        for number, line in enumerate((host.read(path) or "").split("\n"), 1):
            body = line.partition("#")[0].strip()
            if body and len(rule_fields(body)) < 3:
                return path, number, line
    return None


def moves_logins(host: Host) -> str:
    """What would act on the rules at a login: DAEMON, PAM, or "" for nothing."""
    if any(host.stat(path) is not None for path in (*SOCKETS, *PIDFILES)):
        return DAEMON
    if host.get(session_rule, "pam_cgroup") is not None:
        return PAM
    return ""


def installed(host: Host) -> bool:
    """Whether libcgroup's tools are there."""
    return any(host.stat(path) is not None for path in PARSERS)
