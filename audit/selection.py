"""--select and --ignore: which findings are shown and counted.

Every check is judged all the same. A prediction made from a part of the checks would call a host
ready that is not, and a consequence without its cause would read as a cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from audit.engine import CheckResult
from audit.errors import UsageError
from audit.model import Check
from audit.records import NamedTuple
from lxc_preflight import called


class Selection(NamedTuple):
    """The patterns of the options, none selected meaning all."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def keep(self, results: Iterable[CheckResult]) -> list[CheckResult]:
        """The chosen results, and the causes of those that were skipped unless ignored by name."""
        results = list(results)
        chosen = {r.check.id for r in results if self.wants(r.check)}
        causes = {c for r in results if r.check.id in chosen for c in r.skipped_because}
        return [
            r
            for r in results
            if r.check.id in chosen or (r.check.id in causes and not self.ignores(r.check))
        ]

    def wants(self, check: Check) -> bool:
        # A plugin that could not be loaded might have had what was selected.
        is_selected = not self.select or matches(check, self.select) or check.area == "plugin"
        return is_selected and not self.ignores(check)

    def ignores(self, check: Check) -> bool:
        return matches(check, self.ignore)


def selection(select: Iterable[str], ignore: Iterable[str]) -> Selection:
    """The options as given: comma separated, repeated."""
    return Selection(_patterns(select), _patterns(ignore))


def _patterns(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for text in given for part in text.split(",") if (word := part.strip()))


def matches(check: Check, patterns: Iterable[str]) -> bool:
    """Whether a pattern is a glob over the id or an alias, or the beginning of it: `network`."""
    return any(
        fnmatchcase(name, pattern) or name.startswith(f"{pattern}.")
        for pattern in patterns
        for name in (check.id, *check.aliases)
    )


def without_match(patterns: Iterable[str], checks: Mapping[str, Check]) -> list[str]:
    """The patterns that no check answers to."""
    return [p for p in patterns if not any(matches(check, (p,)) for check in checks.values())]


def demand_known(chosen: Selection, checks: Mapping[str, Check], option: str = "--select") -> None:
    """Raises UsageError for a selected id that no check has."""
    for pattern in without_match(chosen.select, checks):
        raise UsageError(
            f"{option} {pattern}: no check has such an id{did_you_mean(pattern, checks)}"
        )


def did_you_mean(word: str, checks: Mapping[str, Check]) -> str:
    """ "; did you mean a, b?" or where to find the list."""
    from difflib import get_close_matches

    names = [name for check in checks.values() for name in (check.id, *check.aliases)]
    close = get_close_matches(word, names, n=3, cutoff=0.5)
    close += [name for name in names if word and word in name and name not in close][
        : 3 - len(close)
    ]
    if close:
        return f"; did you mean {', '.join(close)}?"
    return f"; `{called()} checks` lists them"
