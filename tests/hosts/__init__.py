"""Real hosts with systemd, OpenRC or sysvinit, booted in QEMU, where the audit's word counts.

A private world (tests/truth) shares this machine's kernel, init and cgroups. These hosts have their
own: that is where systemd's delegation, a login by ssh or cron, OpenRC and kernel arguments are
tried. `make hosts` runs the whole matrix; a part of it runs in `make test`.
"""
