"""Errors for people: one line that says what, where, and what to do."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command that gates (README, "Exit codes")."""

    PASSED = 0
    FOUND = 1
    USAGE = 2
    UNDECIDED = 3


class UsageError(Exception):
    """Unusable input: unknown user, unreadable config, broken snapshot. Ends with exit code 2."""


class PluginCrashed(Exception):
    """A plugin's renderer failed: nothing was written. Ends with exit code 3."""
