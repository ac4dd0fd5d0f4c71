"""Hosts constructed from the lab's results: what really booted hosts looked like, cgroup by cgroup.

They are not recordings. Whatever is not said is absent, as on a host that lacks it.
"""

from __future__ import annotations

from collections.abc import Sequence

from audit.host import Host, Request
from audit.live import search_bytes
from audit.model import Unknown
from audit.source import Answer

UID = 1000
CG = "/sys/fs/cgroup"
MANAGER = f"/user.slice/user-{UID}.slice/user@{UID}.service"
SESSION = f"/user.slice/user-{UID}.slice/session-3.scope"
LIBRARY = "/usr/lib/x86_64-linux-gnu/liblxc.so.1"
CONFIG = "/home/lxc/.config/lxc/default.conf"
DELEGATE = "cgroup.procs\ncgroup.threads\ncgroup.subtree_control\nmemory.oom.group\n"
USER_SERVICE = "[Service]\nUser=%i\nPAMName=systemd-user\nDelegate={}\nTasksMax=infinity\n"
ALL = "cpuset cpu io memory hugetlb pids"


class Lab:
    """A source of answers: files, who owns them, and nothing else."""

    kind = "live"

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.directories: set[str] = {"/"}
        self.owned: set[str] = set()  # by the user
        self.links: dict[str, str] = {}
        self.environment: dict[str, str] = {}
        self.needed: list[str] = []
        self.lxc = "5.0.2"
        self.asking = 0

    def write(self, path: str, text: str = "", owned: bool = False) -> None:
        self.files[path] = text
        parts = path.split("/")
        self.directories |= {"/".join(parts[:end]) or "/" for end in range(1, len(parts))}
        if owned:
            self.owned.add(path)

    def remove(self, path: str) -> None:
        for known in [one for one in self.files if one == path or one.startswith(path + "/")]:
            del self.files[known]
        self.directories = {d for d in self.directories if d != path and path + "/" not in d + "/"}

    def cgroup(
        self,
        path: str,
        controllers: str = "",
        *,
        owned: bool = False,
        handed: str = "",
        procs: str = "",
        top: str = CG,
    ) -> None:
        """A cgroup2 directory with its files, the user's or root's."""
        place = top + path.rstrip("/")
        names = {
            "cgroup.controllers": controllers,
            "cgroup.subtree_control": handed,
            "cgroup.procs": procs,
            "cgroup.threads": "",
            "cgroup.stat": "nr_descendants 0\n",
        }
        if path.strip("/"):
            names |= {"cgroup.max.descendants": "max\n", "cgroup.max.depth": "max\n"}
            if "memory" in controllers:
                names["memory.oom.group"] = "0\n"
        mine = ("cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "memory.oom.group")
        for name, text in names.items():
            self.write(f"{place}/{name}", text, owned and name in mine)
        if owned:
            self.owned.add(place)

    def ask(self, verb: str, *args: str) -> Answer:
        if verb in ("stat", "lstat"):
            return self._stat(args[0])
        if verb in ("read", "user_read"):
            return self.files.get(args[0])
        if verb == "real":
            target = self.links.get(args[0], args[0])
            return target if target == "/dev/null" or self._stat(target) else None
        if verb == "link":
            return self.links.get(args[0])
        if verb in ("list", "user_list"):
            return self._list(args[0])
        if verb == "search":
            return self._search(*args)
        return self._other(verb, *args)

    def _stat(self, path: str) -> Answer:
        owner = UID if path in self.owned else 0
        if path in self.files or path in self.links:
            return ["file", 0o644, owner, owner, 1, 0, 1]
        if path in self.directories:
            return ["directory", 0o755, owner, owner, 0, 0, 1]
        return None

    def _list(self, path: str) -> Answer:
        if path not in self.directories:
            return None
        head = path.rstrip("/") + "/"
        below = [*self.files, *self.directories, *self.links]
        found = sorted({one[len(head) :].split("/")[0] for one in below if one.startswith(head)})
        return list(found)

    def _search(self, path: str, pattern: str) -> Answer:
        if path != LIBRARY:
            return None
        linked = "\0".join(self.needed)
        text = f"\0liblxc\0{self.lxc}\0libseccomp.so.2\0{linked}\0"
        return search_bytes(text.encode(), pattern)

    def _other(self, verb: str, *args: str) -> Answer:
        if verb == "self":
            return {"uid": self.asking, "gid": self.asking, "groups": [self.asking], "umask": 18}
        if verb == "env":
            return self.environment.get(args[0])
        if verb == "uname":
            return ["Linux", "lab", "6.1.0-18-amd64", "x86_64"]
        if verb in ("xattr", "package", "statvfs", "expiry"):
            return None
        raise Unknown(f"the lab does not answer {verb}")

    def host(self, guest: str = "plain") -> Host:
        return Host(self, Request(user="lxc", guest=guest))

    def as_user(self, cgroup: str | None = None, runtime: bool = True) -> Lab:
        """Asked from a session of the user and not by root."""
        self.asking = UID
        self.environment = {"HOME": "/home/lxc", "PATH": "/usr/bin:/bin"}
        if runtime and f"/run/user/{UID}/systemd/private" in self.files:
            self.environment["XDG_RUNTIME_DIR"] = f"/run/user/{UID}"
            if f"/run/user/{UID}/bus" in self.files:
                self.environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path=/run/user/{UID}/bus"
        if cgroup is not None:
            self.write("/proc/self/cgroup", cgroup)
        return self


def base(lxc: str, config: Sequence[str] = ()) -> Lab:
    """What all the lab's hosts have."""
    lab = Lab()
    lab.lxc = lxc
    lab.write("/etc/passwd", f"root:x:0:0::/root:/bin/sh\nlxc:x:{UID}:{UID}::/home/lxc:/bin/sh\n")
    lab.write("/etc/group", f"root:x:0:\nlxc:x:{UID}:\n")
    lab.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\n")
    lab.write("/usr/bin/lxc-start")
    lab.write(LIBRARY)
    lab.write("/sys/kernel/cgroup/delegate", DELEGATE)
    lab.write("/proc/cmdline", "root=/dev/vda\n")
    lines = ("lxc.net.0.type = empty", "lxc.idmap = u 0 100000 65536", *config)
    lab.write(CONFIG, "\n".join(lines) + "\n")
    lab.write("/etc/pam.d/login", "@include common-session\n")
    lab.write("/etc/pam.d/common-session", "session required pam_unix.so\n")
    lab.directories.add("/home/lxc")
    return lab


def mounts(lab: Lab, *cgroups: tuple[str, str, str]) -> None:
    """The mount table: (mount point, type, options of the file system)."""
    lines = ["1 0 8:1 / / rw - ext4 /dev/vda rw", "2 1 0:20 / /sys rw - sysfs sysfs rw"]
    for number, (point, fstype, options) in enumerate(cgroups, 3):
        parent = 2 if point == CG else 3
        lines.append(f"{number} {parent} 0:{number + 20} / {point} rw - {fstype} cg rw,{options}")
        lab.write(f"{point}/.mounted")
    lab.write("/proc/self/mountinfo", "\n".join(lines) + "\n")


def unified(lab: Lab, controllers: str = ALL, lines: str = "0::/\n") -> None:
    """cgroup2 alone."""
    mounts(lab, (CG, "cgroup2", "nsdelegate"))
    lab.write("/proc/self/cgroup", lines)
    lab.cgroup("/", controllers, handed=controllers)


def hybrid(lab: Lab, *names: str, with_v2: bool = True) -> None:
    """cgroup v1, the named hierarchies, and cgroup2 beside it or not."""
    places = [(CG, "tmpfs", "mode=755")]
    places += [(f"{CG}/{name.removeprefix('name=')}", "cgroup", name) for name in names]
    if with_v2:
        places.append((f"{CG}/unified", "cgroup2", "nsdelegate"))
    mounts(lab, *places)
    lines = [f"{9 - n}:{name}:/" for n, name in enumerate(names)]
    lab.write("/proc/self/cgroup", "\n".join([*lines, "0::/"]) + "\n")
    if with_v2:
        lab.cgroup("/", "", top=f"{CG}/unified")


def systemd(lab: Lab, delegated: str = "cpu memory pids", *, bus: bool = False) -> None:
    """systemd with logind and pam_systemd, as Debian has them."""
    lab.directories |= {"/run", "/run/systemd", "/run/systemd/system"}
    lab.write("/usr/lib/systemd/system/user@.service", USER_SERVICE.format(delegated))
    lab.write("/usr/lib/systemd/system/systemd-logind.service", "[Service]\nExecStart=x\n")
    lab.write(
        "/etc/pam.d/common-session",
        "session required pam_unix.so\nsession optional pam_systemd.so\n",
    )
    if bus:
        lab.write("/usr/lib/systemd/user/sockets.target.wants/dbus.socket")


def logged_in(lab: Lab, have: str, *, top: str = CG, bus: bool = False) -> Lab:
    """The user has a session: its manager runs, the session's scope is root's."""
    lab.write(f"/run/user/{UID}/systemd/private")
    if bus:
        lab.write(f"/run/user/{UID}/bus")
    lab.cgroup("/user.slice", have, handed=have, top=top)
    lab.cgroup(f"/user.slice/user-{UID}.slice", have, handed=have, top=top)
    lab.cgroup(MANAGER, have, owned=True, top=top)
    lab.cgroup(SESSION, have, procs="700\n", top=top)
    return lab
