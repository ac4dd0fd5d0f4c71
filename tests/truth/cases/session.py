"""Sessions: login, environment, limits, masks."""

from tests.truth.case import Case

CASES = (
    Case("account_expired", "chage -E 0 $U", cause=("session.login",)),
    Case("shell_nologin", "usermod -s /usr/sbin/nologin $U", cause=("session.login",)),
    Case("nopam_session", runner="nopam"),
    Case("no_term", prefix="unset TERM;"),
    Case(
        "chroot",
        "mkdir -p /run/croot; mount --rbind / /run/croot",
        runner="chroot",
        cause=("session.chroot",),
    ),
    Case("home_unset", prefix="unset HOME;", cause=("session.home",)),
    Case("home_wrong", prefix="export HOME=/root;", cause=("session.home",)),
    Case(
        "xdg_foreign",
        "install -d -m 700 /run/user/0",
        prefix="export XDG_RUNTIME_DIR=/run/user/0;",
        cause=("storage.run_dir",),
    ),
    Case(
        "xdg_missing", prefix="export XDG_RUNTIME_DIR=/run/user/59999;", cause=("storage.run_dir",)
    ),
    Case("xdg_empty", prefix="export XDG_RUNTIME_DIR=;", cause=("storage.run_dir",)),
    Case("primary_gid_of_run", "usermod -g 0 $U", cause=("storage.run_dir",)),
    Case(
        "profile_umask_077",
        "rm -rf $LXC; echo umask 077 > $H/.profile; chown $U: $H/.profile",
        cause=("storage.path_access",),
    ),
    Case(
        "profile_ulimit",
        "echo ulimit -n 20 > $H/.profile; chown $U: $H/.profile",
        cause=("session.limit_nofile",),
    ),
    Case(
        "profile_path",
        "mkdir -p /srv/bin; cp /usr/bin/newuidmap /srv/bin/; chmod 755 /srv/bin/newuidmap; "
        "echo 'PATH=/srv/bin:$PATH' > $H/.profile; chown $U: $H/.profile",
        cause=("idmap.helper_privileged",),
    ),
    Case("umask_077", "rm -rf $LXC", prefix="umask 077;", cause=("storage.path_access",)),
    Case(
        "umask_027_fresh", "rm -rf $H/.local", prefix="umask 027;", cause=("storage.path_access",)
    ),
    Case("umask_027_only", prefix="umask 027;"),
    Case("ulimit_nofile", prefix="ulimit -n 20;", cause=("session.limit_nofile",)),
    Case("ulimit_nofile_256", prefix="ulimit -n 256;"),
    Case("ulimit_nproc", prefix="ulimit -u 3;", cause=("session.limit_nproc",)),
    Case("ulimit_fsize", prefix="ulimit -f 100;", cause=("session.limit_fsize",)),
    Case(
        "devnull_0600",
        "cp -a /dev/null /run/null; chmod 600 /run/null; mount --bind /run/null /dev/null",
        cause=("userns.dev_null",),
    ),
    Case(
        "ptmx_0600",
        "cp -a /dev/ptmx /run/ptmx; chmod 600 /run/ptmx; mount --bind /run/ptmx /dev/ptmx",
        cause=("userns.ptmx",),
    ),
)
