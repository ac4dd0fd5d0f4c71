from collections.abc import Iterator

from audit.facts.executables import Executable, anywhere, which
from audit.facts.session import search_path
from audit.facts.template import TOOLS, in_template, judged_template, kind, script
from audit.host import Host
from audit.model import (
    CREATE,
    Evidence,
    Fail,
    Finding,
    Fix,
    Level,
    NotApplicable,
    Pass,
    Unknown,
    check,
)
from remediations.distro import install
from remediations.login_path import add_to_path

# The templates of LXC before 4.0.8 verify signatures, and say what they miss.
WANTS_GPG = "Missing recommended tool: gpg"


@check(
    "The tools that the template calls are installed",
    Level.BLOCKING,
    stages=(CREATE,),
    after=("lxc.installed", "image.template"),
)
def tools(host: Host) -> Iterator[Finding]:
    """The template finds its tools: busybox itself, or tar, xz and wget for a download.

    The script appends /usr/sbin, /usr/bin, /sbin and /bin to the user's PATH; only `busybox` is
    sought before that. BusyBox's own tar cannot unpack an image: it knows neither --anchored nor
    --numeric-owner.

    Why: "ERROR: Missing required tool: wget", "ERROR: Please pass a pathname for busybox binary"
    See: LXC templates/lxc-download.in, templates/lxc-busybox.in
    """
    name = judged_template(host)
    wanted = TOOLS.get(kind(name))
    if wanted is None:
        raise NotApplicable(f"what the template {name} calls is not known to this audit")
    if kind(name) == "busybox":
        yield busybox(host)
    if WANTS_GPG in host.get(script, name):
        wanted = (*wanted, "gpg")
    path = ":".join(host.get(search_path))
    for tool in wanted:
        found = host.get(in_template, tool)
        if found is None:
            yield Fail(
                f"the template {name} needs {tool}, which is not installed",
                Evidence("PATH", None, path, f"a directory with {tool}"),
                subject=tool,
                fix=install(host, PACKAGE.get(tool, tool)),
            )
        elif tool == "tar" and kind(name) == "download" and is_busybox(found):
            yield Fail(
                f"tar is BusyBox's ({real(found)}), which cannot unpack an image",
                Evidence(real(found), None, "BusyBox", "GNU tar or bsdtar"),
                subject=tool,
                fix=install(host, "tar"),
            )
        else:
            yield Pass(f"{tool} is {real(found)}", Evidence(real(found)), subject=tool)


# tool -> what distributions call the package or tool that brings it
PACKAGE = {"awk": "gawk", "getopt": "util-linux"}


def busybox(host: Host) -> Finding:
    """busybox has to be on the user's own PATH."""
    found = host.get(which, "busybox")
    if found is not None:
        return Pass(f"busybox is {found.path}", Evidence(found.path), subject="busybox")
    return Fail(
        "busybox, of which the template makes the container, is not on the user's PATH",
        Evidence("PATH", None, ":".join(host.get(search_path)), "a directory with busybox"),
        subject="busybox",
        fix=_find_busybox(host),
    )


def _find_busybox(host: Host) -> Fix:
    """One that is there and not on the PATH is brought there."""
    try:
        path = host.get(anywhere, "busybox")
    except Unknown:
        path = None
    return add_to_path(host, path.rpartition("/")[0]) if path else install(host, "busybox")


def real(found: Executable | str) -> str:
    return found if isinstance(found, str) else found.real


def is_busybox(found: Executable | str) -> bool:
    return real(found).rpartition("/")[2].startswith("busybox")
