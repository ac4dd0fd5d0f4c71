"""Writes docs/trees.md: which distributions are constructed trees, and from what.

python -m tests.trees > docs/trees.md
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.trees.constructed import STATES, Distribution, distribution, names

HEAD = """\
# Constructed trees

Written by `make docs` from tests/trees/.

Distributions that cannot be booted where this project is tested are root trees: directories with
the files, modes, capabilities, links and package databases that the audit reads there. **They are
constructed, never recorded**: each file is written after a package, a build recipe or a manual,
which the tree names. Programs are stand-ins. What is recorded from real hosts is in
tests/recorded/.

A tree has three states: freshly installed with an ordinary account; with the distribution's
packages of LXC as they ship; and set up for the account as the manual pages say (of the
distributions' wikis only parts could be read). `audit --root` must find exactly the causes below
for the template that each row names. The script of `fix --root` must use the distribution's own
commands, cure what files alone can cure, and come off again without a trace.

A tree shows nothing of a running host: no cgroups, no session, no network. Recipes that could be
read are of several dates: versions are those of the sources.
"""


def page() -> str:
    found = [distribution(key) for key in sorted(names(), key=_order)]
    return "\n".join((HEAD, *(line for one in found for line in _section(one)))).rstrip() + "\n"


def _order(key: str) -> tuple[bool, str]:
    return key != "ubuntu", key  # first the one whose packages themselves were unpacked


def _section(one: Distribution) -> Iterator[str]:
    yield f"## {one.title}\n"
    yield f"From {one.made_from}.\n"
    yield "| state | without | template | causes | degraded |"
    yield "| --- | --- | --- | --- | --- |"
    for row in one.expected:
        cells = (
            row.state,
            ", ".join(row.without),
            row.template,
            ", ".join(sorted(row.causes)),
            ", ".join(sorted(row.degraded)),
        )
        yield f"| {' | '.join(cells)} |"
    packages = {
        package.name: package.version for state in STATES for package in one.packages[state]
    }
    listed = ", ".join(f"{name} {version}" for name, version in packages.items())
    yield f"\nPackages in its database: {listed}.\n"
    yield "Sources:\n"
    yield from (f"- {key}: {text}" for key, text in one.sources.items())
    if one.unverified:
        yield "\nNot verified:\n"
        yield from (f"- {text}" for text in one.unverified)
    yield ""


if __name__ == "__main__":
    print(page(), end="")
