"""The words every other module speaks: Outcome, Level, Stage, Evidence, Finding, Check. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from audit.records import NamedTuple

if TYPE_CHECKING:
    from audit.host import Host
    from remediations.actions import Action


class Outcome(StrEnum):
    """What a check found."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"  # could not look, and says why
    NOT_APPLICABLE = "not-applicable"  # the question does not arise on this host
    SKIPPED = "skipped"  # a consequence of a check that failed
    ERROR = "error"  # the check itself crashed


class Level(StrEnum):
    """What a failure means."""

    BLOCKING = "blocking"  # a container cannot be created or started as asked
    DEGRADED = "degraded"  # it runs, with something missing
    HARDENING = "hardening"  # it runs, and is weaker than it need be
    INFO = "info"  # never fails a gate; other verdicts lean on it


class Stage(StrEnum):
    """One promise each; see `docs/stages.md`."""

    CREATE = "create"
    START = "start"
    BARE_START = "bare_start"
    NETWORK = "network"
    LIMITS = "limits"


CREATE, START, BARE_START = Stage.CREATE, Stage.START, Stage.BARE_START
NETWORK, LIMITS = Stage.NETWORK, Stage.LIMITS

# Stage sets that most checks decide. Whatever stops the start stops it under a scope and without
# one, and a container that is not running has neither network nor limits.
STARTING = (START, BARE_START, NETWORK, LIMITS)
EVERYTHING = (CREATE, *STARTING)


class Unknown(Exception):
    """The host could not be observed here; carries the reason, never a guess.

    `cause` is the id of the check that explains it, where one does: when that check fails, what
    could not be looked at is its consequence and not one more open question.
    """

    def __init__(self, reason: object = "", cause: str = "") -> None:
        super().__init__(reason)
        self.cause = cause


class NotApplicable(Exception):
    """The question does not arise on this host; carries the reason."""


class Evidence(NamedTuple):
    """The line that proves a finding: where, what stands there, what should."""

    source: str
    line: int | None = None
    observed: str = ""
    expected: str = ""


class Fix(NamedTuple):
    """What would cure a finding: a title in the user's words, and what is to be done, in order.

    Whose rights it takes follows from the actions: `remediations.actions.needs_of`.
    """

    id: str  # the mechanism
    title: str
    actions: tuple[Action, ...] = ()
    then: str | None = None  # "re-login", "reboot" or nothing


class Finding(NamedTuple):
    """One answer of a check about one subject.

    `stages` and `level` are None where the check's own hold; a finding may narrow them, because the
    same fact can stop one stage on one LXC version and another on the next.
    """

    outcome: Outcome
    message: str
    evidence: tuple[Evidence, ...] = ()
    subject: str = ""
    fix: Fix | None = None
    level: Level | None = None
    stages: tuple[Stage, ...] | None = None


def Pass(message: str, *evidence: Evidence, subject: str = "") -> Finding:
    """The check's statement holds. Evidence is what was seen."""
    return Finding(Outcome.PASS, message, evidence, subject)


def Fail(
    message: str,
    *evidence: Evidence,
    subject: str = "",
    fix: Fix | None = None,
    level: Level | None = None,
    stages: tuple[Stage, ...] | None = None,
) -> Finding:
    """The statement does not hold; `message` names the cause in one line a person can act on."""
    return Finding(Outcome.FAIL, message, evidence, subject, fix, level, stages)


def Undecided(
    message: str,
    *evidence: Evidence,
    subject: str = "",
    level: Level | None = None,
    stages: tuple[Stage, ...] | None = None,
) -> Finding:
    """One subject of several could not be looked at.

    A whole check that cannot look raises Unknown instead.
    """
    return Finding(Outcome.UNKNOWN, message, evidence, subject, None, level, stages)


Judge = Callable[["Host"], Iterator[Finding]]


class Check(NamedTuple):
    """One question.

    `id` is `area.name`, the path of its file below `checks/` (plus a row key in a table).
    """

    id: str
    title: str  # a statement that is true when all is well
    level: Level
    judge: Judge
    doc: str  # What, Why:, See: — what `explain` prints
    stages: tuple[Stage, ...] = ()
    after: tuple[str, ...] = ()  # checks whose failure makes this one a mere consequence
    aliases: tuple[str, ...] = ()

    @property
    def area(self) -> str:
        return self.id.partition(".")[0]


def check(
    title: str,
    level: Level,
    *,
    stages: tuple[Stage, ...] = (),
    after: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
) -> Callable[[Judge], Check]:
    """Make the decorated judge a Check named after its file.

    checks/idmap/subuid_range.py -> idmap.subuid_range
    """

    def wrap(judge: Judge) -> Check:
        return Check(
            module_id(judge.__module__),
            title,
            level,
            judge,
            judge.__doc__ or "",
            stages,
            after,
            aliases,
        )

    return wrap


def module_id(module: str) -> str:
    """The dotted id of a module below a package called `checks`."""
    return module.rpartition("checks.")[2]
