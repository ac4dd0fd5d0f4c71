"""Who else can be asked: lxc-checkconfig, and the rules of thumb of the how-tos."""

from __future__ import annotations

import fnmatch
from typing import NamedTuple

from tests.truth import reality, world
from tests.truth.case import Case

HOWTO = f"bash {world.PLACE}/tests/truth/howto.sh"
# Which checks ask what a peer's words are about.
TOPICS = {
    "tools": ("lxc.installed", "image.tools*"),
    "helpers": ("idmap.helper_*", "session.privileges*"),
    "userns": ("userns.*", "kernel.*"),
    "subids": ("idmap.*",),
    "config": ("config.*",),
    "idmap": ("idmap.*", "config.*"),
    "home": ("storage.*",),
    "usernet": ("network.usernet_*",),
    "bridge": ("network.bridge_*",),
    "cgroup": ("cgroup.*",),
    "newuidmap": ("idmap.helper_*",),
    "newgidmap": ("idmap.helper_*",),
    "Cgroup": ("cgroup.*",),
}


class Answer(NamedTuple):
    """`works`: what a peer predicts; `words`: what it complains about."""

    works: bool
    words: tuple[str, ...] = ()

    def names(self, causes: tuple[str, ...]) -> bool:
        """Whether any complaint is about one of the true causes."""
        about = [glob for line in self.words for glob in _globs(line)]
        return any(fnmatch.fnmatch(cause, glob) for cause in causes for glob in about)


def _globs(line: str) -> tuple[str, ...]:
    words = line.replace(":", " ").split()
    return next((TOPICS[word] for word in words if word in TOPICS), ())


def complaints(case: Case, user: world.User) -> tuple[int, tuple[str, ...]]:
    """lxc-checkconfig's exit code, and the lines that say missing, required or not installed."""
    done = reality.run(case, user, "lxc-checkconfig", 30)
    bad = ("missing", "required", "not installed", "not setuid", "unable to")
    lines = (done.stdout + done.stderr).splitlines()
    return done.returncode, tuple(line for line in lines if any(word in line for word in bad))


def checkconfig(
    healthy: tuple[str, ...], code: int, said: tuple[str, ...]
) -> tuple[Answer, Answer]:
    """Its verdict by exit code, and by words that it does not also say on the healthy host."""
    new = tuple(line for line in said if line not in healthy)
    return Answer(code == 0), Answer(not new, new)


def howto(case: Case, user: world.User) -> Answer:
    """The rule-of-thumb script, in the user's session."""
    done = reality.run(case, user, HOWTO, 30)
    return Answer(done.returncode == 0, tuple(done.stdout.splitlines()) if done.returncode else ())
