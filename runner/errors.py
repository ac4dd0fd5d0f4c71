"""How a run ends when it does not end well."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.host import Host


class Failed(Exception):
    """Something that should have worked did not: one line for a person. Ends with exit code 1.

    `log` is what the failing program said, and `judged` the host with the config that was used, for
    `diagnose`.
    """

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log
        self.judged: Host | None = None


class Interrupted(BaseException):
    """A signal asked this process to end. No Exception, so that nobody takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class TimedOut(Failed):
    """The time that --timeout allows has passed."""
