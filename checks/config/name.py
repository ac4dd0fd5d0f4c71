import re
from collections.abc import Iterator

from audit.facts.guest import container_dir
from audit.host import Host
from audit.model import (
    CREATE,
    EVERYTHING,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    check,
)
from remediations.actions import Manual

RENAME = Fix(
    "name", "give another name with -n", (Manual(("# -n NAME: letters, digits and dashes",)),)
)
UTS_MAX = 64  # utsname(7): the template writes the name to lxc.uts.name


@check("The container's name can be a host name", Level.BLOCKING, stages=EVERYTHING)
def name(host: Host) -> Iterator[Finding]:
    """The name given with -n has no slash, no blanks, and at most 64 bytes.

    The templates write it to lxc.uts.name, which LXC limits, and into paths of shell scripts,
    which split at blanks. A dot first hides the container from lxc-ls.

    Why: "chmod: cannot access", "Failed to parse config file"
    See: lxc-create(1), hostname(7), LXC src/lxc/confile.c (set_config_uts_name)
    """
    chosen = host.request.container
    if chosen is None:
        raise NotApplicable("no container is named")
    seen = Evidence("-n", None, chosen[:100], "[A-Za-z0-9-], at most 64")
    if not chosen or "/" in chosen or chosen in (".", ".."):
        yield Fail(
            "a container's name is the name of a directory: it has no slash", seen, fix=RENAME
        )
        return
    exists = host.lstat(f"{host.get(container_dir)}/config") is not None
    if exists:
        yield Pass("the container has the name already", seen)
    elif len(chosen.encode(errors="surrogateescape")) > UTS_MAX:
        message = f"a host name has at most {UTS_MAX} bytes"
        yield Fail(message, seen, fix=RENAME, stages=(CREATE,))
    elif re.search(r"[\s;&|'\"$`\\*?<>()]", chosen):
        message = "the templates split the name at blanks and other signs"
        yield Fail(message, seen, fix=RENAME, stages=(CREATE,))
    else:
        yield Pass("the name can be a host name", seen)
