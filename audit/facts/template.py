"""The template script that lxc-create will run: where it is, what it says, which tools it calls.

Source: LXC src/lxc/utils.c (get_template_path), templates/.
"""

from __future__ import annotations

from audit.access import may
from audit.facts.executables import Executable, resolve, which
from audit.facts.lxc import template_dir
from audit.facts.session import session_credentials
from audit.facts.wanted import template
from audit.host import Host
from audit.model import NotApplicable

# Every template appends these to the PATH before it looks for its tools.
APPENDED = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
_ACL = "system.posix_acl_access"

# What the scripts of LXC 4.0 to 7.0 call and a host may lack, besides `busybox`, which its template
# seeks before it appends to the PATH. coreutils and grep are everywhere.
TOOLS: dict[str, tuple[str, ...]] = {
    "busybox": ("getopt", "awk"),
    "download": ("tar", "xz", "wget", "getopt", "awk", "sed"),
    "local": ("tar", "xz", "getopt", "awk"),
    "oci": ("skopeo", "umoci", "jq", "rsync", "getopt", "awk"),
}


def judged_template(host: Host) -> str:
    """The name or path given to lxc-create -t. Raises NotApplicable when no template will run."""
    name = host.get(template)
    if name is None or name == "none":
        raise NotApplicable("no template will run: the container is there, or will have no rootfs")
    return name


def template_path(host: Host, name: str) -> str:
    """A path as it is, a short name in LXC's template directory."""
    return name if name.startswith("/") else f"{host.get(template_dir)}/lxc-{name}"


def kind(name: str) -> str:
    """`/usr/share/lxc/templates/lxc-download` and `download` are the same script."""
    return name.rpartition("/")[2].removeprefix("lxc-")


def script(host: Host, name: str) -> str:
    """The text of a template, empty when it is missing."""
    return host.read(host.get(template_path, name)) or ""


def in_template(host: Host, tool: str) -> Executable | str | None:
    """What a template's shell finds on the user's PATH, then in the directories it appends."""
    found = host.get(which, tool)
    if found is not None:
        return found
    who = host.get(session_credentials)
    for directory in APPENDED:
        real = host.get(resolve, f"{directory}/{tool}", who)
        if real is not None and may(host.ask("stat", real), host.xattr(real, _ACL), who, "x"):
            return real
    return None
